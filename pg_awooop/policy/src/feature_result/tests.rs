//! Every method's result: what is left of it, and what fits.

use super::*;
use proptest::prelude::*;

/// A result of every method with every member that the protocol knows, and what is made of it with more in it.
fn examples() -> Vec<(Method, Value)> {
    let icons = json!([{"src": "https://shop.example/a.png"}]);
    vec![
        (
            Method::ResourcesList,
            json!({
                "resources": [{
                    "uri": "shop://orders/1", "name": "order-1", "title": "An order", "description": "The first.",
                    "mimeType": "application/json", "size": 12, "icons": icons, "annotations": {"priority": 1},
                    "_meta": {"a": 1}
                }],
                "nextCursor": "2", "ttlMs": 1000, "cacheScope": "private", "_meta": {"b": 2}
            }),
        ),
        (
            Method::ResourceTemplatesList,
            json!({
                "resourceTemplates": [{
                    "uriTemplate": "shop://orders/{id}", "name": "order", "title": "An order", "description": "By number.",
                    "mimeType": "application/json", "icons": icons, "annotations": {"audience": ["user"]}, "_meta": {}
                }],
                "nextCursor": "2", "ttlMs": 0, "cacheScope": "private"
            }),
        ),
        (
            Method::ResourcesRead,
            json!({
                "contents": [
                    {"uri": "shop://orders/1", "mimeType": "text/plain", "text": "Sent.", "_meta": {"a": 1}},
                    {"uri": "shop://orders/1.png", "mimeType": "image/png", "blob": "iVBORw=="}
                ],
                "ttlMs": 5, "cacheScope": "private", "_meta": {}
            }),
        ),
        (
            Method::PromptsList,
            json!({
                "prompts": [{
                    "name": "review", "title": "Review", "description": "Reviews.", "icons": icons, "_meta": {"a": 1},
                    "arguments": [{"name": "order", "title": "Order", "description": "Its number.", "required": true}]
                }, {"name": "plain"}],
                "nextCursor": "2", "ttlMs": 1, "cacheScope": "private"
            }),
        ),
        (
            Method::PromptsGet,
            json!({
                "description": "Reviews an order.",
                "messages": [
                    {"role": "user", "content": {"type": "text", "text": "Review it."}},
                    {"role": "assistant", "content": {"type": "resource", "resource": {"uri": "a:b", "text": "c"}}}
                ],
                "_meta": {"a": 1}
            }),
        ),
        (
            Method::Complete,
            json!({"completion": {"values": ["a", "b"], "total": 9, "hasMore": true}, "_meta": {"a": 1}}),
        ),
    ]
}

#[test]
fn a_result_keeps_what_the_protocol_knows_of_it_and_loses_everything_else() {
    let others = Method::ALL.into_iter().filter(|method| *method != Method::ResourcesSubscribe);
    assert!(examples().into_iter().map(|(method, _)| method).eq(others));
    assert_eq!(normal(Method::ResourcesSubscribe, &json!({"contents": []})), Some(json!({"contents": []})));
    for (method, result) in examples() {
        assert_eq!(normal(method, &result), Some(result.clone()));
        let mut more = result.clone();
        (more["resultType"], more["hidden"]) = ("complete".into(), "x".into());
        more["_meta"]["io.awooop/truncated"] = "forged".into();
        for item in more.pointer_mut(method.items()).unwrap().as_array_mut().unwrap() {
            if let Some(item) = item.as_object_mut() {
                item.insert("hidden".into(), "x".into());
            }
        }
        let mut expected = result.clone();
        if expected["_meta"].is_null() {
            expected["_meta"] = json!({});
        }
        assert_eq!(normal(method, &more), Some(expected));
        for (other, _) in examples().into_iter().filter(|(other, _)| *other != method) {
            assert_eq!(normal(other, &result), None, "{other:?} of {method:?}");
        }
        let mut later = result;
        later["resultType"] = "input_required".into();
        assert_eq!(normal(method, &later), None, "{method:?}");
    }
}

#[test]
fn what_is_no_result_of_the_method_is_none() {
    for (method, none) in [
        (Method::ResourcesList, json!({"resources": {}})),
        (Method::ResourcesList, json!({"resources": [{"uri": "a:b"}]})),
        (Method::ResourcesList, json!({"resources": ["a:b"]})),
        (Method::ResourceTemplatesList, json!({"resourceTemplates": [{"uri": "a:b", "name": "a"}]})),
        (Method::ResourcesRead, json!({"contents": [{"uri": "a:b"}]})),
        (Method::ResourcesRead, json!({"contents": [{"uri": "a:b", "text": "c", "blob": "YQ=="}]})),
        (Method::ResourcesRead, json!({"contents": [{"text": "c"}]})),
        (Method::PromptsList, json!({"prompts": [{"name": 1}]})),
        (Method::PromptsList, json!({"prompts": [{"name": "a", "arguments": [{"title": "b"}]}]})),
        (Method::PromptsGet, json!({"messages": [{"role": "system", "content": {"type": "text", "text": "a"}}]})),
        (Method::PromptsGet, json!({"messages": [{"role": "user", "content": {"type": "video"}}]})),
        (Method::Complete, json!({"completion": {"values": ["a", 1]}})),
        (Method::Complete, json!({"values": ["a"]})),
        (Method::Complete, json!(null)),
    ] {
        assert_eq!(normal(method, &none), None, "{none}");
    }
}

