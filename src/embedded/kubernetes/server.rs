//! The server as its owner sees it.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use std::{io, thread};

use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::core::Core;
use super::faults::Faults;
use super::http;
use super::kinds;
use super::settings::{Addresses, Containers, Delays, Settings};
use super::snapshot::normalise;
use super::store::Key;
use super::traffic::{Record, RequestInfo};
use crate::embedded::clock::Clock;

/// A body may be as large as the real server takes it.
const BODY_LIMIT: usize = 3 * 1024 * 1024;

/// How long changes are collected before they are saved.
const SAVE_AFTER: Duration = Duration::from_millis(300);

/// How a server is started.
pub struct Options {
    /// The embedded time.
    pub clock: Clock,
    /// How long things take in it.
    pub delays: Delays,
    /// Where the world is kept from one start to the next.
    pub persist: Option<PathBuf>,
    /// The port on loopback; 0 for a free one.
    pub port: u16,
    /// The bearer token to ask for; without one, everybody may do everything.
    pub token: Option<String>,
    /// Whether anything happens by itself. Without, the server is what a bare kube-apiserver is.
    pub controllers: bool,
    /// Where the load balancers look named addresses up.
    pub addresses: Option<Addresses>,
    /// What Jobs do outside of the cluster; without, they end well and leave nothing.
    pub containers: Option<Containers>,
}

impl Options {
    /// A server for a test: a free port, nothing kept, anybody welcome.
    pub fn new(clock: Clock, delays: Delays) -> Self {
        let (persist, token, addresses, containers) = (None, None, None, None);
        Self { clock, delays, persist, port: 0, token, controllers: true, addresses, containers }
    }
}

/// A running server. It stops when this is dropped.
pub struct Server {
    core: Arc<Core>,
    address: SocketAddr,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Server {
    /// Starts a server on a thread of its own.
    ///
    /// # Errors
    /// The port is taken, or the saved world cannot be read.
    pub fn start(options: Options) -> io::Result<Self> {
        let Options { clock, delays, persist, port, token, controllers, addresses, containers } = options;
        let settings = Settings { delays, addresses, containers, idle: !controllers, ..Settings::default() };
        Self::serve(Core::open(clock, settings, token, persist)?, port)
    }

    /// Another server whose world is the same now and goes its own way from here, under a clock of its own. It has a
    /// port of its own, keeps nothing, and nothing is to go wrong there yet that a setting does not say.
    ///
    /// # Errors
    /// There is no port.
    pub fn copy(&self, clock: Clock) -> io::Result<Self> {
        Self::serve(self.core.copy(clock), 0)
    }

    fn serve(core: Core, port: u16) -> io::Result<Self> {
        let core = Arc::new(core);
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let shared = core.clone();
        let thread = thread::Builder::new().name("kubernetes".to_owned()).spawn(move || {
            actix_web::rt::System::new().block_on(run(shared, listener, stopped));
        })?;
        Ok(Self { core, address, running: Some((stop, thread)) })
    }

    /// `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A kubeconfig file whose current context is this server.
    pub fn kubeconfig(&self) -> String {
        let token = self.core.token.as_deref().unwrap_or("anybody");
        let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "embedded",
            "clusters": [{"name": "embedded", "cluster": {"server": self.url()}}],
            "users": [{"name": "embedded", "user": {"token": token}}],
            "contexts": [{"name": "embedded", "context": {"cluster": "embedded", "user": "embedded"}}]});
        // JSON, which every reader of YAML takes too.
        config.to_string()
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Record> {
        self.core.with_log(|log| log.records())
    }

    /// The requests so far, which are then forgotten.
    pub fn take_requests(&self) -> Vec<Record> {
        self.core.with_log(|log| log.take())
    }

    /// The number of the last request: a place to count from.
    pub fn seq(&self) -> u64 {
        self.core.with_log(|log| log.last())
    }

    /// The requests after number `seq` that were to change something.
    pub fn writes_since(&self, seq: u64) -> Vec<RequestInfo> {
        let records = self.requests().into_iter().map(|record| record.request);
        records.filter(|request| request.seq > seq && request.is_write()).collect()
    }

