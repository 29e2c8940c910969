//! The reminder on a secret itself: where Secret Manager rings, and when it is due next.
//!
//! It is put on what rotates by itself, when the service was told of a topic. Secret Manager moves the time of the
//! next rotation whenever it has rung, so that time is written once and never compared. The period is documented as
//! something that is taken and not given back; a label says which one was written last, and that it was ours.
//! Without the reminder nothing is lost: what is due is found by its age at the next tick.

use std::borrow::Cow;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::resources::Context;
use crate::resources::google::secret;

use super::wish;

/// The label with the period of the reminder that we wrote.
pub const LABEL: &str = "dify-reconciler-rotation";

/// What the label says once we have taken the reminder away again.
const OFF: &str = "off";

/// Adds a secret's reminder to how the secret should be, or its end.
pub fn put(context: &Context<'_>, suffix: &str, body: &mut Value) {
    let topic = context.seen.rotation_topic.as_str();
    if !topic.is_empty() && wish::by_itself(context.spec, suffix) {
        let period_secs = wish::period_secs(context.spec);
        let next = context
            .seen
            .at
            .and_then(|at| at.checked_add(SignedDuration::from_secs(i64::try_from(period_secs).ok()?)).ok());
        let Some(next) = next else { return };
        let period = format!("{period_secs}s");
        body["labels"][LABEL] = period.clone().into();
        body["topics"] = json!([{"name": topic}]);
        body["rotation"] = json!({"nextRotationTime": next.to_string(), "rotationPeriod": period});
    } else if context.seen.body(&secret::id(context, suffix)).is_some_and(is_on) {
        body["labels"][LABEL] = OFF.into();
        body["rotation"] = Value::Null;
    }
}

/// What was seen of a secret, with the time of its next rotation as it is wanted, whatever it is, and with the period
/// that we wrote last when the API does not give it back.
pub fn settled<'a>(wanted: &Value, seen: &'a Value) -> Cow<'a, Value> {
    let Some(next) = wanted.pointer("/rotation/nextRotationTime") else { return Cow::Borrowed(seen) };
    let mut seen = seen.clone();
    let kept = seen.pointer("/rotation/nextRotationTime").is_some();
    let period = seen.pointer("/rotation/rotationPeriod").or_else(|| label(&seen));
    let period = period.filter(|_| kept).cloned();
    seen["rotation"] = json!({ "nextRotationTime": next });
    if let Some(period) = period {
        seen["rotation"]["rotationPeriod"] = period;
    }
    Cow::Owned(seen)
}

fn is_on(secret: &Value) -> bool {
    label(secret).is_some_and(|period| period != OFF)
}