#[test]
fn an_optional_member_that_is_not_what_it_has_to_be_is_left_out() {
    let odd = json!({
        "resources": [{"uri": "a:b", "name": "c", "title": {"x": 1}, "size": -1, "icons": "y", "_meta": []}], "nextCursor": 3,
        "ttlMs": -5, "_meta": "z"
    });
    let normal = normal(Method::ResourcesList, &odd);
    assert_eq!(normal, Some(json!({"resources": [{"uri": "a:b", "name": "c"}], "ttlMs": 0, "cacheScope": "private"})));
}

#[test]
fn what_one_agent_may_see_is_in_nobody_elses_cache() {
    for scope in ["public", "private", ""] {
        let result = json!({"resources": [], "cacheScope": scope});
        assert_eq!(normal(Method::ResourcesList, &result).unwrap()["cacheScope"], "private");
    }
}

#[test]
fn a_completion_has_a_hundred_values_at_most_and_says_that_there_are_more() {
    let values: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    let completion = normal(Method::Complete, &json!({"completion": {"values": values}})).unwrap();
    assert_eq!(completion["completion"]["values"].as_array().unwrap().len(), 100);
    assert_eq!(completion["completion"]["hasMore"], true);
}

#[test]
fn items_of_a_list_are_there_whole_the_last_ones_go_first_and_their_number_is_told() {
    let resources: Vec<Value> = (0..300)
        .map(|n| json!({"uri": format!("shop://orders/{n}"), "name": "order", "description": "x".repeat(90)}))
        .collect();
    let result = json!({"resources": resources, "nextCursor": "page-2", "_meta": {"seen": 1}});
    let bounded = bound(Method::ResourcesList, &result, 16_384).result;
    let kept = bounded["resources"].as_array().unwrap();
    assert!(kept.len() > 80 && kept[..] == resources[..kept.len()]);
    assert_eq!(
        (&bounded["nextCursor"], &bounded["_meta"]),
        (&json!("page-2"), &json!({"seen": 1, TRUNCATED: {"items": 300 - kept.len()}}))
    );
    assert!(length(&bounded) > 16_000);
}

#[test]
fn an_item_that_there_is_never_room_for_keeps_none_of_the_others_out() {
    let huge = json!({"name": "huge", "description": "x".repeat(20_000)});
    let result = json!({"prompts": [huge, {"name": "a"}, {"name": "b"}]});
    let bounded = bound(Method::PromptsList, &result, 16_384).result;
    assert_eq!(bounded, json!({"prompts": [{"name": "a"}, {"name": "b"}], "_meta": {TRUNCATED: {"items": 1}}}));
}

#[test]
fn a_cursor_that_there_is_no_room_for_is_said_to_be_missing() {
    let result = json!({"prompts": [{"name": "a"}], "nextCursor": "x".repeat(20_000)});
    let bounded = bound(Method::PromptsList, &result, 16_384).result;
    assert_eq!(bounded, json!({"prompts": [{"name": "a"}], "_meta": {TRUNCATED: {"items": 0, "more": true}}}));
}

#[test]
fn text_of_a_resource_is_cut_at_a_character_and_what_cannot_be_cut_gives_way_to_a_line() {
    let long = "查詢".repeat(6000);
    let result = json!({"contents": [
        {"uri": "a:text", "text": long}, {"uri": "a:blob", "mimeType": "image/png", "blob": "A".repeat(40_000)}
    ]});
    let bounded = bound(Method::ResourcesRead, &result, 16_384).result;
    let shown = bounded["contents"][0]["text"].as_str().unwrap();
    let (kept, marker) = shown.split_once("[TRUNCATED: ").unwrap();
    assert!(long.starts_with(kept) && kept.len() > 6_000);
    assert_eq!(marker, format!("{} bytes]", long.len() - kept.len()));
    assert_eq!(
        bounded["contents"][1],
        json!({"uri": "a:blob", "mimeType": "image/png", "text": "[TRUNCATED: blob of 40000 bytes]"})
    );
}

