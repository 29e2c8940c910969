//! The service that the start script puts on the VM, on a real Redis: passwords change while clients log in all the
//! time, and none is refused.
//!
//! Needs Debian's `redis-server`, and `bash`, `curl` and `python3`; `DIFY_REQUIRE_REDIS=1` makes their lack a failure.

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use support::Skip;

/// Set to `1`: a missing Redis is a failure, not a reason to skip.
const REQUIRE_REDIS: &str = "DIFY_REQUIRE_REDIS";

const SCRIPT: &str = include_str!("../src/resources/google/nfs-startup.sh");
const ROTATIONS: u64 = 5;
const CLIENTS: usize = 4;

/// What runs ends with the test, with everything it started.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-9", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.0.wait();
    }
}

fn tools() -> Result<(), Skip> {
    for tool in ["redis-server", "redis-cli", "bash", "curl", "python3"] {
        let there = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        there.map_err(|error| Skip(format!("{tool}: {error}")))?;
    }
    Ok(())
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

fn password(version: u64) -> String {
    format!("Password{version}OfRedis")
}

/// The metadata server and Secret Manager, as the VM meets them.
#[derive(Clone, Default)]
struct Google {
    asked: Arc<RwLock<String>>,
    said: Arc<Mutex<String>>,
}

impl Google {
    fn serve(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let google = self.clone();
        thread::spawn(move || listener.incoming().flatten().for_each(|stream| google.answer(stream)));
        port
    }

    fn answer(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
        let mut first = String::new();
        let _ = reader.read_line(&mut first);
        let (mut length, mut trusted) = (0, false);
        for line in reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
            let line = line.to_ascii_lowercase();
            length = line.strip_prefix("content-length: ").map_or(length, |text| text.parse().unwrap_or(0));
            trusted |= line == "authorization: bearer the-token" || line == "metadata-flavor: google";
        }
        let mut body = vec![0; length];
        let _ = reader.read_exact(&mut body);
        let version = first.split("/versions/").nth(1).and_then(|rest| rest.split(':').next()?.parse().ok());
        let text = match (trusted, version) {
            (false, _) => None,
            (_, Some(version)) => {
                let data = STANDARD.encode(password(version));
                Some(format!("{{\"payload\": {{\"data\": \"{data}\"}}}}"))
            }
            _ if first.contains("/token") => Some("{\"access_token\": \"the-token\"}".into()),
            _ if first.starts_with("PUT")
                && first.contains("/guest-attributes/dify-reconciler/redis-passwords") =>
            {
                *self.said.lock().expect("the lock") = String::from_utf8_lossy(&body).into_owned();
                Some(String::new())
            }
            _ if first.contains("/attributes/redis-passwords") => {
                Some(self.asked.read().expect("the lock").clone())
            }
            _ => None,
        };
        let (status, text) = text.map_or(("404 Not Found", String::new()), |text| ("200 OK", text));
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
        let _ = (&stream).write_all(format!("{head}{text}").as_bytes());
    }

    /// Asks for these and waits until the VM says that it takes them.
    fn ask(&self, versions: &str) {
        *self.asked.write().expect("the lock") = versions.into();
        let end = Instant::now() + Duration::from_secs(30);
        while *self.said.lock().expect("the lock") != versions {
            assert!(Instant::now() < end, "the VM never says that it takes {versions}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A connection that has logged in.
struct Session(BufReader<TcpStream>);

impl Session {
    fn log_in(port: u16, password: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())?;
        let mut session = Self(BufReader::new(stream));
        match session.say(&format!("AUTH {password}")).as_str() {
            "+OK" => Ok(session),
            other => Err(other.to_owned()),
        }
    }

    fn say(&mut self, command: &str) -> String {
        let _ = self.0.get_mut().write_all(format!("{command}\r\n").as_bytes());
        let mut line = String::new();
        let _ = self.0.read_line(&mut line);
        line.trim_end().to_owned()
    }
}

/// The service as the start script writes it.
fn keeper(folder: &Path) -> String {
    let inner = SCRIPT.split("<<-'KEEPER'\n").nth(1).and_then(|rest| rest.split("\n\tKEEPER").next());
    let lines = inner.expect("the script brings it").lines().map(|line| line.trim_start_matches('\t'));
    let path = folder.join("keeper");
    fs::write(&path, lines.collect::<Vec<_>>().join("\n")).expect("a file");
    path.display().to_string()
}

fn start(mut command: Command) -> Running {
    let command = command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    Running(command.spawn().expect("it starts"))
}

#[test]
fn passwords_change_while_clients_log_in_and_nobody_is_refused() {
    if support::present_or_skip(tools().as_ref().map(|()| &()), REQUIRE_REDIS).is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (google, port) = (Google::default(), free_port());
    let (address, users) = (format!("http://127.0.0.1:{}", google.serve()), folder.path().join("users.conf"));
    let keeper = keeper(folder.path());
    let service = |mode: &str| {
        let mut command = Command::new("bash");
        command.args([&keeper, "projects/p/secrets/s", mode]).env("METADATA", &address);
        command.env("SECRET_MANAGER", &address).env("USERS", &users).env("PAUSE", "0.05");
        command.env("REDIS_PORT", port.to_string());
        command
    };
    *google.asked.write().expect("the lock") = "v1".into();
    assert!(service("prepare").status().expect("it runs").success(), "before Redis starts");
    let kept = fs::read_to_string(&users).expect("a file");
    assert!(kept.starts_with("user default on ") && !kept.contains(&password(1)), "hashes alone: {kept}");
    let conf = folder.path().join("redis.conf");
    fs::write(&conf, format!("bind 127.0.0.1\nport {port}\ninclude {}\nsave \"\"\n", users.display()))
        .expect("a file");
    let mut server = Command::new("redis-server");
    server.arg(&conf).current_dir(folder.path());
    let (_server, _service) = (start(server), start(service("keep")));
    google.ask("v1");

    let shown = Arc::new(RwLock::new(1_u64));
    let (end, logins) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let rolled: Vec<Arc<AtomicU64>> = (0..CLIENTS).map(|_| Arc::default()).collect();
    let failures = Arc::new(Mutex::new(Vec::new()));
    let clients: Vec<_> = rolled
        .iter()
        .cloned()
        .map(|rolled| {
            let (shown, end) = (shown.clone(), end.clone());
            let (logins, failures) = (logins.clone(), failures.clone());
            thread::spawn(move || {
                while !end.load(Ordering::Relaxed) {
                    let version = *shown.read().expect("the lock");
                    rolled.store(version, Ordering::SeqCst);
                    for _ in 0..3 {
                        match Session::log_in(port, &password(version)) {
                            Ok(_) => drop(logins.fetch_add(1, Ordering::Relaxed)),
                            Err(error) => failures.lock().expect("the lock").push(error),
                        }
                    }
                }
            })
        })
        .collect();
    let mut connected = Session::log_in(port, &password(1)).expect("it logs in");

    for old in 1..=ROTATIONS {
        let new = old + 1;
        google.ask(&format!("v{old} v{new}"));
        *shown.write().expect("the lock") = new;
        while rolled.iter().any(|rolled| rolled.load(Ordering::SeqCst) < new) {
            thread::sleep(Duration::from_millis(1));
        }
        google.ask(&format!("v{new}"));
        let refused = Session::log_in(port, &password(old)).err().unwrap_or_default();
        assert!(refused.contains("WRONGPASS"), "the old password is dead: {refused}");
    }
    end.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().expect("a client ends");
    }
    println!("{ROTATIONS} rotations, {} logins", logins.load(Ordering::Relaxed));
    assert_eq!(*failures.lock().expect("the lock"), Vec::<String>::new());
    assert_eq!(connected.say("PING"), "+PONG", "who was connected still is");
    assert!(service("prepare").status().expect("it runs").success());
    assert!(fs::read_to_string(&users).expect("a file").matches('#').count() == 1, "a start later knows one");
}
