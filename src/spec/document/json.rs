//! JSON, strictly, with the place of every value.
//!
//! The notation itself is checked by `serde_json`; what comes after only walks over text that is known
//! to be right, and notes where things stand.

use serde::de::IgnoredAny;

use super::{Entry, Kind, Lines, MAX_DEPTH, Node, syntax, too_deep};
use crate::spec::finding::Finding;

/// Reads one JSON document.
pub(super) fn read(text: &str, lines: &Lines<'_>) -> Result<Node, Vec<Finding>> {
    if text.trim().is_empty() {
        return Ok(Node { span: lines.span(0..0), kind: Kind::Null });
    }
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        let offset = lines.offset(error.line(), error.column());
        return Err(vec![
            syntax(format!("this is not JSON: {}", without_place(&error)))
                .at(lines.span(offset..offset + 1))
                .help("JSON has no comments and no comma after the last item; YAML has."),
        ]);
    }
    Walker { text, lines, at: 0 }.node(0)
}

/// The message without `at line 1 column 2`, which the finding says itself.
fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.split(" at line ").next().unwrap_or(&message).to_owned()
}

struct Walker<'a, 'l> {
    text: &'a str,
    lines: &'l Lines<'a>,
    at: usize,
}

impl Walker<'_, '_> {
    fn node(&mut self, depth: usize) -> Result<Node, Vec<Finding>> {
        self.skip_space();
        let start = self.at;
        if depth > MAX_DEPTH {
            return Err(too_deep(self.lines.span(start..start + 1)));
        }
        let kind = match self.peek() {
            b'{' => Kind::Map(self.entries(depth)?),
            b'[' => Kind::List(self.items(depth)?),
            b'"' => Kind::Text(self.string()),
            _ => self.word(),
        };
        Ok(Node { span: self.lines.span(start..self.at), kind })
    }

    fn entries(&mut self, depth: usize) -> Result<Vec<Entry>, Vec<Finding>> {
        let mut entries = vec![];
        self.at += 1;
        while self.more(b'}') {
            let start = self.at;
            let name = self.string();
            let name_span = self.lines.span(start..self.at);
            self.skip_space();
            self.at += 1;
            entries.push(Entry { name, name_span, value: self.node(depth + 1)? });
        }
        Ok(entries)
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Node>, Vec<Finding>> {
        let mut items = vec![];
        self.at += 1;
        while self.more(b']') {
            items.push(self.node(depth + 1)?);
        }
        Ok(items)
    }

    /// Steps over a comma or the closing sign; answers whether another item follows.
    fn more(&mut self, close: u8) -> bool {
        self.skip_space();
        if self.peek() == b',' {
            self.at += 1;
            self.skip_space();
        }
        if self.peek() == close || self.at >= self.text.len() {
            self.at += 1;
            return false;
        }
        true
    }

    fn string(&mut self) -> String {
        let start = self.at;
        self.at += 1;
        while self.at < self.text.len() && self.peek() != b'"' {
            self.at += if self.peek() == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        self.text.get(start..self.at).and_then(|part| serde_json::from_str(part).ok()).unwrap_or_default()
    }

    fn word(&mut self) -> Kind {
        let start = self.at;
        while !matches!(self.peek(), b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n' | 0) {
            self.at += 1;
        }
        match self.text.get(start..self.at).unwrap_or_default() {
            "null" => Kind::Null,
            "true" => Kind::Bool(true),
            "false" => Kind::Bool(false),
            number => Kind::Number(number.to_owned()),
        }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\r' | b'\n') {
            self.at += 1;
        }
    }

    /// The byte here; 0 at the end.
    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_where_they_stand() {
        let text = "{\n  \"a\": [1, {\"b\\u00fc\": \"x\\\"y\"}],\n  \"c\": -1.5e3, \"d\": {}, \"e\": []\n}\n";
        let Kind::Map(entries) = read(text, &Lines::new(text)).unwrap().kind else { panic!("a map") };
        let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["a", "c", "d", "e"]);
        let Kind::List(items) = &entries[0].value.kind else { panic!("a list") };
        let Kind::Map(inner) = &items[1].kind else { panic!("a map") };
        assert_eq!(inner[0].name, "bü");
        assert_eq!(inner[0].value.kind, Kind::Text("x\"y".into()));
        assert_eq!((inner[0].value.span.line, inner[0].value.span.length), (2, 6));
        assert_eq!(entries[1].value.kind, Kind::Number("-1.5e3".into()));
        assert_eq!(entries[3].value.kind, Kind::List(vec![]));
    }

    #[test]
    fn what_is_not_json_is_placed() {
        let text = "{\n  \"a\": 1,\n}\n";
        let findings = read(text, &Lines::new(text)).unwrap_err();
        assert_eq!(findings[0].span.unwrap().line, 3);
    }
}
