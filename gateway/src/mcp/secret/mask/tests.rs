use super::*;
use base64::engine::general_purpose::URL_SAFE;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use serde_json::json;

const SECRET: &str = "tok-8f/2+K\"x\\ü&=9-end";

fn mask() -> Mask {
    Mask::new(&[SecretString::from(SECRET.to_owned())])
}

fn hidden(mut document: Value) -> String {
    mask().hide(&mut document);
    document.to_string()
}

/// Everything that a reader could undo to get the value back.
fn disguises(secret: &str, before: &str, behind: &str) -> Vec<String> {
    let around = format!("{before}{secret}{behind}");
    let json = serde_json::to_string(&around).unwrap();
    let unicode: String = around.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    let percent = utf8_percent_encode(&around, NON_ALPHANUMERIC).to_string();
    vec![
        around.clone(),
        STANDARD.encode(&around),
        URL_SAFE.encode(&around),
        STANDARD
            .encode(&around)
            .as_bytes()
            .chunks(16)
            .map(|line| String::from_utf8_lossy(line).into_owned() + "\r\n")
            .collect(),
        around.bytes().map(|byte| format!("{byte:02x}")).collect(),
        around.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        percent.clone(),
        utf8_percent_encode(&percent, NON_ALPHANUMERIC).to_string(),
        utf8_percent_encode(&STANDARD.encode(&around), NON_ALPHANUMERIC).to_string(),
        serde_json::to_string(&json!({"inner": json.clone()})).unwrap(),
        json,
        unicode,
    ]
}

/// Whether the value can be had from a text by undoing what is usual. Written apart from the mask's own views.
fn leaks(text: &str, secret: &str) -> bool {
    let mut readings = vec![text.to_owned()];
    for _ in 0..3 {
        let mut more = Vec::new();
        for reading in &readings {
            more.push(percent_encoding::percent_decode_str(reading).decode_utf8_lossy().into_owned());
            more.push(reading.split_whitespace().collect());
            if let Ok(inner) = serde_json::from_str::<String>(&format!("\"{}\"", reading.replace(['\n', '\r'], ""))) {
                more.push(inner);
            }
            if let Ok(Value::String(inner)) = serde_json::from_str::<Value>(reading) {
                more.push(inner);
            }
            for engine in [&STANDARD, &URL_SAFE] {
                if let Ok(bytes) = engine.decode(reading.split_whitespace().collect::<String>()) {
                    more.push(String::from_utf8_lossy(&bytes).into_owned());
                }
            }
        }
        readings.extend(more);
        readings.sort();
        readings.dedup();
    }
    readings.iter().any(|reading| reading.contains(secret))
}

#[test]
fn the_value_is_hidden_in_every_disguise() {
    for before in ["", "a", "ab", "Bearer "] {
        for disguise in disguises(SECRET, before, " and more") {
            let text = mask().hide_text(&disguise);
            assert!(text.contains(MARK), "{disguise}");
            assert!(!leaks(&text, SECRET), "{disguise} is {text}");
        }
    }
}

#[test]
fn what_is_beside_it_stays() {
    assert_eq!(mask().hide_text(&format!("key {SECRET}, thanks")), format!("key {MARK}, thanks"));
    let clean =
        json!({"content": [{"type": "text", "text": "nothing \\ % here"}], "structuredContent": {"n": 1, "ok": true}});
    let mut same = clean.clone();
    mask().hide(&mut same);
    assert_eq!(same, clean);
}

#[test]
fn it_is_hidden_in_names_and_numbers() {
    let mask = Mask::new(&[SecretString::from("1234567890".to_owned())]);
    let mut document = json!({"id": 1234567890, "1234567890": null, "deep": [[{"k": "1234567890"}]]});
    mask.hide(&mut document);
    assert_eq!(document, json!({"id": MARK, MARK: null, "deep": [[{"k": MARK}]]}));
}

#[test]
fn cut_up_over_blocks_it_is_hidden_as_well() {
    let parts = |text: &str| -> Value {
        let blocks: Vec<Value> = text
            .chars()
            .collect::<Vec<_>>()
            .chunks(5)
            .map(|part| json!({"type": "text", "text": part.iter().collect::<String>()}))
            .collect();
        json!({"content": blocks})
    };
    for text in [SECRET.to_owned(), STANDARD.encode(SECRET), utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string()]
    {
        let shown = hidden(parts(&text));
        let joined: String = serde_json::from_str::<Value>(&shown).unwrap()["content"]
            .as_array()
            .unwrap()
            .iter()
            .map(|block| block["text"].as_str().unwrap())
            .collect();
        assert_eq!(joined.matches(MARK).count(), 1, "{joined}");
        assert!(!leaks(&joined, SECRET), "{joined}");
    }
    let first = &SECRET[..9];
    let shown = hidden(json!({"structuredContent": {"a": first, "b": &SECRET[9..]}}));
    assert!(!shown.contains("tok-8f"), "{shown}");
}

#[test]
fn in_binary_data_that_is_text_it_is_hidden_and_the_data_stays_data() {
    let blob = STANDARD.encode(format!("key={SECRET};"));
    let mut document = json!({"contents": [{"uri": "a:b", "blob": blob}]});
    mask().hide(&mut document);
    let shown = STANDARD.decode(document["contents"][0]["blob"].as_str().unwrap()).unwrap();
    assert_eq!(String::from_utf8(shown).unwrap(), format!("key={MARK};"));
}

#[test]
fn cut_up_over_several_messages_its_rest_is_hidden() {
    let mut before = String::new();
    let mut shown = String::new();
    for part in [&SECRET[..9], &SECRET[9..15], &SECRET[15..]] {
        let mut message = json!({"progress": 1, "message": part});
        mask().hide_after(&mut before, &mut message);
        shown.push_str(message["message"].as_str().unwrap());
    }
    assert!(!leaks(&shown, SECRET), "{shown}");
    let mut later = json!({"message": "and more"});
    mask().hide_after(&mut before, &mut later);
    assert_eq!(later["message"], "and more");
}

#[test]
fn without_values_nothing_is_hidden() {
    let mut document = json!({"text": SECRET});
    Mask::new(&[]).hide(&mut document);
    assert_eq!(document, json!({"text": SECRET}));
}

proptest! {
    #[test]
    fn no_disguise_of_any_value_gets_through(secret in "[!-~]{8,40}", before in "[a-zA-Z0-9 ]{0,7}", behind in "[a-zA-Z0-9 ]{0,7}", which in 0usize..12) {
        let mask = Mask::new(&[SecretString::from(secret.clone())]);
        let disguise = disguises(&secret, &before, &behind).swap_remove(which);
        let mut document = json!({"content": [{"type": "text", "text": disguise}]});
        mask.hide(&mut document);
        let text = document["content"][0]["text"].as_str().unwrap().to_owned();
        prop_assert!(!leaks(&text, &secret), "{} in {}", secret, text);
    }

    #[test]
    fn no_text_makes_it_fail(text in any::<String>(), secret in "[!-~]{8,20}") {
        let mask = Mask::new(&[SecretString::from(secret)]);
        let _ = mask.hide_text(&text);
        let mut document = json!([text.clone(), {"a": text}]);
        mask.hide(&mut document);
    }
}
