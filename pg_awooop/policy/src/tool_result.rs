//! Results of tools, bounded: what is too long is cut so that it stays JSON, and says how much is missing.
//!
//! A model is told more by the beginning of everything than by everything of the beginning, so text is cut within itself, lists
//! lose their ends, and objects keep every member that there is room for. A text block that is JSON stays JSON. What cannot be cut, such as
//! a picture, gives way to a line that says what was there.

use serde_json::{Map, Value, json};

/// The most bytes of a result as JSON (S27).
pub const MAX_RESULT: usize = 16_384;
/// Room for a marker.
pub(crate) const MARKER: usize = 48;
/// The member of an object that says what is missing of it.
const MEMBER: &str = "[TRUNCATED]";

/// A result that fits.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounded {
    pub result: Value,
    /// How many bytes of its JSON are missing.
    pub cut_bytes: usize,
}

/// The members of a result, by its kind of block, that the protocol knows, apart from `type`, `annotations` and `_meta`: the text
/// that must be there, and what may be.
const BLOCKS: [(&str, &[&str], &[&str]); 5] = [
    ("text", &["text"], &[]),
    ("image", &["data", "mimeType"], &[]),
    ("audio", &["data", "mimeType"], &[]),
    ("resource", &[], &["resource"]),
    ("resource_link", &["uri", "name"], &["title", "description", "mimeType", "size", "icons"]),
];

/// The result with what the protocol knows and nothing else. Nothing where it is no result of a tool.
pub fn normal(result: &Value) -> Option<Value> {
    let content: Option<Vec<Value>> = result["content"].as_array()?.iter().map(block).collect();
    let mut normal = Map::from_iter([("content".to_owned(), Value::Array(content?))]);
    for (name, member) in result.as_object()? {
        let is_known = match name.as_str() {
            "structuredContent" => true,
            "isError" => member.is_boolean(),
            "_meta" => member.is_object(),
            _ => false,
        };
        if is_known {
            normal.insert(name.clone(), member.clone());
        }
    }
    Some(Value::Object(normal))
}

pub(crate) fn block(block: &Value) -> Option<Value> {
    let (kind, texts, others) = BLOCKS.iter().find(|(kind, ..)| block["type"] == *kind)?;
    if texts.iter().any(|name| !block[name].is_string()) {
        return None;
    }
    let mut normal = picked(block, &[texts, others, &["annotations", "_meta"][..]].concat())?;
    if *kind == "resource" {
        let resource = &block["resource"];
        let has = |name: &str| resource[name].is_string();
        if !has("uri") || has("text") == has("blob") {
            return None;
        }
        let content = if has("text") { "text" } else { "blob" };
        normal.insert("resource".to_owned(), Value::Object(picked(resource, &["uri", "mimeType", content, "_meta"])?));
    }
    normal.insert("type".to_owned(), (*kind).into());
    Some(Value::Object(normal))
}

pub(crate) fn picked(value: &Value, names: &[&str]) -> Option<Map<String, Value>> {
    let members = value.as_object()?.iter().filter(|(name, _)| names.contains(&name.as_str()));
    Some(members.map(|(name, member)| (name.clone(), member.clone())).collect())
}

/// How long the value's JSON is.
pub fn length(value: &Value) -> usize {
    value.to_string().len()
}

/// The result of a tool's call, `content` and `structuredContent`, in at most `limit` bytes of JSON.
pub fn bound(result: &Value, limit: usize) -> Bounded {
    let before = length(result);
    if before <= limit {
        return Bounded { result: result.clone(), cut_bytes: 0 };
    }
    let mut bounded = match result.as_object() {
        Some(members) => parts(members, limit),
        None => json!({"content": [{"type": "text", "text": marker(before)}]}),
    };
    if length(&bounded) > limit {
        bounded = json!({"content": [{"type": "text", "text": marker(before)}], "isError": result["isError"] == true});
    }
    let after = length(&bounded);
    Bounded { result: bounded, cut_bytes: before.saturating_sub(after) }
}

