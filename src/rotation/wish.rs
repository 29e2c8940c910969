//! Why something should rotate: its age, its own schedule, or somebody's order.

use jiff::Timestamp;

use crate::resources::Context;
use crate::resources::google::secret;
use crate::spec::Spec;

use super::machine::{Side, Wish};

/// What the command line calls the procedure.
pub const ORDER: &str = "rotate";

/// Why the database password should rotate.
pub fn database(context: &Context<'_>) -> Wish {
    let spec = context.spec;
    let is_login = |secret: &str| Side::BOTH.iter().any(|side| side.secret() == secret);
    let meant = |secret: &str| matches!(secret, "" | "database") || is_login(secret);
    let period_secs = period_secs(spec);
    Wish {
        ordered: ordered(context, meant),
        reminded: reminded(context, is_login),
        most_secs: spec.enable_auto_password_rotation.then_some(period_secs),
        period_secs,
    }
}

/// Why another secret of the deployment should rotate. By itself none does: it takes a second server and a rollout, for
/// which the user chooses the time.
pub fn key(context: &Context<'_>, suffix: &str) -> Wish {
    Wish {
        ordered: ordered(context, |secret| secret == suffix),
        reminded: reminded(context, |secret| secret == suffix),
        most_secs: None,
        period_secs: own_period_secs(context, suffix).unwrap_or_else(|| period_secs(context.spec)),
    }
}

/// Whether a secret rotates by itself when its time has come.
pub fn by_itself(spec: &Spec, suffix: &str) -> bool {
    spec.enable_auto_password_rotation && Side::BOTH.iter().any(|side| side.secret() == suffix)
}

/// `secret_rotation_period` in seconds; the spec's rules see to it that it is one.
pub fn period_secs(spec: &Spec) -> u64 {
    spec.secret_rotation_period.trim_end_matches('s').parse().unwrap_or(u64::MAX)
}

/// The period of a secret's own schedule in seconds, when it has one.
fn own_period_secs(context: &Context<'_>, suffix: &str) -> Option<u64> {
    let body = context.seen.body(&secret::id(context, suffix))?;
    body.pointer("/rotation/rotationPeriod")?.as_str()?.trim_end_matches('s').parse().ok()
}

/// Orders with what they are about: the end of a secret's name, or what they say when it is none of ours.
pub fn orders<'a>(context: &Context<'a>) -> impl Iterator<Item = (&'a str, Timestamp)> {
    let (seen, names) = (context.seen, context.names);
    let requests = seen.orders.requests.iter().filter(|request| request.what == ORDER);
    requests.map(move |request| (suffix(&names.prefix, &request.of).unwrap_or(&request.of), request.at))
}

/// Reminders about secrets of ours.
pub fn reminders<'a>(context: &Context<'a>) -> impl Iterator<Item = (&'a str, Timestamp)> {
    let (seen, names) = (context.seen, context.names);
    let all = seen.reminders.iter();
    all.filter_map(move |reminder| Some((suffix(&names.prefix, &reminder.secret)?, reminder.at)))
}

fn ordered(context: &Context<'_>, meant: impl Fn(&str) -> bool) -> Option<Timestamp> {
    orders(context).filter(|(secret, _)| meant(secret)).map(|(_, at)| at).max()
}

fn reminded(context: &Context<'_>, meant: impl Fn(&str) -> bool) -> Option<Timestamp> {
    reminders(context).filter(|(secret, _)| meant(secret)).map(|(_, at)| at).max()
}

/// `appdemo-redis-password` is `redis-password` in the deployment `appdemo`.
fn suffix<'a>(prefix: &str, secret: &'a str) -> Option<&'a str> {
    secret.strip_prefix(prefix)?.strip_prefix('-')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::inventory::{Inventory, Sighting};
    use crate::resources::Names;

    #[test]
    fn a_key_with_a_schedule_of_its_own_is_due_by_that_and_not_by_the_specs() {
        let spec = Spec::default();
        let names = Names::new("demo", &spec, "0a1b2c3d");
        let mut seen = Inventory::begun(Timestamp::UNIX_EPOCH, Default::default());
        let period = |seen: &Inventory| {
            key(&Context { spec: &spec, names: &names, generation: 1, seen }, "redis-password").period_secs
        };
        assert_eq!(period(&seen), period_secs(&spec));
        let context = Context { spec: &spec, names: &names, generation: 1, seen: &seen };
        let id = secret::id(&context, "redis-password");
        seen.note(id, Sighting::Present(json!({"rotation": {"rotationPeriod": "604800s"}})));
        assert_eq!(period(&seen), 604_800);
    }
}
