//! Refusals, as the `Status` objects the API answers with.

use serde_json::{Map, Value, json};

use super::kinds::Kind;

/// One reason among several.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// `FieldValueInvalid`, `FieldValueRequired`, …
    pub reason: &'static str,
    /// Which field.
    pub field: String,
    /// Why.
    pub message: String,
}

/// A refusal.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The HTTP status.
    pub code: u16,
    /// The word for programs; empty where the real server has none.
    pub reason: &'static str,
    /// The sentence for people.
    pub message: String,
    /// The object it is about, and the causes.
    pub details: Option<Value>,
}

impl Cause {
    /// A value that may not be.
    pub fn invalid(field: &str, value: &Value, why: &str) -> Self {
        Self {
            reason: "FieldValueInvalid",
            field: field.to_owned(),
            message: format!("Invalid value: {value}: {why}"),
        }
    }

    /// A value that may not change.
    pub fn immutable(field: &str, value: &Value) -> Self {
        Self::invalid(field, value, "field is immutable")
    }

    /// A value that is missing.
    pub fn required(field: &str, why: &str) -> Self {
        let message =
            if why.is_empty() { "Required value".to_owned() } else { format!("Required value: {why}") };
        Self { reason: "FieldValueRequired", field: field.to_owned(), message }
    }

    /// A value that is none of the allowed.
    pub fn unsupported(field: &str, value: &str, allowed: &[String]) -> Self {
        let allowed: Vec<String> = allowed.iter().map(|value| format!("{value:?}")).collect();
        let message = format!("Unsupported value: {value:?}: supported values: {}", allowed.join(", "));
        Self { reason: "FieldValueNotSupported", field: field.to_owned(), message }
    }

    /// A change that may not be.
    pub fn forbidden(field: &str, why: &str) -> Self {
        Self { reason: "FieldValueForbidden", field: field.to_owned(), message: format!("Forbidden: {why}") }
    }

    fn to_value(&self) -> Value {
        json!({"reason": self.reason, "message": self.message, "field": self.field})
    }
}

impl Failure {
    /// Any refusal.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None }
    }

    /// 404 for an object.
    pub fn not_found(kind: &Kind, name: &str) -> Self {
        Self::about(404, "NotFound", kind, name, &format!("{} not found", quoted(kind, name)))
    }

    /// 404 for a path.
    pub fn no_such_resource() -> Self {
        let failure = Self::new(404, "NotFound", "the server could not find the requested resource");
        Self { details: Some(json!({})), ..failure }
    }

    /// 404 for the namespace of an object.
    pub fn no_such_namespace(name: &str) -> Self {
        let failure = Self::new(404, "NotFound", format!("namespaces {name:?} not found"));
        Self { details: Some(json!({"name": name, "kind": "namespaces"})), ..failure }
    }

    /// 409: it is there already.
    pub fn already_exists(kind: &Kind, name: &str) -> Self {
        Self::about(409, "AlreadyExists", kind, name, &format!("{} already exists", quoted(kind, name)))
    }

    /// 409: a precondition does not hold.
    pub fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {}: {why}", quoted(kind, name));
        Self::about(409, "Conflict", kind, name, &message)
    }

    /// 409: a precondition of a deletion does not hold. Here the kind's name stands where its plural does
    /// elsewhere.
    pub fn precondition(kind: &Kind, name: &str, why: &str) -> Self {
        let dotted = if kind.group.is_empty() {
            kind.kind.to_owned()
        } else {
            format!("{}.{}", kind.kind, kind.group)
        };
        let message = format!("Operation cannot be fulfilled on {dotted} {name:?}: {why}");
        Self {
            code: 409,
            reason: "Conflict",
            message,
            details: Some(Value::Object(details(kind.group, kind.kind, name))),
        }
    }

    /// 409: somebody wrote in between.
    pub fn modified(kind: &Kind, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(kind, name, why)
    }

    /// 403 from admission or authorization.
    pub fn forbidden(kind: &Kind, name: &str, why: &str) -> Self {
        Self::about(403, "Forbidden", kind, name, &format!("{} is forbidden: {why}", quoted(kind, name)))
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        let why = "the server does not allow this method on the requested resource";
        Self { details: Some(json!({})), ..Self::new(405, "MethodNotAllowed", why) }
    }

    /// 415.
    pub fn unsupported_media_type() -> Self {
        let failure = Self::new(415, "UnsupportedMediaType", "415: Unsupported Media Type");
        Self { details: Some(json!({})), ..failure }
    }

    /// 422 with its causes.
    pub fn invalid(group: &str, kind: &str, name: &str, causes: &[Cause]) -> Self {
        let dotted = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let mut texts: Vec<String> =
            causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        texts.dedup();
        let list = if let [one] = texts.as_slice() { one.clone() } else { format!("[{}]", texts.join(", ")) };
        let mut details = details(group, kind, name);
        details.insert("causes".to_owned(), causes.iter().map(Cause::to_value).collect());
        let message = format!("{dotted} {name:?} is invalid: {list}");
        Self { code: 422, reason: "Invalid", message, details: Some(Value::Object(details)) }
    }

    /// 409 for fields that others own.
    pub fn apply_conflict(message: String, causes: Vec<Value>) -> Self {
        Self { code: 409, reason: "Conflict", message, details: Some(json!({"causes": causes})) }
    }

    fn about(code: u16, reason: &'static str, kind: &Kind, name: &str, message: &str) -> Self {
        let details = details(kind.group, kind.plural, name);
        Self { code, reason, message: message.to_owned(), details: Some(Value::Object(details)) }
    }

    /// The answer's body.
    pub fn to_status(&self) -> Value {
        let mut status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code});
        if !self.reason.is_empty() {
            status["reason"] = self.reason.into();
        }
        if let Some(details) = &self.details {
            status["details"] = details.clone();
        }
        status
    }
}

fn quoted(kind: &Kind, name: &str) -> String {
    let dotted = if kind.group.is_empty() {
        kind.plural.to_owned()
    } else {
        format!("{}.{}", kind.plural, kind.group)
    };
    format!("{dotted} {name:?}")
}

fn details(group: &str, kind: &str, name: &str) -> Map<String, Value> {
    let mut details = Map::new();
    for (field, value) in [("name", name), ("group", group), ("kind", kind)] {
        if !value.is_empty() {
            details.insert(field.to_owned(), value.into());
        }
    }
    details
}
