//! Results: redacted before the agent sees them, bounded, and held to what the tool's contract promises.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::stage::{LOOK_UP, Shop, contract, order, said};
use crate::harness::quiet::text;

const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";

#[track_caller]
fn shown(shop: &mut Shop, result: Value) -> Value {
    let begun = shop.begin(LOOK_UP, order("A-1"));
    shop.finish(&begun, "succeeded", result)
}

#[test]
fn secrets_in_texts_structured_content_and_blobs_are_redacted_before_anybody_sees_them() {
    let mut shop = Shop::new();
    let blob = STANDARD.encode(format!("the token is {TOKEN}"));
    let picture = STANDARD.encode([0x89, b'P', b'N', b'G', 0xff, 0xfe, 0x00, 0x01]);
    let result = json!({
        "content": [
            {"type": "text", "text": format!("use {TOKEN} for it")},
            {"type": "text", "text": json!({"api_key": TOKEN}).to_string()},
            {"type": "resource", "resource": {"uri": "shop://a", "mimeType": "text/plain", "blob": blob}},
            {"type": "image", "mimeType": "image/png", "data": picture}
        ],
        "structuredContent": {"credentials": {"token": TOKEN}, "total": 3}
    });
    let finished = shown(&mut shop, result);
    let all = finished.to_string();
    assert!(!all.contains(TOKEN) && !all.contains(&blob), "{all}");
    assert_eq!((&finished["redacted"], &finished["result"]["structuredContent"]["total"]), (&json!(true), &json!(3)));
    assert_eq!(finished["result"]["content"][3]["data"], picture);
    let inner = STANDARD.decode(text(&finished["result"]["content"][2]["resource"]["blob"])).expect("base64");
    assert!(String::from_utf8(inner).expect("text").contains("[REDACTED:"));
    shop.assert_kept_nowhere(TOKEN);
}

#[test]
fn what_the_contract_calls_sensitive_is_hidden_in_both_forms_of_a_result() {
    let mut sensitive = contract(LOOK_UP);
    sensitive["sensitive_results"] = json!(["/customer/name"]);
    let mut shop = Shop::with(|tool| if tool == LOOK_UP { sensitive.clone() } else { contract(tool) });
    let structured = json!({"customer": {"name": "Wang Xiaoming", "city": "Taipei"}});
    let as_text = structured.to_string();
    let result = json!({
        "content": [
            {"type": "text", "text": as_text},
            {"type": "resource", "resource": {"uri": "shop://a", "text": as_text}},
            {"type": "resource", "resource": {"uri": "shop://b", "blob": STANDARD.encode(&as_text)}}
        ],
        "structuredContent": structured
    });
    let finished = shown(&mut shop, result);
    let blob = STANDARD.decode(text(&finished["result"]["content"][2]["resource"]["blob"])).expect("base64");
    assert!(!String::from_utf8(blob).expect("text").contains("Xiaoming"));
    assert!(!finished.to_string().contains("Xiaoming"), "{finished}");
    assert!(finished.to_string().contains("Taipei"));
}

#[test]
fn arguments_are_kept_redacted_and_exact_for_the_caller_alone() {
    let mut shop = Shop::new();
    let agent = shop.agent.clone();
    let begun = shop.begin(LOOK_UP, json!({"order": "A-1", "note": "his mother is ill"}));
    let listed = shop.does(&agent, "mcp_list_calls", json!({}))["items"][0].clone();
    assert_eq!(listed["arguments"], json!({"order": "A-1", "note": "[REDACTED:secret]"}));
    assert_eq!(shop.run(&begun["run_id"])["input"]["arguments"]["note"], "his mother is ill");
    // What a contract does not call sensitive is looked through all the same.
    shop.begin(LOOK_UP, json!({"order": "A-2", "table": "of ann.example@example.com"}));
    let listed = shop.does(&agent, "mcp_list_calls", json!({}))["items"][0]["arguments"].clone();
    assert_eq!(listed, json!({"order": "A-2", "table": "of [REDACTED:email]"}));
}