/// The content's blocks and the structured content have half of the room each; what one does not need is the other's.
fn parts(members: &Map<String, Value>, limit: usize) -> Value {
    let (mut content, mut structured, mut rest) = (None, None, Map::new());
    for (name, member) in members {
        match name.as_str() {
            "content" => content = member.as_array(),
            "structuredContent" => structured = Some(member),
            "isError" if member.is_boolean() => drop(rest.insert(name.clone(), member.clone())),
            // The protocol's own, and small, or else it goes.
            "_meta" if length(member) < limit / 8 => drop(rest.insert(name.clone(), member.clone())),
            _ => {}
        }
    }
    let frame = length(&Value::Object(rest.clone())) + "\"content\":,\"structuredContent\":,".len();
    let room = limit.saturating_sub(frame);
    let wanted = content.map_or(0, |blocks| length(&json!(blocks)));
    let of_structured = structured.map(|value| shorten(value, (room / 2).max(room.saturating_sub(wanted))));
    let left = room.saturating_sub(of_structured.as_ref().map_or(0, length));
    rest.insert("content".to_owned(), content.map_or(json!([]), |blocks| self::blocks(blocks, left)));
    if let Some(structured) = of_structured {
        rest.insert("structuredContent".to_owned(), structured);
    }
    Value::Object(rest)
}

/// Blocks of content: text is cut, anything else is there whole or named.
fn blocks(blocks: &[Value], room: usize) -> Value {
    let mut kept: Vec<Value> = Vec::new();
    let mut left = room.saturating_sub("[]".len() + MARKER + TEXT_BLOCK);
    let mut missing = 0;
    for (n, block) in blocks.iter().enumerate() {
        // The blocks behind it want to be seen, too.
        let share = left / (blocks.len() - n).clamp(1, 4);
        let long = length(block) + 1;
        let shown = match block["type"].as_str() {
            _ if long <= share => Some(block.clone()),
            Some("text") => text_block(block, share),
            Some(kind) => Some(named(kind, block)),
            None => None,
        };
        match shown.filter(|shown| length(shown) < left) {
            Some(shown) => {
                left -= length(&shown) + 1;
                kept.push(shown);
            }
            None => missing += long - 1,
        }
    }
    if missing > 0 {
        kept.push(json!({"type": "text", "text": marker(missing)}));
    }
    Value::Array(kept)
}

/// The least that a block of text takes.
pub(crate) const TEXT_BLOCK: usize = "{\"text\":\"\",\"type\":\"text\"},".len();

fn text_block(block: &Value, room: usize) -> Option<Value> {
    let text = block["text"].as_str()?;
    let room = room.checked_sub(TEXT_BLOCK + MARKER)?;
    Some(json!({"type": "text", "text": shorten_text(text, room)}))
}

/// What stands for a block that cannot be cut.
pub(crate) fn named(kind: &str, block: &Value) -> Value {
    let kind: String = kind.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(20).collect();
    json!({"type": "text", "text": format!("[TRUNCATED: {kind} of {} bytes]", length(block))})
}

pub(crate) fn marker(bytes: usize) -> String {
    format!("[TRUNCATED: {bytes} bytes]")
}

/// The value in at most `room` bytes of JSON, where that is enough for a marker.
pub(crate) fn shorten(value: &Value, room: usize) -> Value {
    if length(value) <= room {
        return value.clone();
    }
    match value {
        Value::String(text) => Value::String(cut_text(text, room.saturating_sub(2))),
        Value::Array(items) => {
            let (mut kept, mut left, mut missing) = (Vec::new(), room.saturating_sub(2 + MARKER), 0);
            for item in items {
                let shown = if missing == 0 && left > MARKER { shorten(item, left - 1) } else { Value::Null };
                if missing == 0 && left > MARKER && length(&shown) < left {
                    left -= length(&shown) + 1;
                    kept.push(shown);
                } else {
                    missing += length(item) + 1;
                }
            }
            if missing > 0 {
                kept.push(marker(missing).into());
            }
            Value::Array(kept)
        }
        Value::Object(members) => {
            let (mut kept, mut left, mut missing) = (Map::new(), room.saturating_sub(2 + 2 * MARKER), 0);
            let mut names: Vec<&String> = members.keys().collect();
            // The small ones first: they are what the long ones are about.
            names.sort_by_key(|name| length(&members[*name]));
            for name in names {
                let frame = length(&Value::from(name.as_str())) + 2;
                let member = &members[name];
                let fits = left > frame + MARKER;
                let shown = if fits { shorten(member, left - frame) } else { Value::Null };
                if fits && length(&shown) + frame <= left {
                    left -= length(&shown) + frame;
                    kept.insert(name.clone(), shown);
                } else {
                    missing += length(member) + frame;
                }
            }
            if missing > 0 {
                kept.insert(MEMBER.to_owned(), format!("{missing} bytes").into());
            }
            Value::Object(kept)
        }
        // A number or a word is never too long for a marker.
        other => other.clone(),
    }
}

