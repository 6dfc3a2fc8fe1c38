//! Calls: begun, in a run of their own or in somebody's, ended once, and sent again only where that does no harm.

use serde_json::{Value, json};

use super::stage::{LOOK_UP, NOTE, REFUND, Shop, claim, contract, ended, order, reaped, run, said, within};
use crate::harness::quiet::text;

#[test]
fn a_call_outside_of_a_run_makes_one_that_nobody_claims_and_ends_with_it() {
    let mut shop = Shop::new();
    let (agent, worker) = (shop.agent.clone(), shop.worker.clone());
    let begun = shop.begin(LOOK_UP, order("A-1"));
    assert_eq!(
        (&begun["upstream"]["address"], &begun["upstream"]["tool"], &begun["upstream"]["timeout_seconds"]),
        (&json!("https://shop.example/mcp"), &json!("look_up"), &json!(30))
    );
    let run = shop.run(&begun["run_id"]);
    assert_eq!(
        (&run["state"], &run["input"], &run["agent_id"], &run["envelope"]["channel_type"]),
        (&json!("running"), &json!({"tool": LOOK_UP, "arguments": order("A-1")}), &json!("agent"), &json!("mcp"))
    );
    let nothing = shop.does(&worker, "claim_runs", json!({"worker_id": "w", "max_runs": 5}));
    assert_eq!(nothing["runs"], json!([]));
    let finished = shop.finish(&begun, "succeeded", said("sent"));
    assert_eq!((&finished["outcome"], &finished["result"]), (&json!("succeeded"), &said("sent")));
    let run = shop.run(&begun["run_id"]);
    assert_eq!((&run["state"], &run["result"]), (&json!("completed"), &said("sent")));
    let call = shop.does(&agent, "mcp_list_calls", json!({}))["items"][0].clone();
    assert_eq!(
        (&call["state"], &call["outcome"], &call["tool"]),
        (&json!("finished"), &json!("succeeded"), &json!(LOOK_UP))
    );
    assert!(call["based_on"]["tool_revision_id"].is_string());
    let actions: Vec<String> = ["tool_call_begun", "tool_call_finished"]
        .iter()
        .map(|action| text(&shop.audited(action)[0]["facts"]["call_id"]))
        .collect();
    assert_eq!(actions, [text(&begun["call_id"]), text(&begun["call_id"])]);
}

#[test]
fn an_end_is_said_once_and_whoever_asks_again_gets_the_same() {
    let mut shop = Shop::new();
    let agent = shop.agent.clone();
    let begun = shop.begin(LOOK_UP, order("A-1"));
    let first = shop.finish(&begun, "succeeded", said("sent"));
    let again = shop.finish(&begun, "succeeded", said("something else"));
    assert_eq!(again["result"], first["result"]);
    assert_eq!(shop.code(&agent, "mcp_finish_call", Shop::ended(&begun, "not_sent", Value::Null)), "E-MCP-010");
    // Nobody else ends it, nor with another lease.
    let other = shop.begin(LOOK_UP, order("A-2"));
    let mut forged = Shop::ended(&other, "succeeded", said("x"));
    forged["lease"] = begun["lease"].clone();
    assert_eq!(shop.code(&agent, "mcp_finish_call", forged), "E-RUN-003");
    let stranger = shop.office.key("stranger", super::stage::CALLS);
    assert_eq!(shop.code(&stranger, "mcp_finish_call", Shop::ended(&begun, "succeeded", said("x"))), "E-RUN-003");
}

