//! What the planner asks of a Google kind: differences, readiness and calls.
//!
//! One driver serves all kinds; what distinguishes them is in their tables (`descriptor.rs`).

use serde_json::Value;

use crate::inventory::Inventory;
use crate::plan::{Action, Body, GoogleRequest, Method};
use crate::redact::within;
use crate::resources::{self, Change, Document, Names, Readiness, Recipe, ResourceId};

use super::descriptor::{Revision, Update};
use super::{
    Kind, compare as comparison, enabled_api, labels, object, patch, policy, project, request, secret,
    secret_version, sql_database, sql_instance,
};

/// The differences between a desired document and what was seen, in the fields that the document has.
pub fn compare(kind: Kind, desired: &Document, seen: &Value) -> Vec<Change> {
    match kind {
        Kind::EnabledApi => enabled_api::compare(desired, seen),
        Kind::Secret => secret::compare(desired, seen),
        // What is there is its description, not its content, which is written once.
        Kind::Object => Vec::new(),
        kind if kind.is_policy() => policy::compare(desired, seen),
        kind => comparison::compare(kind.descriptor(), desired, seen),
    }
}

/// Whether others may build on a resource that was seen like this.
pub fn readiness(kind: Kind, seen: &Value) -> Readiness {
    (kind.descriptor().readiness)(seen)
}

/// The call that makes a resource. Repeating it harms nothing: a name exists only once.
pub fn create(id: &ResourceId, desired: &Document, _generation: i64) -> GoogleRequest {
    request::create(kind(id).descriptor(), id, desired)
}

/// The call that makes a generated secret version.
pub fn generate(id: &ResourceId, recipe: Recipe) -> GoogleRequest {
    let secret = id.name.trim_end_matches("/versions");
    let descriptor = &secret_version::DESCRIPTOR;
    let mut call =
        descriptor.call(Method::Post, descriptor.path(secret, ":addVersion"), secret_version::ADD_VERSION);
    call.body = Body::Generated(recipe);
    call
}

/// The call that removes these differences, with the precondition that nothing changed since it was seen;
/// or why it cannot be done in place. Some kinds change one field per call; the next look finds the rest.
///
/// # Errors
/// The reason, naming the field, when the API never changes it; or when what was seen lacks the etag,
/// fingerprint or version that the call has to be tied to.
pub fn update(
    id: &ResourceId,
    desired: &Document,
    seen: &Value,
    changes: &[Change],
    generation: i64,
) -> Result<GoogleRequest, String> {
    let descriptor = kind(id).descriptor();
    for change in changes {
        if let Some((field, why)) = descriptor.immutable.iter().find(|(field, _)| within(&change.path, field))
        {
            let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".into());
            let (from, to) = (side(&change.from), side(&change.to));
            return Err(format!("{field} of {id} is {from} and cannot become {to}: {why}"));
        }
    }
    let revision = Revision { id, descriptor, desired, seen, changes, generation };
    match descriptor.update {
        Update::Never(why) => Err(format!("{id} cannot be changed: {why}")),
        Update::Masked { method_id, etag } => patch::masked(&revision, method_id, etag),
        Update::Merged { method_id, precondition } => patch::merged(&revision, method_id, precondition),
        Update::Bindings(method_id) => {
            Ok(policy::set(descriptor, id, method_id, policy::complete(desired, seen)?))
        }
        Update::Custom(update) => update(&revision),
    }
}

/// The call that removes a resource as it was seen; `None` for what holds data and for what never goes.
pub fn delete(id: &ResourceId, seen: &Value) -> Option<GoogleRequest> {
    let kind = kind(id);
    if kind == Kind::Object {
        return object::delete(id, seen);
    }
    if deletable(kind) { request::delete(kind.descriptor(), id, seen) } else { None }
}

/// Whether a resource is the deployment's own: its labels say so, or, where a kind has none, the deployment's id
/// in its name.
pub fn is_ours(id: &ResourceId, seen: &Value, names: &Names) -> bool {
    let descriptor = kind(id).descriptor();
    match descriptor.labels {
        Some(_) => labels::are_of(descriptor, seen, &names.deployment),
        None => id.name.contains(&names.id),
    }
}

