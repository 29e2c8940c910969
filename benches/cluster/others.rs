//! The tools that people use for the same.

use std::path::Path;
use std::process::Command;

/// A tool and how it is called.
#[derive(Clone, Copy)]
pub struct Tool {
    /// As people write it.
    pub name: &'static str,
    program: &'static str,
    version: &'static [&'static str],
    apply: &'static [&'static str],
    is_kpt: bool,
}

/// kubectl, one manager of all fields as we are.
pub const KUBECTL: Tool = Tool {
    name: "kubectl apply --server-side",
    program: "kubectl",
    version: &["version", "--client"],
    apply: &["apply", "--server-side", "--force-conflicts", "--filename"],
    is_kpt: false,
};

/// kpt, which keeps an inventory in the cluster and prunes by it.
pub const KPT: Tool = Tool {
    name: "kpt live apply",
    program: "kpt",
    version: &["version"],
    // Without a limit it waits for ever, and nothing gets ready where no controller runs.
    apply: &["live", "apply", "--server-side", "--force-conflicts", "--reconcile-timeout=1ms"],
    is_kpt: true,
};

impl Tool {
    /// Its version's first line; `None` when it is not on this machine.
    pub fn version(&self) -> Option<String> {
        let output = Command::new(self.program).args(self.version).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().next().unwrap_or_default();
        Some(line.trim_start_matches("Client Version: ").to_owned())
    }

    /// What it needs once, before it is measured: kpt its inventory.
    pub fn prepare(&self, package: &Path, namespace: &str, kubeconfig: &Path) {
        if self.is_kpt {
            let folder = package.to_str().expect("a path that is text");
            self.run(&["live", "install-resource-group"], kubeconfig);
            self.run(&["live", "init", folder, "--namespace", namespace, "--name", "bench"], kubeconfig);
        } else {
            std::fs::remove_file(package.join("Kptfile")).expect("only kpt knows what to do with it");
        }
    }

    /// Applies the package.
    pub fn apply(&self, package: &Path, kubeconfig: &Path) {
        let folder = package.to_str().expect("a path that is text");
        let (first, rest) = self.apply.split_at(if self.is_kpt { 2 } else { self.apply.len() });
        self.run(&[first, &[folder], rest].concat(), kubeconfig);
    }

    fn run(&self, arguments: &[&str], kubeconfig: &Path) {
        let mut command = Command::new(self.program);
        let output = command.args(arguments).env("KUBECONFIG", kubeconfig).output().expect("it starts");
        let (said, erred) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        // How kpt says that everything was applied and something is not ready in time.
        let applied = output.status.code() == Some(3) && said.contains(" 0 skipped, 0 failed");
        let fine = output.status.success() || (self.is_kpt && applied);
        assert!(fine, "{} {arguments:?}\n{said}\n{erred}", self.program);
    }
}
