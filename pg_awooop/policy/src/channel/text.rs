//! Text with marks on it (bold, code, links, …), whatever it was written in and however it is sent: what is marked stays so
//! when a text is cut into messages.

mod html;
mod markdown;
mod render;
mod split;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use split::Limits;

/// What a stretch of text is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    Bold,
    Italic,
    Underline,
    Strike,
    Spoiler,
    Code,
    /// Several lines of code, of that language where it says one.
    Block(Option<String>),
    Link(String),
    Quote,
}

impl Mark {
    /// How much white space before a stretch is none of it. A quotation has whole lines, with their indentation.
    fn lead(&self, marked: &str) -> usize {
        let rest = if *self == Mark::Quote { marked.trim_start_matches('\n') } else { marked.trim_start() };
        marked.len() - rest.len()
    }

    /// Whether it is code, in which there are no further marks.
    fn is_code(&self) -> bool {
        matches!(self, Mark::Code | Mark::Block(_))
    }
}

/// A mark, and the bytes of the text that it is on: never none.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    range: Range<usize>,
    mark: Mark,
}

/// A text with marks. Two of them are one in the other or apart, never half of each; the outer comes first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rich {
    text: String,
    spans: Vec<Span>,
}

impl Rich {
    /// A text without marks.
    pub fn plain(text: &str) -> Self {
        Rich { text: without_controls(text), spans: Vec::new() }
    }

    /// The text alone.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many stretches of it are marked.
    pub fn marks(&self) -> usize {
        self.spans.len()
    }
}

/// A text as channels take it: of the control characters only the line end and the tab.
fn without_controls(text: &str) -> String {
    text.replace("\r\n", "\n").chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// Puts a marked text together from its beginning to its end.
#[derive(Default)]
struct Writer {
    rich: Rich,
    /// Where each open mark began; nothing where the mark means nothing there.
    open: Vec<(usize, Option<Mark>)>,
}

impl Writer {
    fn push(&mut self, text: &str) {
        self.rich.text.push_str(text);
    }

    /// Opens a mark. It means nothing in code, within another one of its kind, and code means nothing in a link: channels know no
    /// such thing. Other marks around code are interrupted by it.
    fn open(&mut self, mark: Mark) {
        let within = |open: &Mark| {
            open.is_code()
                || std::mem::discriminant(open) == std::mem::discriminant(&mark)
                || mark.is_code() && matches!(open, Mark::Link(_))
        };
        let means_something = !self.open.iter().any(|(_, open)| open.as_ref().is_some_and(within));
        if means_something && mark.is_code() {
            for (start, open) in self.open.clone().into_iter().rev() {
                self.mark(start, open.filter(|open| *open != Mark::Quote));
            }
        }
        self.open.push((self.rich.text.len(), means_something.then_some(mark)));
    }

    /// Closes the mark that was opened last.
    fn close(&mut self) {
        let Some((start, mark)) = self.open.pop() else { return };
        let is_code = mark.as_ref().is_some_and(Mark::is_code);
        self.mark(start, mark);
        if is_code {
            let here = self.rich.text.len();
            for (start, _) in self.open.iter_mut().filter(|(_, open)| *open != Some(Mark::Quote)) {
                *start = here;
            }
        }
    }

    /// Marks what was written since `start`.
    fn mark(&mut self, start: usize, mark: Option<Mark>) {
        // White space at either end is not marked: channels would move the mark off it anyway.
        let Some(mark) = mark else { return };
        let marked = &self.rich.text[start..];
        let lead = mark.lead(marked);
        let range = start + lead..start + marked.trim_end().len().max(lead);
        if !range.is_empty() {
            self.rich.spans.push(Span { range, mark });
        }
    }

    /// Ends the line, if one has begun, and leaves so many empty ones.
    fn end_line(&mut self, empty: usize) {
        let text = &mut self.rich.text;
        if text.is_empty() {
            return;
        }
        let there = text.len() - text.trim_end_matches('\n').len();
        text.extend(std::iter::repeat_n('\n', (empty + 1).saturating_sub(there)));
    }

    fn finish(mut self) -> Rich {
        while !self.open.is_empty() {
            self.close();
        }
        let mut rich = self.rich;
        rich.text.truncate(rich.text.trim_end().len());
        // The inner of two closes first, so where they are of one length the outer comes later.
        rich.spans.reverse();
        rich.spans.sort_by_key(|span| (span.range.start, std::cmp::Reverse(span.range.end)));
        rich.joined()
    }
}

impl Rich {
    /// The same with one mark where two of a kind touch.
    fn joined(mut self) -> Self {
        let mut joined: Vec<Span> = Vec::with_capacity(self.spans.len());
        for span in self.spans {
            let touching = joined.iter_mut().rev().find(|before| before.range.end == span.range.start);
            match touching {
                Some(before) if before.mark == span.mark && !span.mark.is_code() => before.range.end = span.range.end,
                _ => joined.push(span),
            }
        }
        // What has grown may reach over what came before it; the outer comes first.
        joined.sort_by_key(|span| (span.range.start, std::cmp::Reverse(span.range.end)));
        self.spans = joined;
        self
    }
}
