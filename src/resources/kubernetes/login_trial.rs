//! The Job that tries to log in with a new password before anybody depends on it.
//!
//! Its name stands for login, version and attempt: that it succeeded is how the rotation knows that the role has
//! this password. It is removed when nothing waits for it any more.

use k8s_openapi::api::core::v1::{Container, EnvVar};

use crate::resources::{Context, Declared, ResourceId, Wait};
use crate::rotation::machine::{self, Trial, TrialResult};
use crate::rotation::{Arrow, Next, Side, sight};
use crate::slice::Slice;

use super::credentials::{self, SecretMap};
use super::database::{self, Database, PORT};
use super::environment;
use super::environment::Plain;
use super::images::{self, Image};
use super::job::{self, Attempt};
use super::pod::{self, Pod};
use super::scope::{Scope, bounded};
use super::sizes::{resources, size};
use super::waits::Waits;
use super::{Kind, account, config, db_init, security, stamp};

/// What its objects are called by.
const COMPONENT: &str = "login-trial";

/// The component it counts to: it talks to the same, under the same network policy.
const LABEL: &str = db_init::COMPONENT;

/// The user of the image's client (`postgres` of Alpine).
const UID: i64 = 70;

/// Seconds for one attempt, the start of the pod on a new node included.
const DEADLINE_SECS: u32 = 600;

/// The Job's address for one attempt to log in with a version of a login's password.
pub fn id(context: &Context<'_>, side: Side, version: u64, attempt: u32) -> ResourceId {
    let scope = Scope::new(context);
    scope.id(Kind::Job, &name(&scope, side, version, attempt))
}

/// The Job with its Secret, while a password is on trial.
pub fn declare(scope: &Scope<'_>) -> Vec<Declared> {
    let Some(seen) = sight(scope.context) else { return Vec::new() };
    let Some((side, version)) = machine::on_trial(&seen) else { return Vec::new() };
    let attempt = match (machine::next(&seen), seen.trials.get(&(side, version))) {
        (Next::Take(Arrow::Test(_, _, attempt)), _) => attempt,
        // What is running or has failed stays as long as it tells how things stand.
        (_, Some(Trial { attempt, .. })) => *attempt,
        _ => return Vec::new(),
    };
    let done = matches!(seen.trials.get(&(side, version)), Some(Trial { result: TrialResult::LoggedIn, .. }));
    attempt_of(scope, side, version, attempt, done)
}

fn attempt_of(scope: &Scope<'_>, side: Side, version: u64, attempt: u32, done: bool) -> Vec<Declared> {
    let (slice, mut waits) = (Slice::Migration, Waits::default());
    let wait = || Wait::dependency(format!("version {version} of {} could not be read yet", side.secret()));
    let password = waits.take(database::password(scope, side, version).ok_or_else(wait));
    let secrets = SecretMap::from([("PGPASSWORD".to_owned(), password)]);
    let secret = config::name(scope, COMPONENT);
    let credentials = credentials::declare(scope, &secret, LABEL, slice, &secrets, &waits);
    let names = database::DatabaseNames::new(scope.names(), scope.spec());
    let values = environment::plain(&[
        ("PGHOST", &Database::host(scope, &mut waits)),
        ("PGPORT", &PORT.to_string()),
        ("PGUSER", &names.logins[side.index()]),
        ("PGSSLMODE", if scope.spec().enable_cloudsql_volume { "disable" } else { "require" }),
        ("PGCONNECT_TIMEOUT", "10"),
        ("OWNER", &names.owner),
        ("DATABASES", &format!("{} {}", names.application, names.plugins)),
    ]);
    let main = Container {
        name: COMPONENT.into(),
        image: Some(waits.take(images::pinned(scope.context, Image::Psql))),
        command: Some(vec!["/bin/sh".into(), "-c".into(), SCRIPT.into()]),
        env: Some(variables(&values)),
        env_from: Some(pod::secret_environment(&secret)),
        resources: Some(resources(None, size("250m", "256Mi", "256Mi"))),
        security_context: Some(security::unprivileged(UID, false)),
        ..Default::default()
    };
    let pod = Pod::new(main, environment::checksum(&values, &secrets))
        .with_identity(account::workload(scope.names()))
        .with_proxy(scope, &mut waits);
    let tries = Attempt { retries: 0, deadline_secs: Some(DEADLINE_SECS), completions: 1 };
    let name = name(scope, side, version, attempt);
    // What has run is not made different any more.
    let needs = if done { Vec::new() } else { vec![scope.id(Kind::Secret, &secret)] };
    let body = job::job(scope, &name, LABEL, tries, pod.template(scope, LABEL));
    vec![credentials, scope.declare(Kind::Job, &name, slice, needs, &waits, &body)]
}

/// A role's password may take a moment until every part of the instance knows it.
pub const SCRIPT: &str = r#"set -eu
logs_in() {
  tries=0
  until role=$(psql -X -q -t -A -w -v ON_ERROR_STOP=1 -d "$1" -c 'SELECT current_user'); do
    tries=$((tries + 1))
    if [ "$tries" -ge 12 ]; then echo "$PGUSER cannot log in to $1" >&2; exit 1; fi
    sleep 5
  done
  if [ "$role" != "$OWNER" ]; then echo "$PGUSER acts as $role in $1, not as $OWNER" >&2; exit 1; fi
}
for database in $DATABASES; do logs_in "$database"; done
echo 'the new password logs in'
"#;

fn variables(values: &Plain) -> Vec<EnvVar> {
    let variable = |(name, value): (&String, &String)| EnvVar {
        name: name.clone(),
        value: Some(value.clone()),
        ..Default::default()
    };
    values.iter().map(variable).collect()
}

fn name(scope: &Scope<'_>, side: Side, version: u64, attempt: u32) -> String {
    let names = database::DatabaseNames::new(scope.names(), scope.spec());
    let hash = stamp::short_hash(&format!("{}\n{version}\n{attempt}", names.logins[side.index()]));
    bounded(&scope.names().component(&format!("{COMPONENT}-{hash}")))
}
