//! Markdown (CommonMark, with struck text and tables) to marked text: blocks become lines, as channels without blocks show them.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::{Mark, Rich, Writer, without_controls};

/// How deep lists are shown.
const MOST_DEPTH: usize = 6;

impl Rich {
    /// Reads Markdown. Whatever is not Markdown is text.
    pub fn from_markdown(text: &str) -> Self {
        let text = without_controls(text);
        let mut reader = Reader::default();
        for event in Parser::new_ext(&text, Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES) {
            reader.take(event);
        }
        reader.writer.finish()
    }
}

#[derive(Default)]
struct Reader {
    writer: Writer,
    /// The number that the next item of each open list has, where its items are numbered.
    lists: Vec<Option<u64>>,
    cells: usize,
}

impl Reader {
    fn take(&mut self, event: Event) {
        let writer = &mut self.writer;
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => writer.push(&text),
            Event::Code(text) => {
                writer.open(Mark::Code);
                writer.push(&text);
                writer.close();
            }
            Event::SoftBreak | Event::HardBreak => writer.push("\n"),
            Event::Rule => {
                writer.end_line(1);
                writer.push("———");
                writer.end_line(1);
            }
            Event::TaskListMarker(done) => writer.push(if done { "[x] " } else { "[ ] " }),
            Event::FootnoteReference(text) | Event::InlineMath(text) | Event::DisplayMath(text) => writer.push(&text),
        }
    }

    fn start(&mut self, tag: Tag) {
        let writer = &mut self.writer;
        match tag {
            Tag::Paragraph if self.lists.is_empty() => writer.end_line(1),
            Tag::Heading { .. } => {
                writer.end_line(1);
                writer.open(Mark::Bold);
            }
            Tag::BlockQuote(_) => {
                writer.end_line(1);
                writer.open(Mark::Quote);
            }
            Tag::CodeBlock(kind) => {
                writer.end_line(usize::from(self.lists.is_empty()));
                let language = match &kind {
                    CodeBlockKind::Fenced(info) => info.split_whitespace().next().map(str::to_owned),
                    CodeBlockKind::Indented => None,
                };
                let is_name = |name: &String| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-#.".contains(&b));
                writer.open(Mark::Block(language.filter(is_name)));
            }
            Tag::List(first) => {
                writer.end_line(usize::from(self.lists.is_empty()));
                self.lists.push(first);
            }
            Tag::Item => {
                writer.end_line(0);
                writer.push(&"  ".repeat(self.lists.len().saturating_sub(1).min(MOST_DEPTH)));
                match self.lists.last_mut() {
                    Some(Some(number)) => {
                        writer.push(&format!("{number}. "));
                        *number = number.saturating_add(1);
                    }
                    _ => writer.push("• "),
                }
            }
            Tag::Emphasis => writer.open(Mark::Italic),
            Tag::Strong => writer.open(Mark::Bold),
            Tag::Strikethrough => writer.open(Mark::Strike),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => writer.open(Mark::Link(dest_url.into_string())),
            Tag::Table(_) => writer.end_line(1),
            Tag::TableHead | Tag::TableRow => {
                writer.end_line(0);
                self.cells = 0;
            }
            Tag::TableCell => {
                if self.cells > 0 {
                    writer.push(" | ");
                }
                self.cells += 1;
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        let writer = &mut self.writer;
        match tag {
            TagEnd::Heading(_) => {
                writer.close();
                writer.end_line(1);
            }
            TagEnd::BlockQuote(_) | TagEnd::CodeBlock => {
                writer.close();
                writer.end_line(usize::from(self.lists.is_empty()));
            }
            TagEnd::List(_) => {
                self.lists.pop();
                writer.end_line(usize::from(self.lists.is_empty()));
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image => writer.close(),
            TagEnd::Paragraph if self.lists.is_empty() => writer.end_line(1),
            TagEnd::Table => writer.end_line(1),
            TagEnd::Item | TagEnd::TableHead | TagEnd::TableRow | TagEnd::HtmlBlock => writer.end_line(0),
            _ => {}
        }
    }
}
