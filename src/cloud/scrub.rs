//! Blanking what looks like a secret in texts that others wrote: error messages and log lines.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use crate::redact::PLACEHOLDER;

/// Texts of APIs are cut here; what is longer is a dump, not a message.
const LONGEST: usize = 2000;

/// Patterns with what to keep before and after the secret as their groups. None of them is built from input.
const PATTERNS: [&str; 5] = [
    // password=…, "clientSecret": "…", X-Api-Key: …
    r#"(?i)([\w-]*(?:password|passwd|secret|token|api[_-]?key|private[_-]?key)["']?\s*[=:]\s*["']?)(?:Bearer\s+)?[^\s"',;&}]+"#,
    r"(?i)((?:Authorization:\s*)?(?:Bearer|Basic)\s+)[\w.~+/=-]{8,}",
    // Google's access tokens, and JSON web tokens.
    r"()(?:ya29\.[\w-]+|eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?)",
    // scheme://user:password@host
    r"([a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@/]+(@)",
    r"(-----BEGIN [A-Z ]*PRIVATE KEY-----)[^-]*",
];

static COMPILED: LazyLock<Vec<Regex>> =
    LazyLock::new(|| PATTERNS.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect());

/// The text without what looks like a secret, and not too long.
pub fn text(text: &str) -> String {
    let text = lines(text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The text without what looks like a secret, however long it is.
pub fn lines(text: &str) -> String {
    let blanked = COMPILED.iter().fold(Cow::Borrowed(text), |text, pattern| {
        let replacement = format!("${{1}}{PLACEHOLDER}${{2}}");
        match pattern.replace_all(&text, replacement.as_str()) {
            Cow::Borrowed(_) => text,
            Cow::Owned(changed) => Cow::Owned(changed),
        }
    });
    blanked.into_owned()
}

/// Whether a field of this name holds something that must not be shown.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    [
        "password",
        "passwd",
        "secret",
        "token",
        "authorization",
        "api_key",
        "apikey",
        "private_key",
        "credential",
    ]
    .iter()
    .any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(COMPILED.len(), PATTERNS.len());
    }

    #[test]
    fn secrets_are_blanked_and_the_rest_stays() {
        for (given, shown) in [
            ("bad DB_PASSWORD=hunter2, port 5432", "bad DB_PASSWORD=(sensitive), port 5432"),
            (r#"{"clientSecret": "abc", "a": 1}"#, r#"{"clientSecret": "(sensitive)", "a": 1}"#),
            ("postgres://u:p4ss@db:5432/x", "postgres://u:(sensitive)@db:5432/x"),
            ("header Authorization: Bearer abcdefgh.ijk", "header Authorization: Bearer (sensitive)"),
            ("got ya29.A0-x_y back", "got (sensitive) back"),
            ("The instance app-sql already exists", "The instance app-sql already exists"),
            ("spec.secretName is required", "spec.secretName is required"),
        ] {
            assert_eq!(lines(given), shown);
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(text(&"é".repeat(3000)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn names_of_secret_fields() {
        assert!(
            is_secret_name("access-token") && is_secret_name("dbPassword") && is_secret_name("Authorization")
        );
        assert!(!is_secret_name("method_id") && !is_secret_name("status"));
    }
}
