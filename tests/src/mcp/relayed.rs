//! What a server says and asks while a call is under way: only what its contract lets it ask, redacted, bounded, and counted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::stage::{LOOK_UP, NOTE, Shop, contract, order, run, said, within};
use crate::harness::quiet::text;

const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";

fn form(message: &str) -> Value {
    json!({"method": "elicitation/create", "params": {
        "message": message,
        "requestedSchema": {"type": "object", "properties": {"size": {"type": "string"}, "password": {"type": "string"}}}
    }})
}

fn roots() -> Value {
    json!({"method": "roots/list"})
}

/// A shop whose tool may ask something of people, and nothing else.
fn asking() -> Shop {
    Shop::with(|tool| {
        let mut contract = contract(tool);
        if tool == LOOK_UP {
            contract["may_ask"] = json!(["elicitation"]);
        }
        contract
    })
}

fn of(begun: &Value, more: Value) -> Value {
    let mut members = json!({"call_id": begun["call_id"], "lease": begun["lease"], "ticket": begun["ticket"]});
    members.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    members
}

fn says(begun: &Value, kind: &str, message: Value) -> Value {
    of(begun, json!({"kind": kind, "message": message}))
}

#[track_caller]
fn relayed(shop: &mut Shop, begun: &Value, kind: &str, message: Value) -> Value {
    let agent = shop.agent.clone();
    shop.does(&agent, "mcp_relay", says(begun, kind, message))["message"].clone()
}

#[track_caller]
fn refused(shop: &mut Shop, operation: &str, arguments: Value) -> Value {
    let agent = shop.agent.clone();
    let reply = shop.ask(&agent, operation, arguments).expect("a refusal, not a fault");
    assert!(reply.status >= 400, "{}", reply.body);
    reply.body
}

#[test]
fn a_server_asks_only_what_its_tools_contract_lets_it_ask() {
    let mut shop = asking();
    let begun = shop.begin(LOOK_UP, order("A-1"));
    let denied = refused(&mut shop, "mcp_relay", says(&begun, "question", roots()));
    assert_eq!((&denied["code"], &denied["kind"]), (&json!("E-MCP-022"), &json!("roots")));
    let both = json!({"a": form("Which size?"), "b": {"method": "sampling/createMessage", "params": {"messages": []}}});
    let denied = refused(&mut shop, "mcp_suspend_call", of(&begun, json!({"questions": both})));
    assert_eq!((&denied["code"], &denied["kind"]), (&json!("E-MCP-022"), &json!("sampling")));
    for action in ["mcp_relay", "mcp_suspend_call"] {
        let rows = shop.audited(action);
        assert_eq!((rows.len(), &rows[0]["decision"]), (1, &json!("refused")), "{action}");
        assert_eq!((&rows[0]["facts"]["call_id"], &rows[0]["agent_id"]), (&begun["call_id"], &json!("agent")));
    }
    // The call is still under way, and ends as failed.
    assert_eq!(relayed(&mut shop, &begun, "question", form("Which size?")), form("Which size?"));
    assert_eq!(shop.finish(&begun, "failed", Value::Null)["outcome"], "failed");
    // A contract that says nothing lets it ask nothing.
    let begun = shop.begin(NOTE, order("A-1"));
    let denied = refused(&mut shop, "mcp_relay", says(&begun, "question", form("Which size?")));
    assert_eq!((&denied["code"], &denied["kind"]), (&json!("E-MCP-022"), &json!("elicitation")));
}

