//! What comes back of resources, prompts and completion: reduced, redacted, bounded, and without what the agent could not use.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::offered::{COMPLETION, PROMPTS, RESOURCES, asked, grant, read, shop, told, with};
use super::stage::said;
use crate::harness::quiet::text;

const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";

fn resources(cursor: Value) -> Value {
    json!({"method": "resources/list", "cursor": cursor})
}

fn listing() -> Value {
    json!({"method": "resources/list"})
}

fn complete() -> Value {
    json!({"method": "completion/complete", "ref": {"type": "ref/prompt", "name": "a"}, "argument": {"name": "b", "value": ""}})
}

/// A call of every method, with a result that has everything the protocol knows, something it does not, and a secret in every text.
fn examples() -> Vec<(&'static str, Value, Value)> {
    let secret = |text: &str| format!("{text} {TOKEN}");
    let icons = json!([{"src": format!("https://shop.example/a.png?token={TOKEN}")}]);
    let blob = STANDARD.encode(secret("in a blob"));
    vec![
        (
            RESOURCES,
            listing(),
            json!({
                "resources": [{
                    "uri": format!("shop://a?token={TOKEN}"), "name": secret("a"), "title": secret("a"), "description": secret("a"),
                    "mimeType": "text/plain", "size": 3, "icons": icons, "annotations": {"priority": 0.5}, "_meta": {"key": secret("a")},
                    "hidden": TOKEN
                }],
                "nextCursor": "2", "ttlMs": 1000, "cacheScope": "public", "_meta": {"token": TOKEN}, "hidden": TOKEN
            }),
        ),
        (
            RESOURCES,
            json!({"method": "resources/templates/list"}),
            json!({
                "resourceTemplates": [{
                    "uriTemplate": format!("shop://{{id}}?token={TOKEN}"), "name": "a", "description": secret("a"), "hidden": TOKEN
                }],
                "_meta": {"a": secret("a")}
            }),
        ),
        (
            RESOURCES,
            read("shop://a"),
            json!({
                "contents": [
                    {"uri": format!("shop://a?token={TOKEN}"), "mimeType": "text/plain", "text": secret("the token is"), "_meta": {"a": secret("a")}},
                    {"uri": "shop://b", "text": json!({"api_key": TOKEN}).to_string()},
                    {"uri": "shop://c", "mimeType": "text/plain", "blob": blob},
                    {"uri": "shop://d", "mimeType": "image/png", "blob": STANDARD.encode([0x89, b'P', 0xff, 0xfe])}
                ],
                "ttlMs": 0, "_meta": {"token": TOKEN}, "hidden": TOKEN
            }),
        ),
        (
            PROMPTS,
            json!({"method": "prompts/list"}),
            json!({
                "prompts": [{
                    "name": "a", "title": secret("a"), "description": secret("a"), "icons": icons, "hidden": TOKEN,
                    "arguments": [{"name": "b", "description": secret("b"), "required": true, "hidden": TOKEN}]
                }]
            }),
        ),
        (
            PROMPTS,
            json!({"method": "prompts/get", "name": "a", "arguments": {"b": "c"}}),
            json!({
                "description": secret("a"),
                "messages": [
                    {"role": "user", "content": {"type": "text", "text": secret("use")}, "hidden": TOKEN},
                    {"role": "assistant", "content": {"type": "resource", "resource": {"uri": "shop://a", "blob": blob}}},
                    {"role": "user", "content": {"type": "resource_link", "uri": format!("shop://a?token={TOKEN}"), "name": "a"}}
                ]
            }),
        ),
        (
            COMPLETION,
            complete(),
            json!({"completion": {"values": ["plain", secret("a")], "total": 2, "hasMore": false, "hidden": TOKEN}, "_meta": {"token": TOKEN}}),
        ),
    ]
}

