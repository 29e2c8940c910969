//! The two clusters.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use dify_reconciler::cloud::Kubernetes;
use dify_reconciler::embedded::clock::Clock;
use dify_reconciler::embedded::kubernetes;

use crate::foreign::Foreign;
use crate::support::{self, REQUIRE_APISERVER, Skip};

/// The kinds that GKE adds to a cluster.
const CRDS: [&str; 3] = ["gateway-api-standard-v1.3.0", "gke-gateway", "vpa"];

/// A cluster without controllers, and who talks to it.
pub struct Cluster {
    /// Its kubeconfig file.
    pub kubeconfig: PathBuf,
    /// Our client.
    pub ours: Kubernetes,
    /// Somebody else's.
    pub theirs: Foreign,
    /// What ends with it.
    _embedded: Option<(kubernetes::Server, tempfile::TempDir)>,
}

/// The real one, which all tests of this binary share; `None` where it cannot be had.
pub async fn real() -> Option<Cluster> {
    let server = support::apiserver_or_skip()?;
    static SERVED: LazyLock<Result<(), Skip>> = LazyLock::new(|| {
        let folders = CRDS.into_iter().map(support::crd_folder).collect::<Result<Vec<_>, _>>()?;
        let server = support::apiserver_or_skip().expect("it runs already");
        support::apply_crds(server, &folders);
        Ok(())
    });
    support::present_or_skip(SERVED.as_ref(), REQUIRE_APISERVER)?;
    Some(connect(server.kubeconfig(), None).await)
}

/// An embedded one of its own for each test.
pub async fn embedded() -> Cluster {
    let options = kubernetes::Options {
        controllers: false,
        token: Some("integration-test-admin".into()),
        ..kubernetes::Options::new(Clock::running(1.0), kubernetes::Delays::NONE)
    };
    let server = kubernetes::Server::start(options).expect("the embedded cluster starts");
    let folder = tempfile::tempdir().expect("a directory");
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, server.kubeconfig()).expect("a kubeconfig");
    connect(&kubeconfig, Some((server, folder))).await
}

async fn connect(kubeconfig: &Path, embedded: Option<(kubernetes::Server, tempfile::TempDir)>) -> Cluster {
    Cluster {
        kubeconfig: kubeconfig.to_owned(),
        ours: Kubernetes::from_kubeconfig(kubeconfig).await.expect("a kubeconfig that can be read"),
        theirs: Foreign::new(kubeconfig).await,
        _embedded: embedded,
    }
}
