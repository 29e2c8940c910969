//! From byte offsets to lines and columns.

use std::ops::Range;

use crate::spec::finding::Span;

/// Where the lines of a text begin.
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Finds the lines of a text.
    pub fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// The place of a byte range; a range outside the text is drawn to its end.
    pub fn span(&self, range: Range<usize>) -> Span {
        let offset = self.floor(range.start);
        let end = self.floor(range.end).max(offset);
        let line = self.starts.partition_point(|&start| start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        Span { offset, length: end - offset, line, column: self.columns(start, offset) + 1 }
    }

    /// The byte at which a line (from 1) and a column (from 1, in bytes) stand.
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len());
        (start + column.saturating_sub(1)).min(self.text.len())
    }

    /// Characters between two offsets of a line. Very long lines (a JSON file without line breaks)
    /// are counted in bytes, so that placing all its values stays linear.
    fn columns(&self, start: usize, offset: usize) -> usize {
        const LONG_LINE_BYTES: usize = 4096;
        let bytes = offset - start;
        if bytes > LONG_LINE_BYTES {
            return bytes;
        }
        self.text.get(start..offset).map_or(bytes, |part| part.chars().count())
    }

    fn floor(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let lines = Lines::new("a: 1\nname: \"ü\" # x\n");
        let span = lines.span(5..9);
        assert_eq!((span.line, span.column, span.length), (2, 1, 4));
        let after_umlaut = lines.span(16..17);
        assert_eq!((after_umlaut.line, after_umlaut.column), (2, 11));
    }

    #[test]
    fn a_range_outside_the_text_is_drawn_in() {
        let span = Lines::new("ü").span(1..99);
        assert_eq!((span.offset, span.length, span.line, span.column), (0, 2, 1, 1));
    }
}
