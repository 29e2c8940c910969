//! Blanking what looks like a secret in texts that others wrote: error messages and log lines.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use crate::redact::PLACEHOLDER;

/// Texts of APIs are cut here; what is longer is a dump, not a message.
const LONGEST: usize = 2000;

/// How one sort of secret looks. None of it is built from input.
struct Pattern {
    /// What such a text contains at the least, in lower case: any of these. Nearly every line contains nothing of the
    /// kind, and a pattern that is never needed is never compiled, which is most of what a start costs.
    marks: &'static [&'static str],
    /// What to keep before and after the secret are its groups.
    regex: LazyLock<Option<Regex>>,
}

static PATTERNS: [Pattern; 5] = [
    // password=…, "clientSecret": "…", X-Api-Key: …
    Pattern {
        marks: &["passw", "secret", "token", "key"],
        regex: LazyLock::new(|| {
            compiled(
                r#"(?i)([\w-]*(?:password|passwd|secret|token|api[_-]?key|private[_-]?key)["']?\s*[=:]\s*["']?)(?:Bearer\s+)?[^\s"',;&}]+"#,
            )
        }),
    },
    Pattern {
        marks: &["bearer", "basic"],
        regex: LazyLock::new(|| compiled(r"(?i)((?:Authorization:\s*)?(?:Bearer|Basic)\s+)[\w.~+/=-]{8,}")),
    },
    // Google's access tokens, and JSON web tokens.
    Pattern {
        marks: &["ya29.", "eyj"],
        regex: LazyLock::new(|| compiled(r"()(?:ya29\.[\w-]+|eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?)")),
    },
    // scheme://user:password@host
    Pattern {
        marks: &["@"],
        regex: LazyLock::new(|| compiled(r"([a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@/]+(@)")),
    },
    Pattern {
        marks: &["private key"],
        regex: LazyLock::new(|| compiled(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----)[^-]*")),
    },
];

/// A test makes sure that every pattern compiles.
fn compiled(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

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
    let lower = text.to_ascii_lowercase();
    let suspect = |pattern: &&Pattern| pattern.marks.iter().any(|mark| lower.contains(mark));
    let patterns = PATTERNS.iter().filter(suspect).filter_map(|pattern| pattern.regex.as_ref());
    let blanked = patterns.fold(Cow::Borrowed(text), |text, pattern| {
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
        assert!(PATTERNS.iter().all(|pattern| pattern.regex.is_some()));
    }

    #[test]
    fn secrets_are_blanked_and_the_rest_stays() {
        for (given, shown) in [
            ("bad DB_PASSWORD=hunter2, port 5432", "bad DB_PASSWORD=(sensitive), port 5432"),
            (r#"{"clientSecret": "abc", "a": 1}"#, r#"{"clientSecret": "(sensitive)", "a": 1}"#),
            ("postgres://u:p4ss@db:5432/x", "postgres://u:(sensitive)@db:5432/x"),
            ("header Authorization: Bearer abcdefgh.ijk", "header Authorization: Bearer (sensitive)"),
            ("got ya29.A0-x_y back", "got (sensitive) back"),
            ("got eyJhbGci.eyJzdWIi.c2ln back", "got (sensitive) back"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIE", "-----BEGIN RSA PRIVATE KEY-----(sensitive)"),
            ("x-api-KEY: abc", "x-api-KEY: (sensitive)"),
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
