//! From the Terraform module's variable files to a spec of ours.
//!
//! The result says what its author asked for and what becomes of it here: each variable with its
//! meaning, defaults as comments, and everything the rules have to say where it belongs.

use std::fmt::Write as _;

use super::document::{Document, Entry};
use super::finding::{Finding, variable_of};
use super::names::canonical;
use super::parse::{Interpretation, interpret};
use super::report::Report;
use super::variable::{Convergence, Variable};
use super::{VARIABLES, defaults, findings, validate, yaml};

/// Turns a tfvars file into a commented YAML spec that asks for the same.
///
/// Unknown variables are kept as comments, because a module's file may hold variables of other modules.
/// What the rules refuse is converted and flagged, for its author to mend.
///
/// # Errors
///
/// When the text is no tfvars file, or a value has a type that cannot be what its variable needs.
pub fn tfvars_to_yaml(text: &str) -> Result<String, Report> {
    let document = Document::read("terraform.tfvars", text).map_err(Report::new)?;
    let Interpretation { spec, given, findings: found, .. } = interpret(&document);
    let (unknown, wrong): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|finding| finding.rule == "unknown" && canonical(variable_of(&finding.path)).is_none());
    if !wrong.is_empty() {
        return Err(Report::new(wrong));
    }
    let mut remarks = validate::check(&spec, &given);
    remarks.extend(findings::not_converged_in(&spec, &given));
    let mut yaml = header(&document, &remarks);
    for variable in VARIABLES {
        let written = document.entries.iter().find(|entry| canonical(&entry.name) == Some(variable.name));
        let about: Vec<_> =
            remarks.iter().filter(|finding| variable_of(&finding.path) == variable.name).collect();
        if let Some(entry) = written.filter(|_| given.contains(variable.name)) {
            yaml.push('\n');
            yaml.push_str(&block(variable, entry, &about, !defaults::differs(&spec, variable.name)));
        }
    }
    yaml.push_str(&on_defaults(&remarks, |name| given.contains(name)));
    yaml.push_str(&strangers(&document, &unknown));
    Ok(yaml)
}

fn header(document: &Document, remarks: &[Finding]) -> String {
    let errors = remarks.iter().filter(|finding| finding.is_error()).count();
    let mut text = String::from("# Converted from a tfvars file.\n");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "# {} variables were read.", document.entries.len());
    if errors > 0 {
        let _ =
            writeln!(text, "# {errors} problem(s) must be mended before this spec is taken: look for ERROR.");
    }
    text
}

fn block(variable: &Variable, entry: &Entry, remarks: &[&Finding], is_default: bool) -> String {
    let mut text = comment(variable.description);
    if entry.name != variable.name {
        text.push_str(&comment(&format!("Called `{}` in the module.", entry.name)));
    }
    if variable.convergence == Convergence::NoEffect {
        text.push_str(&comment("Has no effect here and can go."));
    }
    for finding in remarks {
        text.push_str(&remark(finding));
    }
    let value = yaml::entry(variable.name, &entry.value, 0);
    if is_default {
        text.push_str(&comment("This is the default:"));
        text.push_str(&comment(&value));
    } else {
        text.push_str(&value);
        text.push('\n');
    }
    text
}

/// What the rules say about variables that were not in the file.
fn on_defaults(remarks: &[Finding], given: impl Fn(&str) -> bool) -> String {
    let about: Vec<_> = remarks.iter().filter(|finding| !given(variable_of(&finding.path))).collect();
    if about.is_empty() {
        return String::new();
    }
    let mut text = String::from("\n# About variables that were not in the file:\n");
    about.iter().for_each(|finding| text.push_str(&remark(finding)));
    text
}

fn strangers(document: &Document, unknown: &[Finding]) -> String {
    if unknown.is_empty() {
        return String::new();
    }
    let mut text = String::from("\n# Unknown here, and left out:\n");
    for finding in unknown {
        if let Some(entry) = document.get(&finding.path) {
            let value = yaml::entry(&entry.name, &entry.value, 0);
            let value = if finding.concealed { format!("{}: (not shown)", entry.name) } else { value };
            text.push_str(&comment(&value));
            text.push_str(&comment(&format!("  {}", finding.help)));
        }
    }
    text
}

fn remark(finding: &Finding) -> String {
    let weight = match finding.severity {
        super::Severity::Error => "ERROR",
        super::Severity::Warning => "WARNING",
        super::Severity::Info => "note",
    };
    comment(&format!("{weight} {}: {} {}", finding.rule, sentence(&finding.message), finding.help))
}

fn sentence(message: &str) -> String {
    if message.ends_with('.') { message.to_owned() } else { format!("{message}.") }
}

fn comment(text: &str) -> String {
    text.lines().map(|line| format!("# {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_converted_file_asks_for_the_same() {
        let tfvars = "project_id = \"my-project\"\ntenant_id = \"acme\"\nmax_instance_count = 3\nredis_port = 6380\n\
                      cron_jobs = [{ name = \"a\", schedule = \"0 1 * * *\", command = [\"sh\", \"-c\", \"echo: 'x' # y\"] }]\n\
                      environment_variables = { A = \"yes\", B = true, C = \"line\\nline\" }\nother_module = 1\n";
        let yaml = tfvars_to_yaml(tfvars).unwrap();
        let spec = |name: &str, text: &str| interpret(&Document::read(name, text).unwrap()).spec;
        assert_eq!(spec("a.yaml", &yaml), spec("a.tfvars", tfvars), "{yaml}");
        assert!(yaml.contains("# max_instance_count: 3"), "{yaml}");
        assert!(yaml.contains("# other_module: 1"), "{yaml}");
        assert!(yaml.contains("Called `tenant_id` in the module."), "{yaml}");
    }

    #[test]
    fn what_the_rules_refuse_is_flagged() {
        let yaml = tfvars_to_yaml("project_id = \"my-project\"\nenable_redis = false\n").unwrap();
        assert!(yaml.contains("# ERROR P-02: "), "{yaml}");
        assert!(tfvars_to_yaml("max_instance_count = \"many\"\n").is_err());
    }
}
