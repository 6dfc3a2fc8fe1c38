//! Marked text as Telegram takes it (core.telegram.org/bots/api#formatting-options): as HTML, and as MarkdownV2.

use super::{Mark, Rich};

/// What stands before, in and behind marked text in one of the two forms.
trait Form {
    fn open(&self, mark: &Mark) -> String;
    fn close(&self, mark: &Mark) -> String;
    fn escape(&self, text: &str, in_code: bool) -> String;
    /// What each line of a quotation begins with, where its marks end with the line.
    fn quotes_by_line(&self) -> bool;
}

struct Html;

impl Form for Html {
    fn open(&self, mark: &Mark) -> String {
        match mark {
            Mark::Bold => "<b>".into(),
            Mark::Italic => "<i>".into(),
            Mark::Underline => "<u>".into(),
            Mark::Strike => "<s>".into(),
            Mark::Spoiler => "<tg-spoiler>".into(),
            Mark::Code => "<code>".into(),
            Mark::Block(None) => "<pre>".into(),
            Mark::Block(Some(language)) => format!("<pre><code class=\"language-{}\">", self.escape(language, false)),
            Mark::Link(url) => format!("<a href=\"{}\">", self.escape(url, false)),
            Mark::Quote => "<blockquote>".into(),
        }
    }

    fn close(&self, mark: &Mark) -> String {
        match mark {
            Mark::Bold => "</b>",
            Mark::Italic => "</i>",
            Mark::Underline => "</u>",
            Mark::Strike => "</s>",
            Mark::Spoiler => "</tg-spoiler>",
            Mark::Code => "</code>",
            Mark::Block(None) => "</pre>",
            Mark::Block(Some(_)) => "</code></pre>",
            Mark::Link(_) => "</a>",
            Mark::Quote => "</blockquote>",
        }
        .into()
    }

    fn escape(&self, text: &str, _: bool) -> String {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
    }

    fn quotes_by_line(&self) -> bool {
        false
    }
}

struct MarkdownV2;

impl Form for MarkdownV2 {
    fn open(&self, mark: &Mark) -> String {
        match mark {
            Mark::Block(language) => format!("```{}\n", language.as_deref().unwrap_or_default()),
            Mark::Link(_) => "[".into(),
            Mark::Quote => String::new(),
            mark => self.close(mark),
        }
    }

    fn close(&self, mark: &Mark) -> String {
        match mark {
            Mark::Bold => "*".into(),
            Mark::Italic => "_".into(),
            Mark::Underline => "__".into(),
            Mark::Strike => "~".into(),
            Mark::Spoiler => "||".into(),
            Mark::Code => "`".into(),
            Mark::Block(_) => "\n```".into(),
            Mark::Link(url) => format!("]({})", url.replace('\\', "\\\\").replace(')', "\\)")),
            Mark::Quote => String::new(),
        }
    }

    fn escape(&self, text: &str, in_code: bool) -> String {
        let means_something = |c: char| match in_code {
            true => matches!(c, '`' | '\\'),
            false => "_*[]()~`>#+-=|{}.!\\".contains(c),
        };
        let mut escaped = String::with_capacity(text.len() + 8);
        for c in text.chars() {
            if means_something(c) {
                escaped.push('\\');
            }
            escaped.push(c);
        }
        escaped
    }

    fn quotes_by_line(&self) -> bool {
        true
    }
}

impl Rich {
    /// As Telegram's HTML.
    pub fn to_html(&self) -> String {
        self.render(&Html)
    }

    /// As Telegram's MarkdownV2.
    pub fn to_markdown_v2(&self) -> String {
        self.render(&MarkdownV2)
    }

    fn render(&self, form: &dyn Form) -> String {
        let mut out = String::with_capacity(self.text.len() + 16 * self.spans.len());
        let mut open: Vec<(usize, &Mark)> = Vec::new();
        let mut spans = self.spans.iter().peekable();
        let mut at = 0;
        while at < self.text.len() || !open.is_empty() {
            while open.last().is_some_and(|(end, _)| *end == at) {
                if let Some((_, mark)) = open.pop() {
                    out.push_str(&form.close(mark));
                }
            }
            while let Some(span) = spans.next_if(|span| span.range.start == at) {
                if span.mark == Mark::Quote && form.quotes_by_line() {
                    out.push('>');
                }
                out.push_str(&form.open(&span.mark));
                open.push((span.range.end, &span.mark));
            }
            let ends = open.last().map(|(end, _)| *end);
            let starts = spans.peek().map(|span| span.range.start);
            let next = [ends, starts].into_iter().flatten().min().unwrap_or(self.text.len());
            let in_code = open.iter().any(|(_, mark)| mark.is_code());
            let quotes = form.quotes_by_line() && open.iter().any(|(_, mark)| **mark == Mark::Quote);
            for (n, line) in self.text[at..next].split('\n').enumerate() {
                if n > 0 {
                    out.push_str(&between_lines(form, &open, quotes));
                }
                out.push_str(&form.escape(line, in_code));
            }
            if next == at {
                break;
            }
            at = next;
        }
        out
    }
}

/// A line's end; where a quotation goes by lines, its marks end and begin with each.
fn between_lines(form: &dyn Form, open: &[(usize, &Mark)], quotes: bool) -> String {
    if !quotes {
        return "\n".into();
    }
    let closed: String = open.iter().rev().map(|(_, mark)| form.close(mark)).collect();
    let opened: String = open.iter().map(|(_, mark)| form.open(mark)).collect();
    format!("{closed}\n>{opened}")
}