#[test]
fn every_result_is_what_the_protocol_knows_of_it_with_its_secrets_hidden() {
    let mut shop = shop();
    for (tool, arguments, result) in examples() {
        let finished = asked(&mut shop, tool, arguments.clone(), result.clone());
        assert_eq!((&finished["outcome"], &finished["redacted"]), (&json!("succeeded"), &json!(true)), "{finished}");
        let shown = finished["result"].to_string();
        let encoded = STANDARD.encode(format!("in a blob {TOKEN}"));
        assert!(!shown.contains(TOKEN) && !shown.contains(&encoded) && !shown.contains("hidden"), "{shown}");
        assert!(shown.contains("[REDACTED:"), "{shown}");
        let plain =
            |place: &str| assert_eq!(finished["result"].pointer(place), result.pointer(place), "{place}: {shown}");
        match text(&arguments["method"]).as_str() {
            "resources/list" => {
                for place in
                    ["/resources/0/mimeType", "/resources/0/size", "/resources/0/annotations", "/nextCursor", "/ttlMs"]
                {
                    plain(place);
                }
                // What this agent may see is for no cache that others are served from.
                assert_eq!(finished["result"]["cacheScope"], "private");
            }
            "resources/read" => {
                for place in ["/contents/0/mimeType", "/contents/3", "/ttlMs"] {
                    plain(place);
                }
                let blob = STANDARD.decode(text(&finished["result"]["contents"][2]["blob"])).expect("base64");
                assert!(String::from_utf8(blob).expect("text").starts_with("in a blob [REDACTED:"));
            }
            "prompts/list" => {
                plain("/prompts/0/name");
                plain("/prompts/0/arguments/0/required");
            }
            "prompts/get" => {
                plain("/messages/0/role");
                plain("/messages/1/role");
            }
            "completion/complete" => {
                for place in ["/completion/values/0", "/completion/total", "/completion/hasMore"] {
                    plain(place);
                }
            }
            _ => plain("/resourceTemplates/0/name"),
        }
    }
    shop.assert_kept_nowhere(TOKEN);
}

#[test]
fn a_result_that_is_none_of_the_method_is_not_shown() {
    let mut shop = shop();
    let mut none: Vec<(&str, Value, Value)> = vec![
        (RESOURCES, read("shop://a"), said(TOKEN)),
        (RESOURCES, read("shop://a"), json!({"contents": [{"uri": "shop://a", "blob": "not base64!"}]})),
        (RESOURCES, read("shop://a"), json!({"contents": [{"uri": "shop://a", "text": TOKEN, "blob": "YQ=="}]})),
        (RESOURCES, read("shop://a"), json!({"resultType": "input_required", "contents": []})),
        (
            PROMPTS,
            json!({"method": "prompts/get", "name": "a"}),
            json!({"messages": [{"role": "system", "content": {}}]}),
        ),
        (COMPLETION, complete(), json!({"completion": {"values": [1]}})),
        (RESOURCES, listing(), Value::Null),
    ];
    // Nor is the result of another method one.
    let given = examples();
    for n in 0..given.len() {
        none.push((given[n].0, given[n].1.clone(), given[(n + 1) % given.len()].2.clone()));
    }
    for (tool, arguments, result) in none {
        let finished = asked(&mut shop, tool, arguments, result.clone());
        assert_eq!((&finished["outcome"], told(&finished).as_str()), (&json!("failed"), "E-MCP-014"), "{result}");
        assert!(!finished.to_string().contains(TOKEN), "{finished}");
    }
}

#[test]
fn what_did_not_come_to_a_result_is_told_as_a_tools_failure_is() {
    let mut shop = shop();
    for (outcome, code) in
        [("failed", "E-MCP-018"), ("timed_out", "E-MCP-015"), ("cancelled", "E-MCP-016"), ("not_sent", "E-MCP-017")]
    {
        let begun = shop.begin(RESOURCES, read("shop://a"));
        let finished = shop.finish(&begun, outcome, Value::Null);
        assert_eq!((&finished["outcome"], told(&finished).as_str()), (&json!(outcome), code));
    }
    let begun = shop.begin(RESOURCES, read("shop://a"));
    let why = json!({"content": [{"type": "text", "text": format!("no such resource {TOKEN}")}], "isError": true});
    let finished = shop.finish(&begun, "failed", why);
    assert_eq!(finished["result"]["isError"], true);
    assert!(text(&finished["result"]["content"][0]["text"]).starts_with("no such resource [REDACTED:"), "{finished}");
}

