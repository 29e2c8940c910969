//! A real Kubernetes API server (with the etcd it needs) on a loopback port, for one test binary.
//!
//! Only the API is there: no controller acts on what is stored, no pod ever runs, nothing is
//! garbage-collected and a namespace that is deleted stays `Terminating`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;

use super::leash::Leash;
use super::{Skip, assets, block_on, free_port, poll, temp_dir};

/// How long a start may take: seconds on a machine at rest, far more on two cores that compile.
const START_LIMIT: Duration = Duration::from_secs(120);

/// How often to try another port when somebody was faster.
const START_ATTEMPTS: usize = 3;

/// The bearer token of the administrator (group `system:masters`). Not a secret: the server
/// listens on loopback only and has nothing in it but what tests put there.
const ADMIN_TOKEN: &str = "integration-test-admin";

/// A running API server. It ends when this is dropped or the test process ends.
pub struct ApiServer {
    server: Leash,
    // Declared after the server, so that it is dropped after it.
    etcd: Leash,
    url: String,
    ca_pem: String,
    kubeconfig: PathBuf,
}

impl ApiServer {
    /// Starts a server and waits until it is ready.
    ///
    /// Binaries that are missing are a [`Skip`]; binaries that do not work are a panic, because a
    /// test that skips then would hide it.
    pub fn start() -> Result<Self, Skip> {
        let assets = assets::kubernetes_dir()?;
        for _ in 0..START_ATTEMPTS {
            match Self::start_on(&assets, free_port()) {
                Ok(server) => return Ok(server),
                Err(log) if log.contains("address already in use") => {}
                Err(log) => panic!("the API server does not start\n{log}"),
            }
        }
        panic!("no free port for kube-apiserver after {START_ATTEMPTS} attempts")
    }

    /// Answers when the server is ready, or with the logs when it will never be.
    fn start_on(assets: &Path, port: u16) -> Result<Self, String> {
        let etcd = start_etcd(assets);
        let server = start_apiserver(assets, &etcd, port);
        let url = format!("https://127.0.0.1:{port}");
        let kubeconfig = server.dir().join("kubeconfig");
        let mut this = Self { server, etcd, url, ca_pem: String::new(), kubeconfig };
        this.wait_until(|this| this.server.dir().join("apiserver.key").exists())?;
        // Written before the key, so that it is complete by now.
        let certificate = this.server.dir().join("apiserver.crt");
        this.ca_pem = fs::read_to_string(certificate).expect("the server's certificate");
        fs::write(&this.kubeconfig, kubeconfig_text(&this.url, &this.ca_pem)).expect("a kubeconfig");
        this.wait_until(|this| this.readyz().is_ok())?;
        Ok(this)
    }

    fn wait_until(&self, condition: impl Fn(&Self) -> bool) -> Result<(), String> {
        let met = poll(START_LIMIT, || {
            if self.server.ended() || self.etcd.ended() {
                return Some(false);
            }
            condition(self).then_some(true)
        });
        if met == Some(true) { Ok(()) } else { Err(self.logs()) }
    }

    fn readyz(&self) -> Result<(), String> {
        block_on(|| async {
            let request =
                http::Request::get("/readyz").body(Vec::new()).map_err(|error| error.to_string())?;
            self.client().await.request_text(request).await.map(drop).map_err(|error| error.to_string())
        })
    }

    /// A kubeconfig file whose current context is the administrator of this server.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// `https://127.0.0.1:<port>`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The administrator's bearer token.
    pub fn token(&self) -> &str {
        ADMIN_TOKEN
    }

    /// The certificates to trust for [`Self::url`], in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// A client as the administrator, bound to the runtime it is made in.
    pub async fn client(&self) -> kube::Client {
        let kubeconfig = kube::config::Kubeconfig::read_from(&self.kubeconfig).expect("our own kubeconfig");
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &Default::default()).await;
        kube::Client::try_from(config.expect("our own kubeconfig")).expect("a client")
    }

    /// The ends of both servers' logs, to show with a failure.
    pub fn logs(&self) -> String {
        format!("kube-apiserver:\n{}\netcd:\n{}", self.server.log_tail(), self.etcd.log_tail())
    }
}

