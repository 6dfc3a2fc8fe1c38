//! The platform's worker: it posts runs to agents behind HTTP, and brings what they answer to the database.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::stage::{Shop, TOKEN};
use crate::harness::answer::eventually;
use crate::harness::contracts::activate;
use crate::harness::quiet::{expire, text};
use crate::http::client::Caller;

fn says(words: &str) -> Option<(u16, Value)> {
    Some((200, json!({"output": {"answer": words}})))
}

/// One of these in turn, and from then on the last.
fn in_turn(answers: Vec<(u16, Value)>) -> impl Fn(&Value) -> Option<(u16, Value)> + Send + Sync + 'static {
    let turn = AtomicUsize::new(0);
    move |_| {
        let turn = turn.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        Some(answers[turn].clone())
    }
}

#[test]
fn an_agent_is_posted_its_run_and_what_it_answers_is_recorded_charged_and_kept() {
    let mut shop = Shop::new(|asked| {
        let step = json!({"step_key": "model", "kind": "llm", "result": {"said": "hi"}, "tokens": 12});
        let words = format!("You said {}", asked["input"]["text"].as_str().unwrap_or_default());
        Some((200, json!({"steps": [step], "output": {"answer": words}})))
    });
    let gateway = shop.worker(&[]);
    let run = shop.create("hello");
    let ended = shop.wait(&run, "completed");
    assert_eq!(ended["result"], json!({"answer": "You said hello"}));
    let (post, asked) = (shop.agent.posts()[0].clone(), shop.asked()[0].clone());
    assert_eq!((post.path.as_str(), post.header("authorization")), ("/agent", format!("Bearer {TOKEN}").as_str()));
    assert_eq!(post.header("traceparent"), text(&asked["envelope"]["trace_id"]));
    for (member, expected) in [
        ("run_id", json!(run)),
        ("agent_id", json!("agent")),
        ("attempt", json!(1)),
        ("mode", json!("active")),
        ("steps", json!([])),
        ("history", json!([])),
        ("answer", Value::Null),
        ("gateway", json!(format!("http://{}", gateway.address))),
    ] {
        assert_eq!(asked[member], expected, "{member}");
    }
    let project = shop.office.project.clone();
    let charged = format!(
        "select sum(spent_tokens) from awooop.budget_ledger where project_id = '{project}' and escrow_id = '{run}'"
    );
    assert_eq!(shop.office.sql(&charged), "12");
    // Once the run has ended its token opens nothing, and no log has seen it.
    let token = text(&asked["token"]);
    assert_eq!(Caller::new(&gateway, &token).call("get_run", json!({"run_id": run})).status, 401);
    let log = gateway.log();
    assert!(!log.contains(&token) && !log.contains(TOKEN) && !log.contains("You said"), "{log}");
}

#[test]
fn an_agent_works_in_its_run_with_the_token_and_in_no_other() {
    let mut shop = Shop::new(|asked| {
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).http_status_as_error(false).build().into();
        let (gateway, token) = (asked["gateway"].as_str().expect("a url"), asked["token"].as_str().expect("a token"));
        let get = |run: &str| {
            let path = format!("{gateway}/v1/platform/runs/{run}");
            agent
                .get(path)
                .header("authorization", format!("Bearer {token}"))
                .call()
                .expect("an answer")
                .status()
                .as_u16()
        };
        let own = get(asked["run_id"].as_str().expect("an id"));
        let other = get(asked["input"]["text"].as_str().expect("an id"));
        Some((200, json!({"output": {"answer": format!("{own} {other}")}})))
    });
    let other = shop.create("nothing");
    let maker = shop.maker.clone();
    shop.office.does(&maker, "cancel_run", json!({"run_id": other}));
    let _gateway = shop.worker(&[]);
    let run = shop.create(&other);
    assert_eq!(shop.wait(&run, "completed")["result"], json!({"answer": "200 409"}));
}

#[test]
fn an_output_that_is_refused_goes_back_to_the_agent_and_the_third_ends_the_run() {
    let mut shop = Shop::new(|asked| match asked["answer"]["refused"].is_null() {
        true => Some((200, json!({"output": {"reply": "not what the contract says"}}))),
        false => says("mended"),
    });
    let _gateway = shop.worker(&[]);
    let run = shop.create("hello");
    assert_eq!(shop.wait(&run, "completed")["result"], json!({"answer": "mended"}));
    let asked = shop.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[1]["answer"]["refused"].to_string().contains("answer"), "{}", asked[1]["answer"]);
    let mut shop = Shop::new(|_| Some((200, json!({"output": {"reply": 1}}))));
    let _gateway = shop.worker(&[]);
    let run = shop.create("hello");
    assert_eq!(shop.wait(&run, "failed")["error"]["code"], "E-SCHEMA-001");
    assert_eq!(shop.asked().len(), 3);
}

