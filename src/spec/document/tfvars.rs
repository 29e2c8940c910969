//! Terraform's variable files: `name = value` with literal values.
//!
//! Such a file may not call functions nor refer to anything, and neither may a spec: what is asked for
//! must be readable without running something.

use std::ops::Range;

use hcl_edit::expr::{Expression, Object, ObjectKey, UnaryOperator};
use hcl_edit::structure::{Body, Structure};
use hcl_edit::template::{Element, HeredocTemplate, StringTemplate};
use hcl_edit::{Span as _, parser};

use super::{Entry, Kind, Lines, MAX_DEPTH, Node, syntax, too_deep};
use crate::spec::finding::{Finding, Span};

type Outcome<T> = Result<T, Vec<Finding>>;

/// Reads one tfvars file; every value that is not literal is reported, not only the first.
pub(super) fn read(text: &str, lines: &Lines<'_>) -> Outcome<Node> {
    let body = parser::parse_body(text).map_err(|error| vec![parse_error(&error, lines)])?;
    let reader = Reader { text, lines };
    let entries = reader.body(&body)?;
    Ok(Node { span: lines.span(0..0), kind: Kind::Map(entries) })
}

fn parse_error(error: &parser::Error, lines: &Lines<'_>) -> Finding {
    let offset = error.location().offset();
    let span = lines.span(offset..offset + 1);
    if error.message().contains("redefined") {
        return syntax("a name is given twice")
            .at(span)
            .help("Keep the one that is meant; the other would be lost without a word.");
    }
    syntax(format!("this is not a tfvars file: {}", error.message()))
        .at(span)
        .help("Write `name = value`, with text in double quotes.")
}

struct Reader<'a, 'l> {
    text: &'a str,
    lines: &'l Lines<'a>,
}

impl Reader<'_, '_> {
    fn body(&self, body: &Body) -> Outcome<Vec<Entry>> {
        let (mut entries, mut findings) = (vec![], vec![]);
        for structure in body.iter() {
            match structure {
                Structure::Attribute(attribute) => {
                    let name_span = self.span(attribute.key.span());
                    match self.node(&attribute.value, 1) {
                        Ok(value) => {
                            entries.push(Entry { name: attribute.key.to_string(), name_span, value })
                        }
                        Err(found) => findings.extend(found),
                    }
                }
                Structure::Block(block) => findings.push(
                    syntax(format!(
                        "`{}` is a block; a tfvars file has only `name = value`",
                        block.ident.as_str()
                    ))
                    .at(self.span(block.ident.span()))
                    .help("Write an equals sign before the opening brace."),
                ),
            }
        }
        if findings.is_empty() { Ok(entries) } else { Err(findings) }
    }

    fn node(&self, value: &Expression, depth: usize) -> Outcome<Node> {
        let span = self.span(value.span());
        if depth > MAX_DEPTH {
            return Err(too_deep(span));
        }
        let kind = match value {
            Expression::Null(_) => Kind::Null,
            Expression::Bool(value) => Kind::Bool(*value.value()),
            Expression::Number(_) => Kind::Number(self.source(span).to_owned()),
            Expression::String(value) => Kind::Text(value.value().clone()),
            Expression::UnaryOp(operation) if *operation.operator.value() == UnaryOperator::Neg => {
                match self.node(&operation.expr, depth + 1)?.kind {
                    Kind::Number(number) => Kind::Number(format!("-{number}")),
                    _ => return Err(vec![not_literal("an operation", span)]),
                }
            }
            Expression::StringTemplate(template) => string_template(template)
                .map(Kind::Text)
                .ok_or_else(|| vec![not_literal("a text with `${…}` in it", span)])?,
            Expression::HeredocTemplate(heredoc) => heredoc_text(heredoc)
                .map(Kind::Text)
                .ok_or_else(|| vec![not_literal("a text with `${…}` in it", span)])?,
            Expression::Array(array) => {
                Kind::List(gather(array.iter().map(|item| self.node(item, depth + 1)))?)
            }
            Expression::Object(object) => Kind::Map(self.object(object, depth)?),
            other => return Err(vec![not_literal(expression_name(other), span)]),
        };
        Ok(Node { span, kind })
    }

