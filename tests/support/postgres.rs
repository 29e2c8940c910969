//! A real PostgreSQL 15 with the `vector` extension on a loopback port, for one test binary; and one whose
//! sessions start faster.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use super::assets::cache_dir;
use super::leash::Leash;
use super::{Skip, free_port, poll, temp_dir};

/// How long a start may take; see the API server's.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How often to try another port when somebody was faster.
const START_ATTEMPTS: usize = 3;

/// The account a server started by root runs as: PostgreSQL refuses to be root. Debian's packages make it.
const SERVER_ACCOUNT: &str = "postgres";

/// The superuser's role and, with [`Auth::Scram`], its password. Not a secret: see the API server's token.
const ADMIN: &str = "postgres";
const ADMIN_PASSWORD: &str = "integration-test-admin";

/// How the server finds out who connects over TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// It believes the client: any password will do, and none.
    Trust,
    /// By password, as Cloud SQL does.
    Scram,
}

/// A running PostgreSQL. It ends when this is dropped or the test process ends.
pub struct Postgres {
    server: Leash,
    /// The programs of PostgreSQL 15.
    bin: PathBuf,
    port: u16,
}

impl Postgres {
    /// Starts a server that trusts every client, and waits until it answers.
    ///
    /// Binaries or an extension that are missing are a [`Skip`]; a server that does not work is a panic.
    pub fn start() -> Result<Self, Skip> {
        Self::start_with(Auth::Trust)
    }

    /// Like [`Self::start`], with a choice of authentication.
    pub fn start_with(auth: Auth) -> Result<Self, Skip> {
        Ok(Self::start_from(find_binaries()?, None, auth))
    }

    /// A server that asks for passwords and takes half as many logins again a second, where `lean_postgres.sh` has
    /// put its programs; elsewhere PostgreSQL 15 as it is.
    pub fn start_lean() -> Result<Self, Skip> {
        let lean = cache_dir().join("lean-postgres");
        Ok(Self::start_from(find_binaries()?, lean.is_dir().then_some(lean.as_path()), Auth::Scram))
    }

    fn start_from(bin: PathBuf, lean: Option<&Path>, auth: Auth) -> Self {
        for _ in 0..START_ATTEMPTS {
            let dir = temp_dir("pg");
            let programs = lean.map_or_else(|| bin.clone(), |lean| copy_programs(lean, dir.path()));
            let account = Account::for_owner_of(dir.path());
            init_cluster(&programs, dir.path(), &account, auth);
            let port = free_port();
            let command = account.run(&programs.join("postgres"), &server_flags(dir.path(), port));
            // Quit at once, and in order: unlike KILL, it gives shared memory back.
            let server = Leash::start("QUIT", dir, &command).expect("postgres can be started");
            let server = Self { server, bin: bin.clone(), port };
            match server.wait_until_up() {
                Ok(()) => return server,
                Err(log) if log.contains("Address already in use") => {}
                Err(log) => panic!("postgres does not start:\n{log}"),
            }
        }
        panic!("no free port for postgres after {START_ATTEMPTS} attempts")
    }

    /// Asks over the socket in the server's own directory, where nobody else can answer.
    fn wait_until_up(&self) -> Result<(), String> {
        let socket_dir = self.server.dir().to_string_lossy().into_owned();
        let up = poll(START_LIMIT, || {
            if self.server.ended() {
                return Some(Err(self.server.log_tail()));
            }
            self.run_psql(&socket_dir, ADMIN, ADMIN_PASSWORD, "postgres", "SELECT 1").ok().map(|_| Ok(()))
        });
        up.unwrap_or_else(|| Err(self.server.log_tail()))
    }

    /// The superuser's role.
    pub fn admin(&self) -> &str {
        ADMIN
    }

    /// The superuser's password.
    pub fn admin_password(&self) -> &str {
        ADMIN_PASSWORD
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How the superuser connects to `database`: `postgres://…`.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{ADMIN}:{ADMIN_PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs SQL as the superuser in the database `postgres`. Returns rows as lines, with fields
    /// apart by `|`, or what the server said against it.
    pub fn psql(&self, sql: &str) -> Result<String, String> {
        self.psql_as(ADMIN, ADMIN_PASSWORD, "postgres", sql)
    }

    /// Like [`Self::psql`], as another role and in another database.
    pub fn psql_as(&self, role: &str, password: &str, database: &str, sql: &str) -> Result<String, String> {
        self.run_psql("127.0.0.1", role, password, database, sql)
    }

    /// The end of the server's log, to show with a failure.
    pub fn log(&self) -> String {
        self.server.log_tail()
    }

    fn run_psql(
        &self,
        host: &str,
        role: &str,
        password: &str,
        database: &str,
        sql: &str,
    ) -> Result<String, String> {
        let port = self.port.to_string();
        let output = Command::new(self.bin.join("psql"))
            .args(["--no-psqlrc", "--no-password", "--quiet", "--no-align", "--tuples-only"])
            .args(["--set=ON_ERROR_STOP=1", "--host", host, "--port", &port])
            .args(["--username", role, "--dbname", database, "--command", sql])
            .env("PGPASSWORD", password)
            .stdin(Stdio::null())
            .output()
            .expect("psql can be run");
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).trim_end().to_owned())
        }
    }
}

