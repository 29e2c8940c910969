//! The CRDs of the kinds a cluster has that are not the API server's own.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::Value;

use super::{ApiServer, Skip, assets, block_on};

/// How long the API server may take until it serves the kinds it was told of.
const SERVED_LIMIT: Duration = Duration::from_secs(60);

/// The folder `name` of CRD files: `gateway-api-standard-v1.3.0`, `vpa` or `gke-gateway`.
///
/// Looked for in `DIFY_TEST_CRDS` alone if that is set, else in the folder `shared/crds` beside
/// the repository, else in what `crds.sh` has downloaded.
pub fn crd_folder(name: &str) -> Result<PathBuf, Skip> {
    let places = match env::var_os("DIFY_TEST_CRDS") {
        Some(dir) => vec![PathBuf::from(dir)],
        None => vec![assets::repo_dir().join("../shared/crds"), assets::cache_dir().join("crds")],
    };
    let found = places.iter().map(|place| place.join(name)).find(|folder| folder.is_dir());
    found.ok_or_else(|| Skip(format!("there are no CRDs {name}; run tests/support/crds.sh")))
}

/// Installs the CRDs of files, and of folders of files (`*.yaml`), and waits until the server
/// serves their kinds. Documents of another kind are left out. Returns the names, in order.
pub fn apply_crds(server: &ApiServer, paths: &[PathBuf]) -> Vec<String> {
    let documents: Vec<Value> =
        paths.iter().flat_map(|path| yaml_files(path)).flat_map(|file| read_crds(&file)).collect();
    block_on(|| async {
        let client = server.client().await;
        let api: Api<CustomResourceDefinition> = Api::all(client.clone());
        let params = PatchParams::apply("integration-tests").force();
        let mut names = Vec::new();
        for document in &documents {
            let name = document["metadata"]["name"].as_str().expect("a CRD has a name");
            let applied = api.patch(name, &params, &Patch::Apply(document)).await;
            applied.unwrap_or_else(|error| panic!("CRD {name}: {error}"));
            names.push(name.to_owned());
        }
        for document in &documents {
            wait_until_served(&client, document).await;
        }
        names
    })
}

fn yaml_files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a directory entry").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

fn read_crds(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut documents: Vec<Value> =
        serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    documents.retain(|document| document["kind"] == "CustomResourceDefinition");
    documents
}

/// Lists each served version of the kind until that works: "established" comes a little earlier
/// than the handlers do.
async fn wait_until_served(client: &kube::Client, document: &Value) {
    let spec = &document["spec"];
    let text = |value: &Value| value.as_str().expect("a string in a CRD").to_owned();
    for version in spec["versions"].as_array().expect("versions in a CRD") {
        if version["served"] != true {
            continue;
        }
        let kind = GroupVersionKind::gvk(
            &text(&spec["group"]),
            &text(&version["name"]),
            &text(&spec["names"]["kind"]),
        );
        let resource = ApiResource::from_gvk_with_plural(&kind, &text(&spec["names"]["plural"]));
        let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
        let served = async {
            while api.list(&ListParams::default().limit(1)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let waited = tokio::time::timeout(SERVED_LIMIT, served).await;
        assert!(waited.is_ok(), "{kind:?} is not served");
    }
}
