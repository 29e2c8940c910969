//! The real Pub/Sub emulator, part of the Google Cloud SDK, on a loopback port, for one test binary.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::leash::Leash;
use super::{Skip, free_port, poll, temp_dir};

/// How long a start may take on a machine that is busy.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How often to try another port when somebody was faster.
const START_ATTEMPTS: usize = 3;
/// Where the SDK keeps the emulator, below its root.
const FOLDER: &str = "platform/pubsub-emulator/lib";
/// Where the SDK is, when `CLOUDSDK_ROOT_DIR` does not say so.
const ROOTS: [&str; 4] = [
    "/usr/lib/google-cloud-sdk",
    "/usr/share/google-cloud-sdk",
    "/opt/google-cloud-sdk",
    "/snap/google-cloud-cli/current",
];

/// A running emulator. It ends when this is dropped or the test process ends.
pub struct Emulator {
    _server: Leash,
    /// `host:port`, for REST and gRPC alike.
    pub host: String,
}

impl Emulator {
    /// Starts the emulator and waits until it says that it has started.
    ///
    /// A machine without Java or the emulator is a [`Skip`]; an emulator that does not start is a panic.
    pub fn start() -> Result<Self, Skip> {
        let jar = find_jar()?;
        let java = Command::new("java").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !java.is_ok_and(|status| status.success()) {
            return Err(Skip("there is no Java for the Pub/Sub emulator".into()));
        }
        for _ in 0..START_ATTEMPTS {
            let port = free_port();
            let mut command: Vec<OsString> =
                vec!["java".into(), "-Xmx256m".into(), "-jar".into(), jar.clone().into()];
            command.extend(["--host=127.0.0.1".into(), format!("--port={port}").into()]);
            let server =
                Leash::start("KILL", temp_dir("pubsub"), &command).expect("the emulator can be started");
            let started = || server.ended() || server.log_tail().contains("Server started");
            let answered = poll(START_LIMIT, || started().then_some(()));
            if answered.is_some() && !server.ended() {
                return Ok(Self { _server: server, host: format!("127.0.0.1:{port}") });
            }
            eprintln!("the Pub/Sub emulator did not start: {}", server.log_tail());
        }
        panic!("the Pub/Sub emulator does not start");
    }
}

fn find_jar() -> Result<PathBuf, Skip> {
    let named = std::env::var_os("CLOUDSDK_ROOT_DIR").map(PathBuf::from);
    let roots = named.into_iter().chain(ROOTS.iter().map(PathBuf::from));
    let jar = roots.filter_map(|root| jar_in(&root.join(FOLDER))).next();
    jar.ok_or_else(|| Skip("there is no Pub/Sub emulator; the Google Cloud SDK has it as a component".into()))
}

fn jar_in(folder: &Path) -> Option<PathBuf> {
    let paths = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let is_it = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("cloud-pubsub-emulator") && name.ends_with(".jar")
    };
    paths.filter(is_it).max()
}