/// Finds PostgreSQL 15, with the extension: where Debian puts it, else in PATH.
fn find_binaries() -> Result<PathBuf, Skip> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places =
        std::iter::once(PathBuf::from("/usr/lib/postgresql/15/bin")).chain(std::env::split_paths(&path));
    let bin = places
        .filter(|bin| ["initdb", "postgres", "psql"].iter().all(|name| bin.join(name).exists()))
        .find(|bin| output_of(&bin.join("postgres"), "--version").contains(" 15."))
        .ok_or_else(|| Skip("there is no PostgreSQL 15; run tests/support/postgres.sh".to_owned()))?;
    let share = output_of(&bin.join("pg_config"), "--sharedir");
    if Path::new(share.trim()).join("extension/vector.control").exists() {
        Ok(bin)
    } else {
        Err(Skip("PostgreSQL 15 has no extension vector; run tests/support/postgres.sh".to_owned()))
    }
}

/// Copies the programs of `lean_postgres.sh` to where the server's account can get at them; answers their folder.
/// The build has no `uuid-ossp`: an extension of that name and without content lets the initialisation go through,
/// which no login ever looks at.
fn copy_programs(lean: &Path, dir: &Path) -> PathBuf {
    let copy = dir.join("programs");
    let status = Command::new("cp").arg("-r").args([lean, &copy]).status().expect("cp can be run");
    assert!(status.success(), "{} cannot be copied", lean.display());
    let install = copy.join("pgserver/pginstall");
    let extensions = install.join("share/postgresql/extension");
    for (name, text) in [("uuid-ossp.control", "default_version = '1.1'\n"), ("uuid-ossp--1.1.sql", "")] {
        fs::write(extensions.join(name), text).expect("the copy can be written");
    }
    install.join("bin")
}

fn output_of(program: &Path, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

/// Who the server runs as: ourselves, or the account PostgreSQL has for itself if we are root.
struct Account {
    change: bool,
}

impl Account {
    /// Looks who we are at a directory we have just made, and gives it away if need be.
    fn for_owner_of(dir: &Path) -> Self {
        let change = fs::metadata(dir).expect("our own directory").uid() == 0;
        if change {
            let id = |flag| {
                let output = Command::new("id").args([flag, SERVER_ACCOUNT]).output().expect("id can be run");
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                text.trim().parse::<u32>().unwrap_or_else(|_| panic!("there is no account {SERVER_ACCOUNT}"))
            };
            chown(dir, Some(id("-u")), Some(id("-g"))).expect("root can give a directory away");
        }
        Self { change }
    }

    /// The command that runs `program` under this account, and keeps its process id.
    fn run(&self, program: &Path, arguments: &[OsString]) -> Vec<OsString> {
        let mut command = Vec::new();
        if self.change {
            let change =
                ["setpriv", "--reuid", SERVER_ACCOUNT, "--regid", SERVER_ACCOUNT, "--init-groups", "--"];
            command.extend(change.map(OsString::from));
        }
        command.push(program.into());
        command.extend_from_slice(arguments);
        command
    }
}

fn init_cluster(bin: &Path, dir: &Path, account: &Account, auth: Auth) {
    let password_file = dir.join("password");
    fs::write(&password_file, ADMIN_PASSWORD).expect("the password file can be written");
    let auth_host = if auth == Auth::Scram { "scram-sha-256" } else { "trust" };
    let flags = [
        format!("--pgdata={}", dir.join("data").display()),
        format!("--username={ADMIN}"),
        format!("--pwfile={}", password_file.display()),
        format!("--auth-host={auth_host}"),
        // The socket is in a directory that nobody else may enter.
        "--auth-local=trust".to_owned(),
        "--encoding=UTF8".to_owned(),
        "--locale=C.UTF-8".to_owned(),
        "--no-sync".to_owned(),
    ];
    let command = account.run(&bin.join("initdb"), &flags.map(OsString::from));
    let output = Command::new(&command[0]).args(&command[1..]).current_dir(dir).stdin(Stdio::null()).output();
    let Output { status, stdout, stderr } = output.expect("initdb can be run");
    let text = [stdout, stderr].concat();
    assert!(status.success(), "initdb: {}", String::from_utf8_lossy(&text));
}

/// What is stored does not outlive the test: nothing waits for a disk.
fn server_flags(dir: &Path, port: u16) -> Vec<OsString> {
    let settings = [
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        format!("unix_socket_directories={}", dir.display()),
        "fsync=off".to_owned(),
        "full_page_writes=off".to_owned(),
        "synchronous_commit=off".to_owned(),
        "shared_buffers=32MB".to_owned(),
    ];
    let mut flags = vec![OsString::from("-D"), dir.join("data").into()];
    flags.extend(settings.into_iter().flat_map(|setting| [OsString::from("-c"), setting.into()]));
    flags
}