    fn object(&self, object: &Object, depth: usize) -> Outcome<Vec<Entry>> {
        gather(object.iter().map(|(key, value)| {
            let name_span = self.span(key.span());
            let name = match key {
                ObjectKey::Ident(name) => name.to_string(),
                ObjectKey::Expression(Expression::String(name)) => name.value().clone(),
                ObjectKey::Expression(Expression::Number(number)) => number.value().to_string(),
                ObjectKey::Expression(Expression::Bool(name)) => name.value().to_string(),
                ObjectKey::Expression(_) => return Err(vec![not_literal("a computed name", name_span)]),
            };
            let value = self.node(value.expr(), depth + 1)?;
            Ok(Entry { name, name_span, value })
        }))
    }

    fn span(&self, range: Option<Range<usize>>) -> Span {
        self.lines.span(range.unwrap_or(0..0))
    }

    fn source(&self, span: Span) -> &str {
        self.text.get(span.offset..span.offset + span.length).unwrap_or_default().trim()
    }
}

fn gather<T>(outcomes: impl Iterator<Item = Outcome<T>>) -> Outcome<Vec<T>> {
    let (mut good, mut findings) = (vec![], vec![]);
    for outcome in outcomes {
        match outcome {
            Ok(value) => good.push(value),
            Err(found) => findings.extend(found),
        }
    }
    if findings.is_empty() { Ok(good) } else { Err(findings) }
}

fn not_literal(what: &str, span: Span) -> Finding {
    syntax(format!("{what} stands where a literal value must"))
        .at(span)
        .help("Write the value itself: text in double quotes, a number, true, false, a list or a map.")
}

fn expression_name(expression: &Expression) -> &'static str {
    match expression {
        Expression::Variable(_) | Expression::Traversal(_) => "a reference",
        Expression::FuncCall(_) => "a function call",
        Expression::Conditional(_) => "a condition",
        Expression::ForExpr(_) => "a `for` expression",
        Expression::Parenthesis(_) => "a parenthesis",
        _ => "an operation",
    }
}

/// The text of a template without interpolation (`$${` is the escape of `${`).
fn string_template(template: &StringTemplate) -> Option<String> {
    literal(template.iter())
}

fn heredoc_text(heredoc: &HeredocTemplate) -> Option<String> {
    let mut heredoc = heredoc.clone();
    heredoc.dedent();
    literal(heredoc.template.iter())
}

fn literal<'e>(elements: impl Iterator<Item = &'e Element>) -> Option<String> {
    elements.map(|element| element.as_literal().map(|text| text.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Vec<Entry> {
        match read(text, &Lines::new(text)).unwrap().kind {
            Kind::Map(entries) => entries,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn literals_are_read() {
        let text =
            "a = \"x\" # note\nb = -1.50\nc = [true, null]\nd = {\n  e = 1\n  \"f-g\" : \"$${h}\"\n}\n";
        let entries = entries(text);
        assert_eq!(entries[0].value.kind, Kind::Text("x".into()));
        assert_eq!(entries[1].value.kind, Kind::Number("-1.50".into()));
        let Kind::Map(inner) = &entries[3].value.kind else { panic!("a map") };
        assert_eq!(inner[1].name, "f-g");
        assert_eq!(inner[1].value.kind, Kind::Text("${h}".into()));
        assert_eq!((inner[0].value.span.line, inner[0].value.span.column), (5, 7));
    }

    #[test]
    fn heredocs_are_text() {
        let entries = entries("a = <<-EOT\n    one\n      two\n  EOT\n");
        assert_eq!(entries[0].value.kind, Kind::Text("one\n  two\n".into()));
    }

    #[test]
    fn every_expression_is_reported_with_its_place() {
        let text = "a = var.x\nb = file(\"y\")\nc = [1 + 1, \"${z}\"]\n";
        let findings = read(text, &Lines::new(text)).unwrap_err();
        let lines: Vec<_> = findings.iter().map(|finding| finding.span.unwrap().line).collect();
        assert_eq!(lines, [1, 2, 3, 3]);
    }
}