#[test]
fn a_long_result_is_cut_to_the_limit_and_says_how_much_is_missing() {
    let mut shop = Shop::new();
    let finished = shown(&mut shop, said(&"查詢訂單 ".repeat(5000)));
    let (bytes, cut) = (finished["result"].to_string().len(), finished["cut_bytes"].as_u64().expect("a number"));
    assert!(bytes <= 16_384 && bytes > 15_000, "{bytes}");
    assert!(cut > 45_000, "{cut}");
    assert!(text(&finished["result"]["content"][0]["text"]).contains("[TRUNCATED: "));
    let rows: Vec<Value> = (0..3000).map(|n| json!({"id": n, "name": "customer"})).collect();
    let finished = shown(&mut shop, json!({"content": [{"type": "text", "text": json!(rows).to_string()}]}));
    let kept: Value = serde_json::from_str(&text(&finished["result"]["content"][0]["text"])).expect("still JSON");
    assert!(kept.as_array().expect("a list").len() > 100);
    // A contract may want less.
    let mut short = contract(LOOK_UP);
    short["max_result_bytes"] = 1000.into();
    let mut shop = Shop::with(|tool| if tool == LOOK_UP { short.clone() } else { contract(tool) });
    assert!(shown(&mut shop, said(&"x".repeat(5000)))["result"].to_string().len() <= 1000);
}

#[test]
fn a_result_that_is_not_what_the_contract_promises_is_not_shown() {
    let mut typed = contract(LOOK_UP);
    typed["output_schema"] =
        json!({"type": "object", "required": ["total"], "properties": {"total": {"type": "integer"}}});
    let mut shop = Shop::with(|tool| if tool == LOOK_UP { typed.clone() } else { contract(tool) });
    let good = json!({"content": [], "structuredContent": {"total": 3}});
    assert_eq!(shown(&mut shop, good)["outcome"], "succeeded");
    for bad in [
        json!({"content": [], "structuredContent": {"total": "three"}}),
        json!({"content": [{"type": "text", "text": "three"}]}),
        json!({"answer": 3}),
        json!({"content": "three"}),
    ] {
        let finished = shown(&mut shop, bad);
        assert_eq!(
            (&finished["outcome"], &finished["result"]["isError"]),
            (&json!("failed"), &json!(true)),
            "{finished}"
        );
        assert!(text(&finished["result"]["content"][0]["text"]).starts_with("E-MCP-014: "));
        assert!(!finished.to_string().contains("three"));
    }
    // An error of the tool's own is the tool's to tell.
    let failed = json!({"content": [{"type": "text", "text": "no such order"}], "isError": true});
    let finished = shown(&mut shop, failed.clone());
    assert_eq!((&finished["outcome"], &finished["result"]), (&json!("failed"), &failed));
}

#[test]
fn a_call_that_did_not_come_to_a_result_tells_the_agent_why() {
    let mut shop = Shop::new();
    for (outcome, code, state) in [
        ("timed_out", "E-MCP-015", "failed"),
        ("cancelled", "E-MCP-016", "failed"),
        ("not_sent", "E-MCP-017", "failed"),
        ("failed", "E-MCP-018", "failed"),
    ] {
        let begun = shop.begin(LOOK_UP, order("A-1"));
        let finished = shop.finish(&begun, outcome, Value::Null);
        assert!(text(&finished["result"]["content"][0]["text"]).starts_with(code), "{finished}");
        assert_eq!(shop.state(&begun["run_id"]), state);
    }
}