#[test]
fn only_whoever_was_told_to_make_a_call_says_how_it_ended() {
    let mut shop = Shop::new();
    let agent = shop.agent.clone();
    let mut wanted = Shop::wanted(LOOK_UP, order("A-1"));
    wanted["call_key"] = "k".into();
    let first = shop.does(&agent, "mcp_begin_call", wanted.clone());
    let second = shop.does(&agent, "mcp_begin_call", wanted.clone());
    assert_eq!(first["call_id"], second["call_id"]);
    assert!(text(&second["ticket"]).starts_with("awt_") && first["ticket"] != second["ticket"]);
    // Who was told so before somebody else was, who guesses, and who was told of another call.
    let other = shop.begin(LOOK_UP, order("A-2"));
    for ticket in [first["ticket"].clone(), json!("awt_x"), other["ticket"].clone()] {
        let mut end = Shop::ended(&second, "succeeded", said("forged"));
        end["ticket"] = ticket;
        assert_eq!(shop.code(&agent, "mcp_finish_call", end.clone()), "E-MCP-020");
        end.as_object_mut().unwrap().retain(|name, _| ["call_id", "lease", "ticket"].contains(&name.as_str()));
        assert_eq!(shop.code(&agent, "mcp_suspend_call", end), "E-MCP-020");
    }
    shop.finish(&second, "succeeded", said("found"));
    // Nor is how it ended told again to anybody else.
    let mut end = Shop::ended(&second, "succeeded", said("x"));
    end["ticket"] = first["ticket"].clone();
    assert_eq!(shop.code(&agent, "mcp_finish_call", end), "E-MCP-020");
    // It is kept as a digest alone.
    let project = shop.office.project.clone();
    let secret = text(&second["ticket"]);
    let found = shop.office.sql(&format!(
        "select count(*) from awooop.mcp_call c, awooop.audit_log a
         where c.project_id = '{project}' and a.project_id = c.project_id
           and (c::text like '%{secret}%' or a::text like '%{secret}%')"
    ));
    assert_eq!(found, "0");
}

#[test]
fn the_run_of_a_call_is_for_no_other_call() {
    let mut shop = Shop::new();
    let (agent, worker) = (shop.agent.clone(), shop.worker.clone());
    let begun = shop.begin(LOOK_UP, order("A-1"));
    let inside =
        json!({"tool": LOOK_UP, "arguments": order("A-2"), "run_id": begun["run_id"], "lease": begun["lease"]});
    for key in [&agent, &worker] {
        assert_eq!(shop.code(key, "mcp_begin_call", inside.clone()), "E-INPUT-001");
    }
    // Nor for a worker's work: it has what the call came to, and nothing else.
    let (run, lease) = (begun["run_id"].clone(), begun["lease"].clone());
    for (operation, arguments) in [
        ("complete_run", json!({"result": {"forged": true}})),
        ("fail_run", json!({"error_code": "x"})),
        ("record_step", json!({"step_key": "a", "kind": "tool"})),
        ("request_approval", json!({"step_key": "call", "tool": REFUND, "arguments": order("A-1")})),
    ] {
        let mut arguments = arguments;
        (arguments["run_id"], arguments["lease"]) = (run.clone(), lease.clone());
        assert_eq!(shop.code(&worker, operation, arguments), "E-INPUT-001", "{operation}");
    }
    shop.finish(&begun, "succeeded", said("found"));
    assert_eq!(shop.run(&run)["result"], said("found"));
}

#[test]
fn a_call_whose_gateway_died_is_unknown_and_its_run_ends_without_another_attempt() {
    let mut shop = Shop::new();
    let (agent, project) = (shop.agent.clone(), shop.office.project.clone());
    let begun = shop.begin(NOTE, order("A-1"));
    shop.office.sql(&format!(
        "update awooop.run_lease set expires_at = clock_timestamp() - interval '1 second'
         where project_id = '{project}' and run_id = '{}' returning epoch",
        text(&begun["run_id"])
    ));
    let state = |shop: &mut Shop| shop.does(&agent, "mcp_list_calls", json!({}))["items"][0]["state"].clone();
    assert_eq!(state(&mut shop), "unknown");
    shop.office.sql("select awooop.reap_stale_runs()");
    assert_eq!(shop.state(&begun["run_id"]), "timed_out");
    assert_eq!(state(&mut shop), "unknown");
    assert_eq!(shop.code(&agent, "mcp_finish_call", Shop::ended(&begun, "succeeded", said("x"))), "E-RUN-003");
}

