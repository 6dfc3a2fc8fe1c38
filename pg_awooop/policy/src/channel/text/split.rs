//! Cutting a marked text into messages: at a place where a reader would pause, outside of what is marked where that can be; a
//! mark that is cut is on both parts.

use super::{Mark, Rich, Span};

/// What one message may have.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Units of UTF-16.
    pub units: usize,
    /// Bytes of UTF-8.
    pub bytes: usize,
    /// Marked stretches.
    pub marks: usize,
}

/// Where a text may be cut, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Character,
    SpaceInMark,
    LineInMark,
    Space,
    Line,
    Paragraph,
}

impl Rich {
    /// The parts, none of them empty: none, where there is nothing but white space.
    pub fn split(&self, limits: Limits) -> Vec<Rich> {
        let mut parts = Vec::new();
        let mut rest = self.part(0, self.text.len());
        while !rest.text.is_empty() {
            let most = rest.room(limits);
            if most == rest.text.len() {
                parts.push(rest);
                break;
            }
            let cut = rest.best_cut(most);
            let part = rest.part(0, cut);
            if !part.text.is_empty() {
                parts.push(part);
            }
            rest = rest.part(cut, rest.text.len());
        }
        parts
    }

    /// How many bytes from the beginning fit into one message: at least one character.
    fn room(&self, limits: Limits) -> usize {
        let mut units = 0;
        let mut most = self.text.len();
        for (at, character) in self.text.char_indices() {
            units += character.len_utf16();
            if units > limits.units || at + character.len_utf8() > limits.bytes {
                most = at;
                break;
            }
        }
        if let Some(one_too_many) = self.spans.get(limits.marks) {
            most = most.min(one_too_many.range.start);
        }
        most.max(self.text.chars().next().map_or(0, char::len_utf8))
    }

    /// The best place to cut among the first `most` bytes; in the first quarter only where there is no other.
    fn best_cut(&self, most: usize) -> usize {
        let mut best = (Place::Character, 0);
        for (at, character) in self.text.char_indices().take_while(|(at, _)| *at <= most) {
            if at < most / 4 || !matches!(character, '\n' | ' ') {
                continue;
            }
            let is_inside = self.spans.iter().any(|span| span.range.start < at && at < span.range.end);
            let place = match (character, is_inside) {
                ('\n', false) if self.text[..at].ends_with('\n') => Place::Paragraph,
                ('\n', false) => Place::Line,
                (_, false) => Place::Space,
                ('\n', true) => Place::LineInMark,
                (_, true) => Place::SpaceInMark,
            };
            if place >= best.0 {
                best = (place, at);
            }
        }
        match best {
            (Place::Character, _) => self.whole_character(most),
            (_, at) => at,
        }
    }

    /// The end of what a reader takes for one character, at `most` or before it where that leaves anything.
    fn whole_character(&self, most: usize) -> usize {
        let continues = |at: usize| {
            let joins =
                |c: char| matches!(c, '\u{200d}' | '\u{fe0f}' | '\u{300}'..='\u{36f}' | '\u{1f3fb}'..='\u{1f3ff}');
            self.text[at..].chars().next().is_some_and(joins) || self.text[..at].ends_with('\u{200d}')
        };
        let boundaries = self.text[..most].char_indices().map(|(at, _)| at).chain([most]);
        boundaries.rev().take(16).find(|at| *at > 0 && !continues(*at)).unwrap_or(most)
    }

    /// The text between two places, without the white space around it; what is left of the marks is on it. A line of code keeps
    /// its indentation.
    fn part(&self, from: usize, to: usize) -> Rich {
        let slice = &self.text[from..to];
        let is_block = |mark: &Mark| matches!(mark, Mark::Block(_));
        let in_code = self.spans.iter().any(|s| is_block(&s.mark) && s.range.start < from && from < s.range.end);
        let lead = match in_code {
            true => slice.len() - slice.trim_start_matches('\n').len(),
            false => slice.len() - slice.trim_start().len(),
        };
        let (from, to) = (from + lead, from + slice.trim_end().len().max(lead));
        let clipped = |span: &Span| {
            let (start, end) = (span.range.start.max(from), span.range.end.min(to));
            (start < end).then(|| Span { range: start - from..end - from, mark: span.mark.clone() })
        };
        let mut spans: Vec<Span> = self.spans.iter().filter_map(clipped).collect();
        for span in &mut spans {
            // As when it was written: no mark on white space at its ends, but in code.
            if !span.mark.is_code() {
                let marked = &self.text[from + span.range.start..from + span.range.end];
                let (lead, trail) = (span.mark.lead(marked), marked.len() - marked.trim_end().len());
                span.range = span.range.start + lead..span.range.end - trail.min(marked.len() - lead);
            }
        }
        spans.retain(|span| !span.range.is_empty());
        spans.sort_by_key(|span| (span.range.start, std::cmp::Reverse(span.range.end), span.mark != Mark::Quote));
        Rich { text: self.text[from..to].to_owned(), spans }
    }
}
