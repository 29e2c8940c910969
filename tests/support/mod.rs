//! What integration tests need around them: a real Kubernetes API server and a real PostgreSQL.
//!
//! Both come from this machine (`assets.sh`, `postgres.sh` and `crds.sh` put them there; `.ci/run`
//! calls those). A test on a machine without them says so and passes, unless the environment
//! says that they are required:
//!
//! ```ignore
//! mod support;
//!
//! #[test]
//! fn something_real() {
//!     let Some(server) = support::apiserver_or_skip() else { return };
//! }
//! ```

#![allow(dead_code, unused_imports, reason = "every test binary includes this module and uses a part of it")]

mod apiserver;
mod assets;
mod crds;
mod leash;
mod postgres;
mod pubsub;

use std::fmt;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

pub use apiserver::ApiServer;
pub use crds::{apply_crds, crd_folder};
pub use postgres::{Auth, Postgres};
pub use pubsub::Emulator;

/// Set to `1`: a missing API server is a failure, not a reason to skip.
pub const REQUIRE_APISERVER: &str = "DIFY_REQUIRE_KUBE_APISERVER";

/// Set to `1`: a missing PostgreSQL is a failure, not a reason to skip.
pub const REQUIRE_POSTGRES: &str = "DIFY_REQUIRE_POSTGRES";

/// Set to `1`: a missing Pub/Sub emulator is a failure, not a reason to skip.
pub const REQUIRE_PUBSUB: &str = "DIFY_REQUIRE_PUBSUB_EMULATOR";

/// Why something cannot be had on this machine.
#[derive(Debug, Clone)]
pub struct Skip(pub String);

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The API server of this test binary, started by whoever asks first: starting one takes seconds.
///
/// Tests share it, so each works in a namespace of its own.
pub fn apiserver_or_skip() -> Option<&'static ApiServer> {
    static SERVER: LazyLock<Result<ApiServer, Skip>> = LazyLock::new(ApiServer::start);
    present_or_skip(SERVER.as_ref(), REQUIRE_APISERVER)
}

/// The PostgreSQL of this test binary (authentication: [`Auth::Trust`]), started by whoever asks first.
///
/// Tests share it, so each works in databases and roles of its own.
pub fn postgres_or_skip() -> Option<&'static Postgres> {
    static SERVER: LazyLock<Result<Postgres, Skip>> = LazyLock::new(Postgres::start);
    present_or_skip(SERVER.as_ref(), REQUIRE_POSTGRES)
}

/// The Pub/Sub emulator of this test binary, started by whoever asks first: starting one takes seconds.
///
/// Tests share it, so each works on topics and subscriptions of its own.
pub fn pubsub_or_skip() -> Option<&'static Emulator> {
    static SERVER: LazyLock<Result<Emulator, Skip>> = LazyLock::new(Emulator::start);
    present_or_skip(SERVER.as_ref(), REQUIRE_PUBSUB)
}

/// Passes on what is there. Otherwise prints why not, or panics where `required` is set to `1`.
pub fn present_or_skip<T>(found: Result<T, &Skip>, required: &str) -> Option<T> {
    match found {
        Ok(found) => Some(found),
        Err(skip) if std::env::var(required).is_ok_and(|value| value == "1") => {
            panic!("{required}=1, but {skip}")
        }
        Err(skip) => {
            // To the terminal itself: the test runner keeps to itself what a passing test prints.
            use std::io::Write;
            let name = std::thread::current().name().unwrap_or("test").to_owned();
            let _ = writeln!(std::io::stderr(), "test {name} ... skipped: {skip}");
            None
        }
    }
}

/// Asks again and again until `attempt` has an answer; `None` after `limit`.
fn poll<T>(limit: Duration, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = attempt() {
            return Some(answer);
        }
        if start.elapsed() > limit {
            return None;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A directory for one server. Not in `TMPDIR`: a socket's path may have 107 bytes at most, and
/// the account a server runs as must be able to get there.
fn temp_dir(name: &str) -> tempfile::TempDir {
    let dir = tempfile::Builder::new().prefix(&format!("dify-{name}-")).tempdir_in("/tmp");
    dir.expect("a temporary directory")
}

/// A loopback port that was free a moment ago. Somebody may take it before its user does, so
/// that whoever starts a server on it has to be ready to try another one.
fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .expect("a free loopback port")
        .port()
}

/// Runs asynchronous work to its end, from a synchronous test and from an asynchronous one alike:
/// on a thread of its own, because a runtime must not be blocked on from inside another.
fn block_on<F: Future<Output = T>, T: Send>(work: impl FnOnce() -> F + Send) -> T {
    let run = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
            .block_on(work())
    };
    std::thread::scope(|scope| match scope.spawn(run).join() {
        Ok(answer) => answer,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
