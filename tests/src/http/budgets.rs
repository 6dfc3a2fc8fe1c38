//! Budgets over HTTP: what a day costs, from the price to the proof of the books; refusals as problem documents with their
//! facts; and keys that make a repeat the first.

use serde_json::{Value, json};

use super::client::{Caller, Reply};
use super::scene::{Scene, books, claimed_run, envelope, key, message};
use crate::harness::quiet::{EVERY_SCOPE, text};
use crate::harness::{Project, at_once};

fn limit(caller: &Caller, hard_tokens: i64) {
    let limit = json!({"level": "project", "period": "day", "hard_tokens": hard_tokens});
    caller.call("set_budget", limit).expect(200);
}

fn reserve(caller: &Caller, tokens: i64) -> Reply {
    caller.call("reserve_budget", json!({"envelope": envelope(caller), "tokens": tokens}))
}

/// The project's limit of the day, as budget_status shows it: spent, reserved, overrun, left.
#[track_caller]
fn today(caller: &Caller, unit: &str) -> [i64; 4] {
    let status = caller.call("budget_status", json!({"level": "project"})).expect(200);
    let limit = &status["limits"][0];
    assert_eq!((&limit["level"], &limit["period"]), (&json!("project"), &json!("day")), "{status}");
    ["spent", "reserved", "overrun", "left"].map(|part| limit[unit][part].as_i64().unwrap_or(-1))
}

#[track_caller]
fn the_books_agree(caller: &Caller) {
    let checked = caller.call("budget_check", json!({})).expect(200);
    assert_eq!((&checked["ok"], &checked["differences"]), (&json!(true), &json!([])), "{checked}");
}

#[test]
fn a_day_from_the_price_to_the_proof() {
    let scene = Scene::new();
    let [admin, spender, reader] =
        ["budgets:write", "budgets:spend,envelope:write", "budgets:read"].map(|scopes| scene.caller_with(scopes));
    let price = json!({"model": "m", "input_micro_usd": 3_000_000, "output_micro_usd": 15_000_000});
    let price = admin.call("set_price", price).expect(201);
    assert_eq!(price["cached_micro_usd"], 3_000_000, "where it is not said, as other tokens that are read");
    assert_eq!(reader.call("list_prices", json!({})).expect(200)["items"], json!([price]));
    let dollars = json!({"level": "project", "period": "day", "hard_micro_usd": 10_000, "soft_percent": 80});
    admin.call("set_budget", dollars).expect(200);

    let call = json!({"envelope": envelope(&spender), "model": "m", "input_tokens": 1000, "output_tokens": 400});
    let held = spender.call("reserve_budget", call.clone()).expect(201);
    assert_eq!((&held["tokens"], &held["micro_usd"], &held["created"]), (&json!(1400), &json!(9000), &json!(true)));
    let refused = spender.call("reserve_budget", call);
    assert_eq!(refused.problem(), (402, "E-BUDGET-001".into()));
    assert_eq!(refused.json()["left"], json!({"tokens": null, "micro_usd": 1000}));
    let used =
        json!({"reservation_id": held["reservation_id"], "model": "m", "input_tokens": 1000, "output_tokens": 100});
    let settled = spender.call("settle_budget", used.clone()).expect(200);
    assert_eq!((&settled["outcome"], &settled["micro_usd"]), (&json!("settled"), &json!(4500)));
    // Sent again, it is the same settlement.
    assert_eq!(spender.call("settle_budget", used).expect(200), settled);
    assert_eq!(today(&reader, "micro_usd"), [4500, 0, 0, 5500]);

    let id = &held["reservation_id"];
    let ledger = reader.call("list_ledger", json!({"escrow_id": id, "page_size": 2})).expect(200);
    let next = reader.call("list_ledger", json!({"escrow_id": id, "after_seq": 2})).expect(200);
    let entries: Vec<&Value> =
        [&ledger, &next].into_iter().flat_map(|page| page["items"].as_array().expect("entries")).collect();
    let acts: Vec<&Value> = entries.iter().map(|entry| &entry["entry"]).collect();
    assert_eq!(
        (acts, &ledger["next_cursor"]),
        (vec![&json!("reserve"), &json!("settle"), &json!("release")], &json!("2"))
    );
    let seen = (&entries[1]["model"], &entries[1]["spent"]["micro_usd"], &entries[1]["price_from"]);
    assert_eq!(seen, (&json!("m"), &json!(4500), &price["valid_from"]));
    the_books_agree(&reader);
    // Each does its own and nothing else.
    for (caller, operation, arguments) in [
        (&reader, "reserve_budget", json!({"envelope": {}, "tokens": 1})),
        (&spender, "set_budget", json!({"level": "project", "period": "day", "hard_micro_usd": 1_000_000})),
        (&admin, "budget_status", json!({})),
    ] {
        assert_eq!(caller.call(operation, arguments).problem(), (403, "E-AUTH-003".into()), "{operation}");
    }
}

