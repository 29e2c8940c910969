//! What the planner asks of a Kubernetes kind: differences, readiness and calls.

use serde_json::Value;

use crate::plan::KubernetesRequest;
use crate::resources::{Change, Document, Readiness};

use super::stamp::{APPLIED, DEPLOYMENT_LABEL, GENERATION, MANAGED_BY, MANAGER};
use super::{Kind, compare as differences, readiness as standing};

/// The differences between a desired document and what was seen: fields of ours that differ, and fields
/// that we wrote before and no longer want.
///
/// The second sort shows as a difference of the annotation `dify-reconciler/applied`: server-side apply
/// removes what an earlier apply of ours had and this one has not, but only if it is sent.
pub fn compare(kind: Kind, desired: &Document, seen: &Value) -> Vec<Change> {
    differences::compare(kind, desired, seen)
}

/// Whether others may build on an object that was seen like this.
pub fn readiness(kind: Kind, seen: &Value) -> Readiness {
    standing::readiness(kind, seen)
}

/// The call that makes or changes an object; or why it cannot be done in place.
///
/// A Job's template cannot change. A failed Job that would be different now is deleted, and made anew at
/// the next look; one that runs or succeeded never differs (see [`compare`]).
///
/// # Errors
/// When one of the changes is of a field that the API keeps as it was at creation.
pub fn apply(
    kind: Kind,
    desired: &Document,
    seen: Option<&Value>,
    changes: &[Change],
) -> Result<KubernetesRequest, String> {
    if let Some(change) = changes.iter().find(|change| is_immutable(kind, &change.path)) {
        let from = change.from.as_deref().unwrap_or("unset");
        let to = change.to.as_deref().unwrap_or("unset");
        return Err(format!("{} cannot change from {from} to {to} on a {}", change.path, kind.name()));
    }
    if kind == Kind::Job
        && let Some(request) = seen.and_then(delete_exactly)
    {
        return Ok(request);
    }
    let resource_version =
        seen.and_then(|seen| seen.pointer("/metadata/resourceVersion")?.as_str().map(str::to_owned));
    Ok(KubernetesRequest::Apply { document: desired.clone(), resource_version })
}

/// The generation of the spec that wrote this object last, when it says so.
pub fn newer_generation(seen: &Value) -> Option<i64> {
    annotation(seen, GENERATION)?.parse().ok()
}

/// The fingerprint of what we wrote last, as the object carries it.
pub fn applied(seen: &Value) -> Option<&str> {
    annotation(seen, APPLIED)
}

/// The call that deletes exactly this object; `None` when it is not ours or its kind is never removed.
pub fn delete(kind: Kind, seen: &Value) -> Option<KubernetesRequest> {
    (prunable(kind) && is_ours(seen)).then(|| delete_exactly(seen)).flatten()
}

/// The call that deletes exactly this object of ours, of whatever kind it is: for a deployment that is taken down.
pub fn removal(seen: &Value) -> Option<KubernetesRequest> {
    is_ours(seen).then(|| delete_exactly(seen)).flatten()
}

/// Whether objects of a kind are removed when the spec no longer names them. A namespace takes
/// everything with it and a claim takes its disk; both stay.
pub fn prunable(kind: Kind) -> bool {
    !matches!(kind, Kind::Namespace | Kind::PersistentVolumeClaim)
}

/// Whether an object carries our labels. Something that merely lives in the namespace does not.
pub fn is_ours(seen: &Value) -> bool {
    let label = |name: &str| seen.pointer("/metadata/labels")?.get(name)?.as_str();
    label(MANAGED_BY) == Some(MANAGER) && label(DEPLOYMENT_LABEL).is_some()
}

fn annotation<'a>(seen: &'a Value, name: &str) -> Option<&'a str> {
    seen.pointer("/metadata/annotations")?.get(name)?.as_str()
}

