//! Rates: exact, whoever races; and what is refused by one takes nothing of another.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::stage::{LOOK_UP, NOTE, REFUND, Shop, contract, order, policy};
use crate::harness::at_once;
use crate::harness::platform_logins::gateway_login_in;

#[test]
fn every_rate_of_policy_contract_and_grant_is_counted_for_what_it_names() {
    let mut rated = policy();
    rated["rates"] = json!({"calls": {"tool": {"count": 3, "window_seconds": 3600}}});
    let mut of_tool = contract(NOTE);
    of_tool["rate"] = json!({"count": 2, "window_seconds": 3600});
    let mut shop = Shop::of(crate::contracts::stage::Office::new(), &rated, |tool| match tool {
        NOTE => of_tool.clone(),
        other => contract(other),
    });
    let denied = |shop: &mut Shop, tool: &str| {
        let body = shop.denied(Shop::wanted(tool, order("A-1")));
        assert_eq!(body["code"], "E-MCP-GATE-007", "{body}");
        body
    };
    for _ in 0..2 {
        shop.begin(NOTE, order("A-1"));
    }
    let full = denied(&mut shop, NOTE);
    assert_eq!((&full["rate"], &full["count"], &full["window_seconds"]), (&json!("tool"), &json!(2), &json!(3600)));
    assert!((3500..=3600).contains(&full["retry_after_seconds"].as_u64().unwrap()));
    for _ in 0..3 {
        shop.begin(LOOK_UP, order("A-1"));
    }
    assert_eq!(denied(&mut shop, LOOK_UP)["count"], 3);
}

#[test]
fn a_grants_own_rate_holds_as_well_and_a_new_grant_is_counted_anew() {
    let mut shop = Shop::new();
    let admin = shop.admin.clone();
    let grant = json!({"agent_id": "agent", "tool": LOOK_UP, "rate_count": 1, "rate_window_seconds": 3600});
    for _ in 0..2 {
        shop.does(&admin, "mcp_grant_tool", grant.clone());
        shop.begin(LOOK_UP, order("A-1"));
        let full = shop.denied(Shop::wanted(LOOK_UP, order("A-1")));
        assert_eq!((&full["code"], &full["rate"]), (&json!("E-MCP-GATE-007"), &json!("grant")));
    }
    // Of another tool it says nothing.
    shop.begin(NOTE, order("A-1"));
}

#[test]
fn whoever_tries_names_of_agents_is_counted_as_one() {
    let mut shop = Shop::new();
    let project = shop.office.project.clone();
    for n in 0..5 {
        let mut wanted = Shop::wanted(LOOK_UP, order("A-1"));
        wanted["agent_id"] = format!("nobody-{n}").into();
        assert_eq!(shop.denied(wanted)["reason"], "unknown");
    }
    let rows = shop.office.sql(&format!(
        "select string_agg(key || '=' || calls, ',') from awooop.mcp_rate
         where project_id = '{project}' and key like 'refusals:%'"
    ));
    assert_eq!(rows, "refusals::bot=5");
}

#[test]
fn what_one_rate_refuses_is_counted_by_none() {
    let mut rated = policy();
    rated["rates"] = json!({"calls": {
        "project": {"count": 3, "window_seconds": 3600}, "agent": {"count": 100, "window_seconds": 3600}
    }});
    let mut shop = Shop::under(&rated);
    for n in 0..6 {
        let allowed = n < 3;
        let agent = shop.agent.clone();
        let reply = shop.ask(&agent, "mcp_begin_call", Shop::wanted(LOOK_UP, order("A-1"))).expect("an answer");
        assert_eq!(reply.status == 200, allowed, "{}", reply.body);
    }
    let project = shop.office.project.clone();
    let counted = |shop: &mut Shop, key: &str| {
        shop.office.sql(&format!("select calls from awooop.mcp_rate where project_id = '{project}' and key = '{key}'"))
    };
    assert_eq!((counted(&mut shop, "project"), counted(&mut shop, "agent:agent")), ("3".to_owned(), "3".to_owned()));
}

