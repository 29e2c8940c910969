//! Secret Manager secrets that hold what is generated for the deployment.
//!
//! Identity: `projects/<p>/secrets/<prefix>-<suffix>`. Desired: automatic replication, labels, and the schedule of what
//! rotates by itself. Compare: labels, the topic and the period; when it is due next is Secret Manager's to move.
//! Readiness: at once. Removed only when that was approved. Which secrets there are and what they look like is here (`dify-runtime`
//! contract: alphanumeric, so that no DSN, URL or shell can misread them).

use serde_json::{Value, json};

use crate::resources::{Change, Context, Declared, Document, Recipe, ResourceId, facts};
use crate::rotation::{self, Arrow, Side, schedule};
use crate::slice::Slice;
use crate::spec::Spec;

use super::descriptor::{Create, Descriptor, Precondition, READ_ONLY, Update};
use super::{Kind, compare as comparison, declared, labels, ready_or_waiting};

/// Secret Manager v1. A stale etag is refused with 400 FAILED_PRECONDITION.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "secretmanager.googleapis.com",
    get: "secretmanager.projects.secrets.get",
    create: Create::NamedInQuery {
        method_id: "secretmanager.projects.secrets.create",
        parameter: "secretId",
    },
    update: Update::Masked { method_id: "secretmanager.projects.secrets.patch", etag: true },
    labels: Some("/labels"),
    immutable: &[("/replication", "where a secret is kept is fixed when it is made")],
    // Others may listen, too.
    keyed: &[("/topics", "name")],
    delete: Some("secretmanager.projects.secrets.delete"),
    delete_precondition: Precondition::EtagQuery,
    data_store: true,
    ..READ_ONLY
};

/// A secret of the deployment's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generated {
    /// End of its name.
    pub suffix: &'static str,
    /// What it looks like.
    pub recipe: Recipe,
    /// Whether something that lives on was made with it: drawn anew, it would open nothing.
    pub irreplaceable: bool,
}

/// The secrets of this spec.
pub fn generated(spec: &Spec) -> Vec<Generated> {
    let text =
        |suffix, length| Generated { suffix, recipe: Recipe::Alphanumeric(length), irreplaceable: false };
    let kept = |suffix, length| Generated { irreplaceable: true, ..text(suffix, length) };
    let password = spec.database_password_length as usize;
    let mut secrets = vec![
        kept("secret-key", 64),
        // Dify takes at most 30 characters.
        text("init-password", 24),
        kept("db-password-a", password),
        kept("db-password-b", password),
        text("plugin-daemon-key", 48),
        text("inner-api-key-for-plugin", 48),
        text("code-execution-api-key", 48),
    ];
    if spec.sql_instance_name.is_empty() {
        secrets.push(kept("db-root-password", 32));
    }
    if facts::redis_is_ours(spec) {
        secrets.push(text("redis-password", 32));
    }
    if spec.agent_backend.enabled == Some(true) {
        secrets.push(text("agent-api-token", 48));
        secrets.push(text("agent-sandbox-token", 48));
        secrets.push(Generated { recipe: Recipe::Base64Url(32), ..text("agent-server-secret-key", 0) });
    }
    secrets
}

/// The address of a secret by the end of its name.
pub fn id(context: &Context<'_>, suffix: &str) -> ResourceId {
    ResourceId::google(Kind::Secret, context.names.secret(suffix))
}

/// The secrets, without their content.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    generated(context.spec)
        .into_iter()
        .map(|secret| {
            let mut body =
                json!({"labels": labels_of(context, secret.suffix), "replication": {"automatic": {}}});
            schedule::put(context, secret.suffix, &mut body);
            let id = id(context, secret.suffix);
            declared(context, id, Slice::Secrets, ready_or_waiting(Ok(body)), Vec::new())
        })
        .collect()
}

/// The differences; the time of the next rotation moves by itself and is none.
pub fn compare(desired: &Document, seen: &Value) -> Vec<Change> {
    comparison::compare(&DESCRIPTOR, desired, &schedule::settled(desired.wire(), seen))
}

/// Our labels, and at the switch of a rotation the one that says who logs in from now on. That one is kept
/// afterwards like a label of others.
fn labels_of(context: &Context<'_>, suffix: &str) -> Value {
    let mut all = labels::all(context);
    if suffix == Side::A.secret() {
        let switch = rotation::arrow(context, |arrow| match arrow {
            Arrow::Switch(mark) => Some(mark),
            _ => None,
        });
        if let Some(mark) = switch {
            all[rotation::LABEL] = mark.label().into();
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Body;
    use crate::resources::Desired;
    use crate::resources::google::driver;

    #[test]
    fn a_root_password_is_only_drawn_for_an_instance_of_ours() {
        let has = |spec: &Spec, suffix| generated(spec).iter().any(|secret| secret.suffix == suffix);
        assert!(has(&Spec::default(), "db-root-password"));
        let given = Spec { sql_instance_name: "shared".into(), ..Spec::default() };
        assert!(!has(&given, "db-root-password"));
        assert!(has(&Spec::default(), "redis-password"));
        let elsewhere = Spec { redis_host: "10.0.0.9".into(), ..Spec::default() };
        assert!(!has(&elsewhere, "redis-password"));
    }

    #[test]
    fn labels_of_others_are_kept_when_ours_are_written() {
        let desired = Document::new(json!({"labels": {"tenant": "demo"}, "replication": {"automatic": {}}}));
        let seen = json!({"etag": "\"1\"", "labels": {"team": "x"}, "replication": {"automatic": {}}});
        let id = ResourceId::google(Kind::Secret, "projects/p/secrets/s");
        let changes = driver::compare(Kind::Secret, &desired, &seen);
        let call = driver::update(&id, &desired, &seen, &changes, 1).unwrap();
        assert_eq!(call.query, [("updateMask", "labels".to_owned())]);
        let Body::Document(body) = call.body else { panic!("no body") };
        assert_eq!(*body.wire(), json!({"etag": "\"1\"", "labels": {"team": "x", "tenant": "demo"}}));
    }

    #[test]
    fn a_secret_is_never_removed() {
        let id = ResourceId::google(Kind::Secret, "projects/p/secrets/s");
        assert!(driver::delete(&id, &json!({"etag": "x"})).is_none());
        assert!(matches!(ready_or_waiting(Ok(json!({}))), Desired::Ready(_)));
    }
}
