//! Indents JSON for people without reading it into a map: the members stay in the order they came in, and numbers and
//! strings stay as they were written.

/// The same JSON over several lines. What is not JSON comes out unharmed, only strangely indented.
pub fn pretty(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut rest = json.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => {
                out.push(c);
                let mut escaped = false;
                for c in rest.by_ref() {
                    out.push(c);
                    match c {
                        _ if escaped => escaped = false,
                        '\\' => escaped = true,
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '{' | '[' => {
                let closing = if c == '{' { '}' } else { ']' };
                while rest.next_if(|c| c.is_ascii_whitespace()).is_some() {}
                out.push(c);
                if rest.next_if_eq(&closing).is_some() {
                    out.push(closing);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn members_keep_their_order_and_strings_their_punctuation() {
        assert_eq!(
            pretty(r#"{"b":[1,{}], "a":"x,\"{y}\\", "c":[]}"#),
            "{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": \"x,\\\"{y}\\\\\",\n  \"c\": []\n}"
        );
    }
}