/// Starts etcd on sockets in its own directory: a path, unlike a port, nobody else can take.
fn start_etcd(assets: &Path) -> Leash {
    // To etcd this is a host and a port; as a path, it is relative to its directory.
    let (client, peer) = ("unix://client:0", "unix://peer:0");
    let etcd = assets.join("etcd");
    let mut command: Vec<OsString> = vec![etcd.clone().into()];
    let flags = [
        "--data-dir=data".to_owned(),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
    ];
    command.extend(flags.map(OsString::from));
    if knows_flag(&etcd, "--unsafe-no-fsync") {
        command.push("--unsafe-no-fsync".into());
    }
    let leash = Leash::start("KILL", temp_dir("etcd"), &command).expect("etcd can be started");
    let socket = leash.dir().join("client:0");
    let ready = poll(START_LIMIT, || (socket.exists() || leash.ended()).then_some(()));
    assert!(ready.is_some() && !leash.ended(), "etcd does not start:\n{}", leash.log_tail());
    leash
}

/// Whether a program's help names the flag: Debian 12's etcd (3.4) does not know this one, later ones do.
fn knows_flag(program: &Path, flag: &str) -> bool {
    let output = Command::new(program).arg("--help").stdin(Stdio::null()).output();
    output.is_ok_and(|output| {
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&text).contains(flag)
    })
}

/// Starts the API server on `port`; does not wait for it.
fn start_apiserver(assets: &Path, etcd: &Leash, port: u16) -> Leash {
    let dir = temp_dir("apiserver");
    let tokens = dir.path().join("tokens.csv");
    fs::write(&tokens, format!("{ADMIN_TOKEN},admin,admin,system:masters\n"))
        .expect("the token file can be written");
    let signing_key = dir.path().join("service-account.key");
    write_signing_key(assets, &signing_key);
    let mut command: Vec<OsString> = vec![assets.join("kube-apiserver").into()];
    let flags = [
        format!("--etcd-servers=unix://{}", etcd.dir().join("client:0").display()),
        "--bind-address=127.0.0.1".to_owned(),
        // Else it looks for a default route, which a machine without a network has not.
        "--advertise-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        format!("--cert-dir={}", dir.path().display()),
        format!("--token-auth-file={}", tokens.display()),
        "--authorization-mode=RBAC".to_owned(),
        "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-signing-key-file={}", signing_key.display()),
        format!("--service-account-key-file={}", signing_key.display()),
        // It would refuse every pod, as no controller makes the default service account.
        "--disable-admission-plugins=ServiceAccount".to_owned(),
        // A loopback address may not be an endpoint; nobody looks for one here.
        "--endpoint-reconciler-type=none".to_owned(),
    ];
    command.extend(flags.map(OsString::from));
    Leash::start("KILL", dir, &command).expect("kube-apiserver can be started")
}

/// Writes the key that signs service-account tokens: with our own build of the server, which can,
/// else with `openssl`.
fn write_signing_key(assets: &Path, path: &Path) {
    let ours = Command::new(assets.join("kube-apiserver")).arg("keygen").arg(path).output();
    if ours.is_ok_and(|output| output.status.success()) && path.exists() {
        return;
    }
    // Not genpkey: the server does not take a curve's key in PKCS #8.
    let curve = ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out"];
    let openssl = Command::new("openssl").args(curve).arg(path).output().expect("openssl can be run");
    assert!(openssl.status.success(), "openssl: {}", String::from_utf8_lossy(&openssl.stderr));
}

/// JSON, which every reader of YAML takes too.
fn kubeconfig_text(url: &str, ca_pem: &str) -> String {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {
            "server": url,
            "certificate-authority-data": BASE64.encode(ca_pem),
        }}],
        "users": [{"name": "admin", "user": {"token": ADMIN_TOKEN}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
    });
    config.to_string()
}