#[test]
fn the_same_call_key_is_the_same_call() {
    let mut shop = Shop::new();
    let agent = shop.agent.clone();
    let mut wanted = Shop::wanted(LOOK_UP, order("A-1"));
    wanted["call_key"] = "k-1".into();
    let first = shop.does(&agent, "mcp_begin_call", wanted.clone());
    // It only reads, so it may be sent again.
    let again = shop.does(&agent, "mcp_begin_call", wanted.clone());
    assert_eq!((&again["verdict"], &again["call_id"]), (&json!("allowed"), &first["call_id"]));
    shop.finish(&again, "succeeded", said("found"));
    let replayed = shop.does(&agent, "mcp_begin_call", wanted.clone());
    assert_eq!((&replayed["verdict"], &replayed["result"]), (&json!("replayed"), &said("found")));
    wanted["arguments"] = order("A-2");
    assert_eq!(shop.code(&agent, "mcp_begin_call", wanted), "E-MCP-012");
    // What changes something is not sent twice.
    let mut note = Shop::wanted(NOTE, order("A-1"));
    note["call_key"] = "k-2".into();
    let begun = shop.does(&agent, "mcp_begin_call", note.clone());
    assert_eq!(shop.does(&agent, "mcp_begin_call", note.clone())["verdict"], "unknown");
    // Nor is it once its caller was gone for too long.
    reaped(&mut shop, &begun["run_id"]);
    assert_eq!(shop.state(&begun["run_id"]), "timed_out");
    assert_eq!(shop.does(&agent, "mcp_begin_call", note)["verdict"], "unknown");
    // A key is its caller's own.
    let other = shop.office.key("other", super::stage::CALLS);
    let mut theirs = Shop::wanted(LOOK_UP, order("A-9"));
    theirs["call_key"] = "k-1".into();
    assert_eq!(shop.does(&other, "mcp_begin_call", theirs)["verdict"], "allowed");
}

#[test]
fn within_a_run_a_call_is_a_step_of_its_journal_and_later_attempts_get_its_result() {
    let mut shop = Shop::new();
    let worker = shop.worker.clone();
    let first = run(&mut shop);
    let begun = shop.does(&worker, "mcp_begin_call", within(&first, "find", LOOK_UP, order("A-1")));
    assert_eq!((&begun["verdict"], &begun["lease"]), (&json!("allowed"), &Value::Null));
    shop.does(&worker, "mcp_finish_call", ended(&begun, &first, "succeeded", said("found")));
    let note = shop.does(&worker, "mcp_begin_call", within(&first, "note", NOTE, order("A-1")));
    assert_eq!(note["verdict"], "allowed");
    // Another attempt comes to the same steps.
    reaped(&mut shop, &json!(first.run));
    let second = claim(&mut shop);
    assert_eq!(second.run, first.run);
    let replayed = shop.does(&worker, "mcp_begin_call", within(&second, "find", LOOK_UP, order("A-1")));
    assert_eq!((&replayed["verdict"], &replayed["result"]), (&json!("replayed"), &said("found")));
    // Whether the note was written nobody knows, and it is not written again.
    assert_eq!(shop.does(&worker, "mcp_begin_call", within(&second, "note", NOTE, order("A-1")))["verdict"], "unknown");
    assert_eq!(shop.code(&worker, "mcp_begin_call", within(&second, "find", LOOK_UP, order("A-2"))), "E-MCP-012");
    let steps = shop.does(&worker, "list_steps", json!({"run_id": first.run}))["items"].clone();
    let seen: Vec<(String, String)> =
        steps.as_array().unwrap().iter().map(|s| (text(&s["step_key"]), text(&s["phase"]))).collect();
    assert_eq!(
        seen,
        [("find", "started"), ("find", "completed"), ("note", "started")]
            .map(|(step, phase)| (format!("awooop:call/{step}"), phase.to_owned()))
    );
    // The one that lost the lease begins nothing and ends nothing.
    assert_eq!(shop.code(&worker, "mcp_begin_call", within(&first, "more", LOOK_UP, order("A-1"))), "E-RUN-003");
    assert_eq!(shop.code(&worker, "mcp_finish_call", ended(&note, &first, "succeeded", said("x"))), "E-RUN-003");
    shop.does(&worker, "mcp_finish_call", ended(&note, &second, "failed", Value::Null));
}

