//! List filters: conditions joined by `AND` and `OR`, each `field = value`, `field != value` or `field : value`.
//! `OR` binds closer, as AIP-160 has it.

use serde_json::Value;

use super::error::ApiError;
use super::mask::camel;

struct Condition {
    field: String,
    operator: Operator,
    value: String,
}

#[derive(Clone, Copy)]
enum Operator {
    Equal,
    NotEqual,
    Has,
}

/// Keeps what fits the filter. Errors: 400 for a filter the embedded cloud cannot read.
pub fn apply(items: Vec<Value>, filter: Option<&str>) -> Result<Vec<Value>, ApiError> {
    let Some(filter) = filter.filter(|filter| !filter.trim().is_empty()) else { return Ok(items) };
    let conditions = parse(filter)?;
    let fits = |item: &Value| conditions.iter().all(|any| any.iter().any(|condition| condition.holds(item)));
    Ok(items.into_iter().filter(fits).collect())
}

fn parse(filter: &str) -> Result<Vec<Vec<Condition>>, ApiError> {
    let one = |term: &str| {
        let term = term.trim().trim_start_matches('(').trim_end_matches(')').trim();
        condition(term).ok_or_else(|| ApiError::invalid(format!("Invalid list filter expression: {term}")))
    };
    filter.split(" AND ").map(|terms| terms.split(" OR ").map(one).collect()).collect()
}

fn condition(term: &str) -> Option<Condition> {
    const SPELLINGS: [(&str, Operator); 5] = [
        (" eq ", Operator::Equal),
        (" ne ", Operator::NotEqual),
        ("!=", Operator::NotEqual),
        ("=", Operator::Equal),
        (":", Operator::Has),
    ];
    let first = SPELLINGS
        .iter()
        .filter_map(|(spelling, operator)| term.find(spelling).map(|at| (at, *spelling, *operator)))
        .min_by_key(|(at, spelling, _)| (*at, std::cmp::Reverse(spelling.len())))?;
    let (at, spelling, operator) = first;
    let field = term[..at].trim();
    let value = term[at + spelling.len()..].trim().trim_matches('"');
    (!field.is_empty() && !field.contains(' ')).then(|| Condition {
        field: field.into(),
        operator,
        value: value.into(),
    })
}

impl Condition {
    fn holds(&self, item: &Value) -> bool {
        let found = lookup(item, &self.field).map(spelled);
        match self.operator {
            Operator::Equal => found.as_deref() == Some(self.value.as_str()) || self.names_it(item),
            Operator::NotEqual => found.as_deref() != Some(self.value.as_str()),
            Operator::Has => match found {
                Some(found) => self.value == "*" || found.to_lowercase().contains(&self.value.to_lowercase()),
                None => false,
            },
        }
    }

    /// A resource name is matched by its last part too.
    fn names_it(&self, item: &Value) -> bool {
        self.field == "name"
            && item["name"].as_str().and_then(|name| name.rsplit('/').next()) == Some(self.value.as_str())
    }
}

fn lookup<'a>(item: &'a Value, field: &str) -> Option<&'a Value> {
    let mut value = item;
    for (depth, piece) in field.split('.').enumerate() {
        let piece = piece.trim_matches('"');
        // Only the names of fields may be written in snake case, never the keys of a map.
        value = value.get(piece).or_else(|| if depth == 0 { value.get(camel(piece)) } else { None })?;
    }
    Some(value)
}

fn spelled(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn filters_read_labels_names_and_values_with_equal_signs() {
        let item = json!({"name": "projects/1/secrets/db", "labels": {"app": "dify"},
                          "userLabels": {"k": "v"},
                          "description": "managed-by=services-gcp", "state": "ENABLED"});
        for (filter, fits) in [
            ("labels.app=dify", true),
            ("labels.app=other", false),
            ("labels.none=dify", false),
            ("name:secrets/d", true),
            ("name = db AND state:ENABLED", true),
            ("user_labels.k = \"v\"", true),
            ("description=\"managed-by=services-gcp\"", true),
            ("(description eq managed-by=services-gcp)", true),
            ("state != ENABLED", false),
        ] {
            assert_eq!(
                apply(vec![item.clone()], Some(filter)).expect(filter).len(),
                usize::from(fits),
                "{filter}"
            );
        }
        assert!(apply(vec![item], Some("gibberish")).is_err());
    }
}
