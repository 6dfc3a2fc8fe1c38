//! Reads marked text as the Bot API does (core.telegram.org/bots/api#formatting-options), and refuses what it refuses: another
//! reading of what the platform writes, to hold it to.

use serde_json::{Value, json};

/// A text, and what is marked in it: offsets and lengths in units of UTF-16.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marked {
    pub text: String,
    pub entities: Vec<Entity>,
}

/// One marked stretch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    pub kind: &'static str,
    pub offset: usize,
    pub length: usize,
    /// An address, or a language.
    pub detail: Option<String>,
}

impl Marked {
    pub fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), entities: Vec::new() }
    }

    /// Code is in no other entity but a quotation, and has none in it.
    fn may_be_nested(&self) -> Result<(), String> {
        let is_code = |e: &Entity| matches!(e.kind, "code" | "pre");
        for (n, outer) in self.entities.iter().enumerate() {
            let overlaps = |inner: &&Entity| inner.offset < outer.offset + outer.length;
            for inner in self.entities[n + 1..].iter().filter(overlaps) {
                if is_code(outer) || is_code(inner) && outer.kind != "blockquote" {
                    return Err(format!("{} is in {}", inner.kind, outer.kind));
                }
            }
        }
        Ok(())
    }

    pub fn to_json(&self) -> Value {
        self.entities
            .iter()
            .map(|e| {
                let mut entity = json!({"type": e.kind, "offset": e.offset, "length": e.length});
                match (e.kind, &e.detail) {
                    ("text_link", Some(url)) => entity["url"] = url.as_str().into(),
                    ("pre", Some(language)) => entity["language"] = language.as_str().into(),
                    _ => {}
                }
                entity
            })
            .collect()
    }
}

/// What is open while a text is read.
#[derive(Default)]
struct Reader {
    marked: Marked,
    units: usize,
    open: Vec<(&'static str, usize, Option<String>)>,
}

impl Reader {
    fn push(&mut self, c: char) {
        self.marked.text.push(c);
        self.units += c.len_utf16();
    }

    fn open(&mut self, kind: &'static str, detail: Option<String>) {
        self.open.push((kind, self.units, detail));
    }

    fn is_in(&self, kind: &str) -> bool {
        self.open.iter().any(|(open, ..)| *open == kind)
    }

    fn close(&mut self, kind: &'static str, detail: Option<String>) -> Result<(), String> {
        match self.open.pop() {
            Some((open, offset, found)) if open == kind => {
                let length = self.units - offset;
                if length > 0 {
                    self.marked.entities.push(Entity { kind, offset, length, detail: detail.or(found) });
                }
                Ok(())
            }
            Some((open, ..)) => Err(format!("expected the end of {open}, found that of {kind}")),
            None => Err(format!("{kind} ends and did not begin")),
        }
    }

    fn finish(mut self) -> Result<Marked, String> {
        if let Some((open, ..)) = self.open.last() {
            return Err(format!("can't find end of the entity {open}"));
        }
        self.marked.entities.sort_by_key(|e| (e.offset, std::cmp::Reverse(e.length), e.kind != "blockquote"));
        self.marked.may_be_nested()?;
        Ok(self.marked)
    }
}

fn tag(name: &str) -> Option<&'static str> {
    Some(match name {
        "b" | "strong" => "bold",
        "i" | "em" => "italic",
        "u" | "ins" => "underline",
        "s" | "strike" | "del" => "strikethrough",
        "tg-spoiler" => "spoiler",
        "code" => "code",
        "pre" => "pre",
        "a" => "text_link",
        "blockquote" => "blockquote",
        _ => return None,
    })
}