#[test]
fn a_refusal_says_which_limit_and_what_is_left() {
    let scene = Scene::new();
    limit(&scene.caller, 100);
    reserve(&scene.caller, 70).expect(201);
    let before = scene.books();
    let refused = reserve(&scene.caller, 31);
    assert_eq!(refused.problem(), (402, "E-BUDGET-001".into()));
    let problem = refused.json();
    assert_eq!(problem["left"], json!({"tokens": 30, "micro_usd": null}));
    for (fact, value) in [("level", "project"), ("target", ""), ("period", "day"), ("unit", "tokens")] {
        assert_eq!(problem[fact], value, "{problem}");
    }
    assert!(problem["resets_at"].as_str().is_some_and(|time| time.ends_with("00:00.000000Z")), "{problem}");
    let of_budgets =
        |books: Vec<String>| books.into_iter().filter(|row| row.starts_with("budget_")).collect::<Vec<_>>();
    assert_eq!(of_budgets(scene.books()), of_budgets(before), "a refusal takes nothing");

    // A run that asks for more than is left is not created; one that asks for what is there, is.
    let create = |tokens: i64| json!({"envelope": envelope(&scene.caller), "reserve_tokens": tokens});
    assert_eq!(scene.caller.call("create_run", create(31)).problem(), (402, "E-BUDGET-001".into()));
    scene.caller.call("create_run", create(30)).expect(201);
    let nothing_left = scene.caller.call("create_run", json!({"envelope": envelope(&scene.caller)}));
    assert_eq!(nothing_left.problem(), (402, "E-BUDGET-001".into()));
    assert_eq!(today(&scene.caller, "tokens"), [0, 100, 0, 0]);

    let switch =
        |state: &str| json!({"level": "agent", "target": "agent", "state": state, "reason": "a look at the bill"});
    for (state, code) in [("paused", "E-BUDGET-002"), ("killed", "E-BUDGET-003")] {
        scene.caller.call("switch_budget", switch(state)).expect(200);
        let refused = reserve(&scene.caller, 1);
        assert_eq!(refused.problem(), (409, code.into()));
        assert_eq!((&refused.json()["level"], &refused.json()["target"]), (&json!("agent"), &json!("agent")));
    }
    scene.caller.call("switch_budget", switch("active")).expect(200);
    the_books_agree(&scene.caller);
}

#[test]
fn the_charge_that_crosses_the_limit_is_a_402_and_ends_the_run() {
    let scene = Scene::new();
    limit(&scene.caller, 100);
    let (run, lease) = claimed_run(&scene.caller);
    let charge =
        |tokens: i64| scene.caller.call("settle_budget", json!({"run_id": run, "lease": lease, "tokens": tokens}));
    assert_eq!(charge(90).expect(200)["outcome"], "charged");
    let crossed = charge(25);
    assert_eq!(crossed.problem(), (402, "E-BUDGET-004".into()));
    assert_eq!(
        (&crossed.json()["used"], &crossed.json()["overrun"]),
        (&json!({"tokens": 25, "micro_usd": 0}), &json!({"tokens": 15, "micro_usd": 0}))
    );
    let shown = scene.caller.call("get_run", json!({"run_id": run})).expect(200);
    assert_eq!((&shown["state"], &shown["error"]["code"]), (&json!("failed"), &json!("E-BUDGET-004")));
    assert_eq!(charge(1).problem(), (409, "E-RUN-003".into()));
    assert_eq!(today(&scene.caller, "tokens"), [100, 0, 15, 0]);
    let status = scene.caller.call("budget_status", json!({})).expect(200);
    assert_eq!(
        (&status["stopped_runs"][0]["run_id"], &status["stopped_runs"][0]["overrun"]["tokens"]),
        (&json!(run), &json!(15))
    );
    the_books_agree(&scene.caller);
}

