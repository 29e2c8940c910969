//! What there is to say about a spec: one finding per thing, placed and with a way to mend it.
//!
//! A finding never holds the value of a sensitive variable, nor anything that looks like a secret;
//! those who make one see to it through [`super::conceal`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conceal;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The spec is refused.
    Error,
    /// The spec is taken; somebody should look.
    Warning,
    /// Worth knowing.
    Info,
}

impl Severity {
    /// The severity's name for people.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        }
    }
}

/// A place in a source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// Bytes from the start of the text.
    pub offset: usize,
    /// Length in bytes.
    pub length: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// One thing to say about a spec.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The rule that found it, such as `V-05`; `syntax`, `unknown` and `type` are reading itself.
    pub rule: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// The variables it is about; the first is the one to look at.
    pub variables: Vec<String>,
    /// Where in the spec, such as `initialization_jobs[1].timeout_seconds`; empty for all of it.
    pub path: String,
    /// Where in the source; `None` for a value nobody wrote.
    pub span: Option<Span>,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub help: String,
    /// Whether the source line must not be shown because it holds a secret.
    pub concealed: bool,
}

impl Finding {
    /// A finding about one place of the spec; the variable is the path's beginning.
    pub fn new(rule: &'static str, severity: Severity, path: impl Into<String>) -> Self {
        let path = path.into();
        let variable = variable_of(&path);
        Self {
            rule,
            severity,
            variables: if variable.is_empty() { vec![] } else { vec![variable.to_owned()] },
            path,
            span: None,
            message: String::new(),
            help: String::new(),
            concealed: false,
        }
    }

    /// Says what is wrong. Whatever looks like a credential is left out, as a last line of defence.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = conceal::scrub(message.into());
        self
    }

    /// Says how to mend it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = conceal::scrub(help.into());
        self
    }

    /// Names further variables that take part.
    pub fn with(mut self, variables: &[&str]) -> Self {
        for variable in variables {
            if !self.variables.iter().any(|known| known == variable) {
                self.variables.push((*variable).to_owned());
            }
        }
        self
    }

    /// Places it in the source.
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// Keeps the source line from being shown.
    pub fn conceal(mut self) -> Self {
        self.concealed = true;
        self
    }

    /// Whether it refuses the spec.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// The variable a path begins with.
pub fn variable_of(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_the_paths_beginning() {
        let finding = Finding::new("V-45", Severity::Error, "initialization_jobs[1].command");
        assert_eq!(finding.variables, ["initialization_jobs"]);
        assert!(Finding::new("syntax", Severity::Error, "").variables.is_empty());
    }

    #[test]
    fn further_variables_are_named_once() {
        let finding = Finding::new("V-05", Severity::Error, "min_instance_count")
            .with(&["max_instance_count", "min_instance_count"]);
        assert_eq!(finding.variables, ["min_instance_count", "max_instance_count"]);
    }
}
