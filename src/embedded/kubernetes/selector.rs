//! Label and field selectors.

use serde_json::Value;

use super::failure::Failure;
use super::store::field;

/// What an object must look like to be in a list.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<(String, bool, String)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Requirement {
    Exists(String),
    Missing(String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
}

impl Selector {
    /// Reads both selectors.
    ///
    /// # Errors
    /// 400 for text that is no selector, or a field that cannot be selected by.
    pub fn parse(labels: &str, fields: &str) -> Result<Self, Failure> {
        let labels = split(labels).into_iter().map(|text| requirement(&text)).collect::<Result<_, _>>()?;
        let fields =
            split(fields).into_iter().map(|text| field_requirement(&text)).collect::<Result<_, _>>()?;
        Ok(Self { labels, fields })
    }

    /// Whether an object is selected.
    pub fn matches(&self, object: &Value) -> bool {
        let label = |name: &str| object["metadata"]["labels"].get(name).and_then(Value::as_str);
        let labels = self.labels.iter().all(|requirement| match requirement {
            Requirement::Exists(name) => label(name).is_some(),
            Requirement::Missing(name) => label(name).is_none(),
            Requirement::In(name, values) => {
                label(name).is_some_and(|value| values.iter().any(|v| v == value))
            }
            Requirement::NotIn(name, values) => {
                label(name).is_none_or(|value| values.iter().all(|v| v != value))
            }
        });
        labels && self.fields.iter().all(|(path, equal, value)| (lookup(object, path) == *value) == *equal)
    }
}

fn lookup(object: &Value, path: &str) -> String {
    match path {
        "metadata.name" => field(object, "name").to_owned(),
        "metadata.namespace" => field(object, "namespace").to_owned(),
        path => {
            let found = object.pointer(&format!("/{}", path.replace('.', "/")));
            found.and_then(Value::as_str).unwrap_or_default().to_owned()
        }
    }
}

/// Splits at commas that are not between parentheses.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0_i32);
    for letter in text.chars() {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        match parts.last_mut() {
            Some(part) if letter != ',' || depth > 0 => part.push(letter),
            _ => parts.push(String::new()),
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn requirement(text: &str) -> Result<Requirement, Failure> {
    let own = |text: &str| text.trim().to_owned();
    if let Some((name, rest)) = text.split_once(char::is_whitespace)
        && let Some(open) = rest.find('(')
        && let Some(values) = rest[open + 1..].strip_suffix(')')
    {
        let values = values.split(',').map(own).collect();
        return match rest[..open].trim() {
            "in" => Ok(Requirement::In(own(name), values)),
            "notin" => Ok(Requirement::NotIn(own(name), values)),
            other => Err(unreadable(&format!("found '{other}', expected: in, notin"))),
        };
    }
    if let Some((name, value)) = text.split_once("!=") {
        return Ok(Requirement::NotIn(own(name), vec![own(value)]));
    }
    if let Some((name, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Ok(Requirement::In(own(name), vec![own(value)]));
    }
    match text.strip_prefix('!') {
        Some(name) => Ok(Requirement::Missing(own(name))),
        None if text.contains(char::is_whitespace) => {
            let second = text.split_whitespace().nth(1).unwrap_or_default();
            Err(unreadable(&format!("found '{second}', expected: in, notin, =, ==, !=, gt, lt")))
        }
        None => Ok(Requirement::Exists(own(text))),
    }
}

fn field_requirement(text: &str) -> Result<(String, bool, String), Failure> {
    let found = text.split_once("!=").map(|(path, value)| (path, false, value));
    let found = found.or_else(|| text.split_once("==").map(|(path, value)| (path, true, value)));
    let found = found.or_else(|| text.split_once('=').map(|(path, value)| (path, true, value)));
    let (path, equal, value) = found.ok_or_else(|| unreadable(&format!("invalid field selector: {text}")))?;
    const KNOWN: [&str; 6] =
        ["metadata.name", "metadata.namespace", "status.phase", "spec.nodeName", "type", "status.successful"];
    // Events are found by what they are about.
    if !KNOWN.contains(&path) && !path.starts_with("involvedObject.") {
        let why =
            format!("{path:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"");
        return Err(Failure::bad_request(why));
    }
    Ok((path.to_owned(), equal, value.to_owned()))
}

fn unreadable(why: &str) -> Failure {
    Failure::bad_request(format!("unable to parse requirement: {why}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_operator_selects_as_documented() {
        let object = json!({"metadata": {"name": "n", "labels": {"a": "1", "b": "2"}}});
        let selects = |labels: &str| Selector::parse(labels, "").expect("readable").matches(&object);
        for yes in
            ["a=1", "a==1,b=2", "a!=2", "c!=1", "a in (1,2)", "a notin (3)", "c notin (3)", "a", "!c", ""]
        {
            assert!(selects(yes), "{yes}");
        }
        for no in ["a=2", "a in (2,3)", "a notin (1)", "c", "!a", "a=1,b=3"] {
            assert!(!selects(no), "{no}");
        }
        assert!(Selector::parse("", "metadata.name=n").expect("readable").matches(&object));
        assert!(Selector::parse("", "spec.foo=n").is_err());
    }
}