#[test]
fn every_other_problem_has_its_status() {
    let scene = Scene::new();
    let caller = &scene.caller;
    let held = text(&reserve(caller, 10).expect(201)["reservation_id"]);
    let absent = "018f0000-0000-7000-8000-000000000000";
    caller.call("release_budget", json!({"reservation_id": held})).expect(200);
    assert_eq!(caller.call("release_budget", json!({"reservation_id": held})).expect(200)["outcome"], "released");
    let (run, lease) = claimed_run(caller);
    let charge = json!({"run_id": run, "lease": lease, "tokens": 1});
    caller.call("settle_budget", charge).expect(200);
    caller.call("set_budget", json!({"level": "project", "period": "month", "hard_micro_usd": 1000})).expect(200);
    let (tokens, envelope) = (json!(1), envelope(caller));
    for (operation, arguments, status, code) in [
        ("settle_budget", json!({"reservation_id": held, "tokens": 1}), 409, "E-BUDGET-006"),
        ("settle_budget", json!({"reservation_id": absent, "tokens": 1}), 404, "E-BUDGET-005"),
        ("release_budget", json!({"reservation_id": absent}), 404, "E-BUDGET-005"),
        ("adjust_budget", json!({"escrow_id": absent, "reason": "x", "tokens": 1}), 404, "E-BUDGET-005"),
        ("adjust_budget", json!({"escrow_id": run, "reason": "x", "tokens": 1}), 409, "E-BUDGET-012"),
        ("adjust_budget", json!({"escrow_id": held, "reason": "x", "tokens": -1}), 400, "E-BUDGET-011"),
        ("reserve_budget", json!({"envelope": envelope}), 400, "E-BUDGET-011"),
        ("reserve_budget", json!({"envelope": envelope, "tokens": tokens}), 422, "E-BUDGET-007"),
        ("reserve_budget", json!({"envelope": envelope, "tokens": -1}), 400, "E-INPUT-001"),
        ("reserve_budget", json!({"envelope": envelope, "tokens": 1.5}), 400, "E-INPUT-001"),
        ("reserve_budget", json!({"envelope": envelope, "tokens": "1"}), 400, "E-INPUT-001"),
        ("reserve_budget", json!({"tokens": 1}), 400, "E-INPUT-008"),
        ("settle_budget", json!({"tokens": 1}), 400, "E-INPUT-008"),
        ("set_budget", json!({"level": "subject", "target": "*", "period": "day"}), 404, "E-BUDGET-010"),
        ("set_budget", json!({"level": "agent", "period": "day", "hard_tokens": 1}), 400, "E-INPUT-001"),
        ("set_budget", json!({"level": "project", "period": "week", "hard_tokens": 1}), 400, "E-INPUT-001"),
    ] {
        let reply = caller.call(operation, arguments.clone());
        assert_eq!(reply.problem(), (status, code.into()), "{operation} {arguments}");
    }
    the_books_agree(caller);
}

#[test]
fn the_header_makes_a_repeat_the_first_reservation_charge_and_adjustment() {
    let scene = Scene::new();
    let caller = &scene.caller;
    limit(caller, 100);
    let with = |operation: &str, arguments: Value, key: &str| {
        caller.call_with(operation, arguments, &[("Idempotency-Key", key)])
    };
    let request = json!({"envelope": envelope(caller), "tokens": 60});
    let first = with("reserve_budget", request.clone(), "k").expect(201);
    // There is no room for a second one, and the repeat needs none.
    let again = with("reserve_budget", request, "k").expect(200);
    assert_eq!((&again["reservation_id"], &again["created"]), (&first["reservation_id"], &json!(false)));
    let other = json!({"envelope": envelope(caller), "tokens": 61});
    assert_eq!(with("reserve_budget", other, "k").problem(), (422, "E-BUDGET-008".into()));
    let both = json!({"envelope": envelope(caller), "tokens": 60, "idempotency_key": "k"});
    assert_eq!(caller.call("reserve_budget", both).expect(200)["reservation_id"], first["reservation_id"]);

    let (run, lease) = claimed_run(caller);
    let charge = |tokens: i64| json!({"run_id": run, "lease": lease, "tokens": tokens});
    for _ in 0..3 {
        assert_eq!(with("settle_budget", charge(5), "c").expect(200)["tokens"], 5);
    }
    assert_eq!(with("settle_budget", charge(6), "c").problem(), (422, "E-BUDGET-008".into()));
    caller.call("complete_run", json!({"run_id": run, "lease": lease})).expect(200);
    let bill = json!({"escrow_id": run, "reason": "the bill", "tokens": 2});
    for _ in 0..3 {
        with("adjust_budget", bill.clone(), "b").expect(200);
    }
    assert_eq!(today(caller, "tokens"), [5, 60, 2, 33]);
    the_books_agree(caller);
}

