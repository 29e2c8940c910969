//! What people ordered for a deployment: approvals, pauses, and procedures to be begun now. One object,
//! `orders/<deployment>.json`, written by the command line and for schedulers, and read by every work.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::objects::WriteError;
use crate::error::{CloudError, Failure};
use crate::slice::Slice;

use super::State;

/// How many approvals are kept: a plan that was approved longer ago has been carried out or has changed.
const APPROVALS: usize = 20;

/// What people ordered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Orders {
    /// Plans that were approved, newest first.
    pub approvals: Vec<Approval>,
    /// Pauses in force, and those that ran out.
    pub pauses: Vec<Pause>,
    /// Procedures to be begun, by what they are called: `rotate`, `backup`, `backup-verify`, `restore`. Each is answered
    /// once: what has been done since is recognised by its time.
    pub requests: Vec<Request>,
}

/// A plan that somebody approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    /// The hash of what was approved.
    pub hash: String,
    /// What it covers, line by line as the status showed it.
    #[serde(default)]
    pub covers: Vec<String>,
    /// The generation of the spec that it was shown for; none when it is for whatever spec there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
    /// When, RFC 3339.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// By whom, as far as it is known.
    pub by: String,
}

/// A pause of a deployment or of a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pause {
    /// The slice that pauses; all of them when there is none.
    pub slice: Option<Slice>,
    /// When it ends, RFC 3339; never by itself when there is none.
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: String,
    /// When it was ordered, RFC 3339.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// A procedure that somebody wants begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// What: `rotate`, `backup`, `restore`.
    pub what: String,
    /// Of what: a secret, a backup; empty when it needs no telling.
    #[serde(default)]
    pub of: String,
    /// When it was ordered, RFC 3339.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

impl Orders {
    /// Whether exactly this was approved: a release, or going without a backup. What is left of a removal asks
    /// [`Self::covers`].
    pub fn approved(&self, hash: &str) -> bool {
        !hash.is_empty() && self.approvals.iter().any(|approval| approval.hash == hash)
    }

    /// Whether one approval for the spec of this generation covers all of these lines. What it covers besides has been
    /// done already.
    pub fn covers(&self, lines: &[String], generation: i64) -> bool {
        let covers = |approval: &Approval| {
            approval.generation == Some(generation) && lines.iter().all(|line| approval.covers.contains(line))
        };
        !lines.is_empty() && self.approvals.iter().any(covers)
    }

    /// The pause of a slice that is in force at a time.
    pub fn pause(&self, slice: Slice, now: Timestamp) -> Option<&Pause> {
        let holds = |pause: &&Pause| pause.slice.is_none_or(|paused| paused == slice);
        self.pauses.iter().filter(holds).find(|pause| pause.until.is_none_or(|until| until > now))
    }

    /// The newest request of a procedure.
    pub fn requested(&self, what: &str) -> Option<&Request> {
        self.requests.iter().filter(|request| request.what == what).max_by_key(|request| request.at)
    }

    /// Notes an approval.
    pub fn approve(&mut self, approval: Approval) {
        self.approvals.insert(0, approval);
        self.approvals.truncate(APPROVALS);
    }

    /// Notes a pause, in place of an earlier one of the same slice.
    pub fn pause_for(&mut self, pause: Pause) {
        self.resume(pause.slice);
        self.pauses.push(pause);
    }

    /// Ends the pause of a slice, or of everything. Says whether there was one.
    pub fn resume(&mut self, slice: Option<Slice>) -> bool {
        let before = self.pauses.len();
        self.pauses.retain(|pause| pause.slice != slice);
        self.pauses.len() != before
    }

    /// Takes the requests of a procedure back. Says whether there were any.
    pub fn call_off(&mut self, what: &str) -> bool {
        let before = self.requests.len();
        self.requests.retain(|request| request.what != what);
        self.requests.len() != before
    }