#[test]
fn in_no_window_are_there_more_calls_than_the_rate_says_whoever_races() {
    const COUNT: usize = 7;
    const WINDOW: Duration = Duration::from_secs(1);
    let mut rated = policy();
    rated["rates"] = json!({"calls": {
        "project": {"count": COUNT, "window_seconds": 1}, "agent": {"count": 1000, "window_seconds": 1},
        "tool": {"count": 1000, "window_seconds": 3600}
    }});
    let mut shop = Shop::under(&rated);
    let (project, database) = (shop.office.project.clone(), shop.office.database());
    // Each by a key of its own, so that the limit of refusals is nobody's concern.
    let keys: Vec<String> = (0..8).map(|n| shop.office.key(&format!("bot{n}"), super::stage::CALLS)).collect();
    let until = Instant::now() + Duration::from_secs(4);
    let threads: Vec<_> = keys
        .into_iter()
        .map(|key| {
            let (project, database) = (project.clone(), database.clone());
            std::thread::spawn(move || {
                let mut gateway = gateway_login_in(&database);
                let wanted = Shop::wanted(LOOK_UP, order("A-1")).to_string();
                let mut allowed = 0;
                while Instant::now() < until {
                    let reply = gateway.try_call(&project, &key, "mcp_begin_call", &wanted).expect("an answer");
                    match reply.status {
                        200 => allowed += 1,
                        429 => std::thread::sleep(Duration::from_millis(30)),
                        _ => panic!("{}", reply.body),
                    }
                }
                allowed
            })
        })
        .collect();
    let allowed: usize = threads.into_iter().map(|thread| thread.join().expect("a thread")).sum();
    // The database's own times, to the microsecond: between a call and the one `COUNT` before it lies a window at least.
    let times: Vec<Value> = serde_json::from_str(&shop.office.sql(&format!(
        "select json_agg(extract(epoch from at)::float8 order by call) from awooop.mcp_rate_hit
         where project_id = '{project}' and key = 'tool:{LOOK_UP}'"
    )))
    .expect("JSON");
    let times: Vec<f64> = times.iter().filter_map(Value::as_f64).collect();
    assert_eq!(times.len(), allowed);
    assert!(allowed > COUNT, "{allowed}: the windows after the first let nobody through");
    for pair in times.windows(COUNT + 1) {
        assert!(pair[COUNT] - pair[0] >= WINDOW.as_secs_f64() - 0.002, "{pair:?}");
    }
    let kept = shop
        .office
        .sql(&format!("select count(*) from awooop.mcp_rate_hit where project_id = '{project}' and key = 'project'"));
    assert!(kept.parse::<usize>().expect("a number") <= COUNT + 64, "{kept} rows of a rate of {COUNT}");
}

#[test]
fn what_a_rate_refuses_at_the_last_moment_has_taken_nothing_else() {
    const COUNT: usize = 3;
    for tool in [NOTE, REFUND] {
        let mut rated = policy();
        rated["rates"] = json!({"calls": {"project": {"count": COUNT, "window_seconds": 3600}}});
        let mut shop = Shop::of(crate::contracts::stage::Office::new(), &rated, |name| {
            let mut contract = contract(name);
            if name == tool {
                contract["risk"] = "low".into();
            }
            contract
        });
        let (project, database, admin) = (shop.office.project.clone(), shop.office.database(), shop.admin.clone());
        shop.does(&admin, "set_budget", json!({"level": "project", "period": "day", "hard_micro_usd": 1_000_000}));
        let keys: Vec<String> = (0..8).map(|n| shop.office.key(&format!("bot{n}"), super::stage::CALLS)).collect();
        let statuses = at_once(
            8,
            |n| (gateway_login_in(&database), keys[n].clone()),
            |_, (gateway, key)| {
                let wanted = Shop::wanted(tool, order("A-1")).to_string();
                gateway.try_call(&project, key, "mcp_begin_call", &wanted).expect("an answer").status
            },
        );
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), COUNT, "{statuses:?}");
        assert!(statuses.iter().all(|status| matches!(status, 200 | 429)), "{statuses:?}");
        let calls = "select count(*) || ' ' || count(distinct run_id) from awooop.mcp_call where project_id = ";
        assert_eq!(shop.office.sql(&format!("{calls}'{project}'")), format!("{COUNT} {COUNT}"));
        let runs = format!("select count(*) from awooop.run_state where project_id = '{project}'");
        assert_eq!(shop.office.sql(&runs), COUNT.to_string());
        let cost = if tool == REFUND { 500 } else { 0 };
        let held = shop.office.admin.within(&project, "select awooop.budget_status()");
        assert_eq!(held["total"]["reserved"]["micro_usd"], COUNT * cost, "{held}");
        assert_eq!(shop.office.admin.within(&project, "select awooop.budget_check()")["ok"], true);
    }
}
