//! A Job's container, run here: its command, and the environment that its ConfigMap and Secret give it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use dify_reconciler::resources::kubernetes::Kind;
use dify_reconciler::resources::{Desired, Kind as AnyKind};
use serde_json::Value;

use crate::fixture::World;

/// One container as it was declared.
pub struct Container {
    /// Its command.
    pub command: Vec<String>,
    /// Its environment.
    pub environment: BTreeMap<String, String>,
}

/// What came of a run.
pub struct Said {
    /// Its exit code.
    pub code: Option<i32>,
    /// Everything it printed.
    pub text: String,
}

impl Container {
    /// The container `container` of the Job of a component.
    pub fn of(world: &World, component: &str, container: &str) -> Self {
        let job = named(world, Kind::Job, |name| name.contains(&format!("-{component}-")));
        let containers = job.pointer("/spec/template/spec/containers").and_then(Value::as_array);
        let found = containers.into_iter().flatten().find(|one| one["name"] == container);
        let body = found.unwrap_or_else(|| panic!("{component} has no container {container}: {job:#}"));
        let command = body["command"].as_array().expect("a command");
        let command = command.iter().map(|part| part.as_str().expect("text").to_owned()).collect();
        Self { command, environment: environment(world, body) }
    }

    /// The script: the last part of the command, after a shell and `-c`.
    pub fn script(&self) -> &str {
        self.command.last().expect("a script")
    }

    /// Runs it with programs from these folders first, and nothing in its environment but its own and
    /// `more`.
    pub fn run(&self, folders: &[&Path], more: &[(&str, &str)]) -> Said {
        let mut path: Vec<_> = folders.iter().map(|folder| folder.to_path_buf()).collect();
        path.extend(["/usr/bin", "/bin"].map(Into::into));
        let output = Command::new(&self.command[0])
            .args(&self.command[1..])
            .env_clear()
            .env("PATH", std::env::join_paths(path).expect("a path"))
            .envs(&self.environment)
            .envs(more.iter().copied())
            .stdin(Stdio::null())
            .output();
        let Output { status, stdout, stderr } = output.expect("a shell");
        let text = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
        Said { code: status.code(), text }
    }
}

impl Said {
    /// What was said, by a run that must succeed.
    pub fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.text);
        self.text
    }

    /// What was said, by a run that must fail by itself.
    pub fn bad(self) -> String {
        assert!(self.code.is_some_and(|code| code > 0), "{:?}: {}", self.code, self.text);
        self.text
    }
}

/// Every variable of every ConfigMap and Secret that the container reads.
pub fn environment(world: &World, container: &Value) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for source in container["envFrom"].as_array().into_iter().flatten() {
        let name = |field: &str| source[field]["name"].as_str();
        if let Some(name) = name("configMapRef") {
            let body = named(world, Kind::ConfigMap, |other| other == name);
            for (name, value) in body["data"].as_object().into_iter().flatten() {
                all.insert(name.clone(), value.as_str().expect("text").to_owned());
            }
        } else if let Some(name) = name("secretRef") {
            let body = named(world, Kind::Secret, |other| other == name);
            for (name, value) in body["data"].as_object().into_iter().flatten() {
                let value = BASE64.decode(value.as_str().expect("text")).expect("base64");
                all.insert(name.clone(), String::from_utf8(value).expect("text"));
            }
        }
    }
    all
}

fn named(world: &World, kind: Kind, is: impl Fn(&str) -> bool) -> Value {
    let mut declared = world.declared().into_iter();
    let found = declared.find(|one| one.id.kind == AnyKind::Kubernetes(kind) && is(one.id.short_name()));
    match found.unwrap_or_else(|| panic!("no such {}", kind.name())).desired {
        Desired::Ready(document) => document.wire().clone(),
        other => panic!("a {} is {other:?}", kind.name()),
    }
}
