//! The HTTP server: one port on loopback, one thread with its own actix system, stopped when dropped.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::rt::net::TcpStream as AsyncStream;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::Extensions, web};
use tokio::sync::oneshot;

use super::call::Call;
use super::cloud::{Cloud, Outcome};
use super::context::{Delays, Site};
use super::dispatch;
use super::options::Options;
use super::persist;
use super::seed;
use super::store::World;
use super::token::Signer;
use crate::embedded::clock::Clock;

/// How often the directories are looked at.
const SCAN_EVERY: Duration = Duration::from_millis(200);
/// How long changes may wait before they are saved.
const SAVE_EVERY: Duration = Duration::from_millis(500);
/// Larger than any dump a test uploads.
const LARGEST_BODY: usize = 256 << 20;

/// A running embedded Google Cloud. Dropping it stops the server and saves the world.
pub struct Server {
    pub(super) cloud: Arc<Cloud>,
    options: Options,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Loads the world, looks at the directories and serves. Errors: no port, or an unreadable world file.
    pub fn start(options: Options) -> io::Result<Self> {
        let world = options.persist.as_deref().map(persist::load).transpose()?.unwrap_or_default();
        Self::serve(options, world)
    }

    /// Another server whose world is the same now and goes its own way from here, under a clock and with
    /// delays of its own. It has a port of its own, keeps nothing, and nothing is to go wrong there yet. Errors: no port.
    pub fn copy(&self, clock: Clock, delays: Delays) -> io::Result<Self> {
        let options = Options { clock, delays, persist: None, port: 0, ..self.options.clone() };
        let world = self.cloud.world().copy();
        Self::serve(options, world)
    }

    fn serve(options: Options, world: World) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", options.port))?;
        let base = format!("http://{}", listener.local_addr()?);
        let site = site(&options, base)?;
        let cloud = Arc::new(Cloud::new(site, options.clock.clone(), options.persist.clone(), world));
        seed::project(&cloud);
        cloud.scan();
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = mpsc::channel();
        let shared = Arc::clone(&cloud);
        let thread = std::thread::Builder::new().name("embedded-google".into()).spawn(move || {
            let outcome = actix_web::rt::System::new().block_on(serve(shared, listener, stopped, &ready));
            if let Err(error) = outcome {
                // Nobody listens any more once the server was ready.
                let _ = ready.send(Err(error));
            }
        })?;
        is_ready.recv().map_err(io::Error::other)??;
        Ok(Self { cloud, options, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.cloud.site.base
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.cloud.save();
    }
}

fn site(options: &Options, base: String) -> io::Result<Site> {
    let directories: BTreeMap<String, PathBuf> =
        [("specs", &options.specs_dir), ("state", &options.state_dir)]
            .into_iter()
            .filter_map(|(bucket, dir)| dir.clone().map(|dir| (bucket.to_owned(), dir)))
            .collect();
    directories.values().try_for_each(std::fs::create_dir_all)?;
    Ok(Site {
        project: options.project.clone(),
        number: options.project_number.clone(),
        base,
        delays: options.delays.clone(),
        strict_apis: options.strict_apis,
        plausible_tags: options.plausible_tags,
        object_rate_limit: options.object_rate_limit,
        directories,
        signer: Signer::new()?,
    })
}

async fn serve(
    cloud: Arc<Cloud>,
    listener: TcpListener,
    stopped: oneshot::Receiver<()>,
    ready: &mpsc::Sender<io::Result<()>>,
) -> io::Result<()> {
    let data = web::Data::from(Arc::clone(&cloud));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(data.clone())
            .app_data(web::PayloadConfig::new(LARGEST_BODY))
            .default_service(web::to(answer))
    })
    .on_connect(keep_handle)
    .workers(2)
    // A machine that is busy is slow to send, and no server of Google's gives up on it so soon.
    .client_request_timeout(Duration::from_secs(60))
    .disable_signals()
    .shutdown_timeout(1)
    .listen(listener)?
    .run();
    let handle = server.handle();
    let tasks = [
        actix_web::rt::spawn(dispatch::run(Arc::clone(&cloud))),
        actix_web::rt::spawn(every(SCAN_EVERY, Arc::clone(&cloud), Cloud::scan)),
        actix_web::rt::spawn(every(SAVE_EVERY, cloud, Cloud::save)),
    ];
    let serving = actix_web::rt::spawn(server);
    let _ = ready.send(Ok(()));
    let _ = stopped.await;
    tasks.iter().for_each(|task| task.abort());
    handle.stop(false).await;
    serving.await.map_err(io::Error::other)?
}

async fn every(pause: Duration, cloud: Arc<Cloud>, work: fn(&Cloud)) {
    let mut ticks = actix_web::rt::time::interval(pause);
    loop {
        ticks.tick().await;
        work(&cloud);
    }
}

/// A second handle on a connection, so that it can be closed without an answer.
struct Line(TcpStream);

fn keep_handle(connection: &dyn Any, kept: &mut Extensions) {
    let stream = connection.downcast_ref::<AsyncStream>();
    if let Some(Ok(handle)) = stream.map(|stream| stream.as_fd().try_clone_to_owned()) {
        kept.insert(Line(TcpStream::from(handle)));
    }
}

async fn answer(request: HttpRequest, body: web::Bytes, cloud: web::Data<Cloud>) -> HttpResponse {
    let uri = request.uri();
    let mut call = Call::new(request.method().as_str(), uri.path(), uri.query().unwrap_or_default());
    call.body = body;
    call.headers = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    match cloud.answer(&call) {
        Outcome::Answer(reply, wait) => {
            if !wait.is_zero() {
                actix_web::rt::time::sleep(wait).await;
            }
            let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = HttpResponse::build(status);
            for (name, value) in &reply.headers {
                response.append_header((name.as_str(), value.as_str()));
            }
            if call.method == "HEAD" { response.finish() } else { response.body(reply.body) }
        }
        Outcome::Close => {
            if let Some(line) = request.conn_data::<Line>() {
                let _ = line.0.shutdown(Shutdown::Both);
            }
            HttpResponse::InternalServerError().finish()
        }
    }
}