#[test]
fn a_secret_that_is_cut_up_over_contents_messages_or_values_is_put_together_and_redacted() {
    let mut shop = shop();
    let (one, rest) = TOKEN.split_at(13);
    let (two, three) = rest.split_at(11);
    let content = |text: &str| json!({"uri": "shop://a", "text": text});
    let message = |text: &str| json!({"role": "user", "content": {"type": "text", "text": text}});
    let picture = json!({"uri": "shop://b", "blob": STANDARD.encode([0x89, 0xff, 0xfe])});
    let in_blob = json!({"uri": "shop://c", "blob": STANDARD.encode(two)});
    for (tool, arguments, result, items, left) in [
        (
            RESOURCES,
            read("shop://a"),
            json!({"contents": [content(&format!("use {one}")), picture, in_blob, content(three)]}),
            "/contents",
            2,
        ),
        (
            PROMPTS,
            json!({"method": "prompts/get", "name": "a"}),
            json!({"messages": [message(one), message(two), message(three)]}),
            "/messages",
            1,
        ),
        (COMPLETION, complete(), json!({"completion": {"values": [one, two, three]}}), "/completion/values", 1),
    ] {
        let finished = asked(&mut shop, tool, arguments, result);
        let shown = finished["result"].to_string();
        for part in [one, two, three, &STANDARD.encode(two)] {
            assert!(!shown.contains(part), "{shown}");
        }
        let items = finished["result"].pointer(items).and_then(Value::as_array).expect("items");
        assert_eq!(items.len(), left, "{shown}");
        assert!(items[0].to_string().contains("[REDACTED:"), "{shown}");
    }
    // What holds none stays as it is.
    let plain = json!({"contents": [content("one"), content("two")]});
    assert_eq!(asked(&mut shop, RESOURCES, read("shop://a"), plain.clone())["result"], plain);
}

#[test]
fn what_the_contract_calls_sensitive_is_hidden_in_texts_that_are_json() {
    let mut shop = with(|_, mut contract| {
        contract["sensitive_results"] = json!(["/customer/name"]);
        contract
    });
    let customer = json!({"customer": {"name": "Wang Xiaoming", "city": "Taipei"}}).to_string();
    let result = json!({"contents": [
        {"uri": "shop://a", "text": customer}, {"uri": "shop://b", "blob": STANDARD.encode(&customer)}
    ]});
    let shown = asked(&mut shop, RESOURCES, read("shop://a"), result)["result"].clone();
    let blob = STANDARD.decode(text(&shown["contents"][1]["blob"])).expect("base64");
    for seen in [text(&shown["contents"][0]["text"]), String::from_utf8(blob).expect("text")] {
        assert!(seen.contains("Taipei") && !seen.contains("Xiaoming"), "{seen}");
    }
    let message = json!({"role": "user", "content": {"type": "text", "text": customer}});
    let prompt = json!({"method": "prompts/get", "name": "a"});
    let shown = asked(&mut shop, PROMPTS, prompt, json!({"messages": [message]})).to_string();
    assert!(shown.contains("Taipei") && !shown.contains("Xiaoming"), "{shown}");
}

fn names(finished: &Value, list: &str) -> Vec<String> {
    finished["result"][list].as_array().expect("a list").iter().map(|item| text(&item["name"])).collect()
}

