//! What tests and the terminal look at and turn: the log, the faults, the world, the queue, the triggers.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::cloud::{Trigger, lock};
use super::delivery::Kind;
use super::faults::{Fault, Hook};
use super::log::Recorded;
use super::reply::public;
use super::server::Server;
use super::snapshot;

/// A task that has not been sent yet, or not successfully.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingTask {
    /// Full name of the queue.
    pub queue: String,
    /// Last piece of the task's name.
    pub name: String,
    /// Where it goes.
    pub url: String,
    /// When it is sent next.
    pub eta: Timestamp,
    /// Failed attempts so far.
    pub attempts: u32,
}

impl Server {
    /// Every request so far, in order.
    pub fn requests(&self) -> Vec<Recorded> {
        lock(&self.cloud.log).requests()
    }

    /// The number of the last request.
    pub fn seq(&self) -> u64 {
        lock(&self.cloud.log).seq()
    }

    /// The requests after that number which could change something, refused ones included.
    pub fn writes_since(&self, seq: u64) -> Vec<Recorded> {
        self.requests().into_iter().filter(|request| request.seq > seq && request.write).collect()
    }

    /// The paths nobody answers, as `METHOD host/path`.
    pub fn unimplemented(&self) -> Vec<String> {
        lock(&self.cloud.log).missing()
    }

    /// Adds a failure.
    pub fn add_fault(&self, fault: Fault) {
        lock(&self.cloud.faults).push(fault);
    }

    /// Lets the next operation on a target whose path contains this text end in an error.
    pub fn fail_operation(&self, target: &str, code: &str, message: &str) {
        self.cloud.world().failing.push((target.to_owned(), code.to_owned(), message.to_owned()));
    }

    /// Takes all failures away.
    pub fn clear_faults(&self) {
        lock(&self.cloud.faults).clear();
    }

    /// Lets a hook decide about every call before it is answered.
    pub fn intercept(&self, hook: impl Fn(&super::Call) -> super::Verdict + Send + Sync + 'static) {
        let hook: Hook = Arc::new(hook);
        *lock(&self.cloud.hook) = Some(hook);
    }

    /// Lets somebody see each change of a document, in order, from now on.
    pub fn watch(&self, watch: impl Fn(&str, Option<&Value>, &Value) + Send + Sync + 'static) {
        self.cloud.world().watch = Some(Arc::new(watch));
    }

    /// Takes the hook away.
    pub fn clear_intercept(&self) {
        *lock(&self.cloud.hook) = None;
    }

    /// A document by its path, such as `sqladmin/projects/p/instances/i`; `#iam` appended is its policy.
    pub fn get(&self, path: &str) -> Option<Value> {
        self.cloud.world().get(path).map(public)
    }

    /// The content of every secret version there is, for a search that must not find it anywhere else.
    pub fn secret_payloads(&self) -> Vec<Vec<u8>> {
        let world = self.cloud.world();
        let payloads = world.below("secretmanager/").filter_map(|(_, body)| body["_payload"].as_str());
        payloads.filter_map(|payload| BASE64_STANDARD.decode(payload).ok()).collect()
    }

    /// Whether a secret's version, by its path, has this content.
    pub fn holds(&self, version: &str, content: &str) -> bool {
        let world = self.cloud.world();
        let kept = world.get(version).and_then(|version| version["_payload"].as_str().map(str::to_owned));
        kept.is_some_and(|kept| kept == BASE64_STANDARD.encode(content))
    }

    /// The paths of all documents that start so.
    pub fn paths(&self, start: &str) -> Vec<String> {
        self.cloud.world().below(start).map(|(path, _)| path.to_owned()).collect()
    }

    /// Whether a role of a Cloud SQL instance, by its path, would be let in with a password.
    pub fn logs_in(&self, user: &str, password: &str) -> bool {
        let world = self.cloud.world();
        let kept = world.get(user).and_then(|user| user.get("_password")?.as_str().map(str::to_owned));
        kept.is_some_and(|kept| kept == hex::encode(Sha256::digest(password.as_bytes())))
    }

    /// Puts a document as somebody else would have: drift, a resource made by hand.
    pub fn put(&self, path: &str, document: Value) {
        self.cloud.world().put(path, document);
        self.cloud.wake.notify_one();
    }

