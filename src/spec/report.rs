//! Findings for people.
//!
//! On a terminal with colour, frame and source line; otherwise one plain paragraph each, which reads
//! the same in a log, a mail and a screen reader. A line that holds a secret is never shown.

use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode, SourceSpan,
};

use super::conceal;
use super::finding::{Finding, Severity};

/// Everything that refuses a spec, with the warnings found on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The findings, in reading order.
    pub findings: Vec<Finding>,
}

/// Most findings of one report. Whoever has more has one mistake many times over, or no spec at all.
const MOST: usize = 200;

impl Report {
    /// A report of findings, errors first, each weight in the order of the text; the first
    /// 200 of them.
    pub fn new(mut findings: Vec<Finding>) -> Self {
        findings
            .sort_by_key(|finding| (finding.severity, finding.span.map_or(usize::MAX, |span| span.offset)));
        if findings.len() > MOST {
            let more = findings.len() - MOST;
            let severity = findings.get(MOST).map_or(Severity::Info, |finding| finding.severity);
            findings.truncate(MOST);
            findings.push(Finding::new("more", severity, "").message(format!("and {more} more findings")));
        }
        Self { findings }
    }

    /// The findings that refuse the spec.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.is_error())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors: Vec<_> = self.errors().map(|finding| finding.message.as_str()).collect();
        write!(f, "the spec is refused: {}", errors.join("; "))
    }
}

impl std::error::Error for Report {}

/// Renders findings about a source text.
///
/// `graphical` is for terminals; without it the text is plain, one paragraph per finding.
pub fn render(findings: &[Finding], file_name: &str, text: &str, graphical: bool) -> String {
    let masked = conceal::masked(file_name, text);
    let mut rendered = String::new();
    for finding in findings {
        if graphical {
            rendered.push_str(&framed(finding, file_name, &masked));
        } else {
            rendered.push_str(&plain(finding, file_name, &masked));
        }
        rendered.push('\n');
    }
    rendered.push_str(&summary(findings));
    rendered
}

fn plain(finding: &Finding, file_name: &str, masked: &str) -> String {
    let place = match finding.span {
        Some(span) => format!("{file_name}:{}:{}", span.line, span.column),
        None => file_name.to_owned(),
    };
    let mut text = format!("{place}: {} [{}]: {}\n", finding.severity.name(), finding.rule, finding.message);
    if let Some(line) = source_line(finding, masked) {
        text.push_str(&format!("  > {line}\n"));
    }
    if !finding.help.is_empty() {
        text.push_str(&format!("  {}\n", finding.help));
    }
    text
}

/// The first line a finding points at, unless it must not be shown.
fn source_line<'a>(finding: &Finding, masked: &'a str) -> Option<&'a str> {
    let span = finding.span.filter(|_| !finding.concealed)?;
    let line = masked.lines().nth(span.line.checked_sub(1)?)?.trim();
    (!line.is_empty()).then(|| shortened(line))
}

/// At most this many bytes of a line: a JSON file may be one line.
fn shortened(line: &str) -> &str {
    const MOST: usize = 160;
    let end = (0..=MOST.min(line.len())).rev().find(|&at| line.is_char_boundary(at)).unwrap_or(0);
    line.get(..end).unwrap_or_default()
}

fn summary(findings: &[Finding]) -> String {
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let say = |number: usize, one: &str| match number {
        0 => None,
        1 => Some(format!("1 {one}")),
        more => Some(format!("{more} {one}s")),
    };
    let parts: Vec<_> = [
        say(count(Severity::Error), "error"),
        say(count(Severity::Warning), "warning"),
        say(count(Severity::Info), "note"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { String::new() } else { format!("{}\n", parts.join(", ")) }
}

fn framed(finding: &Finding, file_name: &str, masked: &str) -> String {
    let mut rendered = String::new();
    let shown = Framed { finding, source: NamedSource::new(file_name, masked.to_owned()) };
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode()).with_context_lines(1);
    match handler.render_report(&mut rendered, &shown) {
        Ok(()) => rendered,
        Err(fmt::Error) => plain(finding, file_name, masked),
    }
}

/// A finding as miette takes it.
#[derive(Debug)]
struct Framed<'a> {
    finding: &'a Finding,
    source: NamedSource<String>,
}

impl fmt::Display for Framed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.finding.span {
            Some(span) if self.finding.concealed => {
                format!(" ({}:{}:{})", self.source.name(), span.line, span.column)
            }
            _ => String::new(),
        };
        write!(f, "{}{place}", self.finding.message)
    }
}

impl std::error::Error for Framed<'_> {}

impl Diagnostic for Framed<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.finding.rule))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Info => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (!self.finding.help.is_empty()).then(|| Box::new(&self.finding.help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.finding.concealed && self.finding.span.is_some()).then_some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.finding.span.filter(|_| !self.finding.concealed)?;
        let label = LabeledSpan::new_primary_with_span(
            Some("here".to_owned()),
            SourceSpan::new(span.offset.into(), span.length),
        );
        Some(Box::new(std::iter::once(label)))
    }
}