fn label(secret: &Value) -> Option<&Value> {
    secret.get("labels")?.get(LABEL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Inventory, Sighting};
    use crate::plan::Body;
    use crate::resources::google::{Kind, driver};
    use crate::resources::{Declared, Desired, Document, Names};
    use crate::spec::Spec;

    const TOPIC: &str = "projects/p-1/topics/rotations";

    fn spec(auto: bool) -> Spec {
        Spec {
            project_id: "p-1".into(),
            enable_auto_password_rotation: auto,
            secret_rotation_period: "86400s".into(),
            ..Spec::default()
        }
    }

    fn at(text: &str) -> Inventory {
        let mut seen = Inventory::begun(text.parse().expect("a time"), Default::default());
        seen.rotation_topic = TOPIC.into();
        seen
    }

    /// How the login's secret should be.
    fn desired(spec: &Spec, seen: &Inventory) -> Document {
        let names = Names::new("demo", spec, "0a1b2c3d");
        let context = Context { spec, names: &names, generation: 1, seen };
        let id = secret::id(&context, "db-password-a");
        let found = secret::declare(&context).into_iter().find(|declared| declared.id == id);
        match found {
            Some(Declared { desired: Desired::Ready(document), .. }) => document,
            other => panic!("{other:?}"),
        }
    }

    /// The same after it was made, or written, with these differences.
    fn kept(document: &Document, change: impl FnOnce(&mut Value)) -> Value {
        let mut seen = document.wire().clone();
        seen["etag"] = "e".into();
        change(&mut seen);
        seen
    }

    #[test]
    fn what_rotates_by_itself_is_reminded_of_and_the_moving_time_is_never_fought_over() {
        let seen = at("2026-11-01T00:00:00Z");
        let made = desired(&spec(true), &seen);
        assert_eq!(made.wire()["topics"], json!([{"name": TOPIC}]));
        let rotation = json!({"nextRotationTime": "2026-11-02T00:00:00Z", "rotationPeriod": "86400s"});
        assert_eq!(made.wire()["rotation"], rotation);

        let later = desired(&spec(true), &at("2026-11-05T10:00:00Z"));
        let moved = kept(&made, |seen| seen["rotation"]["nextRotationTime"] = "2026-11-06T00:00:00Z".into());
        assert_eq!(driver::compare(Kind::Secret, &later, &moved), []);
        let silent = kept(&made, |seen| {
            seen["rotation"] = json!({"nextRotationTime": "2026-11-06T00:00:00Z"});
            seen["topics"] = json!([{"name": "projects/p-1/topics/theirs"}, {"name": TOPIC}]);
        });
        assert_eq!(
            driver::compare(Kind::Secret, &later, &silent),
            [],
            "an API that keeps the period to itself"
        );
    }

    #[test]
    fn what_somebody_took_away_is_put_back_by_one_call_that_is_tied_to_what_was_seen() {
        let wanted = desired(&spec(true), &at("2026-11-05T10:00:00Z"));
        let bare = kept(&wanted, |seen| {
            seen["rotation"] = Value::Null;
            seen["topics"] = json!([{"name": "projects/p-1/topics/theirs"}]);
        });
        let changes = driver::compare(Kind::Secret, &wanted, &bare);
        let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
        assert_eq!(
            paths,
            ["/rotation/rotationPeriod", "/topics"],
            "no time, which would be another at each look"
        );
        let id = crate::resources::ResourceId::google(Kind::Secret, "projects/p-1/secrets/s");
        let call = driver::update(&id, &wanted, &bare, &changes, 1).expect("a call");
        assert_eq!(call.query, [("updateMask", "labels,rotation,topics".to_owned())]);
        let Body::Document(body) = call.body else { panic!("no body") };
        assert_eq!(body.wire()["etag"], "e");
        assert_eq!(body.wire()["rotation"]["nextRotationTime"], "2026-11-06T10:00:00Z");
        assert_eq!(body.wire()["topics"].as_array().map(Vec::len), Some(2), "others still listen");
    }

    #[test]
    fn another_period_is_written_and_what_is_not_wanted_any_more_is_taken_away_once() {
        let made = desired(&spec(true), &at("2026-11-01T00:00:00Z"));
        let kept = kept(&made, |_| {});
        let hourly = Spec { secret_rotation_period: "3600s".into(), ..spec(true) };
        let changes = driver::compare(Kind::Secret, &desired(&hourly, &at("2026-11-01T00:00:00Z")), &kept);
        assert!(changes.iter().any(|change| change.path == "/rotation/rotationPeriod"), "{changes:?}");

        let mut seen = at("2026-11-01T00:00:00Z");
        let id = |seen: &Inventory| {
            let (spec, names) = (spec(false), Names::new("demo", &spec(false), "0a1b2c3d"));
            secret::id(&Context { spec: &spec, names: &names, generation: 1, seen }, "db-password-a")
        };
        let id = id(&seen);
        seen.note(id.clone(), Sighting::Present(kept.clone()));
        let off = desired(&spec(false), &seen);
        assert_eq!(off.wire()["rotation"], Value::Null);
        assert!(!driver::compare(Kind::Secret, &off, &kept).is_empty());
        let mut ended = kept;
        ended["rotation"] = Value::Null;
        ended["labels"][LABEL] = OFF.into();
        seen.note(id, Sighting::Present(ended.clone()));
        let off = desired(&spec(false), &seen);
        assert_eq!(driver::compare(Kind::Secret, &off, &ended), []);
        assert!(off.wire().get("rotation").is_none());
    }

    #[test]
    fn without_a_topic_or_the_wish_there_is_no_reminder() {
        let mut seen = at("2026-11-01T00:00:00Z");
        assert!(desired(&spec(false), &seen).wire().get("rotation").is_none());
        seen.rotation_topic.clear();
        assert!(desired(&spec(true), &seen).wire().get("topics").is_none());
    }
}