    /// An object by its kind (`Deployment` or `deployments`), namespace (`""` for none) and name.
    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        let key = Key::new(kinds::by_name(kind)?, namespace, name);
        self.core.with_world(|world| world.get(&key).cloned())
    }

    /// The version of the world, for [`changes_after`](Self::changes_after).
    pub fn version(&self) -> u64 {
        self.core.with_world(|world| world.version())
    }

    /// Every change after a version, in order: the object before, if there was one, and after. `None` when that is
    /// too long ago.
    pub fn changes_after(&self, version: u64) -> Option<Vec<(Option<Value>, Value)>> {
        self.core.with_world(|world| {
            let changes = world.changes_after(version)?.filter(|change| !change.deleted);
            Some(changes.map(|change| (change.before.clone(), change.after.clone())).collect())
        })
    }

    /// The objects of a kind, in one namespace or (`""`) in all.
    pub fn list(&self, kind: &str, namespace: &str) -> Vec<Value> {
        let Some(kind) = kinds::by_name(kind) else { return Vec::new() };
        self.core.with_world(|world| world.list(kind, namespace).map(|(_, object)| object.clone()).collect())
    }

    /// Changes an object behind the API's back: no validation, no owner. Answers whether it was there.
    pub fn edit(&self, kind: &str, namespace: &str, name: &str, change: impl FnOnce(&mut Value)) -> bool {
        let Some(kind) = kinds::by_name(kind) else { return false };
        let key = Key::new(kind, namespace, name);
        self.core.with_world(|world| {
            let Some(mut object) = world.get(&key).cloned() else { return false };
            change(&mut object);
            world.put(key, object);
            true
        })
    }

    /// What the pods of Jobs print whose name begins with `job`.
    pub fn set_log(&self, job: &str, text: &str) {
        self.core.with_settings(|settings| settings.logs.insert(job.to_owned(), text.to_owned()));
    }

    /// What the containers of Jobs leave as termination message whose name begins with `job`.
    pub fn set_termination_message(&self, job: &str, text: &str) {
        self.core.with_settings(|settings| settings.messages.insert(job.to_owned(), text.to_owned()));
    }

    /// What Jobs do outside of the cluster from now on.
    pub fn set_containers(&self, containers: Containers) {
        self.core.with_settings(|settings| settings.containers = Some(containers));
    }

    /// How long things take from now on.
    pub fn set_delays(&self, delays: Delays) {
        self.core.with_settings(|settings| settings.delays = delays);
    }

    /// What goes wrong.
    pub fn faults(&self) -> Faults {
        Faults { core: self.core.clone() }
    }

    /// The whole world, without what differs between two runs that do the same.
    pub fn snapshot(&self) -> Value {
        self.core.with_world(|world| {
            world
                .all()
                .map(|(key, object)| (key.kind().path(&key.namespace, &key.name), normalise(object)))
                .collect()
        })
    }

    /// Saves the world and stops.
    ///
    /// # Errors
    /// The world cannot be saved.
    pub fn shutdown(mut self) -> io::Result<()> {
        self.stop();
        self.core.save()
    }

    fn stop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            // Whoever does not listen any more has stopped by itself.
            let _ = stop.send(());
            drop(thread.join());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn run(core: Arc<Core>, listener: TcpListener, stopped: oneshot::Receiver<()>) {
    let shared = core.clone();
    let app = move || {
        App::new()
            .app_data(Data::new(shared.clone()))
            .app_data(web::PayloadConfig::new(BODY_LIMIT))
            .default_service(web::to(http::handle))
    };
    let server = HttpServer::new(app).workers(1).disable_signals().shutdown_timeout(0).listen(listener);
    let server = match server {
        Ok(server) => server.run(),
        Err(error) => return tracing::error!(%error, "the embedded Kubernetes API cannot listen"),
    };
    let handle = server.handle();
    let serving = actix_web::rt::spawn(server);
    let ticking = actix_web::rt::spawn(tick(core.clone()));
    let saving = actix_web::rt::spawn(save(core));
    drop(stopped.await);
    ticking.abort();
    saving.abort();
    handle.stop(false).await;
    drop(serving.await);
}

/// Lets things happen when they are due, for those who watch and do not ask.
async fn tick(core: Arc<Core>) {
    let mut changed = core.changed.subscribe();
    loop {
        changed.mark_unchanged();
        match core.advance() {
            Some(due) => {
                tokio::select! {
                    () = core.clock.sleep_until(due) => {}
                    _ = changed.changed() => {}
                }
            }
            None => drop(changed.changed().await),
        }
    }
}

async fn save(core: Arc<Core>) {
    let mut changed = core.changed.subscribe();
    while changed.changed().await.is_ok() {
        actix_web::rt::time::sleep(SAVE_AFTER).await;
        changed.mark_unchanged();
        if let Err(error) = core.save() {
            tracing::warn!(%error, "the embedded Kubernetes world cannot be saved");
        }
    }
}
