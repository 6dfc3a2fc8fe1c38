//! The HTML that chats know (core.telegram.org/bots/api#html-style) to marked text. Any other tag is text, so that nothing that
//! was written gets lost.

use super::{Mark, Rich, Writer, without_controls};

impl Rich {
    /// Reads HTML of those tags.
    pub fn from_html(text: &str) -> Self {
        let text = without_controls(text);
        let mut reader = Reader::default();
        let mut rest = text.as_str();
        while let Some(at) = rest.find(['<', '&']) {
            reader.writer.push(&rest[..at]);
            rest = &rest[at..];
            let taken = if rest.starts_with('<') { reader.tag(rest) } else { reader.entity(rest) };
            // What means nothing is a character like others.
            if taken == 0 {
                reader.writer.push(&rest[..1]);
            }
            rest = &rest[taken.max(1)..];
        }
        reader.writer.push(rest);
        reader.writer.finish()
    }
}

#[derive(Default)]
struct Reader {
    writer: Writer,
    /// The tags that are open, in the order of their marks.
    open: Vec<String>,
}

impl Reader {
    /// Reads the tag that `rest` begins with; how many bytes it takes, none where it is none of ours.
    fn tag(&mut self, rest: &str) -> usize {
        let Some(end) = rest.find('>') else { return 0 };
        let inner = &rest[1..end];
        let taken = end + 1;
        if let Some(name) = inner.strip_prefix('/') {
            return if self.close(&name.trim().to_ascii_lowercase()) { taken } else { 0 };
        }
        let inner = inner.trim_end_matches('/').trim();
        let (name, attributes) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
        let name = name.to_ascii_lowercase();
        if name == "br" {
            self.writer.push("\n");
            return taken;
        }
        let Some(mark) = mark(&name, attributes) else { return 0 };
        match mark {
            // `<pre><code class="language-x">` is one mark, of the outer tag.
            Mark::Code if self.open.last().is_some_and(|open| open == "pre") => {
                if let Some((_, Some(Mark::Block(language)))) = self.writer.open.last_mut() {
                    *language = attribute(attributes, "class")
                        .and_then(|class| class.strip_prefix("language-").map(str::to_owned));
                }
                self.writer.open(Mark::Code);
            }
            mark => self.writer.open(mark),
        }
        self.open.push(name);
        taken
    }

    /// Closes the tag, and whatever was opened in it and left open.
    fn close(&mut self, name: &str) -> bool {
        let Some(at) = self.open.iter().rposition(|open| open == name) else { return false };
        for _ in at..self.open.len() {
            self.writer.close();
        }
        self.open.truncate(at);
        true
    }

    fn entity(&mut self, rest: &str) -> usize {
        let Some(end) = rest.find(';').filter(|end| *end <= 10) else { return 0 };
        let number = |text: &str| match text.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        };
        let character = match &rest[1..end] {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            "nbsp" => Some('\u{a0}'),
            other => other.strip_prefix('#').and_then(number).and_then(char::from_u32),
        };
        match character.filter(|c| !c.is_control() || *c == '\n') {
            Some(c) => {
                self.writer.push(c.encode_utf8(&mut [0; 4]));
                end + 1
            }
            None => 0,
        }
    }
}

fn mark(name: &str, attributes: &str) -> Option<Mark> {
    Some(match name {
        "b" | "strong" => Mark::Bold,
        "i" | "em" => Mark::Italic,
        "u" | "ins" => Mark::Underline,
        "s" | "strike" | "del" => Mark::Strike,
        "tg-spoiler" => Mark::Spoiler,
        "code" => Mark::Code,
        "pre" => Mark::Block(None),
        "blockquote" => Mark::Quote,
        "a" => Mark::Link(attribute(attributes, "href")?),
        _ => return None,
    })
}

/// The value of an attribute, in quotes or without.
fn attribute(attributes: &str, name: &str) -> Option<String> {
    let at = attributes.find(&format!("{name}="))?;
    let value = &attributes[at + name.len() + 1..];
    let value = match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split(quote).next()?,
        _ => value.split_whitespace().next()?,
    };
    Some(value.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}
