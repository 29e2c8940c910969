//! What goes on in a cluster by itself: workloads become available, Jobs end, load balancers get addresses.
//!
//! A controller is a function of an object, what is remembered of it and the time. All of them run before
//! every request, so that with a clock moved by hand every run is the same.

mod claim;
mod container;
mod deployment;
pub mod garbage;
mod gateway;
pub mod job;
mod namespace;
mod policy;
mod route;
mod service;
mod stateful_set;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::kinds::{self, Kind};
use super::store::{Key, World, field, text, uid};
use super::write::{Validation, Writer};

/// After so many rounds the controllers are taken to quarrel.
const ROUNDS: usize = 20;

/// One run of the controllers.
pub struct Run {
    /// The time.
    pub now: Timestamp,
    due: Option<Timestamp>,
}

type Controller = fn(&mut Run, &mut World, &Key, &Value);

const CONTROLLERS: [(&str, Controller); 11] = [
    ("Deployment", deployment::run),
    ("StatefulSet", stateful_set::run),
    ("Job", job::run),
    ("Gateway", gateway::run),
    ("HTTPRoute", route::run),
    ("GCPBackendPolicy", policy::run),
    ("HealthCheckPolicy", policy::run),
    ("GCPGatewayPolicy", policy::run),
    ("PersistentVolumeClaim", claim::run),
    ("Service", service::run),
    ("Namespace", namespace::run),
];

/// Lets everything happen that is due, and answers when something is due next.
pub fn advance(world: &mut World, now: Timestamp) -> Option<Timestamp> {
    let mut run = Run { now, due: None };
    if world.settings.idle {
        return None;
    }
    for _ in 0..ROUNDS {
        let before = world.version();
        run.due = None;
        for (name, controller) in CONTROLLERS {
            let Some(kind) = kinds::by_name(name) else { continue };
            for (key, object) in run.awake(world, kind) {
                let others = run.due.take();
                controller(&mut run, world, &key, &object);
                run.rest(world, &key, &object);
                run.due = others.into_iter().chain(run.due).min();
            }
        }
        garbage::sweep(world);
        if world.version() == before {
            break;
        }
    }
    run.due
}

impl Run {
    /// The objects of a kind a controller must look at: not those that have not changed since it did so last
    /// and have nothing due. Worlds can be large and every request runs the controllers.
    fn awake(&mut self, world: &World, kind: &'static Kind) -> Vec<(Key, Value)> {
        let mut awake = Vec::new();
        for (key, object) in world.list(kind, "") {
            match world.resting.get(key) {
                Some((version, due))
                    if version == field(object, "resourceVersion")
                        && due.is_none_or(|due| self.now < due) =>
                {
                    self.due = self.due.into_iter().chain(*due).min();
                }
                _ => awake.push((key.clone(), object.clone())),
            }
        }
        awake
    }

    /// Lets an object rest that its controller had nothing to do to.
    fn rest(&self, world: &mut World, key: &Key, object: &Value) {
        // The others look at more than their own object.
        let alone = ["Deployment", "StatefulSet", "Service"].contains(&key.kind().kind);
        let version = field(object, "resourceVersion");
        if alone && world.get(key).is_some_and(|now| field(now, "resourceVersion") == version) {
            world.resting.insert(key.clone(), (version.to_owned(), self.due));
        }
    }

    /// Whether `delay` is over since the object is in the state `mark`, and since when it is (or will be).
    fn passed(
        &mut self,
        world: &mut World,
        object: &Value,
        mark: &str,
        delay: Duration,
    ) -> (bool, Timestamp) {
        let since = world.since(uid(object), mark, self.now);
        let at = later(since, delay);
        let over = self.now >= at;
        if !over {
            self.due = Some(self.due.map_or(at, |due| due.min(at)));
        }
        (over, at)
    }

    /// Writes an object's status as its controller.
    fn set_status(&self, world: &mut World, key: &Key, status: Value) {
        if let Some(object) = world.get(key)
            && object.get("status") != Some(&status)
        {
            let mut object = object.clone();
            object["status"] = status;
            // The object was there a moment ago and nobody else writes now.
            drop(self.writer(key.kind(), "status").update(world, key, object));
        }
    }

    /// Creates an object, unless it is there.
    fn create(&self, world: &mut World, kind: &'static Kind, namespace: &str, object: Value) {
        drop(self.writer(kind, "").create(world, namespace, object));
    }

    fn writer(&self, kind: &'static Kind, subresource: &'static str) -> Writer<'static> {
        let manager = if kind.custom { "GoogleGKEGatewayController" } else { "kube-controller-manager" };
        let (manager, validation) = (manager.to_owned(), Validation::Ignore);
        Writer { kind, now: self.now, manager, subresource, dry_run: false, validation, warnings: Vec::new() }
    }
}

/// The text that stands for a state of a spec.
fn mark(object: &Value) -> String {
    format!("{:08x}", crc32c::crc32c(object["spec"].to_string().as_bytes()))
}

/// A condition of a built-in workload.
fn condition(kind: &str, status: bool, reason: &str, message: &str, at: Timestamp) -> Value {
    let status = if status { "True" } else { "False" };
    json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": text(at),
        "lastUpdateTime": text(at)})
}

/// A condition of the Gateway API.
fn gateway_condition(object: &Value, kind: &str, status: bool, reason: &str, at: Timestamp) -> Value {
    let mut condition = condition(kind, status, reason, "", at);
    if let Some(fields) = condition.as_object_mut() {
        fields.remove("lastUpdateTime");
    }
    condition["observedGeneration"] = object["metadata"]["generation"].clone();
    condition
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| time.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}
