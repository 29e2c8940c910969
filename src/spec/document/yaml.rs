//! YAML, by the rules of YAML 1.2: plain `no`, `on` and `012` stay text.
//!
//! The parser's events are read directly, because only they tell a plain scalar from a quoted one
//! and where each stands. Anchors, aliases, tags and several documents are refused: a flat spec needs
//! none of them, and each is a way to say something else than what one reads.

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span as EventSpan, StrInput};

use super::{Entry, Kind, Lines, MAX_DEPTH, Node, syntax, too_deep};
use crate::spec::finding::{Finding, Span};

type Step<'a> = (Event<'a>, Span);
type Outcome<T> = Result<T, Vec<Finding>>;

/// Reads one YAML document.
pub(super) fn read(text: &str, lines: &Lines<'_>) -> Outcome<Node> {
    let mut reader = Reader { parser: Parser::new_from_str(text), lines };
    let mut root = None;
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd => {}
            _ if root.is_some() => {
                return Err(vec![
                    syntax("a second document begins here")
                        .at(span)
                        .help("A file holds one spec; move the other to a file of its own."),
                ]);
            }
            _ => root = Some(reader.node((event, span), 0)?),
        }
    }
    Ok(root.unwrap_or(Node { span: lines.span(0..0), kind: Kind::Null }))
}

struct Reader<'a, 'l> {
    parser: Parser<'a, StrInput<'a>>,
    lines: &'l Lines<'a>,
}

impl<'a> Reader<'a, '_> {
    fn next(&mut self) -> Outcome<Option<Step<'a>>> {
        loop {
            match self.parser.next_event() {
                None => return Ok(None),
                Some(Err(error)) => return Err(vec![self.scan_error(&error)]),
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok((event, span))) => {
                    let span = self.place(&span);
                    return Ok(Some((event, span)));
                }
            }
        }
    }

    fn node(&mut self, (event, span): Step<'a>, depth: usize) -> Outcome<Node> {
        if depth > MAX_DEPTH {
            return Err(too_deep(span));
        }
        refuse_extras(&event, span)?;
        let kind = match event {
            Event::Scalar(text, ScalarStyle::Plain, ..) => plain(&text),
            Event::Scalar(text, ..) => Kind::Text(text.into_owned()),
            Event::SequenceStart(..) => Kind::List(self.items(depth)?),
            Event::MappingStart(..) => Kind::Map(self.entries(depth)?),
            _ => return Err(vec![syntax("a value was expected here").at(span)]),
        };
        Ok(Node { span, kind })
    }

    fn items(&mut self, depth: usize) -> Outcome<Vec<Node>> {
        let mut items = vec![];
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            items.push(self.node((event, span), depth + 1)?);
        }
        Ok(items)
    }

    fn entries(&mut self, depth: usize) -> Outcome<Vec<Entry>> {
        let mut entries = vec![];
        while let Some((event, name_span)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                break;
            }
            refuse_extras(&event, name_span)?;
            let Event::Scalar(name, ..) = event else {
                return Err(vec![syntax("a name is plain text").at(name_span)]);
            };
            if name == "<<" {
                return Err(vec![
                    syntax("merging maps with `<<` is not supported")
                        .at(name_span)
                        .help("Write the values out."),
                ]);
            }
            let Some(step) = self.next()? else { break };
            let value = self.node(step, depth + 1)?;
            entries.push(Entry { name: name.into_owned(), name_span, value });
        }
        Ok(entries)
    }

    fn place(&self, span: &EventSpan) -> Span {
        self.lines.span(span.byte_range().unwrap_or(0..0))
    }

    fn scan_error(&self, error: &ScanError) -> Finding {
        let marker = error.marker();
        let offset =
            marker.byte_offset().unwrap_or_else(|| self.lines.offset(marker.line(), marker.col() + 1));
        syntax(format!("this is not YAML: {}", error.kind()))
            .at(self.lines.span(offset..offset + 1))
            .help("Look at the indentation, and for a missing quote or bracket here or just above.")
    }
}

fn refuse_extras(event: &Event<'_>, span: Span) -> Outcome<()> {
    let what = if event.is_alias() || event.anchor_id().is_some_and(|id| id != 0) {
        "anchors (`&name`) and aliases (`*name`) are not supported"
    } else if event.tag().is_some() {
        "tags (`!name`) are not supported"
    } else {
        return Ok(());
    };
    Err(vec![syntax(what).at(span).help("Write the value out; quote it if it begins with that sign.")])
}

/// What a plain scalar is. The integers are those of JSON: a leading zero is text, because nobody who
/// writes `012` means the number twelve.
fn plain(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
        "true" | "True" | "TRUE" => Kind::Bool(true),
        "false" | "False" | "FALSE" => Kind::Bool(false),
        _ if is_number(text) => Kind::Number(text.to_owned()),
        _ => Kind::Text(text.to_owned()),
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_fits = exponent.is_none_or(|part| all_digits(part.strip_prefix(['-', '+']).unwrap_or(part)));
    let whole_fits = all_digits(whole) && (whole == "0" || !whole.starts_with('0'));
    whole_fits && fraction.is_none_or(all_digits) && exponent_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_1_1_traps_stay_text() {
        for text in
            ["no", "yes", "on", "off", "y", "012", "0o14", "0x1F", "1_000", "12:30", ".5", "1.", "-", "NaN"]
        {
            assert_eq!(plain(text), Kind::Text(text.into()), "{text}");
        }
        for text in ["0", "-1", "12", "1.10", "1e9", "-0.5E-3"] {
            assert_eq!(plain(text), Kind::Number(text.into()), "{text}");
        }
        assert_eq!(plain("true"), Kind::Bool(true));
        assert_eq!(plain("~"), Kind::Null);
    }

    #[test]
    fn anchors_tags_merges_and_second_documents_are_refused() {
        for text in ["a: &x 1\nb: *x\n", "a: !!str 1\n", "<<: {a: 1}\n", "a: 1\n---\nb: 2\n"] {
            assert!(read(text, &Lines::new(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_deep_nest_is_refused_and_not_followed() {
        let text = "[".repeat(60) + &"]".repeat(60);
        let findings = read(&text, &Lines::new(&text)).unwrap_err();
        assert!(findings[0].message.contains("levels deep"), "{findings:?}");
    }
}