    /// Takes a document and everything below it away, as somebody else would.
    pub fn remove(&self, path: &str) {
        self.cloud.world().remove_tree(path);
    }

    /// The whole world without times, etags and numbers, for comparison.
    pub fn snapshot(&self) -> BTreeMap<String, Value> {
        snapshot::of(&self.cloud.world())
    }

    /// Looks at the directories now instead of at the next poll.
    pub fn scan(&self) {
        self.cloud.scan();
    }

    /// Saves the world now.
    pub fn save(&self) {
        self.cloud.save();
    }

    /// Sends the events of a bucket to a door, with ID tokens of this account whose audience is the door's
    /// URL up to its path. Events that happened before and found no trigger are sent too.
    pub fn add_trigger(&self, bucket: &str, door_url: &str, service_account: &str) {
        let audience = url::Url::parse(door_url)
            .map_or_else(|_| door_url.to_owned(), |url| url.origin().ascii_serialization());
        self.add_trigger_with_audience(bucket, door_url, service_account, &audience);
    }

    /// Like [`add_trigger`](Self::add_trigger), with the audience spelled out.
    pub fn add_trigger_with_audience(
        &self,
        bucket: &str,
        door_url: &str,
        service_account: &str,
        audience: &str,
    ) {
        let trigger = Trigger {
            url: door_url.to_owned(),
            service_account: service_account.to_owned(),
            audience: audience.to_owned(),
        };
        self.cloud.world().triggered.insert(bucket.to_owned());
        lock(&self.cloud.triggers).entry(bucket.to_owned()).or_default().push(trigger);
        self.cloud.wake.notify_one();
    }

    /// Whether nothing is being sent and nothing is due. Work in the future does not count.
    pub fn idle(&self) -> bool {
        let now = self.cloud.clock.now();
        let world = self.cloud.world();
        let paused = super::apis::tasks::paused(&world);
        !world.deliveries.values().any(|delivery| {
            let held = matches!(&delivery.kind, Kind::Task { queue, .. } if paused.contains(queue));
            delivery.in_flight || (delivery.due <= now && !delivery.url.is_empty() && !held)
        })
    }

    /// When the next task, event retry or scheduled call is sent, if one is waiting.
    pub fn next_eta(&self) -> Option<Timestamp> {
        let world = self.cloud.world();
        let waiting =
            world.deliveries.values().filter(|delivery| !delivery.in_flight && !delivery.url.is_empty());
        waiting.map(|delivery| delivery.due).min()
    }

    /// What a task carries, by its name: the body of its request.
    pub fn task_body(&self, name: &str) -> Option<Vec<u8>> {
        let world = self.cloud.world();
        let mut all = world.deliveries.values();
        let found = all.find(|one| matches!(&one.kind, Kind::Task { task, .. } if task == name))?;
        BASE64_STANDARD.decode(&found.body).ok()
    }

    /// An ID token of an account for an audience, as Google's servers would attach it.
    pub fn id_token(&self, email: &str, audience: &str) -> Option<String> {
        self.cloud.site.signer.id_token(email, audience, self.cloud.clock.now())
    }

    /// The tasks in all queues, the next one first.
    pub fn pending_tasks(&self) -> Vec<PendingTask> {
        let world = self.cloud.world();
        let mut tasks: Vec<PendingTask> = world
            .deliveries
            .values()
            .filter_map(|delivery| match &delivery.kind {
                Kind::Task { queue, task } => Some(PendingTask {
                    queue: queue.clone(),
                    name: task.clone(),
                    url: delivery.url.clone(),
                    eta: delivery.due,
                    attempts: delivery.attempts,
                }),
                _ => None,
            })
            .collect();
        tasks.sort_by_key(|task| task.eta);
        tasks
    }

    /// The messages published to a topic (`projects/p/topics/t`), oldest first, as Pub/Sub would push them.
    pub fn messages(&self, topic: &str) -> Vec<Value> {
        let collection = format!("pubsub/{topic}/messages");
        let world = self.cloud.world();
        let mut messages: Vec<Value> =
            world.children(&collection).map(|(_, message)| public(message)).collect();
        messages.sort_by_key(|message| message["messageId"].as_str().and_then(|id| id.parse::<u64>().ok()));
        messages
    }
}
