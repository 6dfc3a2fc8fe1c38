//! A server that shows the credential it was called with, in every disguise and by every way that leads to the agent. The agent,
//! and everything that is kept, see none of it.

use serde_json::{Value, json};

use super::stage::{Desk, SECRET, Setup};
use crate::harness::answer::eventually;

/// Tools of the server that show it, each in a disguise of its own.
const DISGUISES: [&str; 5] = ["plain", "base64", "url", "json", "split"];

fn desk(placement: &'static str, name: Option<&'static str>, place: &str) -> Desk {
    let place = place.to_owned();
    Desk::with(Setup {
        server: vec!["--echo-credential", &place],
        credential: Some((placement, name)),
        ..Setup::default()
    })
}

/// Whether the credential can be had from what was shown, by whoever undoes what is usual.
#[track_caller]
fn assert_hidden(what: &str, shown: &Value) {
    let text = shown.to_string();
    let readings = readings(&text);
    assert!(readings.iter().all(|reading| !reading.contains(SECRET)), "{what} shows the credential: {text}");
    let tried = readings.iter().any(|reading| reading.contains("[REDACTED:credential]"));
    assert!(tried, "{what} shows nothing of it, so nothing was tried: {text}");
}

/// What a text says once escapes and encodings are undone, several times over.
pub fn readings(text: &str) -> Vec<String> {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let joined: String = leaves(&serde_json::from_str(text).unwrap_or_default()).concat();
    let mut all = vec![text.to_owned(), joined];
    for _ in 0..3 {
        let mut more = Vec::new();
        for reading in &all {
            more.push(percent_encoding::percent_decode_str(reading).decode_utf8_lossy().into_owned());
            more.push(reading.replace("\\\"", "\"").replace("\\\\", "\\").replace("\\/", "/"));
            more.push(unescaped(reading));
            let words = reading.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '/' | '-' | '_'));
            for word in words.filter(|word| word.len() >= 16) {
                for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                    if let Ok(bytes) = engine.decode(word) {
                        more.push(String::from_utf8_lossy(&bytes).into_owned());
                    }
                }
            }
        }
        all.extend(more);
        all.sort();
        all.dedup();
    }
    all
}

fn leaves(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(leaves).collect(),
        Value::Object(members) => {
            members.iter().filter(|(name, _)| *name != "type").flat_map(|(_, member)| leaves(member)).collect()
        }
        _ => vec![],
    }
}

/// With `\uXXXX` undone.
fn unescaped(text: &str) -> String {
    let mut parts = text.split("\\u");
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
        match code {
            Some(character) => {
                all.push(character);
                all.push_str(&part[4..]);
            }
            None => all.push_str(part),
        }
    }
    all
}

#[test]
fn no_disguise_shows_the_agent_a_credential_in_a_result() {
    for (placement, name, place) in [
        ("bearer", None, "bearer"),
        ("header", Some("X-Api-Key"), "header:x-api-key"),
        ("query", Some("key"), "query:key"),
    ] {
        let desk = desk(placement, name, place);
        for disguise in DISGUISES {
            let result = desk.bot().call(&format!("echo_secret_{disguise}"), json!({}));
            assert_hidden(&format!("{placement}, {disguise}"), &result);
        }
    }
}

#[test]
fn errors_resources_and_prompts_show_it_neither() {
    let desk = desk("bearer", None, "bearer");
    let bot = desk.bot();
    for disguise in DISGUISES {
        for via in ["error", "resource"] {
            let result = bot.call(&format!("echo_secret_{disguise}"), json!({"via": via}));
            assert_hidden(&format!("{disguise} via {via}"), &result);
        }
        // A server's own words in an error of the protocol are not shown at all.
        let arguments = json!({"name": format!("echo_secret_{disguise}"), "arguments": {"via": "protocol_error"}});
        let error = bot.error("tools/call", arguments).to_string();
        assert!(readings(&error).iter().all(|reading| !reading.contains(SECRET)), "{error}");
        assert!(error.contains("E-MCP-018"), "{error}");
    }
    let listed = bot.result("resources/list", json!({}));
    let secrets: Vec<&str> = listed["resources"]
        .as_array()
        .expect("resources")
        .iter()
        .filter_map(|one| one["uri"].as_str())
        .filter(|uri| uri.starts_with("secret://"))
        .collect();
    assert!(!secrets.is_empty(), "{listed}");
    for uri in secrets {
        assert_hidden(uri, &bot.result("resources/read", json!({"uri": uri})));
    }
    for disguise in DISGUISES {
        let prompt = bot.result("prompts/get", json!({"name": "echo_secret", "arguments": {"disguise": disguise}}));
        assert_hidden(&format!("the prompt, {disguise}"), &prompt);
    }
}

#[test]
fn progress_and_log_lines_show_it_neither() {
    let desk = desk("bearer", None, "bearer");
    let session = desk.bot().session("2025-11-25");
    let stream = session.listen();
    session.result("logging/setLevel", json!({"level": "debug"}));
    for disguise in DISGUISES {
        for via in ["progress", "log"] {
            let call = json!({
                "name": format!("echo_secret_{disguise}"), "arguments": {"via": via}, "_meta": {"progressToken": "p"}
            });
            let (response, mut said) = session.converse("tools/call", call, |_| json!({}));
            // Lines of a log come by the session's own stream.
            eventually("what the server said", || {
                said.append(&mut stream.lock().expect("a list"));
                !said.is_empty()
            });
            let shown = json!([response, said]).to_string();
            assert!(readings(&shown).iter().all(|reading| !reading.contains(SECRET)), "{disguise} via {via}: {shown}");
            // Cut up over several messages its first part is out before anybody can know; the rest never comes.
            if disguise != "split" {
                assert_hidden(&format!("{disguise} via {via}"), &json!([response, said]));
            }
        }
    }
}

#[test]
fn what_is_kept_of_a_call_is_what_the_agent_saw() {
    let mut desk = desk("bearer", None, "bearer");
    let shown = desk.bot().call("echo_secret_json", json!({}));
    let kept = desk.calls().into_iter().find(|call| call["tool"] == "echo_secret_json__desk").expect("the call");
    assert_eq!(kept["result"]["content"], shown["content"]);
}