#[test]
fn what_a_worker_records_is_no_call_and_takes_no_calls_place() {
    let mut shop = Shop::new();
    let worker = shop.worker.clone();
    let held = run(&mut shop);
    let step = |key: &str| json!({"run_id": held.run, "lease": held.lease, "step_key": key, "kind": "tool", "result": {"forged": true}});
    shop.does(&worker, "record_step", step("mine"));
    let begun = shop.does(&worker, "mcp_begin_call", within(&held, "mine", LOOK_UP, order("A-1")));
    assert_eq!((&begun["verdict"], &begun["step_key"]), (&json!("allowed"), &json!("mine")));
    assert_eq!(shop.code(&worker, "record_step", step("awooop:call/mine")), "E-INPUT-001");
    shop.does(&worker, "mcp_finish_call", ended(&begun, &held, "succeeded", said("found")));
    let replayed = shop.does(&worker, "mcp_begin_call", within(&held, "mine", LOOK_UP, order("A-1")));
    assert_eq!((&replayed["verdict"], &replayed["result"]), (&json!("replayed"), &said("found")));
    // One that nobody names has a name all the same.
    let mut unnamed = within(&held, "", LOOK_UP, order("A-1"));
    unnamed["step_key"] = Value::Null;
    let begun = shop.does(&worker, "mcp_begin_call", unnamed);
    let again = within(&held, &text(&begun["step_key"]), LOOK_UP, order("A-1"));
    assert_eq!(shop.does(&worker, "mcp_begin_call", again)["call_id"], begun["call_id"]);
}

#[test]
fn a_run_that_may_record_no_more_steps_makes_no_call() {
    let mut shop = Shop::new();
    let mut short = crate::contracts::stage::run_contract("short");
    (short["max_steps"], short["input_schema"]) = (json!(2), json!({}));
    shop.activate(&short);
    let mut bound = super::stage::agent();
    bound["run_contract"] = "short".into();
    shop.activate(&bound);
    let worker = shop.worker.clone();
    let held = run(&mut shop);
    // What was begun when there was room is ended, and its result kept, however many steps there are by then.
    let begin =
        |shop: &mut Shop, key: &str| shop.does(&worker, "mcp_begin_call", within(&held, key, LOOK_UP, order("A-1")));
    let (one, two) = (begin(&mut shop, "1"), begin(&mut shop, "2"));
    for begun in [&one, &two] {
        let finished = shop.does(&worker, "mcp_finish_call", ended(begun, &held, "succeeded", said("found")));
        assert_eq!(finished["outcome"], "succeeded");
    }
    let code = shop.code(&worker, "mcp_begin_call", within(&held, "b", LOOK_UP, order("A-1")));
    assert_eq!(code, "E-RUN-011");
    assert_eq!(shop.state(&json!(held.run)), "failed");
}