#[test]
fn what_is_asked_is_redacted_reduced_and_kept_with_the_call() {
    let mut shop = asking();
    let agent = shop.agent.clone();
    let begun = shop.begin(LOOK_UP, order("A-1"));
    let mut question = form(&format!("Is {TOKEN} yours?"));
    (question["hidden"], question["params"]["hidden"]) = (TOKEN.into(), TOKEN.into());
    let shown = relayed(&mut shop, &begun, "question", question.clone());
    assert!(
        text(&shown["params"]["message"]).starts_with("Is [REDACTED:") && !shown.to_string().contains(TOKEN),
        "{shown}"
    );
    assert_eq!(shown["params"]["requestedSchema"], form("")["params"]["requestedSchema"], "the form stays one");
    assert!(!shown.to_string().contains("hidden"), "{shown}");
    let suspended =
        shop.does(&agent, "mcp_suspend_call", of(&begun, json!({"upstream_state": "s", "questions": {"k": question}})));
    assert_eq!(suspended["questions"], json!({"k": shown}));
    // Who answers goes on with the call.
    let mut on = Shop::wanted(LOOK_UP, order("A-1"));
    on["request_state"] = suspended["request_state"].clone();
    let resumed = shop.does(&agent, "mcp_begin_call", on);
    assert_eq!((&resumed["verdict"], &resumed["upstream"]["state"]), (&json!("allowed"), &json!("s")));
    let suspended = shop.does(&agent, "mcp_suspend_call", of(&resumed, json!({"upstream_state": "t"})));
    assert_eq!(suspended["questions"], Value::Null);
    let listed = shop.does(&agent, "mcp_list_calls", json!({}))["items"][0].clone();
    assert_eq!(listed["asked"].as_array().map(Vec::len), Some(2), "{listed}");
    assert!(listed["asked"].to_string().contains("[REDACTED:") && !listed.to_string().contains(TOKEN), "{listed}");
    assert_eq!(shop.audited("tool_call_asked")[0]["facts"]["asked"], json!(["elicitation"]));
    let told: Vec<Value> =
        shop.audited("tool_call_suspended").iter().map(|row| row["facts"]["asked"].clone()).collect();
    assert_eq!(told, [json!(["elicitation"]), json!([])]);
}

#[test]
fn a_servers_model_is_asked_with_its_numbers_as_they_are_and_what_is_text_in_its_data_redacted() {
    let mut shop = Shop::with(|tool| {
        let mut contract = contract(tool);
        contract["may_ask"] = json!(["sampling", "roots"]);
        contract
    });
    let begun = shop.begin(LOOK_UP, order("A-1"));
    let data = STANDARD.encode(format!("it is {TOKEN}"));
    let question = json!({"method": "sampling/createMessage", "params": {
        "messages": [{"role": "user", "content": {"type": "image", "mimeType": "image/png", "data": data}}], "maxTokens": 4096,
        "systemPrompt": format!("use {TOKEN}")
    }});
    let shown = relayed(&mut shop, &begun, "question", question);
    assert_eq!((&shown["params"]["maxTokens"], &shown["method"]), (&json!(4096), &json!("sampling/createMessage")));
    assert!(!shown.to_string().contains(TOKEN) && !shown.to_string().contains(&data), "{shown}");
    assert_eq!(relayed(&mut shop, &begun, "question", roots()), roots());
}

#[test]
fn what_is_no_question_or_too_long_a_one_is_not_asked() {
    let mut shop = asking();
    let agent = shop.agent.clone();
    let begun = shop.begin(LOOK_UP, order("A-1"));
    let suspend = |questions: Value| of(&begun, json!({ "questions": questions }));
    for bad in [
        json!({}),
        json!([form("a")]),
        json!({"a": {"method": "tools/call", "params": {}}}),
        json!({"a": {"method": "elicitation/create", "params": {"message": "a"}}}),
        json!({(TOKEN): form("a")}),
    ] {
        assert_eq!(shop.code(&agent, "mcp_suspend_call", suspend(bad.clone())), "E-MCP-023", "{bad}");
    }
    for (kind, bad) in [
        ("question", json!({"method": "ping"})),
        ("question", form("a")["params"].clone()),
        ("progress", json!({"progress": "much"})),
        ("log", json!({"level": "loud", "data": 1})),
        ("log", json!(TOKEN)),
    ] {
        assert_eq!(shop.code(&agent, "mcp_relay", says(&begun, kind, bad.clone())), "E-MCP-023", "{bad}");
    }
    let long = form(&"x".repeat(17_000));
    assert_eq!(shop.code(&agent, "mcp_suspend_call", suspend(json!({ "a": long }))), "E-INPUT-007");
    assert_eq!(shop.code(&agent, "mcp_relay", says(&begun, "question", long)), "E-INPUT-007");
    // Nothing of that was counted or kept.
    let listed = shop.does(&agent, "mcp_list_calls", json!({}))["items"][0].clone();
    assert_eq!((&listed["asked"], &listed["state"]), (&json!([]), &json!("under_way")));
}