#[test]
fn what_a_grant_would_not_let_the_agent_use_is_not_listed_for_it() {
    let mut shop = shop();
    let resource = |uri: &str| json!({"uri": uri, "name": uri});
    let all = json!({"resources": [resource("shop://orders/1"), resource("shop://customers/1"), resource("shop://orders/2")]});
    assert_eq!(names(&asked(&mut shop, RESOURCES, listing(), all.clone()), "resources").len(), 3);
    let orders = json!({"type": "object", "properties": {"uri": {"pattern": "^shop://orders/"}}});
    grant(&mut shop, RESOURCES, &orders);
    let finished = asked(&mut shop, RESOURCES, listing(), all.clone());
    assert_eq!(names(&finished, "resources"), ["shop://orders/1", "shop://orders/2"]);
    assert!(!finished.to_string().contains("customers"), "how many there are is not told either: {finished}");
    let prompts = json!({"prompts": [{"name": "review"}, {"name": "refund-all"}]});
    let review = json!({"type": "object", "properties": {"name": {"const": "review"}}});
    grant(&mut shop, PROMPTS, &review);
    assert_eq!(names(&asked(&mut shop, PROMPTS, json!({"method": "prompts/list"}), prompts), "prompts"), ["review"]);
    // A call goes on under what it began with when its grant is taken back meanwhile.
    let (begun, admin) = (shop.begin(RESOURCES, listing()), shop.admin.clone());
    shop.does(&admin, "mcp_revoke_grant", json!({"agent_id": "agent", "tool": RESOURCES}));
    assert_eq!(names(&shop.finish(&begun, "succeeded", all.clone()), "resources").len(), 2);
    // One that is narrower by now is what counts.
    grant(&mut shop, RESOURCES, &Value::Null);
    let begun = shop.begin(RESOURCES, listing());
    grant(&mut shop, RESOURCES, &orders);
    assert_eq!(names(&shop.finish(&begun, "succeeded", all), "resources").len(), 2);
}

#[test]
fn what_a_contract_would_not_let_the_agent_use_is_not_listed_for_it_either() {
    let mut shop = with(|tool, mut contract| {
        if tool == RESOURCES {
            contract["input_schema"]["properties"]["uri"] = json!({"type": "string", "pattern": "^shop://orders/"});
        }
        contract
    });
    let listed = json!({"resources": [{"uri": "shop://orders/1", "name": "a"}, {"uri": "shop://x", "name": "b"}]});
    assert_eq!(names(&asked(&mut shop, RESOURCES, listing(), listed), "resources"), ["a"]);
}

#[test]
fn a_long_list_loses_whole_items_from_its_end_and_says_how_many() {
    let mut shop = shop();
    let item =
        |n: usize| json!({"uri": format!("shop://orders/{n}"), "name": n.to_string(), "description": "x".repeat(200)});
    let all: Vec<Value> = (0..200).map(item).collect();
    let finished = asked(&mut shop, RESOURCES, listing(), json!({"resources": all, "nextCursor": "page-2"}));
    let shown = &finished["result"];
    let kept = shown["resources"].as_array().expect("a list");
    assert!(kept.len() > 40 && kept[..] == all[..kept.len()], "{}", kept.len());
    assert_eq!(shown["_meta"], json!({"io.awooop/truncated": {"items": 200 - kept.len()}}));
    assert_eq!(shown["nextCursor"], "page-2");
    assert!(shown.to_string().len() <= 16_384 && finished["cut_bytes"].as_u64() > Some(20_000), "{finished}");
    // A server cannot say so for the platform.
    let forged = json!({"resources": [], "_meta": {"io.awooop/truncated": {"items": 5}, "a": 1}});
    assert_eq!(asked(&mut shop, RESOURCES, listing(), forged)["result"]["_meta"], json!({"a": 1}));
}

#[test]
fn a_cursor_with_something_to_hide_is_withheld_and_that_is_said() {
    let mut shop = shop();
    let listed = json!({"resources": [{"uri": "shop://a", "name": "a"}], "nextCursor": format!("token={TOKEN}")});
    let finished = asked(&mut shop, RESOURCES, listing(), listed);
    assert_eq!(
        (&finished["result"]["nextCursor"], &finished["result"]["_meta"]),
        (&Value::Null, &json!({"io.awooop/truncated": {"items": 0, "more": true}}))
    );
    let begun = shop.begin(RESOURCES, resources(json!("2")));
    assert_eq!(shop.finish(&begun, "succeeded", json!({"resources": []}))["result"], json!({"resources": []}));
}