    /// Notes a request, in place of an earlier one of the same procedure.
    pub fn request(&mut self, request: Request) {
        self.requests.retain(|earlier| earlier.what != request.what || earlier.of != request.of);
        self.requests.push(request);
    }
}

/// The orders for a deployment. Those that cannot be understood, such as a newer command line's, pause everything: a
/// freeze that somebody ordered may be among them.
///
/// # Errors
/// When the state bucket cannot be read.
pub async fn read(state: &State, deployment: &str) -> Result<Orders, CloudError> {
    let name = object_name(deployment);
    Ok(match state.read::<Orders>(&name).await? {
        None => Orders::default(),
        Some(kept) => kept.value.unwrap_or_else(|| unreadable(&name)),
    })
}

fn unreadable(name: &str) -> Orders {
    let reason = format!("{name} in the state bucket cannot be understood: mend or delete it");
    let everything = Pause { slice: None, until: None, reason, at: Timestamp::UNIX_EPOCH };
    Orders { pauses: vec![everything], ..Orders::default() }
}

/// Forgets the orders for a deployment that is nobody's any more.
///
/// # Errors
/// When the state bucket cannot be written.
pub async fn forget(state: &State, deployment: &str) -> Result<(), CloudError> {
    state.delete(&object_name(deployment)).await
}

/// Changes the orders for a deployment, again and again until nobody else was faster.
///
/// # Errors
/// When the state bucket cannot be read or written, or has orders that cannot be understood.
pub async fn change(
    state: &State,
    deployment: &str,
    change: impl Fn(&mut Orders),
) -> Result<Orders, CloudError> {
    let name = object_name(deployment);
    loop {
        let kept = state.read::<Orders>(&name).await?;
        let expected = kept.as_ref().map(|kept| kept.generation);
        let mut orders = match kept {
            None => Orders::default(),
            Some(kept) => kept.value.ok_or_else(|| not_understood(&name))?,
        };
        change(&mut orders);
        match state.write(&name, &orders, expected).await {
            Ok(_) => return Ok(orders),
            Err(WriteError::Conflict) => {}
            Err(WriteError::Cloud(error)) => return Err(error),
        }
    }
}

fn not_understood(name: &str) -> CloudError {
    CloudError::new("orders", Failure::Malformed, format!("{name} cannot be understood: mend or delete it"))
}

/// Name of a deployment's orders.
pub fn object_name(deployment: &str) -> String {
    format!("orders/{deployment}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_pause_holds_for_its_slice_until_it_ends() {
        let mut orders = Orders::default();
        let pause = |slice, until| Pause { slice, until, reason: "freeze".into(), at: at(0) };
        orders.pause_for(pause(Some(Slice::Workload), Some(at(10))));
        assert!(orders.pause(Slice::Workload, at(9)).is_some());
        assert!(orders.pause(Slice::Workload, at(10)).is_none());
        assert!(orders.pause(Slice::Database, at(9)).is_none());
        orders.pause_for(pause(None, None));
        assert!(orders.pause(Slice::Database, at(9)).is_some());
        assert!(orders.resume(None) && !orders.resume(None));
        assert!(orders.pause(Slice::Database, at(9)).is_none());
    }

    #[test]
    fn only_the_plan_that_was_approved_is() {
        let mut orders = Orders::default();
        let covers = ["- Bucket b/x", "- Disk d"].map(str::to_owned).to_vec();
        let (hash, generation, by) = ("ab".to_owned(), Some(7), "ann".to_owned());
        orders.approve(Approval { hash, covers: covers.clone(), generation, at: at(0), by });
        assert!(orders.approved("ab") && !orders.approved("cd") && !orders.approved(""));
        assert!(orders.covers(&covers, 7) && orders.covers(&covers[1..], 7) && !orders.covers(&[], 7));
        assert!(!orders.covers(&covers, 8), "a later spec asks anew");
        let more = [covers, vec!["- Disk e".to_owned()]].concat();
        assert!(!orders.covers(&more, 7), "what was not shown is not approved, nor anything with it");
    }
}