#[test]
fn questions_and_suspensions_are_counted_together() {
    let mut shop = asking();
    let agent = shop.agent.clone();
    let begun = shop.begin(LOOK_UP, order("A-1"));
    for n in 0..31 {
        relayed(&mut shop, &begun, "question", form(&n.to_string()));
    }
    let suspended = shop.does(&agent, "mcp_suspend_call", of(&begun, json!({"questions": {"a": form("last")}})));
    let mut on = Shop::wanted(LOOK_UP, order("A-1"));
    on["request_state"] = suspended["request_state"].clone();
    let resumed = shop.does(&agent, "mcp_begin_call", on);
    assert_eq!(shop.code(&agent, "mcp_relay", says(&resumed, "question", form("more"))), "E-MCP-021");
    assert_eq!(shop.code(&agent, "mcp_suspend_call", of(&resumed, json!({}))), "E-MCP-021");
    assert_eq!(shop.finish(&resumed, "succeeded", said("done"))["outcome"], "succeeded");
}

#[test]
fn reports_and_logs_are_redacted_and_bounded() {
    let mut shop = Shop::new();
    let begun = shop.begin(LOOK_UP, order("A-1"));
    let report = json!({"progress": 0.5, "total": 2, "message": format!("with {TOKEN}"), "progressToken": TOKEN});
    let shown = relayed(&mut shop, &begun, "progress", report);
    assert_eq!((&shown["progress"], &shown["total"], &shown["progressToken"]), (&json!(0.5), &json!(2), &Value::Null));
    assert!(text(&shown["message"]).starts_with("with [REDACTED:"), "{shown}");
    assert_eq!(relayed(&mut shop, &begun, "progress", json!({"progress": 1})), json!({"progress": 1}));
    let line =
        json!({"level": "info", "logger": "db", "data": {"password": "correct horse", "rows": 3, "token": TOKEN}});
    let shown = relayed(&mut shop, &begun, "log", line);
    assert_eq!((&shown["level"], &shown["logger"], &shown["data"]["rows"]), (&json!("info"), &json!("db"), &json!(3)));
    assert!(!shown.to_string().contains("correct horse") && !shown.to_string().contains(TOKEN), "{shown}");
    let long = relayed(&mut shop, &begun, "log", json!({"level": "debug", "data": "x".repeat(50_000)}));
    assert!(long.to_string().len() <= 4096 && long.to_string().contains("[TRUNCATED: "), "{long}");
    let long = relayed(&mut shop, &begun, "progress", json!({"progress": 1, "message": "x".repeat(50_000)}));
    assert!(long.to_string().len() <= 4096 && long.to_string().contains("[TRUNCATED: "), "{long}");
    // They are on no record.
    assert_eq!(shop.audited("mcp_relay"), Vec::<Value>::new());
}

#[test]
fn a_server_reports_a_thousand_times_in_a_call_and_no_more() {
    let mut shop = Shop::new();
    let agent = shop.agent.clone();
    let begun = shop.begin(LOOK_UP, order("A-1"));
    let project = shop.office.project.clone();
    for n in 0..3 {
        relayed(&mut shop, &begun, "progress", json!({ "progress": n }));
    }
    let counted = |shop: &mut Shop| {
        shop.office.sql(&format!("select relays from awooop.mcp_call where project_id = '{project}'"))
    };
    assert_eq!(counted(&mut shop), "3");
    shop.office
        .sql(&format!("update awooop.mcp_call set relays = 999 where project_id = '{project}' returning relays"));
    relayed(&mut shop, &begun, "log", json!({"level": "info", "data": 1}));
    for (kind, message) in [("progress", json!({"progress": 1})), ("log", json!({"level": "info", "data": 1}))] {
        assert_eq!(shop.code(&agent, "mcp_relay", says(&begun, kind, message)), "E-MCP-024");
    }
    assert_eq!(counted(&mut shop), "1000");
    assert_eq!(shop.finish(&begun, "succeeded", said("done"))["outcome"], "succeeded");
}

