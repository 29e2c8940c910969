//! The calls that make and remove resources, and the ids that let a repeated call be the same call.

use serde_json::Value;
use uuid::Uuid;

use crate::plan::{Body, GoogleRequest, Method};
use crate::resources::{Document, ResourceId};

use super::descriptor::{Create, Descriptor, Precondition, Revision};
use super::{patch, policy};

/// Namespace of request ids: any fixed UUID does, as long as it stays.
const NAMESPACE: Uuid = Uuid::from_u128(0x6d9f_0c4e_7a1b_5d32_9f88_2b64_c01d_71fe);

/// The call that makes a resource. What cannot be made is read instead: the planner never asks for it,
/// and a read harms nothing.
///
/// An insert carries no request id: a name exists only once, so a repetition is refused, whereas Compute
/// would answer the re-creation of something removed by hand with the old operation for an hour.
pub fn create(descriptor: &Descriptor, id: &ResourceId, desired: &Document) -> GoogleRequest {
    match descriptor.create {
        Create::Never => descriptor.read(&id.name),
        Create::Custom(create) => create(id, desired),
        Create::Bindings(method_id) => policy::set(descriptor, id, method_id, policy::first(desired)),
        Create::NamedInQuery { method_id, parameter } => {
            let mut call = post(descriptor, id, method_id, desired.wire().clone());
            call.query.push((parameter, id.short_name().to_owned()));
            call
        }
        Create::NamedInBody { method_id } => {
            let mut body = desired.wire().clone();
            patch::put(&mut body, "/name", id.short_name().into());
            post(descriptor, id, method_id, body)
        }
    }
}

/// The call that removes a resource as it was seen; `None` when it cannot or must not be removed.
pub fn delete(descriptor: &Descriptor, id: &ResourceId, seen: &Value) -> Option<GoogleRequest> {
    let method_id = descriptor.delete?;
    let mut call = descriptor.call(Method::Delete, descriptor.path(&id.name, ""), method_id);
    let text = |pointer: &str| seen.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    match descriptor.delete_precondition {
        Precondition::None | Precondition::SettingsVersion => {}
        // The server's own id tells this resource from a later one of the same name.
        Precondition::RequestId => {
            let instance = text("/id").unwrap_or_default();
            call.query.push(("requestId", step_id(id, 0, method_id, &instance)));
        }
        Precondition::Metageneration => call.query.push(("ifMetagenerationMatch", text("/metageneration")?)),
        Precondition::EtagQuery => call.query.push(("etag", text("/etag")?)),
    }
    Some(call)
}

/// POST to the collection.
pub fn post(descriptor: &Descriptor, id: &ResourceId, method_id: &'static str, body: Value) -> GoogleRequest {
    let path = descriptor.path(patch::collection(id), "");
    let mut call = descriptor.call(Method::Post, path, method_id);
    call.body = patch::document(descriptor, body);
    call
}

/// POST to a method of the resource with this body.
pub fn on(
    descriptor: &Descriptor,
    id: &ResourceId,
    suffix: &str,
    method_id: &'static str,
    body: Value,
) -> GoogleRequest {
    let mut call = descriptor.call(Method::Post, descriptor.path(&id.name, suffix), method_id);
    call.body = Body::Document(Document::new(body));
    call
}

/// The request id of a step: the same for the same step of the same generation, another one for another
/// state, because Compute answers a repeated id with the old operation for an hour.
pub fn step_id(id: &ResourceId, generation: i64, step: &str, state: &str) -> String {
    let text = format!("{}\n{generation}\n{step}\n{state}", id.name);
    Uuid::new_v5(&NAMESPACE, text.as_bytes()).to_string()
}

/// The request id of a change of what was seen.
pub fn change_id(revision: &Revision<'_>, step: &str) -> String {
    step_id(revision.id, revision.generation, step, &revision.seen.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::google::Kind;

    #[test]
    fn the_same_step_has_the_same_id_and_another_one_another() {
        let id = ResourceId::google(Kind::GlobalAddress, "projects/p/global/addresses/a");
        assert_eq!(step_id(&id, 1, "insert", ""), step_id(&id, 1, "insert", ""));
        assert_ne!(step_id(&id, 1, "insert", ""), step_id(&id, 2, "insert", ""));
        assert_ne!(step_id(&id, 1, "insert", ""), step_id(&id, 1, "setLabels", ""));
    }
}