/// Reads text of parse mode `HTML`.
///
/// # Errors
/// Where the Bot API would say that it cannot.
pub fn html(text: &str) -> Result<Marked, String> {
    let mut reader = Reader::default();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match c {
            '<' => {
                let end = rest.find('>').ok_or("a tag does not end")?;
                let inner = &rest[1..end];
                rest = &rest[end + 1..];
                if let Some(name) = inner.strip_prefix('/') {
                    let kind = tag(name).ok_or(format!("unsupported end tag {name}"))?;
                    // The language of a block of code is that of the tag within it.
                    if kind == "code" && reader.is_in("pre") {
                        continue;
                    }
                    reader.close(kind, None)?;
                    continue;
                }
                let (name, attributes) = inner.split_once(' ').unwrap_or((inner, ""));
                let kind = tag(name).ok_or(format!("unsupported start tag {name}"))?;
                let value = |prefix: &str| {
                    attributes.strip_prefix(prefix).and_then(|value| value.strip_suffix('"')).map(unescaped)
                };
                match kind {
                    "code" if reader.is_in("pre") => {
                        let language = value("class=\"language-");
                        if let Some(open) = reader.open.last_mut() {
                            open.2 = language;
                        }
                    }
                    "text_link" => reader.open(kind, Some(value("href=\"").ok_or("a link has no address")?)),
                    _ => reader.open(kind, None),
                }
            }
            '&' => {
                let end = rest.find(';').ok_or("an entity does not end")?;
                let entity = &rest[..=end];
                let c = unescaped(entity).chars().next().unwrap_or('&');
                if unescaped(entity) == entity {
                    return Err(format!("unknown entity {entity}"));
                }
                reader.push(c);
                rest = &rest[end + 1..];
            }
            '>' => return Err("'>' must be written as &gt;".to_owned()),
            c => {
                reader.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    reader.finish()
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// Reads text of parse mode `MarkdownV2`.
///
/// # Errors
/// Where the Bot API would say that it cannot.
pub fn markdown_v2(text: &str) -> Result<Marked, String> {
    let mut reader = Reader::default();
    let mut rest = text;
    let mut begins_line = true;
    while let Some(c) = rest.chars().next() {
        let in_code = reader.is_in("code") || reader.is_in("pre");
        // A quotation ends with the first line that does not go on with it.
        if begins_line && !in_code {
            if rest.starts_with('>') {
                if !reader.is_in("blockquote") {
                    if !reader.open.is_empty() {
                        return Err("a quotation begins in another entity".to_owned());
                    }
                    reader.open("blockquote", None);
                }
                rest = &rest[1..];
                begins_line = false;
                continue;
            }
            if reader.is_in("blockquote") {
                end_quotation(&mut reader)?;
            }
        }
        begins_line = c == '\n';
        if c == '\\' {
            let escaped = rest[1..].chars().next().ok_or("nothing follows an escape")?;
            let known = if in_code { matches!(escaped, '`' | '\\') } else { (1..=126).contains(&u32::from(escaped)) };
            if !known {
                return Err(format!("'{escaped}' needs no escape"));
            }
            reader.push(escaped);
            rest = &rest[1 + escaped.len_utf8()..];
            continue;
        }
        if let Some((taken, kind)) = marker(rest, in_code) {
            match kind {
                "text_link" if rest.starts_with(']') => {
                    let (url, length) = address(&rest[1..])?;
                    reader.close(kind, Some(url))?;
                    rest = &rest[1 + length..];
                    continue;
                }
                "text_link" => reader.open(kind, None),
                "pre" if !reader.is_in("pre") => {
                    let line = rest[taken..].find('\n').ok_or("a block of code has no lines")?;
                    let language = &rest[taken..taken + line];
                    reader.open(kind, (!language.is_empty()).then(|| language.to_owned()));
                    rest = &rest[taken + line + 1..];
                    continue;
                }
                kind if reader.is_in(kind) => {
                    // The line end before the end of a block is no part of it.
                    if kind == "pre" && reader.marked.text.ends_with('\n') {
                        reader.marked.text.pop();
                        reader.units -= 1;
                    }
                    reader.close(kind, None)?;
                }
                kind => reader.open(kind, None),
            }
            rest = &rest[taken..];
            continue;
        }
        if !in_code && "_*[]()~`>#+-=|{}.!".contains(c) {
            return Err(format!("character '{c}' is reserved and must be escaped with the preceding '\\'"));
        }
        reader.push(c);
        rest = &rest[c.len_utf8()..];
    }
    if reader.is_in("blockquote") {
        end_quotation(&mut reader)?;
    }
    reader.finish()
}

/// The line end behind a quotation is no part of it.
fn end_quotation(reader: &mut Reader) -> Result<(), String> {
    let ends_line = reader.marked.text.ends_with('\n');
    if ends_line {
        reader.units -= 1;
    }
    let closed = reader.close("blockquote", None);
    if ends_line {
        reader.units += 1;
    }
    closed
}

fn marker(rest: &str, in_code: bool) -> Option<(usize, &'static str)> {
    if rest.starts_with("```") {
        return Some((3, "pre"));
    }
    if rest.starts_with('`') {
        return Some((1, "code"));
    }
    if in_code {
        return None;
    }
    Some(match rest.chars().next()? {
        '_' if rest.starts_with("__") => (2, "underline"),
        '_' => (1, "italic"),
        '*' => (1, "bold"),
        '~' => (1, "strikethrough"),
        '|' if rest.starts_with("||") => (2, "spoiler"),
        '[' | ']' => (1, "text_link"),
        _ => return None,
    })
}

/// The address of a link, `(…)`, and how many bytes it takes.
fn address(rest: &str) -> Result<(String, usize), String> {
    let inner = rest.strip_prefix('(').ok_or("a link has no address")?;
    let (mut url, mut characters) = (String::new(), inner.char_indices());
    while let Some((at, c)) = characters.next() {
        match c {
            ')' => return Ok((url, at + 2)),
            '\\' => url.extend(characters.next().map(|(_, c)| c)),
            c => url.push(c),
        }
    }
    Err("an address does not end".to_owned())
}
