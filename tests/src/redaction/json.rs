//! `awooop.redact_json`: JSON stays JSON of the same shape, numbers stay as they were written.

use serde_json::{Map, Value, json};

use super::{EMAIL, TOKEN};
use crate::harness::Session;
use crate::harness::answer::literal;
use crate::harness::platform::login;

#[track_caller]
fn redacted(session: &mut Session, document: &str) -> String {
    session.value(&format!("select awooop.redact_json({})", literal(document)))
}

fn tenant() -> Session {
    login(&["awooop_tenant"]).1
}

#[test]
fn a_scalar_stays_json() {
    let mut session = tenant();
    for (document, expected) in [
        ("\"hello\"", "\"hello\""),
        (&format!("\"{EMAIL}\""), "\"[REDACTED:email]\""),
        (&format!("\"a \\\"{EMAIL}\\\" b\""), "\"a \\\"[REDACTED:email]\\\" b\""),
        ("4111111111111111", "\"[REDACTED:payment_card]\""),
        ("4111111111111112", "4111111111111112"),
        ("42", "42"),
        ("-0.5", "-0.5"),
        ("true", "true"),
        ("null", "null"),
        ("{}", "{}"),
        ("[]", "[]"),
    ] {
        assert_eq!(redacted(&mut session, document), expected, "{document}");
    }
}

#[test]
fn numbers_are_neither_rounded_nor_shortened_beside_a_finding() {
    let mut session = tenant();
    let numbers = "[1.10, 1e400, 0.000000000000000000000000000001, 12345678901234567890.123456789, -0.0, 1e-7]";
    let document = format!("{{\"n\": {numbers}, \"mail\": \"{EMAIL}\"}}");
    let same = format!(
        "select (r.d -> 'n')::text = ({0}::jsonb -> 'n')::text and r.d ->> 'mail' = '[REDACTED:email]'
         from (select awooop.redact_json({0}) as d) r",
        literal(&document)
    );
    assert_eq!(session.value(&same), "t");
    let untouched = format!("select awooop.redact_json({0})::text = {0}::jsonb::text", literal(numbers));
    assert_eq!(session.value(&untouched), "t");
}

#[test]
fn a_leaf_is_judged_with_its_key_and_a_card_that_is_a_number_becomes_a_text() {
    let mut session = tenant();
    let document = json!({
        "password": "correct-horse-7-battery", "db": {"api_key": "q8Zk2mVx7Lp4Rt9Ws3Yd"}, "card": 4111111111111111u64,
        "note": format!("{{\"mail\": \"{EMAIL}\", \"password\": \"correct-horse-7-battery\"}}"), "count": 7
    });
    let answer: Value = serde_json::from_str(&redacted(&mut session, &document.to_string())).expect("JSON");
    assert_eq!(answer["password"], "[REDACTED:secret]");
    assert_eq!(answer["db"]["api_key"], "[REDACTED:secret]");
    assert_eq!(answer["card"], "[REDACTED:payment_card]");
    assert_eq!(answer["count"], 7);
    let inner: Value = serde_json::from_str(answer["note"].as_str().expect("a text")).expect("JSON in a text");
    assert_eq!(inner, json!({"mail": "[REDACTED:email]", "password": "[REDACTED:secret]"}));
}

#[test]
fn keys_that_are_redacted_to_the_same_text_lose_no_member() {
    let mut session = tenant();
    for document in [
        json!({"a@example.com": 1, "b@example.com": 2, "c@example.com": 3}),
        json!([{"a@example.com": 1, "b@example.com": 2}, {"a@example.com": 3, "x b@example.com": 4, "x c@example.com": 5}]),
        json!({"[REDACTED:email]": 1, "a@example.com": 2, "[REDACTED:email#2]": 3, "b@example.com": 4}),
        json!({"m": {"4111111111111111": 1, "5555555555554444": 2}, "0912345678": {"0912345679": 1, "0912345670": 2}}),
    ] {
        let answer: Value = serde_json::from_str(&redacted(&mut session, &document.to_string())).expect("JSON");
        assert_eq!(shape(&answer), shape(&document), "{document} became {answer}");
        assert!(!answer.to_string().contains("example.com"), "{answer}");
    }
}

