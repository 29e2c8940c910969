//! Servers that end when the test process ends, whichever way it ends.
//!
//! A server shared by all tests of a binary lives in a static, and statics are
//! never dropped: so no destructor can be relied on.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::assets::repo_dir;

/// How much of a server's log is worth showing when it fails, in bytes.
const LOG_TAIL_BYTES: usize = 4000;

/// One running server with its directory; both go when this is dropped or the process ends.
pub struct Leash {
    /// The shell that watches over the server.
    shell: Child,
    dir: PathBuf,
}

impl Leash {
    /// Starts `command` in `dir`, which the leash owns from now on.
    ///
    /// `signal` (a name such as `KILL`) is what ends the server. Output goes to `dir/log`.
    pub fn start(signal: &str, dir: tempfile::TempDir, command: &[OsString]) -> io::Result<Self> {
        let dir = dir.keep();
        let shell = Command::new("sh")
            .arg(repo_dir().join("tests/support/leash.sh"))
            .arg(signal)
            .arg(&dir)
            .args(command)
            .current_dir(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Not in our group: an interrupt at the keyboard must reach us, and the server through us.
            .process_group(0)
            .spawn()?;
        Ok(Self { shell, dir })
    }

    /// The server's own directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether the server has ended by itself.
    pub fn ended(&self) -> bool {
        self.dir.join("ended").exists()
    }

    /// The last lines the server has written.
    pub fn log_tail(&self) -> String {
        let log = fs::read(self.dir.join("log")).unwrap_or_default();
        let tail = &log[log.len().saturating_sub(LOG_TAIL_BYTES)..];
        String::from_utf8_lossy(tail).into_owned()
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
