//! The content of a secret: its newest version.
//!
//! Identity: the secret's name and `/versions`. Desired: it exists; a version of ours is drawn once, when it is
//! missing, and never compared. Read through `versions/latest:access`, the alias of the newest version.
//!
//! What was lost is not drawn anew: when the database is there, the content that opens it cannot be replaced by
//! another one. Then the user is asked to put the old one back (module defect D-21).

use crate::condition::{Finding, Reason, Severity};
use crate::inventory::Sighting;
use crate::plan::{GoogleRequest, Method};
use crate::resources::{Act, Change, Context, Declared, Desired, ResourceId, Wait, WaitKind};
use crate::rotation::{self, Arrow, Side, keys, redis};
use crate::slice::Slice;

use super::descriptor::{Descriptor, READ_ONLY};
use super::secret::{self, Generated};
use super::{Kind, declared, sql_database, sql_instance};

/// Secret Manager v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "secretmanager.googleapis.com",
    get: "secretmanager.projects.secrets.versions.access",
    data_store: true,
    ..READ_ONLY
};

/// Discovery id of the call that adds a version.
pub const ADD_VERSION: &str = "secretmanager.projects.secrets.addVersion";

/// The address of a secret's newest version, by the end of the secret's name.
pub fn id(context: &Context<'_>, suffix: &str) -> ResourceId {
    of(&context.names.secret(suffix))
}

/// The address of the newest version of a secret.
pub fn of(secret: &str) -> ResourceId {
    ResourceId::google(Kind::SecretVersion, format!("{secret}/versions"))
}

/// The content of ours to be drawn, and of the user's to be found.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    let own = secret::generated(context.spec).into_iter().map(|secret| {
        let desired = match lost(context, &secret) {
            Some(why) => Desired::Waiting(vec![Wait::new(WaitKind::User, why)]),
            None if is_due(context, secret.suffix) => Desired::Act(another(context, &secret)),
            None => Desired::Generated(secret.recipe),
        };
        let mut needs = vec![secret::id(context, secret.suffix)];
        if matches!(desired, Desired::Act(_)) {
            needs.extend(rotation::workloads(context));
        }
        declared(context, id(context, secret.suffix), Slice::Secrets, desired, needs)
    });
    let theirs = user_secrets(context).into_iter().map(|secret| {
        let name = format!("projects/{}/secrets/{secret}", context.names.project);
        declared(context, of(&name), Slice::Secrets, Desired::Found, Vec::new())
    });
    own.chain(theirs).chain(older(context)).collect()
}

/// Whether a rotation wants another version of a secret of ours.
fn is_due(context: &Context<'_>, suffix: &str) -> bool {
    let of_login = rotation::arrow(context, |arrow| match arrow {
        Arrow::Draw(side) => Some(side.secret() == suffix),
        _ => None,
    });
    of_login.unwrap_or(false) || keys::is_due(context, suffix)
}

/// Another version of what is there.
fn another(context: &Context<'_>, secret: &Generated) -> Act {
    let newest = context.seen.payloads.get(&context.names.secret(secret.suffix));
    let change = Change {
        path: "/versions".into(),
        from: newest.map(|newest| newest.version.to_string()),
        to: newest.map(|newest| (newest.version + 1).to_string()),
    };
    Act {
        request: super::driver::generate(&id(context, secret.suffix), secret.recipe),
        changes: vec![change],
    }
}

/// Versions that are used although a newer one is there.
fn older(context: &Context<'_>) -> Vec<Declared> {
    let newest =
        |suffix: &str| context.seen.payloads.get(&context.names.secret(suffix)).map(|one| one.version);
    let marked = rotation::mark(context).map(|mark| (mark.side.secret(), mark.version));
    let unmarked = || rotation::sight::first(context).map(|first| (Side::A.secret(), first));
    let redis = redis::older_in_use(context).map(|version| (keys::REDIS, version));
    let pinned = marked.or_else(unmarked).into_iter().chain(redis).chain(keys::older(context));
    pinned
        .filter(|(suffix, version)| newest(suffix) != Some(*version))
        .map(|(suffix, version)| {
            let needs = vec![secret::id(context, suffix)];
            declared(context, numbered(context, suffix, version), Slice::Secrets, Desired::Found, needs)
        })
        .collect()
}

/// The address of one version of a secret, by the end of the secret's name.
pub fn numbered(context: &Context<'_>, suffix: &str, version: u64) -> ResourceId {
    ResourceId::google(Kind::SecretVersion, format!("{}/versions/{version}", context.names.secret(suffix)))
}

/// Ids of the user's secrets, each once: those that become environment, those of jobs and cron jobs, and the
/// administrator's password of an instance that is not ours, by the module's convention.
pub fn user_secrets(context: &Context<'_>) -> Vec<String> {
    let spec = context.spec;
    let mut ids: Vec<String> = spec.secret_environment_variables.values().cloned().collect();
    if !spec.sql_instance_name.is_empty() {
        ids.push(sql_instance::given_root_password(spec));
    }
    let jobs = spec.initialization_jobs.iter().map(|job| &job.secret_env_vars);
    let crons = spec.cron_jobs.iter().map(|job| &job.secret_env_vars);
    ids.extend(jobs.chain(crons).flatten().flat_map(|variables| variables.values().cloned()));
    ids.sort();
    ids.dedup();
    ids
}