#[test]
fn a_document_ten_thousand_levels_deep_is_redacted_at_its_bottom() {
    let mut session = tenant();
    for (open, close) in [("[", "]"), ("{\"a\": ", "}")] {
        let document = format!("repeat('{open}', 3000) || to_json('{EMAIL}'::text) || repeat('{close}', 3000)");
        let text = session.value(&format!("select awooop.redact_json(({document})::jsonb)"));
        assert!(text.contains("[REDACTED:email]") && !text.contains(EMAIL), "{}", text.len());
    }
    let deepest = format!("repeat('[', 10000) || to_json('{EMAIL}'::text) || repeat(']', 10000)");
    // PostgreSQL itself may refuse so deep a document; what it takes is redacted.
    match session.ask(&format!("select awooop.redact_json(({deepest})::jsonb)")) {
        Ok(text) => assert!(text.contains("[REDACTED:email]") && !text.contains(EMAIL), "{}", text.len()),
        Err(failure) => assert_eq!(failure.sqlstate, "54001", "{failure:?}"),
    }
    let text = session.value(&format!("select awooop.redact({deepest})"));
    assert!(text.contains("[REDACTED:email]") && !text.contains(EMAIL), "{}", text.len());
}

#[test]
fn a_long_text_full_of_findings_takes_time_in_proportion() {
    let mut session = tenant();
    // As long as a run's input can be.
    let document = format!("to_jsonb(repeat('{EMAIL} ', 20000))");
    let started = std::time::Instant::now();
    let left = format!("select awooop.redact_json({document})::text like '%@%'");
    assert_eq!(session.value(&left), "f");
    assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
}

/// Nesting and counts, without what redaction may change: keys, and what stands at the leaves. An object's members
/// are in no order.
fn shape(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => "v".to_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(shape).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let mut members: Vec<String> = members.values().map(shape).collect();
            members.sort();
            format!("{{{}}}", members.join(","))
        }
    }
}

/// Numbers that look random and are the same in every run (SplitMix64).
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    fn text(&mut self) -> String {
        const PARTS: [&str; 24] = [
            "a",
            " ",
            "\"",
            "\\",
            "\n",
            "\\n",
            "\u{1}",
            "王小明",
            "😀",
            ":",
            "=",
            ",",
            "{\"k\": \"",
            "\"}",
            "[",
            "//",
            "password=",
            "Bearer ",
            "api_key: '",
            "0912345678",
            "4111111111111111",
            "-----BEGIN RSA PRIVATE KEY-----",
            EMAIL,
            TOKEN,
        ];
        (0..self.below(6)).map(|_| PARTS[self.below(PARTS.len())]).collect()
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 5 } else { 8 }) {
            0 => Value::Null,
            1 => Value::Bool(self.below(2) == 0),
            2 => json!([4111111111111111u64, 912345678, 7, 886912345678u64][self.below(4)]),
            3 | 4 => Value::String(self.text()),
            5 => (0..self.below(5)).map(|_| self.value(depth - 1)).collect(),
            _ => {
                let members: Map<String, Value> = (0..self.below(6))
                    .map(|n| {
                        let key = ["password", "note", "token", "card", "id"][self.below(5)];
                        let key = if self.below(3) == 0 { self.text() } else { key.to_owned() };
                        (
                            format!("{key}{}", if self.below(2) == 0 { String::new() } else { n.to_string() }),
                            self.value(depth - 1),
                        )
                    })
                    .collect();
                Value::Object(members)
            }
        }
    }
}

/// Random documents, each redacted once and twice, as texts.
fn redacted_documents() -> Vec<(Value, String, String)> {
    let mut seeded = Seeded(0x5eed);
    let documents: Vec<Value> = (0..1500).map(|_| seeded.value(5)).collect();
    let texts: Vec<String> = documents.iter().map(Value::to_string).collect();
    let sql = "select once::text, awooop.redact_json(once)::text
               from unnest($1::text[]) with ordinality d (document, n),
                    lateral (select awooop.redact_json(document::jsonb)) r (once)
               order by n";
    let rows = tenant().0.query(sql, &[&texts]).expect("every document is redacted");
    assert_eq!(rows.len(), documents.len());
    documents.into_iter().zip(rows).map(|(document, row)| (document, row.get(0), row.get(1))).collect()
}

/// The shortest of what went wrong.
#[track_caller]
fn none_of(mut wrong: Vec<String>) {
    wrong.sort_by_key(String::len);
    let count = wrong.len();
    wrong.truncate(5);
    assert!(wrong.is_empty(), "{count} documents, such as\n{}", wrong.join("\n"));
}

#[test]
fn whatever_the_document_its_shape_stays() {
    let changed = redacted_documents().into_iter().filter_map(|(document, once, _)| {
        let answer: Value = serde_json::from_str(&once).expect("JSON");
        (shape(&answer) != shape(&document)).then(|| format!("{document} became {once}"))
    });
    none_of(changed.collect());
}

#[test]
fn whatever_the_document_redacting_it_again_changes_nothing() {
    let changed = redacted_documents().into_iter().filter_map(|(document, once, twice)| {
        (once != twice).then(|| format!("{document} became {once}, then {twice}"))
    });
    none_of(changed.collect());
}