#[test]
fn nobody_but_who_was_told_to_make_the_call_says_anything_of_it() {
    let mut shop = asking();
    let agent = shop.agent.clone();
    let messages = [("progress", json!({"progress": 1})), ("question", form("Which size?"))];
    let (begun, other) = (shop.begin(LOOK_UP, order("A-1")), shop.begin(LOOK_UP, order("A-2")));
    let mut wrong = begun.clone();
    wrong["ticket"] = other["ticket"].clone();
    let mut stolen = begun.clone();
    stolen["lease"] = other["lease"].clone();
    let somebody = shop.office.key("somebody", super::stage::CALLS);
    for (kind, message) in messages.clone() {
        assert_eq!(shop.code(&agent, "mcp_relay", says(&wrong, kind, message.clone())), "E-MCP-020");
        assert_eq!(shop.code(&agent, "mcp_relay", says(&stolen, kind, message.clone())), "E-RUN-003");
        assert_eq!(shop.code(&somebody, "mcp_relay", says(&begun, kind, message.clone())), "E-MCP-020");
        // Another project's call is none.
        let mut theirs = Shop::new();
        let key = theirs.agent.clone();
        assert_eq!(theirs.code(&key, "mcp_relay", says(&begun, kind, message)), "E-MCP-009");
    }
    // A call that waits for an answer has no server at work, and one that has ended never has.
    let suspended = shop.does(&agent, "mcp_suspend_call", of(&begun, json!({})));
    let call = "E-MCP-010";
    for (kind, message) in messages.clone() {
        assert_eq!(shop.code(&agent, "mcp_relay", says(&begun, kind, message)), call);
    }
    let mut on = Shop::wanted(LOOK_UP, order("A-1"));
    on["request_state"] = suspended["request_state"].clone();
    let resumed = shop.does(&agent, "mcp_begin_call", on);
    // The ticket from before is none any more.
    let mut old = resumed.clone();
    old["ticket"] = begun["ticket"].clone();
    for (kind, message) in messages.clone() {
        assert_eq!(shop.code(&agent, "mcp_relay", says(&old, kind, message.clone())), "E-MCP-020");
        relayed(&mut shop, &resumed, kind, message);
    }
    shop.finish(&resumed, "succeeded", said("done"));
    for (kind, message) in messages {
        let code = shop.code(&agent, "mcp_relay", says(&resumed, kind, message));
        assert!(code == call || code == "E-RUN-003", "{code}");
    }
}

#[test]
fn a_call_within_a_run_reports_and_asks_under_the_runs_lease() {
    let mut shop = asking();
    let worker = shop.worker.clone();
    let held = run(&mut shop);
    let begun = shop.does(&worker, "mcp_begin_call", within(&held, "find", LOOK_UP, order("A-1")));
    let says = |kind: &str, message: Value| json!({"call_id": begun["call_id"], "lease": held.lease, "ticket": begun["ticket"], "kind": kind, "message": message});
    assert_eq!(
        shop.does(&worker, "mcp_relay", says("progress", json!({"progress": 1})))["message"],
        json!({"progress": 1})
    );
    assert_eq!(shop.does(&worker, "mcp_relay", says("question", form("Size?")))["message"], form("Size?"));
    super::stage::reaped(&mut shop, &json!(held.run));
    for (kind, message) in [("progress", json!({"progress": 1})), ("question", form("Size?"))] {
        assert_eq!(shop.code(&worker, "mcp_relay", says(kind, message)), "E-RUN-003");
    }
}

#[test]
fn a_question_keeps_the_call_for_as_long_as_a_person_may_take() {
    let mut shop = asking();
    let begun = shop.begin(LOOK_UP, order("A-1"));
    let project = shop.office.project.clone();
    let held = format!(
        "select l.expires_at > clock_timestamp() + interval '30 minutes' from awooop.run_lease l
         where l.project_id = '{project}' and l.run_id = '{}'",
        text(&begun["run_id"])
    );
    assert_eq!(shop.office.sql(&held), "f");
    relayed(&mut shop, &begun, "question", form("Which size?"));
    assert_eq!(shop.office.sql(&held), "t");
}
