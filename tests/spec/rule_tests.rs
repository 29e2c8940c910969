//! Every rule that a spec alone decides finds what breaks it, and leaves alone what keeps it.

use std::collections::BTreeSet;

use dify_reconciler::spec::document::Document;
use dify_reconciler::spec::parse::interpret;
use dify_reconciler::spec::validate::{self, Decided, RULES};
use dify_reconciler::spec::{Finding, read};

use super::rules::EXAMPLES;

fn whole(snippet: &str) -> String {
    if snippet.starts_with("project_id") {
        return snippet.to_owned();
    }
    let inner = snippet.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(snippet);
    format!("{{project_id: my-project, {inner}}}\n")
}

fn found(rule: &str, snippet: &str) -> Vec<Finding> {
    let text = whole(snippet);
    let document =
        Document::read("a.yaml", &text).unwrap_or_else(|findings| panic!("{rule}: {snippet}: {findings:?}"));
    let read = interpret(&document);
    assert_eq!(read.findings, [], "{rule}: {snippet}");
    validate::apply(validate::rule(rule).unwrap(), &read.spec, &read.given)
}

#[test]
fn every_rule_finds_what_breaks_it() {
    for (rule, broken, _) in EXAMPLES {
        let found = found(rule, broken);
        assert!(!found.is_empty(), "{rule} finds nothing in {broken}");
        for finding in found {
            assert_eq!(finding.rule, *rule);
            assert!(!finding.message.is_empty() && !finding.help.is_empty(), "{finding:?}");
            assert!(!finding.path.is_empty(), "{finding:?}");
            let known = validate::rule(rule).unwrap().variables;
            for variable in &finding.variables {
                assert!(
                    known.contains(&variable.as_str()),
                    "{rule} does not say that it is about {variable}"
                );
            }
        }
    }
}

#[test]
fn every_rule_leaves_alone_what_keeps_it() {
    for (rule, _, kept) in EXAMPLES {
        assert_eq!(found(rule, kept), [], "{rule}: {kept}");
    }
}

#[test]
fn every_rule_decided_here_has_an_example_and_the_others_have_no_check() {
    let examples: BTreeSet<_> = EXAMPLES.iter().map(|(rule, ..)| *rule).collect();
    for rule in RULES {
        let here = rule.decided == Decided::Admission;
        assert_eq!(rule.check.is_some(), here, "{}", rule.id);
        assert_eq!(examples.contains(rule.id), here, "{}", rule.id);
        if let Decided::Under(others) = rule.decided {
            for other in others {
                assert_eq!(validate::rule(other).unwrap().decided, Decided::Admission, "{}", rule.id);
            }
        }
    }
}

#[test]
fn what_breaks_a_rule_is_placed_in_the_source() {
    for (rule, broken, _) in EXAMPLES {
        let text = whole(broken);
        let findings = match read("a.yaml", &text) {
            Ok(reading) => reading.findings,
            Err(report) => report.findings,
        };
        let mine: Vec<_> = findings.iter().filter(|finding| finding.rule == *rule).collect();
        assert!(!mine.is_empty(), "{rule}: {findings:?}");
        assert!(mine.iter().any(|finding| finding.span.is_some()), "{rule} has no place in {broken}");
    }
}

#[test]
fn the_least_spec_is_taken_and_says_what_to_look_at() {
    let reading = read("a.yaml", "project_id: my-project\n").unwrap();
    let rules: Vec<_> = reading.findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, ["P-66", "P-42", "P-49"]);
}
