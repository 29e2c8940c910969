//! What must not be shown: values of sensitive variables, and whatever looks like a secret.
//!
//! A spec should hold no secrets, and yet people paste them. A report that repeats one would carry it
//! into logs, so a place that may hold one is shown by its position only, and source text is masked
//! before any of it is printed.

use std::sync::LazyLock;

use regex::Regex;

use super::VARIABLES;
use super::document::{Document, Entry, Kind, Node};
use super::names;
use super::shape::{self, Shape};

/// Names that hold names or ids of secrets, never secrets.
const MAPS_OF_SECRET_IDS: [&str; 2] = ["secret_environment_variables", "secret_env_vars"];

/// Beginnings and forms that well-known credentials have.
static SECRET_VALUE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x) ^(sk-|sk_live_|ghp_|gho_|ghs_|github_pat_|glpat-|xox[abprs]-|AIza|AKIA|ya29\.|GOCSPX-|hf_|eyJ[A-Za-z0-9_-]{10})
        | -----BEGIN\ [A-Z\ ]*PRIVATE\ KEY
        | ://[^/@\s:]*:[^/@\s]+@",
    )
    .ok()
});

/// The same inside other text, with as much as belongs to them.
static CREDENTIAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x) \b(sk-|sk_live_|ghp_|gho_|ghs_|github_pat_|glpat-|xox[abprs]-|AIza|AKIA|ya29\.|GOCSPX-|hf_)[A-Za-z0-9_\-.]{4,}
        | \beyJ[A-Za-z0-9_-]{10,}[A-Za-z0-9_.-]*
        | [a-z]+://[^/@\s:]*:[^/@\s]+@\S*
        | -----BEGIN[^`]*",
    )
    .ok()
});

/// Variables that are sensitive by their type.
static SECRET_VARIABLES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let names = VARIABLES.iter().map(|variable| variable.name);
    names.filter(|name| shape::of(name).is_some_and(Shape::holds_secret)).collect()
});

/// Whether a name is one that secrets go by: `*_API_KEY`, `*SECRET*`, `*_TOKEN`, `*PASSWORD*` and a few
/// more of the kind.
pub fn name_looks_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let ends =
        ["API_KEY", "APIKEY", "_TOKEN", "ACCESS_KEY", "PRIVATE_KEY", "SECRET_KEY", "_DSN_KEY", "CREDENTIALS"];
    name == "TOKEN"
        || ends.iter().any(|end| name.ends_with(end))
        || ["SECRET", "PASSWORD", "PASSWD", "SERVICE_ACCOUNT_JSON", "PRIVATE_KEY"]
            .iter()
            .any(|part| name.contains(part))
}

/// Whether text has the form of a credential, whatever its name.
pub fn value_looks_secret(text: &str) -> bool {
    SECRET_VALUE.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

/// A message without the credentials in it, should one have slipped in with a value.
pub fn scrub(text: String) -> String {
    match CREDENTIAL.as_ref() {
        Some(pattern) if pattern.is_match(&text) => pattern.replace_all(&text, "(not shown)").into_owned(),
        _ => text,
    }
}

/// Whether a setting is a secret in the open: a name that secrets go by with a value that is one. A
/// number or a yes under a name such as `RESET_PASSWORD_TOKEN_EXPIRY_MINUTES` is not, nor is empty
/// text or a reference to another variable.
pub fn is_open_secret(name: &str, text: &str) -> bool {
    if text.is_empty() || (text.starts_with("$(") && text.ends_with(')')) {
        return false;
    }
    if value_looks_secret(text) {
        return true;
    }
    // The path of a file that holds a secret is none.
    if text.starts_with('/') && ["_FILE", "_PATH", "_DIR"].iter().any(|end| name.ends_with(end)) {
        return false;
    }
    let measure = text.parse::<f64>().is_ok() || text == "true" || text == "false";
    let last = name.rsplit('_').next().unwrap_or(name).to_ascii_uppercase();
    let named_for_it = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "KEY"].contains(&last.as_str());
    name_looks_secret(name) && (named_for_it || !measure)
}

/// Whether the value at a path must not be shown.
pub fn hides(path: &str, node: &Node) -> bool {
    let mut steps = path.split(['.', '[']).map(|step| step.trim_end_matches(']'));
    let variable = steps.next().unwrap_or_default();
    let known = names::canonical(variable);
    if known.and_then(shape::of).is_some_and(Shape::holds_secret)
        || (known.is_none() && is_nearly_secret(variable))
    {
        return true;
    }
    if known.is_some_and(|name| MAPS_OF_SECRET_IDS.contains(&name)) {
        return text_of(node).is_some_and(value_looks_secret);
    }
    let mut name = if known.is_some() { "" } else { variable };
    for step in steps {
        if MAPS_OF_SECRET_IDS.contains(&step) {
            return text_of(node).is_some_and(value_looks_secret);
        }
        if step.parse::<usize>().is_err() {
            name = step;
        }
    }
    text_of(node).map_or_else(|| name_looks_secret(name), |text| is_open_secret(name, text))
}

/// The source text with every secret in it blotted out, byte for byte, so that places stay right.
pub fn masked(file_name: &str, text: &str) -> String {
    match Document::read(file_name, text) {
        Ok(document) => {
            let mut bytes = text.as_bytes().to_vec();
            for entry in &document.entries {
                mask_entry(entry, &entry.name, &mut bytes);
            }
            String::from_utf8(bytes).unwrap_or_else(|_| blot(text))
        }
        Err(_) => masked_by_line(text),
    }
}

fn mask_entry(entry: &Entry, path: &str, bytes: &mut [u8]) {
    mask_node(&entry.value, path, bytes);
}

fn mask_node(node: &Node, path: &str, bytes: &mut [u8]) {
    match &node.kind {
        Kind::Map(entries) => {
            for entry in entries {
                mask_entry(entry, &format!("{path}.{}", entry.name), bytes);
            }
        }
        Kind::List(nodes) => {
            for (index, node) in nodes.iter().enumerate() {
                mask_node(node, &format!("{path}[{index}]"), bytes);
            }
        }
        _ if hides(path, node) => {
            let end = (node.span.offset + node.span.length).min(bytes.len());
            if let Some(part) = bytes.get_mut(node.span.offset..end) {
                part.iter_mut()
                    .filter(|byte| **byte != b'\n' && **byte != b'\r')
                    .for_each(|byte| *byte = b'*');
            }
        }
        _ => {}
    }
}

/// For text that cannot be read as a whole: from a name that may hold a secret everything is blotted
/// out until a name that certainly holds none.
fn masked_by_line(text: &str) -> String {
    let mut hiding_from_indent = None;
    let mut masked = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        let (name, rest) = name_of(line);
        if let Some(name) = name {
            let harmless =
                names::canonical(name).and_then(shape::of).is_some_and(|shape| !shape.holds_secret());
            if !harmless && (may_hold_secret(name) || value_looks_secret(rest)) {
                hiding_from_indent = Some(indent);
            } else if harmless || hiding_from_indent.is_some_and(|from| indent <= from) {
                hiding_from_indent = None;
            }
        }
        if hiding_from_indent.is_some() {
            masked.push_str(line.get(..line.len() - rest.len()).unwrap_or_default());
            masked.push_str(&blot(rest));
        } else if value_looks_secret(rest) || one_line_holds_secret(rest) {
            masked.push_str(&blot(line));
        } else {
            masked.push_str(line);
        }
    }
    masked
}

fn may_hold_secret(name: &str) -> bool {
    match names::canonical(name).and_then(shape::of) {
        Some(shape) => shape.holds_secret(),
        None => name_looks_secret(name) || is_nearly_secret(name),
    }
}

/// Whether a name is a misspelt one of a sensitive variable. Only those few are compared, and only when
/// their length is close, because this is asked for every line of text that cannot be read.
fn is_nearly_secret(name: &str) -> bool {
    const ALIKE: f64 = 0.75;
    SECRET_VARIABLES.iter().any(|secret| {
        name.len().abs_diff(secret.len()) <= 4
            && strsim::normalized_damerau_levenshtein(&name.to_ascii_lowercase(), secret) >= ALIKE
    })
}

/// Whether a value that spans several names on one line (flow maps, JSON) has a secret among them.
fn one_line_holds_secret(rest: &str) -> bool {
    rest.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_').any(may_hold_secret)
}

/// The first name of a line, and what stands after its colon or equals sign.
fn name_of(line: &str) -> (Option<&str>, &str) {
    let Some(at) = line.find([':', '=']) else { return (None, line) };
    let name = line[..at].trim().trim_start_matches(['-', '{', ',', ' ']).trim().trim_matches('"');
    let plain =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    if plain { (Some(name), &line[at + 1..]) } else { (None, line) }
}

fn blot(text: &str) -> String {
    let stars = |sign: char| match sign {
        '\n' | '\r' => sign.to_string(),
        other => "*".repeat(other.len_utf8()),
    };
    text.chars().map(stars).collect()
}

fn text_of(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Text(text) | Kind::Number(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_the_open_are_told_from_settings() {
        assert!(is_open_secret("OPENAI_API_KEY", "abc"));
        assert!(is_open_secret("DB_PASSWORD", "123456"));
        assert!(is_open_secret("ANY", "sk-abcdef"));
        assert!(is_open_secret("PROXY", "http://user:pass@host"));
        assert!(!is_open_secret("ENABLE_EMAIL_PASSWORD_LOGIN", "true"));
        assert!(!is_open_secret("RESET_PASSWORD_TOKEN_EXPIRY_MINUTES", "5"));
        assert!(!is_open_secret("ACCESS_TOKEN_EXPIRE_MINUTES", "60"));
        assert!(!is_open_secret("MY_PASSWORD", "$(DB_PASSWORD)"));
    }

    #[test]
    fn masking_keeps_every_byte_in_its_place() {
        let text = "redis_auth: hunter2\nregion: \"ü\"\nenvironment_variables:\n  X_TOKEN: 'qü'\n";
        let masked = masked("a.yaml", text);
        assert_eq!(masked.len(), text.len());
        assert_eq!(masked, "redis_auth: *******\nregion: \"ü\"\nenvironment_variables:\n  X_TOKEN: *****\n");
    }

    #[test]
    fn broken_text_is_masked_line_by_line() {
        let text = "region: x\nexplicit_secret_values:\n  FOO: hunter2\n  BAR: [hunter2\nproject_id: y\n";
        let masked = masked("a.yaml", text);
        assert!(!masked.contains("hunter2"), "{masked}");
        assert!(masked.contains("project_id: y"), "{masked}");
        let flow = "{\"region\": \"x\", \"github_token\": \"hunter2\",\n";
        assert!(!super::masked("a.json", flow).contains("hunter2"));
    }

    #[test]
    fn ids_of_secrets_are_no_secrets() {
        let text = "secret_environment_variables:\n  OPENAI_API_KEY: my-openai-key\n";
        assert_eq!(masked("a.yaml", text), text);
    }
}