fn delete_exactly(seen: &Value) -> Option<KubernetesRequest> {
    let text = |name: &str| seen.pointer("/metadata")?.get(name)?.as_str().map(str::to_owned);
    Some(KubernetesRequest::Delete { uid: text("uid")?, resource_version: text("resourceVersion")? })
}

/// Fields that the API refuses to change, by kind (`apps/v1`, `v1` and `batch/v1` validation).
fn is_immutable(kind: Kind, path: &str) -> bool {
    let below = |prefix: &str| crate::redact::within(path, prefix);
    match kind {
        Kind::Deployment => below("/spec/selector"),
        Kind::StatefulSet => {
            ["/spec/selector", "/spec/serviceName", "/spec/podManagementPolicy", "/spec/volumeClaimTemplates"]
                .iter()
                .any(|prefix| below(prefix))
        }
        Kind::PersistentVolumeClaim => below("/spec") && !below("/spec/resources"),
        Kind::Service => below("/spec/clusterIP"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ours(kind: &str) -> Value {
        json!({"kind": kind, "metadata": {
            "name": "x", "uid": "u-1", "resourceVersion": "7",
            "labels": {"app.kubernetes.io/managed-by": "dify-reconciler", "dify-reconciler/deployment": "demo"},
            "annotations": {"dify-reconciler/generation": "41", "dify-reconciler/applied": "abc"},
        }})
    }

    fn change(path: &str) -> Change {
        Change { path: path.into(), from: Some("a".into()), to: Some("b".into()) }
    }

    #[test]
    fn an_object_tells_who_wrote_it_last() {
        assert_eq!(newer_generation(&ours("Service")), Some(41));
        assert_eq!(applied(&ours("Service")), Some("abc"));
        assert_eq!(newer_generation(&json!({"metadata": {"name": "x"}})), None);
    }

    #[test]
    fn only_our_own_objects_are_deleted_and_never_data() {
        assert!(matches!(
            delete(Kind::Service, &ours("Service")),
            Some(KubernetesRequest::Delete { uid, resource_version }) if uid == "u-1" && resource_version == "7"
        ));
        assert!(delete(Kind::Namespace, &ours("Namespace")).is_none());
        assert!(delete(Kind::PersistentVolumeClaim, &ours("PersistentVolumeClaim")).is_none());
        let theirs = json!({"metadata": {"name": "x", "uid": "u", "resourceVersion": "1", "labels": {}}});
        assert!(delete(Kind::Secret, &theirs).is_none());
    }

    #[test]
    fn a_change_is_conditional_on_what_was_seen() {
        let document = Document::new(json!({"kind": "Service"}));
        let seen = ours("Service");
        let request = apply(Kind::Service, &document, Some(&seen), &[change("/spec/ports")]);
        assert!(matches!(
            request,
            Ok(KubernetesRequest::Apply { resource_version: Some(version), .. }) if version == "7"
        ));
        let request = apply(Kind::Service, &document, None, &[]);
        assert!(matches!(request, Ok(KubernetesRequest::Apply { resource_version: None, .. })));
    }

    #[test]
    fn a_failed_job_makes_way_for_its_successor() {
        let document = Document::new(json!({"kind": "Job"}));
        let request = apply(Kind::Job, &document, Some(&ours("Job")), &[change("/metadata/annotations/x")]);
        assert!(matches!(request, Ok(KubernetesRequest::Delete { .. })));
    }

    #[test]
    fn a_field_fixed_at_creation_is_refused_with_its_path() {
        let document = Document::new(json!({}));
        let refused =
            apply(Kind::StatefulSet, &document, None, &[change("/spec/volumeClaimTemplates/0/spec")]);
        assert!(refused.unwrap_err().contains("/spec/volumeClaimTemplates/0/spec cannot change"));
        let storage = change("/spec/resources/requests/storage");
        assert!(apply(Kind::PersistentVolumeClaim, &document, None, &[storage]).is_ok());
    }
}