#[test]
fn sixteen_at_once_with_one_key_are_one_reservation_and_without_keys_fill_the_limit() {
    let scene = Scene::with(&[("POOL_SIZE", "8")]);
    limit(&scene.caller, 100);
    let envelope = envelope(&scene.caller);
    let all = |key: Option<&str>, tokens: i64| {
        at_once(
            16,
            |_| Caller::new(&scene.gateway, &scene.caller.key),
            |_, caller| {
                let request = json!({"envelope": envelope, "tokens": tokens, "idempotency_key": key});
                caller.call("reserve_budget", request).status
            },
        )
    };
    let mut statuses = all(Some("k"), 20);
    statuses.sort_unstable();
    assert_eq!((statuses[15], statuses[..15].iter().all(|status| *status == 200)), (201, true), "{statuses:?}");
    let statuses = all(None, 9);
    let made = statuses.iter().filter(|status| **status == 201).count();
    assert!(statuses.iter().all(|status| [201, 402].contains(status)), "{statuses:?}");
    assert_eq!(made, 8, "80 are left for nines");
    assert_eq!(today(&scene.caller, "tokens"), [0, 92, 0, 8]);
    the_books_agree(&scene.caller);
}

#[test]
fn another_tenants_budget_is_not_found_by_any_operation() {
    let scene = Scene::new();
    let other = Project::in_database(&scene.project.database);
    let mut admin = scene.project.admin();
    let theirs = scene.caller.with_key(&key(&mut admin, &other.id, EVERY_SCOPE));
    limit(&theirs, 100);
    let held = text(&reserve(&theirs, 10).expect(201)["reservation_id"]);
    let (run, lease) = claimed_run(&theirs);
    theirs.call("settle_budget", json!({"run_id": run, "lease": lease, "tokens": 1})).expect(200);
    let before = books(&mut admin, &other.id);
    let absent = "018f0000-0000-7000-8000-000000000000";
    for (operation, argument, id, more) in [
        ("settle_budget", "reservation_id", &held, json!({"tokens": 1})),
        ("settle_budget", "run_id", &run, json!({"tokens": 1})),
        ("release_budget", "reservation_id", &held, json!({})),
        ("adjust_budget", "escrow_id", &held, json!({"reason": "mine", "tokens": -1})),
        ("list_ledger", "escrow_id", &held, json!({})),
        ("list_ledger", "escrow_id", &run, json!({})),
        ("budget_status", "target", &run, json!({"level": "run"})),
    ] {
        let on = |id: &str| {
            let mut arguments = more.clone();
            arguments[argument] = id.into();
            let reply = scene.caller.call(operation, arguments);
            let mut body = reply.json();
            body["at"] = Value::Null;
            (reply.status, body)
        };
        assert_eq!(on(id), on(absent), "{operation} {argument}");
    }
    let envelope = theirs.call("build_envelope", message("7")).expect(200);
    let stolen = scene.caller.call("reserve_budget", json!({"envelope": envelope, "tokens": 1}));
    assert_eq!(stolen.problem(), (403, "E-TENANT-007".into()));
    let before: Vec<_> = before.into_iter().filter(|row| row.starts_with("budget_")).collect();
    let after: Vec<_> = books(&mut admin, &other.id).into_iter().filter(|row| row.starts_with("budget_")).collect();
    assert_eq!((before.len(), &before), (10, &after), "another tenant's budget changed");
}