/// The next call on the way to removing a resource, data included: whoever asks has an approval for that. An
/// instance's protection is lifted first, and its last backup outlives it; a database of it goes with it.
pub fn removal(id: &ResourceId, seen: &Inventory) -> Option<(Action, GoogleRequest)> {
    let body = seen.body(id)?;
    match kind(id) {
        Kind::SqlInstance => sql_instance::removal(id, body),
        Kind::SqlDatabase if sql_database::goes_with_instance(id, seen) => None,
        kind => Some((Action::Delete, request::delete(kind.descriptor(), id, body)?)),
    }
}

/// Whether a kind may be removed by itself. Data stores never are.
pub fn deletable(kind: Kind) -> bool {
    let descriptor = kind.descriptor();
    !descriptor.data_store && descriptor.delete.is_some()
}

/// What takes only one change at a time: a Cloud SQL instance with its databases and users (a second
/// operation is refused with 409), and a bucket with its policy (they share the metageneration).
pub fn lane(id: &ResourceId) -> Option<String> {
    match kind(id) {
        Kind::SqlInstance | Kind::Bucket | Kind::BucketPolicy => Some(id.name.clone()),
        Kind::SqlDatabase | Kind::SqlUser => id.name.splitn(5, '/').take(4).map(str::to_owned).reduce(join),
        _ => None,
    }
}

/// The generation of the spec that a resource was written for last, where its labels say so. When it is
/// newer than ours, nothing may be written.
pub fn newer_generation(kind: Kind, seen: &Value) -> Option<i64> {
    let descriptor = kind.descriptor();
    if !labels::ours(descriptor, seen) {
        return None;
    }
    labels::label(descriptor, seen, labels::GENERATION)?.parse().ok()
}

fn join(left: String, right: String) -> String {
    format!("{left}/{right}")
}

/// The Google kind of an address. Kubernetes kinds have their own driver and never get here; they are
/// answered with the one kind that nothing can be done to.
fn kind(id: &ResourceId) -> Kind {
    match id.kind {
        resources::Kind::Google(kind) => kind,
        resources::Kind::Kubernetes(_) => project::KIND,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn google(kind: Kind, name: &str) -> ResourceId {
        ResourceId::google(kind, name)
    }

    #[test]
    fn what_shares_an_instance_shares_its_lane() {
        let instance = google(Kind::SqlInstance, "projects/p/instances/i");
        let user = google(Kind::SqlUser, "projects/p/instances/i/users/u");
        assert_eq!(lane(&instance), lane(&user));
        assert_eq!(lane(&google(Kind::Bucket, "b/files")), lane(&google(Kind::BucketPolicy, "b/files")));
        assert_eq!(lane(&google(Kind::Secret, "projects/p/secrets/s")), None);
    }

    #[test]
    fn only_our_own_label_tells_a_generation() {
        let labels =
            |manager: &str| json!({"labels": {"managed-by": manager, "dify-reconciler-generation": "42"}});
        assert_eq!(newer_generation(Kind::Secret, &labels("dify-reconciler")), Some(42));
        assert_eq!(newer_generation(Kind::Secret, &labels("terraform")), None);
        assert_eq!(newer_generation(Kind::Firewall, &labels("dify-reconciler")), None);
    }

    #[test]
    fn a_removal_is_tied_to_what_was_seen() {
        let id = google(Kind::GlobalAddress, "projects/p/global/addresses/a");
        let first = delete(&id, &json!({"id": "1"})).expect("an address holds no data");
        let second = delete(&id, &json!({"id": "2"})).expect("an address holds no data");
        assert_ne!(first.query, second.query, "a later address of the same name is another one");
        assert!(delete(&google(Kind::Bucket, "b/files"), &json!({"metageneration": "1"})).is_none());
    }

    #[test]
    fn a_secret_version_is_drawn_when_it_is_sent() {
        let call =
            generate(&google(Kind::SecretVersion, "projects/p/secrets/s/versions"), Recipe::Alphanumeric(8));
        assert_eq!(call.path, "v1/projects/p/secrets/s:addVersion");
        assert!(matches!(call.body, Body::Generated(Recipe::Alphanumeric(8))));
    }
}