#[test]
fn a_long_message_of_a_prompt_is_cut_and_keeps_its_role() {
    let picture = json!({"type": "image", "mimeType": "image/png", "data": "A".repeat(40_000)});
    let result = json!({"description": "d".repeat(30_000), "messages": [
        {"role": "user", "content": {"type": "text", "text": "x".repeat(30_000)}}, {"role": "assistant", "content": picture}
    ]});
    let bounded = bound(Method::PromptsGet, &result, 16_384).result;
    assert_eq!(
        (&bounded["messages"][0]["role"], &bounded["messages"][1]["role"]),
        (&json!("user"), &json!("assistant"))
    );
    assert!(bounded["messages"][0]["content"]["text"].as_str().unwrap().contains("[TRUNCATED: "));
    assert_eq!(bounded["messages"][1]["content"]["text"], "[TRUNCATED: image of 40049 bytes]");
    assert!(bounded["description"].as_str().unwrap().contains("[TRUNCATED: "));
}

/// Results of every method, as they are after [`normal`].
fn results() -> impl Strategy<Value = (Method, Value)> {
    let text = || prop_oneof!["\\PC{0,300}", "[\\x00-\\x1f\"\\\\]{0,200}", "[a-z]{0,3000}"];
    let item = move |method: Method| {
        (text(), text(), text(), any::<bool>()).prop_map(move |(a, b, c, is_text)| match method {
            Method::ResourcesList => json!({"uri": a, "name": b, "description": c}),
            Method::ResourceTemplatesList => json!({"uriTemplate": a, "name": b, "_meta": {"c": c}}),
            Method::ResourcesRead if is_text => json!({"uri": a, "text": b, "_meta": {"c": c}}),
            Method::ResourcesRead | Method::ResourcesSubscribe => json!({"uri": a, "blob": b}),
            Method::PromptsList => json!({"name": a, "arguments": [{"name": b, "description": c}]}),
            Method::PromptsGet if is_text => json!({"role": "user", "content": {"type": "text", "text": a}}),
            Method::PromptsGet => json!({"role": "assistant", "content": {"type": "image", "mimeType": b, "data": c}}),
            Method::Complete => json!(a),
        })
    };
    prop::sample::select(Method::ALL.to_vec()).prop_flat_map(move |method| {
        let items = prop::collection::vec(item(method), 0..12);
        (items, prop::option::of(text()), prop::option::of(text()), prop::option::of(text())).prop_map(
            move |(items, cursor, meta, description)| {
                let mut result = json!({});
                match method {
                    Method::Complete => result = json!({"completion": {"values": items, "total": 7}}),
                    _ => result[method.items().trim_start_matches('/')] = items.into(),
                }
                if let (Some(cursor), true) = (cursor, method.is_paged()) {
                    result["nextCursor"] = cursor.into();
                }
                if let (Some(description), Method::PromptsGet) = (description, method) {
                    result["description"] = description.into();
                }
                if let Some(meta) = meta {
                    result["_meta"] = json!({"m": meta});
                }
                (method, normal(method, &result).expect("a result"))
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_result_fits_stays_one_and_says_what_is_missing((method, result) in results(), limit in 256usize..6000) {
        let bounded = bound(method, &result, limit);
        prop_assert!(length(&bounded.result) <= limit, "{} of {limit}: {}", length(&bounded.result), bounded.result);
        prop_assert_eq!(bounded.cut_bytes == 0, length(&result) <= limit);
        // It still is a result of that method, but for what the platform says itself.
        let mut plain = bounded.result.clone();
        if let Some(meta) = plain.get_mut("_meta").and_then(Value::as_object_mut) {
            meta.remove(TRUNCATED);
        }
        prop_assert_eq!(normal(method, &plain), Some(plain));
        let number = |result: &Value| result.pointer(method.items()).and_then(Value::as_array).map_or(0, Vec::len);
        let missing = number(&result) - number(&bounded.result);
        let told = &bounded.result["_meta"][TRUNCATED];
        prop_assert_eq!(told["items"].as_u64().unwrap_or_default(), missing as u64);
        prop_assert_eq!(told["more"] == true, result["nextCursor"].is_string() && bounded.result["nextCursor"].is_null());
    }

    #[test]
    fn whatever_a_server_gives_it_is_a_result_or_none(value in any_json(), n in 0usize..6) {
        let method = Method::ALL[n];
        if let Some(result) = normal(method, &value) {
            prop_assert_eq!(normal(method, &result), Some(result.clone()));
            prop_assert!(length(&bound(method, &result, 256).result) <= 256);
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "\\PC{0,40}".prop_map(Value::from)
    ];
    let name = "(resources|resourceTemplates|contents|prompts|messages|completion|values|uri|uriTemplate|name|text|blob|role|content|type|_meta|nextCursor|ttlMs|cacheScope)";
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}
