//! Google's discovery documents: where they are, and what is wrong with a call by them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use dify_reconciler::plan::{Body, GoogleRequest, Method};
use serde_json::{Value, json};

use crate::body;
use crate::support::Skip;

/// The document of each API, by host and first part of the path.
const FILES: [(&str, &str, &str); 15] = [
    ("artifactregistry.googleapis.com", "v1", "artifactregistry.v1"),
    ("binaryauthorization.googleapis.com", "v1", "binaryauthorization.v1"),
    ("certificatemanager.googleapis.com", "v1", "certificatemanager.v1"),
    ("cloudbuild.googleapis.com", "v1", "cloudbuild.v1"),
    ("clouddeploy.googleapis.com", "v1", "clouddeploy.v1"),
    ("cloudresourcemanager.googleapis.com", "v3", "cloudresourcemanager.v3"),
    ("compute.googleapis.com", "compute", "compute.v1"),
    ("container.googleapis.com", "v1", "container.v1"),
    ("containeranalysis.googleapis.com", "v1", "containeranalysis.v1"),
    ("iam.googleapis.com", "v1", "iam.v1"),
    ("pubsub.googleapis.com", "v1", "pubsub.v1"),
    ("secretmanager.googleapis.com", "v1", "secretmanager.v1"),
    ("serviceusage.googleapis.com", "v1", "serviceusage.v1"),
    ("sqladmin.googleapis.com", "v1", "sqladmin.v1"),
    ("storage.googleapis.com", "storage", "storage.v1"),
];

/// The documents, read.
#[derive(Debug)]
pub struct Documents(BTreeMap<(&'static str, &'static str), Api>);

#[derive(Debug)]
struct Api {
    document: Value,
    methods: BTreeMap<String, Value>,
}

impl Documents {
    /// Reads them from where the script puts them.
    pub fn find() -> Result<Self, Skip> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let cache = std::env::var_os("DIFY_TEST_CACHE")
            .map_or_else(|| root.join("target/test-assets"), PathBuf::from);
        let place = cache.join("discovery");
        if !FILES.iter().all(|(_, _, file)| place.join(format!("{file}.json")).exists()) {
            return Err(Skip("there are no discovery documents; run tests/support/discovery.sh".into()));
        }
        let mut apis = BTreeMap::new();
        for (host, base, file) in FILES {
            let path = place.join(format!("{file}.json"));
            let text = fs::read(&path).map_err(|error| Skip(format!("{}: {error}", path.display())))?;
            let document: Value = serde_json::from_slice(&text)
                .map_err(|error| Skip(format!("{}: {error}", path.display())))?;
            let mut methods = BTreeMap::new();
            collect(&document, &mut methods);
            apis.insert((host, base), Api { document, methods });
        }
        Ok(Self(apis))
    }

    /// What is wrong with a call.
    pub fn faults(&self, request: &GoogleRequest) -> Vec<String> {
        let base = request.path.split('/').next().unwrap_or_default();
        let Some((_, api)) = self.0.iter().find(|((host, first), _)| *host == request.host && *first == base)
        else {
            return vec![format!("no document for {}/{base}", request.host)];
        };
        let Some(method) = api.methods.get(request.method_id) else {
            return vec![format!("{} is not a method of {}", request.method_id, request.host)];
        };
        let mut faults = address(api, method, request);
        faults.extend(query(api, method, request));
        let sent = match &request.body {
            Body::Empty => None,
            Body::Document(document) => Some(document.wire().clone()),
            Body::Generated(_) => Some(json!({"payload": {"data": "eA==", "dataCrc32c": "1"}})),
        };
        match (method.get("request"), sent) {
            (None, Some(_)) => faults.push("it takes no body".into()),
            (Some(schema), Some(sent)) => faults.extend(body::faults(&api.document, schema, &sent)),
            (Some(_), None) if request.method != Method::Get => faults.push("its body is missing".into()),
            _ => {}
        }
        faults
    }
}

fn collect(place: &Value, methods: &mut BTreeMap<String, Value>) {
    for method in place["methods"].as_object().into_iter().flat_map(|methods| methods.values()) {
        methods.insert(method["id"].as_str().unwrap_or_default().into(), method.clone());
    }
    for resource in place["resources"].as_object().into_iter().flat_map(|resources| resources.values()) {
        collect(resource, methods);
    }
}

fn address(api: &Api, method: &Value, request: &GoogleRequest) -> Vec<String> {
    let mut faults = Vec::new();
    let verb = format!("{:?}", request.method).to_uppercase();
    if method["httpMethod"] != verb.as_str() {
        faults.push(format!("it is a {}, not a {verb}", method["httpMethod"]));
    }
    let flat = method["flatPath"].as_str().or(method["path"].as_str()).unwrap_or_default();
    let template = format!("{}{flat}", api.document["servicePath"].as_str().unwrap_or_default());
    if !fits(&template, &request.path) {
        faults.push(format!("{} is not {template}", request.path));
    }
    let root = api.document["rootUrl"].as_str().unwrap_or_default();
    if root != format!("https://{}/", request.host) {
        faults.push(format!("its host is {root}"));
    }
    faults
}

/// Whether a path is one of a template: each part the same, or whatever stands for its parameter.
fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template.iter().zip(&path).all(|(expected, part)| match (expected.find('{'), expected.find('}')) {
            (Some(0), Some(end)) => {
                // What follows a colon is the method's, never part of a name.
                part.strip_suffix(&expected[end + 1..])
                    .is_some_and(|value| !value.is_empty() && !value.contains(':'))
            }
            _ => expected == part,
        })
}

fn query(api: &Api, method: &Value, request: &GoogleRequest) -> Vec<String> {
    let mut faults = Vec::new();
    let parameter = |name: &str| {
        let own = method["parameters"].get(name).filter(|parameter| parameter["location"] == "query");
        own.or_else(|| api.document["parameters"].get(name))
    };
    for (name, value) in &request.query {
        match parameter(name) {
            None => faults.push(format!("it has no parameter {name}")),
            Some(parameter) => {
                let fits = match parameter["type"].as_str() {
                    Some("integer") => value.parse::<i64>().is_ok(),
                    Some("boolean") => value.parse::<bool>().is_ok(),
                    _ => !value.is_empty(),
                };
                let known = parameter["enum"].as_array().is_none_or(|known| known.contains(&json!(value)));
                if !fits || !known {
                    faults.push(format!("{name} cannot be {value:?}"));
                }
            }
        }
    }
    for (name, parameter) in method["parameters"].as_object().into_iter().flatten() {
        let given = request.query.iter().any(|(given, _)| given == name);
        if parameter["location"] == "query" && parameter["required"] == true && !given {
            faults.push(format!("the parameter {name} is missing"));
        }
    }
    faults
}