/// The text so that its JSON has at most `room` bytes between the quotes. One that is JSON stays JSON.
pub(crate) fn shorten_text(text: &str, room: usize) -> String {
    if escaped(text) <= room {
        return text.to_owned();
    }
    let trimmed = text.trim_start();
    if trimmed.starts_with(['{', '['])
        && let Ok(inner) = serde_json::from_str::<Value>(text)
    {
        let mut inner_room = room;
        while inner_room > 2 * MARKER {
            let short = shorten(&inner, inner_room).to_string();
            let takes = escaped(&short);
            if takes <= room {
                return short;
            }
            // Quotes and backslashes take twice as much in a text.
            // By a quarter at least, for a server that has found out what is never cut.
            inner_room = (inner_room * room / takes).min(inner_room * 3 / 4);
        }
    }
    cut_text(text, room)
}

/// The text cut at a character, so that its JSON has at most `room` bytes between the quotes.
pub(crate) fn cut_text(text: &str, room: usize) -> String {
    if escaped(text) <= room {
        return text.to_owned();
    }
    let keep = room.saturating_sub(MARKER);
    let (mut end, mut taken) = (0, 0);
    for (at, c) in text.char_indices() {
        taken += escaped_char(c);
        if taken > keep {
            break;
        }
        end = at + c.len_utf8();
    }
    let cut = text.len() - end;
    format!("{}{}", &text[..end], marker(cut))
}

/// Bytes of the text's JSON without its quotes.
pub(crate) fn escaped(text: &str) -> usize {
    text.chars().map(escaped_char).sum()
}