#[test]
fn a_models_raw_text_is_read_by_the_platform() {
    let answers = vec![(200, json!({"raw": "I am sorry"})), (200, json!({"raw": "```json\n{'answer': 'read',}\n```"}))];
    let mut shop = Shop::new(in_turn(answers));
    let _gateway = shop.worker(&[]);
    let run = shop.create("hello");
    assert_eq!(shop.wait(&run, "completed")["result"], json!({"answer": "read"}));
}

#[test]
fn an_agent_that_fails_is_asked_again_later_with_what_was_recorded_and_not_for_ever() {
    let step = json!({"steps": [{"step_key": "first", "result": 1}], "error": {"code": "no_model", "retryable": true}});
    let mut shop = Shop::new(in_turn(vec![(200, step), (503, json!({})), (200, json!({"output": {"answer": "now"}}))]));
    let _gateway = shop.worker(&[]);
    let run = shop.create("hello");
    assert_eq!(shop.wait(&run, "completed")["result"], json!({"answer": "now"}));
    let asked = shop.asked();
    let attempts: Vec<_> = asked.iter().map(|asked| asked["attempt"].as_u64().unwrap_or_default()).collect();
    assert_eq!(attempts, [1, 2, 3]);
    assert_eq!(asked[1]["steps"][0]["step_key"], "first", "{}", asked[1]["steps"]);
    for (answer, code) in [
        ((404, json!({})), "agent_refused"),
        ((200, json!({"error": {"code": "no_such_thing", "retryable": false}})), "no_such_thing"),
        ((200, json!({"wait": true})), "waits_for_nothing"),
    ] {
        let mut shop = Shop::new(in_turn(vec![answer]));
        let _gateway = shop.worker(&[]);
        let run = shop.create("hello");
        assert_eq!(shop.wait(&run, "failed")["error"]["code"], code);
        assert_eq!(shop.asked().len(), 1);
    }
    for (answer, code) in [(Some((200, json!("what"))), "unreadable"), (None, "broken_off")] {
        let mut shop = Shop::with(json!({"retry": {"max_attempts": 1}}), move |_| answer.clone());
        let _gateway = shop.worker(&[]);
        let run = shop.create("hello");
        assert_eq!(shop.wait(&run, "failed")["error"]["code"], code);
    }
}

#[test]
fn a_run_waits_for_people_and_goes_on_when_they_have_agreed() {
    let mut shop = Shop::new(|asked| match asked["answer"]["decision"].as_str() {
        Some("approved") => says("done"),
        _ => {
            Some((200, json!({"wait": {"step_key": "refund", "tool": "refund__shop", "arguments": {"order": "A-1"}}})))
        }
    });
    let project = shop.office.project.clone();
    activate(&mut shop.office.admin, &project, &crate::approvals::stage::tool("refund__shop", "reversible", "medium"));
    let mut contract = crate::harness::contracts::agent_contract("agent");
    contract["run_contract"] = "answer".into();
    contract["tools"] = json!({"refund__shop": {"access": "write"}});
    contract["endpoint"] = json!({"url": format!("{}/agent", shop.agent.url), "timeout_seconds": 5});
    activate(&mut shop.office.admin, &project, &contract);
    activate(&mut shop.office.admin, &project, &crate::approvals::stage::policy());
    let _gateway = shop.worker(&[]);
    let run = shop.create("hello");
    shop.wait(&run, "waiting_approval");
    let decider = shop.office.key("lea", "approvals:decide,approvals:read");
    shop.office.admin.within(&project, "select awooop.grant_principal_role('lea', 'lead')");
    let waiting = shop.office.does(&decider, "list_approvals", json!({"run_id": run}))["items"][0].clone();
    shop.office.does(&decider, "issue_approval", json!({"approval_id": waiting["approval_id"]}));
    assert_eq!(shop.wait(&run, "completed")["result"], json!({"answer": "done"}));
}

