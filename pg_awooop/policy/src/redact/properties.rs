//! What holds for every text: no panic, findings in order and on whole characters, a second redaction that changes
//! nothing, JSON that stays JSON of the same shape.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};

use super::rules::{builtin, inner, prefixed};
use super::{Family, Redactor};

static EVERYTHING: LazyLock<Redactor> = LazyLock::new(|| Redactor::with_families(&Family::ALL));

/// Every example of every rule, those to find and those to pass.
static EXAMPLES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let vendors = prefixed().chain(inner().map(|inner| &inner.rule)).flat_map(|rule| [rule.positive, rule.negative]);
    let builtin = builtin::all().flat_map(|rule| [rule.positive, rule.negative]);
    vendors.chain(builtin).flatten().copied().collect()
});

/// Pieces that a scanner stops at.
const PIECES: &[&str] = &[
    "password",
    "token",
    "api_key",
    "secret",
    "Authorization",
    "Cookie",
    "name",
    "value",
    "kind: Secret",
    "data:",
    "=",
    ":",
    " ",
    "  ",
    "\n",
    "\\n",
    "\\",
    "\\\\",
    "\"",
    "\\\"",
    "'",
    "`",
    ",",
    ";",
    "|",
    "<",
    ">",
    "</",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "@",
    "/",
    "://",
    "%3A",
    "%2F%2F",
    "%40",
    "%3D",
    "&quot;",
    "\\u003d",
    "\\u003e",
    "\\u0022",
    "-",
    "--",
    "-u ",
    "-p",
    "-----BEGIN PRIVATE KEY-----",
    "-----END",
    "eyJ",
    "eyJhbGciOiJIUzI1NiJ9.",
    "ZXlK",
    "Bearer ",
    "Basic ",
    "密碼",
    "權杖",
    "是",
    "\\u5bc6\\u78bc",
    "\\u96fb\\u8a71",
    "電話",
    "é",
    "🦀",
    "\u{300}",
    "[REDACTED:secret]",
    "[REDACTED:",
    "+886",
    "0912-345-678",
    "4111 1111 1111 1111",
    "A123456789",
    "GB82WEST12345698765432",
    "536-90-4399",
    "hunter2",
    "S3cr3t!pass",
    "9e107d9d372bb6826bd81d3542a419d6",
    "joe",
    "example.com",
    "curl ",
    "mysql ",
    "htpasswd -b f u ",
    "net use /user:x ",
    "| sudo -S",
    "echo ",
    "user,password\n",
    "|---|---|\n",
    "Digest response=",
    "1",
    "22",
    "333",
];

fn made_of_pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => select(PIECES).prop_map(str::to_owned),
        2 => select(EXAMPLES.clone()).prop_map(str::to_owned),
        1 => "\\PC{0,6}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// An example with some of its characters replaced, doubled or left out.
fn mutated() -> impl Strategy<Value = String> {
    (select(EXAMPLES.clone()), prop::collection::vec((any::<prop::sample::Index>(), 0..3, any::<char>()), 0..6))
        .prop_map(|(text, changes)| {
            let mut characters: Vec<char> = text.chars().collect();
            for (at, change, character) in changes {
                if characters.is_empty() {
                    break;
                }
                let at = at.index(characters.len());
                match change {
                    0 => characters[at] = character,
                    1 => characters.insert(at, characters[at]),
                    _ => drop(characters.remove(at)),
                }
            }
            characters.into_iter().collect()
        })
}

fn json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![made_of_pieces(), mutated()];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        select(&[4_111_111_111_111_111_i64, 886_912_345_678, 4821, 12_345_678][..]).prop_map(Value::from),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let key = prop_oneof![select(PIECES).prop_map(str::to_owned), select(EXAMPLES.clone()).prop_map(str::to_owned)];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key, inner.clone()), 0..6)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
            inner.prop_map(|value| Value::from(value.to_string())),
        ]
    })
}

/// Findings in order, apart, on whole characters; a second redaction that changes nothing.
fn check(text: &str) {
    let mut behind = 0;
    for finding in EVERYTHING.find(text) {
        let range = finding.range;
        assert!(behind <= range.start && range.start < range.end, "{range:?} in {text:?}");
        assert!(text.is_char_boundary(range.start) && text.is_char_boundary(range.end), "{range:?} in {text:?}");
        behind = range.end;
    }
    let redacted = EVERYTHING.redact(text);
    let again = EVERYTHING.redact(&redacted);
    assert_eq!(again, redacted, "of {text:?}");
}

fn same_shape(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Array(before), Value::Array(after)) => {
            before.len() == after.len() && before.iter().zip(after).all(|(before, after)| same_shape(before, after))
        }
        (Value::Object(before), Value::Object(after)) => before.len() == after.len(),
        (Value::Array(_) | Value::Object(_), _) | (_, Value::Array(_) | Value::Object(_)) => false,
        (before, after) => after.is_string() || before == after,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_text_is_redacted_once_and_for_all(text in "\\PC*") {
        check(&text);
    }

    #[test]
    fn pieces_in_any_order_are_redacted_once_and_for_all(text in made_of_pieces()) {
        check(&text);
    }

    #[test]
    fn long_texts_are_redacted_once_and_for_all(parts in prop::collection::vec((made_of_pieces(), 0..900_usize), 1..24)) {
        let filler = "{\"status\": \"ok\", \"count\": 12, \"note\": \"the order has been updated\"},\n";
        let text: String = parts.iter().map(|(part, gap)| format!("{part}\n{}", filler.repeat(gap / 30))).collect();
        check(&text);
    }

    #[test]
    fn what_is_nearly_an_example_is_redacted_once_and_for_all(text in mutated()) {
        check(&text);
    }

    #[test]
    fn json_stays_json_of_the_same_shape(value in json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let redacted = EVERYTHING.redact(&text);
        if value.is_array() || value.is_object() {
            let after: Value = serde_json::from_str(&redacted).unwrap_or_else(|error| panic!("{error}: {text} became {redacted}"));
            prop_assert!(same_shape(&value, &after), "{text} became {redacted}");
        }
        check(&text);
    }
}
