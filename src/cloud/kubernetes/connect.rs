//! Reaching a cluster: by a kubeconfig, or by its GKE endpoint with our own Google token.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ClientBuilder, ConfigExt};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;
use tower::ServiceBuilder;

use super::Kubernetes;
use crate::cloud::retry::Patience;
use crate::cloud::wire::{self, Wire};
use crate::error::{CloudError, Failure};

/// What the API server is called in errors.
const CALL: &str = "kubernetes connection";

/// Where a cluster's API server is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterAddress {
    /// `https://…`, or `http://…` for one in the same process.
    pub url: String,
    /// The certificate it is known by, as base64 of PEM, when no public authority vouches for it.
    pub certificate_authority: Option<String>,
}

impl ClusterAddress {
    /// The address in a cluster's document of the GKE API: its DNS name when it can be used from outside,
    /// or else its IP address. `None` while it has neither.
    pub fn of(cluster: &Value) -> Option<Self> {
        let text =
            |pointer: &str| cluster.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
        let dns = "/controlPlaneEndpointsConfig/dnsEndpointConfig";
        let open = cluster.pointer(&format!("{dns}/allowExternalTraffic")).and_then(Value::as_bool);
        if let (Some(name), Some(true)) = (text(&format!("{dns}/endpoint")), open) {
            return Some(Self { url: with_scheme(name), certificate_authority: None });
        }
        let certificate_authority = text("/masterAuth/clusterCaCertificate").map(str::to_owned);
        Some(Self { url: with_scheme(text("/endpoint")?), certificate_authority })
    }
}

fn with_scheme(host: &str) -> String {
    if host.contains("://") { host.to_owned() } else { format!("https://{host}") }
}

impl Kubernetes {
    /// The cluster at an address, with our Google identity. Nothing is sent yet.
    pub fn at(address: &ClusterAddress, wire: Arc<Wire>) -> Result<Self, CloudError> {
        let url = address.url.trim_end_matches('/').parse().map_err(|error| broken(&error))?;
        let mut config = Config::new(url);
        if let Some(authority) = &address.certificate_authority {
            config.root_cert = Some(certificates(authority)?);
        }
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        // Takes plain http, too.
        let connector = config.rustls_https_connector().map_err(|error| broken(&error))?;
        let http: legacy::Client<_, Body> = legacy::Client::builder(TokioExecutor::new()).build(connector);
        let service = ServiceBuilder::new().layer(config.base_uri_layer()).service(http);
        let client = ClientBuilder::new(service, "default").build();
        Ok(Self { client, wire: Some(wire), patience: Patience::default() })
    }

    /// The cluster of a kubeconfig's current context, with the identity that is written there.
    pub async fn from_kubeconfig(path: &Path) -> Result<Self, CloudError> {
        let file = Kubeconfig::read_from(path).map_err(|error| broken(&error))?;
        let options = KubeConfigOptions::default();
        let config = Box::pin(Config::from_custom_kubeconfig(file, &options)).await;
        let mut config = config.map_err(|error| broken(&error))?;
        // Ours knows when to stop; the library's goes on for longer than a request may take.
        config.default_retry = false;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        let client = Client::try_from(config).map_err(|error| broken(&error))?;
        Ok(Self { client, wire: None, patience: Patience::default() })
    }

    /// The same with other time limits.
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }
}

impl std::fmt::Debug for Kubernetes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kubernetes")
    }
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The error of a request that got no answer.
pub(super) fn failed(call: &str, error: &kube::Error) -> CloudError {
    let text = wire::whole(error);
    // The connector's own type is not public; its text is stable.
    let failure = if text.contains("client error (Connect)") { Failure::Connect } else { Failure::NoAnswer };
    CloudError::new(call, failure, text)
}

fn broken(error: &dyn std::error::Error) -> CloudError {
    CloudError::new(CALL, Failure::Connect, wire::whole(error))
}

/// The certificates in base64 of PEM, as the TLS library takes them.
fn certificates(authority: &str) -> Result<Vec<Vec<u8>>, CloudError> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let pem = STANDARD.decode(authority).map_err(|error| broken(&error))?;
    let pem = String::from_utf8(pem).map_err(|error| broken(&error))?;
    let blocks = pem.split("-----BEGIN CERTIFICATE-----").skip(1);
    let inner = blocks.filter_map(|block| block.split("-----END CERTIFICATE-----").next());
    inner
        .map(|text| STANDARD.decode(text.split_whitespace().collect::<String>()).map_err(|e| broken(&e)))
        .collect()
}