fn escaped_char(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        c if u32::from(c) < 0x20 => 6,
        c => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(text: &str) -> Value {
        json!({"content": [{"type": "text", "text": text}]})
    }

    #[test]
    fn what_fits_is_left_alone() {
        let result = text("short");
        assert_eq!(bound(&result, MAX_RESULT), Bounded { result, cut_bytes: 0 });
    }

    #[test]
    fn a_long_text_is_cut_at_a_character_and_says_how_much_is_missing() {
        let long = "查詢".repeat(4000);
        let bounded = bound(&text(&long), MAX_RESULT);
        let shown = bounded.result["content"][0]["text"].as_str().unwrap();
        let (kept, marker) = shown.split_once("[TRUNCATED: ").unwrap();
        assert!(long.starts_with(kept) && kept.len() > 8_000);
        assert_eq!(marker, format!("{} bytes]", long.len() - kept.len()));
        assert!(bounded.cut_bytes > 7_000);
    }

    #[test]
    fn a_text_that_is_json_stays_json() {
        let rows: Vec<Value> = (0..2000).map(|n| json!({"id": n, "name": format!("customer \"{n}\"")})).collect();
        let bounded = bound(&text(&json!(rows).to_string()), 4096);
        let shown: Value = serde_json::from_str(bounded.result["content"][0]["text"].as_str().unwrap()).unwrap();
        let shown = shown.as_array().unwrap();
        assert!(shown.len() > 10 && shown[0] == rows[0]);
        assert!(shown.last().unwrap().as_str().unwrap().starts_with("[TRUNCATED: "));
    }

    #[test]
    fn structured_content_and_text_share_the_room_and_small_members_stay() {
        let rows: Vec<Value> = (0..2000).map(|n| json!({"id": n})).collect();
        let result = json!({"content": [{"type": "text", "text": json!(rows).to_string()}],
                            "structuredContent": {"total": 2000, "rows": rows}, "isError": false});
        let bounded = bound(&result, MAX_RESULT).result;
        assert_eq!((&bounded["structuredContent"]["total"], &bounded["isError"]), (&json!(2000), &json!(false)));
        assert!(bounded["structuredContent"]["rows"].as_array().unwrap().len() > 300);
        assert!(length(&bounded) <= MAX_RESULT && length(&bounded) > MAX_RESULT - 2048);
    }

    #[test]
    fn what_cannot_be_cut_gives_way_to_a_line_that_names_it() {
        let picture = json!({"type": "image", "mimeType": "image/png", "data": "A".repeat(40_000)});
        let result = json!({"content": [picture, {"type": "text", "text": "a caption"}]});
        let bounded = bound(&result, MAX_RESULT).result;
        assert_eq!(bounded["content"][0]["text"], "[TRUNCATED: image of 40049 bytes]");
        assert_eq!(bounded["content"][1]["text"], "a caption");
    }

    #[test]
    fn a_result_has_what_the_protocol_knows_and_nothing_else() {
        let odd = json!({
            "content": [
                {"type": "text", "text": "a", "hidden": "x"},
                {"type": "resource", "resource": {"uri": "a:b", "text": "c", "hidden": "x"}, "annotations": {"priority": 1}}
            ],
            "isError": "no", "structuredContent": [1], "hidden": "x"
        });
        let normal = json!({
            "content": [
                {"type": "text", "text": "a"},
                {"type": "resource", "resource": {"uri": "a:b", "text": "c"}, "annotations": {"priority": 1}}
            ],
            "structuredContent": [1]
        });
        assert_eq!(super::normal(&odd), Some(normal));
        for none in [
            json!(null),
            json!({"content": "a"}),
            json!({"content": ["a"]}),
            json!({"content": [{"type": "text"}]}),
            json!({"content": [{"type": "text", "text": {"a": 1}}]}),
            json!({"content": [{"type": "video", "data": "", "mimeType": "a/b"}]}),
            json!({"content": [{"type": "resource", "resource": {"uri": "a:b"}}]}),
            json!({"content": [{"type": "resource", "resource": {"uri": "a:b", "text": "c", "blob": "YQ=="}}]}),
        ] {
            assert_eq!(super::normal(&none), None, "{none}");
        }
    }

    #[test]
    fn a_document_that_is_made_to_be_hard_to_cut_is_cut_in_a_few_rounds() {
        // Just too long for every room, with one member that is never taken.
        for quotes in (3900..4000).step_by(9) {
            let hard = json!(["\"".repeat(quotes), {"k".repeat(400_000): 1}]).to_string();
            assert!(length(&bound(&text(&hard), MAX_RESULT).result) <= MAX_RESULT);
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i32>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            "\\PC{0,400}".prop_map(Value::from),
            "[\\x00-\\x1f\"\\\\]{0,200}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::btree_map("\\PC{0,20}", inner.clone(), 0..8)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
                inner.prop_map(|value| Value::from(value.to_string())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        #[test]
        fn every_result_fits_and_texts_that_were_json_are(
            blocks in prop::collection::vec(value(), 0..6), structured in prop::option::of(value()), limit in 512usize..4096
        ) {
            let content: Vec<Value> = blocks.iter().map(|block| match block {
                Value::String(text) => json!({"type": "text", "text": text}),
                other => json!({"type": "text", "text": other.to_string()}),
            }).collect();
            let mut result = json!({"content": content});
            if let Some(structured) = structured {
                result["structuredContent"] = structured;
            }
            let bounded = bound(&result, limit);
            prop_assert!(length(&bounded.result) <= limit, "{} of {limit}", length(&bounded.result));
            prop_assert_eq!(bounded.cut_bytes == 0, length(&result) <= limit);
            if bounded.cut_bytes > 0 {
                prop_assert!(bounded.result.to_string().contains("TRUNCATED"), "{}", bounded.result);
            }
            for block in bounded.result["content"].as_array().unwrap() {
                prop_assert_eq!(&block["type"], "text");
            }
        }

        #[test]
        fn whatever_it_is_it_fits(
            mut result in value(), members in prop::collection::btree_map("(content|structuredContent|isError|_meta|[a-z]{1,600})", value(), 0..6),
            limit in 256usize..2048
        ) {
            if let Some(object) = result.as_object_mut() {
                object.extend(members);
            }
            let bounded = bound(&result, limit);
            prop_assert!(length(&bounded.result) <= limit, "{} of {limit}", length(&bounded.result));
            prop_assert!(bounded.cut_bytes == 0 || bounded.result["content"].is_array());
        }

        #[test]
        fn a_document_in_a_text_stays_one(document in value(), limit in 700usize..3000) {
            prop_assume!(document.is_object() || document.is_array());
            let bounded = bound(&text(&document.to_string()), limit);
            let shown = bounded.result["content"][0]["text"].as_str().unwrap();
            prop_assert!(serde_json::from_str::<Value>(shown).is_ok(), "{shown}");
        }
    }
}