#[test]
fn a_long_resource_is_cut_at_a_character_and_a_contract_may_want_less() {
    let mut shop = with(|tool, mut contract| {
        if tool == PROMPTS {
            contract["max_result_bytes"] = 600.into();
        }
        contract
    });
    let long = "查詢訂單 ".repeat(5000);
    let contents =
        |blob: &str| json!({"contents": [{"uri": "shop://a", "text": long}, {"uri": "shop://b", "blob": blob}]});
    let finished = asked(&mut shop, RESOURCES, read("shop://a"), contents(&STANDARD.encode(vec![0xff; 30_000])));
    let shown = text(&finished["result"]["contents"][0]["text"]);
    let (kept, marker) = shown.split_once("[TRUNCATED: ").expect("a marker");
    assert!(long.starts_with(kept) && marker == format!("{} bytes]", long.len() - kept.len()), "{marker}");
    assert_eq!(
        finished["result"]["contents"][1],
        json!({"uri": "shop://b", "text": "[TRUNCATED: blob of 40000 bytes]"})
    );
    assert!(finished["result"].to_string().len() <= 16_384);
    let message = json!({"role": "user", "content": {"type": "text", "text": "x".repeat(5000)}});
    let prompt = json!({"method": "prompts/get", "name": "a"});
    let shown = asked(&mut shop, PROMPTS, prompt, json!({"messages": [message]}))["result"].clone();
    assert!(shown.to_string().len() <= 600 && shown.to_string().contains("[TRUNCATED: "), "{shown}");
}

#[test]
fn a_contract_that_says_what_a_result_looks_like_is_held_to_it() {
    let mut shop = with(|tool, mut contract| {
        if tool == PROMPTS {
            contract["output_schema"] = json!({
                "type": "object", "properties": {"prompts": {"type": "array", "minItems": 2}, "messages": {"type": "array"}}
            });
        }
        contract
    });
    let (list, prompt) =
        (json!({"method": "prompts/list"}), |n: usize| json!({"name": n.to_string(), "title": "x".repeat(200)}));
    let one = asked(&mut shop, PROMPTS, list.clone(), json!({"prompts": [prompt(1)]}));
    assert_eq!((&one["outcome"], told(&one).as_str()), (&json!("failed"), "E-MCP-014"));
    let two = json!({"prompts": [prompt(1), prompt(2)]});
    assert_eq!(asked(&mut shop, PROMPTS, list.clone(), two.clone())["result"], two);
    let long = json!({"name": "long", "title": "x".repeat(20_000)});
    let cut = asked(&mut shop, PROMPTS, list, json!({"prompts": [prompt(1), long]}));
    assert_eq!((&cut["outcome"], told(&cut).as_str()), (&json!("succeeded"), "E-MCP-019"));
}

#[test]
fn a_call_within_a_run_is_replayed_with_what_was_shown() {
    let mut shop = shop();
    let worker = shop.worker.clone();
    let run = super::stage::run(&mut shop);
    let wanted = || super::stage::within(&run, "read", RESOURCES, read("shop://a"));
    let begun = shop.does(&worker, "mcp_begin_call", wanted());
    let result = json!({"contents": [{"uri": "shop://a", "text": format!("it is {TOKEN}")}]});
    let ended = super::stage::ended(&begun, &run, "succeeded", result);
    let shown = shop.does(&worker, "mcp_finish_call", ended)["result"].clone();
    let replayed = shop.does(&worker, "mcp_begin_call", wanted());
    assert_eq!((&replayed["verdict"], &replayed["result"]), (&json!("replayed"), &shown));
    assert!(!replayed.to_string().contains(TOKEN), "{replayed}");
}
