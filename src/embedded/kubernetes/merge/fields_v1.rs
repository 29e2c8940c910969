//! Field sets as `managedFields` writes them: `f:name`, `k:{"name":"x"}`, `v:"x"`, and `.` for the place
//! itself.

use serde_json::{Map, Value};

use super::path::{Atom, FieldSet, Step};

/// A field set as FieldsV1.
pub fn encode(set: &FieldSet) -> Value {
    let mut out = Map::new();
    let steps: std::collections::BTreeSet<&Step> = set.members.iter().chain(set.children.keys()).collect();
    for step in steps {
        let mut below = match set.children.get(step).map(encode) {
            Some(Value::Object(below)) => below,
            _ => Map::new(),
        };
        if set.members.contains(step) && !below.is_empty() {
            below.insert(".".to_owned(), Value::Object(Map::new()));
        }
        out.insert(encode_step(step), Value::Object(below));
    }
    Value::Object(out)
}

/// FieldsV1 as a field set; what cannot be read is left out.
pub fn decode(fields: &Value) -> FieldSet {
    let mut set = FieldSet::default();
    let Some(fields) = fields.as_object() else { return set };
    for (name, below) in fields.iter().filter(|(name, _)| *name != ".") {
        let Some(step) = decode_step(name) else { continue };
        let leaf = below.as_object().is_none_or(Map::is_empty);
        if leaf || below.get(".").is_some() {
            set.members.insert(step.clone());
        }
        set.insert_below(step, decode(below));
    }
    set
}

fn encode_step(step: &Step) -> String {
    match step {
        Step::Field(name) => format!("f:{name}"),
        Step::Key(fields) => {
            let fields: Map<String, Value> =
                fields.iter().map(|(name, atom)| (name.clone(), atom.to_value())).collect();
            format!("k:{}", Value::Object(fields))
        }
        Step::Value(atom) => format!("v:{}", atom.to_value()),
    }
}

fn decode_step(text: &str) -> Option<Step> {
    let (kind, rest) = text.split_once(':')?;
    match kind {
        "f" => Some(Step::Field(rest.to_owned())),
        "k" => {
            let Value::Object(fields) = serde_json::from_str(rest).ok()? else { return None };
            let mut fields: Vec<(String, Atom)> =
                fields.iter().filter_map(|(name, value)| Some((name.clone(), Atom::new(value)?))).collect();
            fields.sort();
            Some(Step::Key(fields))
        }
        "v" => Atom::new(&serde_json::from_str(rest).ok()?).map(Step::Value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_set_survives_the_way_there_and_back() {
        let fields = json!({"f:spec": {"f:containers": {"k:{\"name\":\"a\"}": {".": {}, "f:image": {}}},
            "f:finalizers": {".": {}, "v:\"x\"": {}}}});
        assert_eq!(encode(&decode(&fields)), fields);
    }
}
