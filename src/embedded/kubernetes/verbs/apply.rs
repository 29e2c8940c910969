//! PATCH with a configuration: server-side apply.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Answer, key, writer};
use crate::embedded::kubernetes::defaults;
use crate::embedded::kubernetes::failure::{Cause, Failure};
use crate::embedded::kubernetes::merge::managers::{self, Managers};
use crate::embedded::kubernetes::merge::{Conflict, path};
use crate::embedded::kubernetes::request::{Request, Target};
use crate::embedded::kubernetes::schema;
use crate::embedded::kubernetes::store::{World, field, text};
use crate::embedded::kubernetes::write::{Writer, bare};

/// Applies the request's body.
pub fn apply(
    world: &mut World,
    request: &Request,
    target: &Target,
    now: Timestamp,
) -> Result<Answer, Failure> {
    let manager = request.query.get("fieldManager");
    if manager.is_empty() {
        let cause = Cause::required("fieldManager", "is required for apply patch");
        return Err(Failure::invalid("meta.k8s.io", "PatchOptions", "", &[cause]));
    }
    let mut writer = writer(request, target, now, manager)?;
    let config = read(request, target)?;
    let key = key(target);
    let live = world.get(&key).cloned();
    let force = request.query.is("force");
    let (new, owners) = lay(&writer, live.as_ref(), &config, target, force)?;
    let new = writer.decode(new).map_err(|refused| unconverted(&refused, &config, target))?;
    let (code, stored) = match live {
        Some(old) => (200, writer.exchange(world, &key, &old, new, &owners)?),
        None => (201, create(&writer, world, target, new, &owners)?),
    };
    Ok(Answer::Json { code, body: stored, warnings: writer.warnings })
}

fn create(
    writer: &Writer<'_>,
    world: &mut World,
    target: &Target,
    mut new: Value,
    owners: &Managers,
) -> Result<Value, Failure> {
    if !target.subresource.is_empty() {
        return Err(Failure::not_found(target.kind, &target.name));
    }
    let uid = field(&new, "uid");
    if !uid.is_empty() {
        let why = format!(
            "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
        );
        return Err(Failure::conflict(target.kind, &target.name, &why));
    }
    if target.kind.status
        && let Some(fields) = new.as_object_mut()
    {
        fields.remove("status");
        defaults::apply(target.kind, &mut new);
    }
    writer.insert(world, &target.namespace, new, owners)
}

/// The configuration, which must be one of this very object.
fn read(request: &Request, target: &Target) -> Result<Value, Failure> {
    let config = serde_json::from_slice(&request.body).ok().or_else(|| {
        let text = std::str::from_utf8(&request.body).ok()?;
        serde_saphyr::from_str(text).ok()
    });
    let Some(mut config @ Value::Object(_)) = config else {
        return Err(Failure::bad_request("error decoding YAML: not an object"));
    };
    let kind = target.kind;
    if config["apiVersion"] != kind.api_version() || config["kind"] != kind.kind {
        let stated = |name: &str| config[name].as_str().unwrap_or_default().to_owned();
        let slash = if stated("apiVersion").contains('/') { "" } else { "/" };
        let why = format!("invalid object type: {slash}{}, Kind={}", stated("apiVersion"), stated("kind"));
        return Err(Failure::bad_request(why));
    }
    if !config["metadata"].get("managedFields").is_none_or(Value::is_null) {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    if let Some(why) = schema::typed_error(&config, kind.schema()) {
        let about = about(&config, target);
        return Err(Failure::new(500, "", format!("failed to create typed patch object ({about}): {why}")));
    }
    let named = super::named(std::mem::take(&mut config), target)?;
    if target.kind.namespaced && field(&named, "namespace") != target.namespace {
        let why = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Failure::bad_request(why));
    }
    Ok(named)
}

/// What an object is called where the real server fails in the middle of a merge.
fn about(object: &Value, target: &Target) -> String {
    let kind = target.kind;
    let group = if kind.group.is_empty() { format!("/{}", kind.version) } else { kind.api_version() };
    format!("{}/{}; {group}, Kind={}", field(object, "namespace"), field(object, "name"), kind.kind)
}

/// What the merge lets pass is only noticed when its result is read, and then counts as the server's fault.
fn unconverted(refused: &Failure, config: &Value, target: &Target) -> Failure {
    let kind = target.kind;
    let known = format!("cannot be handled as a {}: ", kind.kind);
    let why = refused.message.split_once(&known).map_or(refused.message.as_str(), |(_, why)| why);
    let about = about(config, target);
    let whole = about.split_once("; ").map_or("", |(_, whole)| whole);
    let failed = format!("failed to convert new object ({about}) to proper version");
    let why = format!("{failed}: unable to convert unstructured object to {whole}: {why}");
    Failure::new(500, "", why)
}

/// Lays the configuration over the live object.
fn lay(
    writer: &Writer<'_>,
    live: Option<&Value>,
    config: &Value,
    target: &Target,
    force: bool,
) -> Result<(Value, Managers), Failure> {
    let kind = target.kind;
    let now = text(writer.now);
    let ignored = writer.ignored();
    let mut owners = live.map(managers::decode).unwrap_or_default();
    let empty = json!({"apiVersion": kind.api_version(), "kind": kind.kind, "metadata": {}});
    let live = live.map_or_else(|| empty.clone(), bare);
    if owners.is_empty() && !field(&live, "uid").is_empty() {
        // What was there before anyone applied belongs to a manager of its own.
        let mut first = writer.merging(false, &now, &ignored);
        first.manager.name = "before-first-apply".to_owned();
        first.update(&defaults::skeleton(kind), &live, &mut owners);
    }
    match writer.merging(true, &now, &ignored).apply(&live, config, &mut owners, force) {
        Ok(new) => Ok((new, owners)),
        Err(conflicts) => Err(refuse(&conflicts)),
    }
}

fn refuse(conflicts: &[Conflict]) -> Failure {
    let causes = conflicts
        .iter()
        .map(|conflict| {
            json!({"reason": "FieldManagerConflict", "field": path::display(&conflict.path),
                "message": format!("conflict with {}", conflict.manager.describe())})
        })
        .collect();
    let message = match conflicts {
        [one] => {
            let (manager, path) = (one.manager.describe(), path::display(&one.path));
            format!("Apply failed with 1 conflict: conflict with {manager}: {path}")
        }
        many => {
            let mut lines: Vec<String> = Vec::new();
            let mut last = None;
            for conflict in many {
                if last != Some(&conflict.manager) {
                    lines.push(format!("conflicts with {}:", conflict.manager.describe()));
                    last = Some(&conflict.manager);
                }
                lines.push(format!("- {}", path::display(&conflict.path)));
            }
            format!("Apply failed with {} conflicts: {}", many.len(), lines.join("\n"))
        }
    };
    Failure::apply_conflict(message, causes)
}