#[test]
fn a_result_is_what_the_protocol_knows_and_nothing_else() {
    let mut shop = Shop::new();
    let finished = shown(
        &mut shop,
        json!({
            "content": [{"type": "text", "text": "found", "more": TOKEN}], "isError": TOKEN, TOKEN: TOKEN,
            "_meta": {"seen": 1}
        }),
    );
    assert_eq!(
        (&finished["outcome"], &finished["result"]),
        (&json!("succeeded"), &json!({"content": [{"type": "text", "text": "found"}], "_meta": {"seen": 1}}))
    );
    for bad in [
        json!({"content": [{"type": TOKEN, "text": "x"}]}),
        json!({"content": [{"type": "text", "text": {"a": TOKEN}}]}),
        json!({"content": [{"type": "image", "mimeType": "image/png", "data": "not base64!"}]}),
        json!({"content": [{"type": "resource", "resource": {"uri": "a:b", "blob": {"a": 1}}}]}),
    ] {
        let finished = shown(&mut shop, bad);
        assert_eq!(finished["outcome"], "failed");
        assert!(!finished.to_string().contains(TOKEN) && !finished.to_string().contains("not base64"), "{finished}");
    }
    // Where a secret is named, it is hidden, in whatever member.
    let named = json!({
        "content": [{"type": "resource_link", "uri": format!("https://example.com/?key={TOKEN}"), "name": TOKEN}],
        "structuredContent": {"password": "correct horse", "nested": [{"api_key": "battery staple"}]}, "_meta": {"token": TOKEN}
    });
    let finished = shown(&mut shop, named).to_string();
    for secret in [TOKEN, "correct horse", "battery staple"] {
        assert!(!finished.contains(secret), "{finished}");
    }
}

#[test]
fn a_secret_that_is_cut_up_over_texts_is_put_together_and_redacted() {
    let mut shop = Shop::new();
    let (one, rest) = TOKEN.split_at(13);
    let (two, three) = rest.split_at(11);
    let picture = json!({"type": "image", "mimeType": "image/png", "data": STANDARD.encode([0x89, 0xff, 0xfe])});
    let block = |text: &str| json!({"type": "text", "text": text});
    let result =
        json!({"content": [block(&format!("use {one}")), picture, block(two), block(&format!("{three} for it"))]});
    let finished = shown(&mut shop, result);
    let blocks = finished["result"]["content"].as_array().expect("blocks").clone();
    assert_eq!((blocks.len(), &blocks[1]), (2, &picture), "{finished}");
    let shown = text(&blocks[0]["text"]);
    assert!(shown.starts_with("use [REDACTED:") && shown.ends_with(" for it"), "{shown}");
    for part in [one, two, three] {
        assert!(!finished.to_string().contains(part), "{finished}");
    }
    // What holds none stays in as many.
    let finished = shown_parts(&mut shop);
    assert_eq!(finished["result"]["content"].as_array().map(Vec::len), Some(2));
}

fn shown_parts(shop: &mut Shop) -> Value {
    shown(shop, json!({"content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}))
}

#[test]
fn a_result_that_cannot_be_cut_to_its_schema_is_a_success_that_says_so() {
    let mut typed = contract(LOOK_UP);
    typed["output_schema"] = json!({
        "type": "object", "required": ["rows"],
        "properties": {"rows": {"type": "array", "items": {"type": "object"}}}
    });
    let mut shop = Shop::with(|tool| if tool == LOOK_UP { typed.clone() } else { contract(tool) });
    let rows: Vec<Value> = (0..3000).map(|n| json!({"id": n, "name": "customer"})).collect();
    let begun = shop.begin(LOOK_UP, order("A-1"));
    let finished = shop.finish(&begun, "succeeded", json!({"content": [], "structuredContent": {"rows": rows}}));
    assert_eq!((&finished["outcome"], &finished["result"]["isError"]), (&json!("succeeded"), &json!(true)));
    assert!(text(&finished["result"]["content"][0]["text"]).starts_with("E-MCP-019: "), "{finished}");
    assert!(finished["cut_bytes"].as_u64() > Some(50_000));
    assert_eq!(shop.state(&begun["run_id"]), "completed");
}