#[test]
fn a_run_has_no_more_calls_than_its_agents_contract_allows() {
    let mut narrow = super::stage::agent();
    narrow["limits"] = json!({"max_tool_calls": 4, "max_parallel_tool_calls": 2});
    narrow["tools"][LOOK_UP]["max_calls_per_run"] = 2.into();
    let mut shop = Shop::new();
    shop.activate(&narrow);
    let worker = shop.worker.clone();
    let held = run(&mut shop);
    let begin = |shop: &mut Shop, key: &str, tool: &str| {
        shop.ask(&worker, "mcp_begin_call", within(&held, key, tool, order("A-1"))).expect("an answer").body
    };
    let (one, two) = (begin(&mut shop, "1", LOOK_UP), begin(&mut shop, "2", LOOK_UP));
    assert_eq!(begin(&mut shop, "3", LOOK_UP)["reason"], "max_calls_per_run");
    assert_eq!(begin(&mut shop, "3", NOTE)["reason"], "max_parallel_tool_calls");
    for begun in [&one, &two] {
        shop.does(&worker, "mcp_finish_call", ended(begun, &held, "succeeded", said("found")));
    }
    let three = begin(&mut shop, "3", NOTE);
    shop.does(&worker, "mcp_finish_call", ended(&three, &held, "succeeded", said("found")));
    let four = begin(&mut shop, "4", NOTE);
    shop.does(&worker, "mcp_finish_call", ended(&four, &held, "succeeded", said("found")));
    let five = begin(&mut shop, "5", NOTE);
    assert_eq!((&five["code"], &five["reason"]), (&json!("E-MCP-GATE-007"), &json!("max_tool_calls")));
}

#[test]
fn a_call_is_for_whoever_the_envelope_names_and_other_projects_envelopes_are_refused() {
    let mut shop = Shop::new();
    let (agent, worker) = (shop.agent.clone(), shop.worker.clone());
    let person = json!({"agent_id": "agent", "channel_type": "telegram", "channel_user_id": "7"});
    let envelope = shop.does(&worker, "build_envelope", person);
    let wanted = json!({"tool": LOOK_UP, "arguments": order("A-1"), "envelope": envelope});
    let begun = shop.does(&agent, "mcp_begin_call", wanted.clone());
    let run = shop.run(&begun["run_id"]);
    assert_eq!(run["platform_subject_id"], envelope["platform_subject_id"]);
    assert_eq!(run["trace_id"], envelope["trace_id"]);
    let mut foreign = wanted.clone();
    foreign["envelope"]["project_id"] = "other".into();
    foreign["envelope"]["platform_subject_id"] = "other:telegram:7".into();
    assert_eq!(shop.code(&agent, "mcp_begin_call", foreign), "E-TENANT-007");
    let mut unseen = wanted;
    unseen["envelope"]["channel_user_id"] = "8".into();
    unseen["envelope"]["platform_subject_id"] = format!("{}:telegram:8", shop.office.project).into();
    assert_eq!(shop.code(&agent, "mcp_begin_call", unseen), "E-RUN-009");
}

#[test]
fn bad_input_is_a_fault_that_names_the_argument_and_changes_nothing() {
    let mut shop = Shop::new();
    let agent = shop.agent.clone();
    let begun = shop.begin(LOOK_UP, order("A-1"));
    for (wanted, code) in [
        (json!({"agent_id": "agent"}), "E-INPUT-008"),
        (Shop::wanted(LOOK_UP, json!([1])), "E-INPUT-001"),
        (json!({"tool": LOOK_UP, "agent_id": "agent", "lease": begun["lease"]}), "E-INPUT-001"),
        (json!({"tool": LOOK_UP, "agent_id": "agent", "run_id": begun["run_id"]}), "E-INPUT-008"),
        (json!({"tool": LOOK_UP, "agent_id": "agent", "request_state": "x"}), "E-MCP-011"),
        (json!({"tool": "a b", "agent_id": "agent"}), "E-INPUT-001"),
        (json!({"tool": LOOK_UP, "run_id": begun["run_id"], "lease": begun["lease"], "envelope": {}}), "E-INPUT-001"),
    ] {
        assert_eq!(shop.code(&agent, "mcp_begin_call", wanted.clone()), code, "{wanted}");
    }
    let mut unknown = Shop::ended(&begun, "succeeded", said("x"));
    unknown["call_id"] = "00000000-0000-7000-8000-000000000000".into();
    assert_eq!(shop.code(&agent, "mcp_finish_call", unknown), "E-MCP-009");
    assert_eq!(shop.code(&agent, "mcp_finish_call", Shop::ended(&begun, "perhaps", said("x"))), "E-INPUT-001");
    assert_eq!(contract(LOOK_UP)["risk"], "low");
}
