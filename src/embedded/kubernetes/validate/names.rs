//! Names and labels.

use serde_json::Value;

use crate::embedded::kubernetes::failure::Cause;
use crate::embedded::kubernetes::kinds::Kind;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
    and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
    start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const DNS_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
    alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for \
    validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or \
    '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex \
    used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/// What is wrong with a name, if anything.
pub fn name(kind: &Kind, name: &str) -> Option<Cause> {
    let field = "metadata.name";
    if name.is_empty() {
        return Some(Cause::required(field, "name or generateName is required"));
    }
    let (limit, good, rule) = match kind.kind {
        "Namespace" => (63, is_label(name), LABEL),
        "Service" => (63, is_label(name) && name.starts_with(|c: char| c.is_ascii_lowercase()), DNS_1035),
        // Names of roles are path segments.
        "Role" | "RoleBinding" => (253, !name.contains(['/', '%']), SUBDOMAIN),
        _ => (253, name.split('.').all(is_label), SUBDOMAIN),
    };
    if !good {
        return Some(Cause::invalid(field, &name.into(), rule));
    }
    let too_long =
        || Cause::invalid(field, &name.into(), &format!("must be no more than {limit} characters"));
    (name.len() > limit).then(too_long)
}

/// What is wrong with the labels.
pub fn labels(object: &Value, causes: &mut Vec<Cause>) {
    for (path, field) in
        [("/metadata/labels", "metadata.labels"), ("/spec/template/metadata/labels", "spec.template.labels")]
    {
        for (_, value) in object.pointer(path).and_then(Value::as_object).into_iter().flatten() {
            causes.extend(label_value(value.as_str().unwrap_or_default(), field));
        }
    }
}

/// What is wrong with a label's value, if anything.
fn label_value(value: &str, field: &str) -> Option<Cause> {
    if value.len() > 63 {
        return Some(Cause::invalid(field, &value.into(), "must be no more than 63 characters"));
    }
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let ends = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    let good = value.chars().all(inner) && ends(value.chars().next()) && ends(value.chars().last());
    (!good).then(|| Cause::invalid(field, &value.into(), LABEL_VALUE))
}

fn is_label(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    edge(text.chars().next())
        && edge(text.chars().last())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}