/// A finding for each secret that is missing while what it opens is there.
pub fn secret_lost(context: &Context<'_>) -> Vec<Finding> {
    secret::generated(context.spec)
        .into_iter()
        .filter_map(|secret| Some((lost(context, &secret)?, secret)))
        .map(|(why, secret)| Finding {
            reason: Reason::SecretLost,
            severity: Severity::Error,
            slice: Slice::Secrets,
            subject: Some(id(context, secret.suffix).to_string()),
            message: why,
            help: restore(context, secret.suffix),
        })
        .collect()
}

/// Why a secret counts as lost, if it does.
fn lost(context: &Context<'_>, secret: &Generated) -> Option<String> {
    let name = context.names.secret(secret.suffix);
    let absent = context.seen.sighting(&of(&name)) == Some(&Sighting::Absent);
    let lives_on = match secret.suffix {
        "db-root-password" => context.seen.body(&sql_instance::id(context)).is_some(),
        _ => context.seen.body(&sql_database::id(context, "")).is_some(),
    };
    (secret.irreplaceable && absent && lives_on).then(|| {
        let short = super::short(&name);
        format!(
            "the content of the secret {short} is lost while the database made with it exists; {}",
            how(short)
        )
    })
}

fn how(secret: &str) -> String {
    format!(
        "put the old value back with `gcloud secrets versions add {secret} --data-file=-`, or enable its last version again"
    )
}

fn restore(context: &Context<'_>, suffix: &str) -> String {
    let name = context.names.secret(suffix);
    let secret = super::short(&name);
    match suffix {
        "secret-key" => format!(
            "First {}. If it is gone for good, add a new value yourself: everyone is logged out and signed file links end.",
            how(secret)
        ),
        "db-root-password" => format!(
            "First {}. If it is gone for good, set a new password for the user postgres and add it.",
            how(secret)
        ),
        _ => format!(
            "First {}. If it is gone for good, set a new password for the login role and add it.",
            how(secret)
        ),
    }
}

/// The call that reads the newest version, or the one that is named, with its content.
pub fn read(id: &ResourceId) -> GoogleRequest {
    let version = if id.name.ends_with("/versions") { "/latest:access" } else { ":access" };
    DESCRIPTOR.call(Method::Get, DESCRIPTOR.path(&id.name, version), DESCRIPTOR.get)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::inventory::Inventory;
    use crate::resources::Names;
    use crate::spec::Spec;

    fn desired(seen: &Inventory, suffix: &str) -> (Desired, usize) {
        let spec = Spec { project_id: "p-1".into(), ..Spec::default() };
        let names = Names::new("demo", &spec, "0a1b2c3d");
        let context = Context { spec: &spec, names: &names, generation: 1, seen };
        let wanted = id(&context, suffix);
        let found = declare(&context).into_iter().find(|declared| declared.id == wanted);
        (found.expect("it is declared").desired, secret_lost(&context).len())
    }

    fn note(seen: &mut Inventory, kind: Kind, name: &str, sighting: Sighting) {
        seen.note(ResourceId::google(kind, name), sighting);
    }

    #[test]
    fn a_key_is_drawn_before_the_database_and_never_after() {
        let mut seen = Inventory::default();
        let version = "projects/p-1/secrets/appdifydemo0a1b2c3d-secret-key/versions";
        note(&mut seen, Kind::SecretVersion, version, Sighting::Absent);
        assert!(matches!(desired(&seen, "secret-key"), (Desired::Generated(_), 0)));

        let database = "projects/p-1/instances/app-sql-0a1b2c3d/databases/dify_db_demo_0a1b2c3d";
        note(&mut seen, Kind::SqlDatabase, database, Sighting::Present(json!({})));
        let (Desired::Waiting(waits), 1) = desired(&seen, "secret-key") else {
            panic!("it would be drawn anew")
        };
        assert_eq!(waits[0].kind, WaitKind::User);
        assert!(
            waits[0].why.contains("secrets versions add appdifydemo0a1b2c3d-secret-key"),
            "{}",
            waits[0].why
        );
        // What both ends read anew can be drawn anew.
        assert!(matches!(desired(&seen, "plugin-daemon-key"), (Desired::Generated(_), 1)));
    }

    #[test]
    fn a_secret_that_nobody_looked_at_is_not_lost() {
        let mut seen = Inventory::default();
        let database = "projects/p-1/instances/app-sql-0a1b2c3d/databases/dify_db_demo_0a1b2c3d";
        note(&mut seen, Kind::SqlDatabase, database, Sighting::Present(json!({})));
        assert!(matches!(desired(&seen, "secret-key"), (Desired::Generated(_), 0)));
    }
}