#[test]
fn what_no_document_can_hold_is_refused_at_once() {
    for (answer, state, code) in [
        (json!({"output": {"answer": "a\u{0}b"}}), "failed", "output_refused"),
        (
            json!({"steps": [{"step_key": "s", "result": "a\u{0}b"}], "output": {"answer": "b"}}),
            "failed",
            "step_refused",
        ),
    ] {
        let mut shop = Shop::new(move |_| Some((200, answer.clone())));
        let _gateway = shop.worker(&[]);
        let run = shop.create("hello");
        let begun = Instant::now();
        let ended = shop.wait(&run, state);
        assert_eq!(ended["error"]["code"], code, "{ended}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
}

#[test]
fn as_many_runs_as_were_allowed_are_executed_at_once_and_one_project_leaves_a_place_for_others() {
    static AT_ONCE: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let mut shop = Shop::new(|_| {
        MOST.fetch_max(AT_ONCE.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(150));
        AT_ONCE.fetch_sub(1, Ordering::SeqCst);
        says("done")
    });
    let runs: Vec<String> = (0..9).map(|n| shop.create(&n.to_string())).collect();
    // Who is done wakes the worker, which asks by itself only after half a minute.
    let _gateway = shop.worker(&[("MAX_RUNS", "4"), ("POLL_MS", "30000")]);
    for run in runs {
        shop.wait(&run, "completed");
    }
    assert_eq!(MOST.load(Ordering::SeqCst), 3);
}

#[test]
fn a_project_whose_agents_take_long_does_not_keep_the_worker_from_others() {
    let mut slow = Shop::new(|_| {
        std::thread::sleep(Duration::from_secs(4));
        says("at last")
    });
    let runs: Vec<String> = (0..8).map(|n| slow.create(&n.to_string())).collect();
    let _gateway = slow.worker(&[("MAX_RUNS", "4")]);
    eventually("three posts", || slow.asked().len() == 3);
    let mut other = Shop::beside(&mut slow, |_| says("at once"));
    for n in 0..3 {
        let run = other.create(&n.to_string());
        assert_eq!(other.wait(&run, "completed")["result"], json!({"answer": "at once"}));
    }
    assert_eq!(slow.asked().len(), 3);
    assert!(runs.iter().all(|run| slow.run(run)["state"] != "completed"));
}

#[test]
fn a_lease_is_kept_while_the_agent_thinks_and_what_comes_after_it_is_lost_changes_nothing() {
    let mut shop = Shop::with(json!({"lease_seconds": 5}), |asked| {
        let first = asked["attempt"] == 1;
        std::thread::sleep(Duration::from_millis(if first { 4500 } else { 0 }));
        says(if first { "too late" } else { "in time" })
    });
    let _gateway = shop.worker(&[]);
    let run = shop.create("hello");
    shop.wait(&run, "running");
    let renewed = format!(
        "select exists (select from awooop.run_lease where run_id = '{run}' and expires_at > granted_at + interval '5.5 seconds')"
    );
    eventually("a heartbeat", || shop.office.sql(&renewed) == "t");
    // Somebody else takes the run away: its lease is over.
    expire(&mut shop.office.admin, &run);
    shop.office.sql("select awooop.maintain()::text");
    assert_eq!(shop.wait(&run, "completed")["result"], json!({"answer": "in time"}));
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(shop.run(&run)["result"], json!({"answer": "in time"}));
}

#[test]
fn told_to_stop_it_claims_no_more_and_ends_what_it_has() {
    let mut shop = Shop::new(|_| {
        std::thread::sleep(Duration::from_millis(1200));
        says("done")
    });
    let gateway = shop.worker(&[("MAX_RUNS", "1")]);
    let (first, second) = (shop.create("one"), shop.create("two"));
    eventually("the first post", || !shop.asked().is_empty());
    gateway.signal("TERM");
    let begun = Instant::now();
    eventually("the end", || gateway.ended().is_some());
    assert!(gateway.ended().is_some_and(|status| status.success()), "{}", gateway.log());
    assert!(begun.elapsed() < Duration::from_secs(10));
    let states: Vec<String> = [&first, &second].map(|run| text(&shop.run(run)["state"])).to_vec();
    assert!(states.contains(&"completed".to_owned()) && states.contains(&"pending".to_owned()), "{states:?}");
}

#[test]
fn told_twice_to_stop_it_leaves_what_it_has_to_others() {
    let mut shop = Shop::new(|_| {
        std::thread::sleep(Duration::from_secs(8));
        says("done")
    });
    let gateway = shop.worker(&[]);
    let run = shop.create("one");
    eventually("the post", || !shop.asked().is_empty());
    gateway.signal("TERM");
    eventually("the drain", || gateway.log().contains("the worker takes no more runs"));
    let begun = Instant::now();
    gateway.signal("TERM");
    eventually("the end", || gateway.ended().is_some());
    assert!(begun.elapsed() < Duration::from_secs(5), "{}", gateway.log());
    assert!(gateway.log().contains("stopped in the middle of work"), "{}", gateway.log());
    assert_eq!(shop.run(&run)["state"], "running");
}

#[test]
fn runs_of_agents_without_an_endpoint_are_left_to_others() {
    let mut shop = Shop::new(|_| says("done"));
    let project = shop.office.project.clone();
    crate::harness::contracts::add_agent(&mut shop.office.admin, &project, "elsewhere");
    let maker = shop.maker.clone();
    let envelope = json!({"agent_id": "elsewhere", "channel_type": "telegram", "channel_user_id": "7"});
    let envelope = shop.office.does(&maker, "build_envelope", envelope);
    let left = text(&shop.office.does(&maker, "create_run", json!({"envelope": envelope}))["run_id"]);
    let _gateway = shop.worker(&[]);
    let run = shop.create("hello");
    shop.wait(&run, "completed");
    assert_eq!(shop.run(&left)["state"], "pending");
}
