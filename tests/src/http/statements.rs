//! One request, one statement: whatever a request comes to, the server executes `awooop.call` once for it and nothing
//! beside it.

use serde_json::json;

use super::client::Caller;
use super::scene::{envelope, message, project_on};
use crate::harness::answer::eventually;
use crate::harness::gateway::HttpGateway;
use crate::harness::{Options, OwnServer, Session};

const CALL: &str = "select status, body from awooop.call($1, $2, $3, $4, $5)";

/// What sessions of the gateway executed between two marks in the server's log.
fn executed(server: &OwnServer, admin: &mut Session, mark: u32, act: impl FnOnce()) -> Vec<String> {
    let (begin, end) = (format!("mark {mark} begin"), format!("mark {mark} end"));
    admin.run(&format!("select '{begin}'"));
    act();
    admin.run(&format!("select '{end}'"));
    let mut log = String::new();
    eventually("the mark in the log", || {
        log = server.log();
        log.contains(&end)
    });
    let between = log.split_once(&begin).and_then(|(_, after)| after.split_once(&end)).expect("both marks").0;
    let ours = between.lines().filter(|line| line.starts_with("awooop-gateway|"));
    // `statement:` is a simple query, `execute <name>:` a prepared one.
    ours.filter_map(|line| {
        let (_, rest) = line.split_once("LOG:  ")?;
        rest.strip_prefix("statement: ").or_else(|| rest.strip_prefix("execute ")?.split_once(": ").map(|x| x.1))
    })
    .map(str::to_owned)
    .collect()
}

#[test]
fn a_request_is_one_statement_whatever_comes_of_it() {
    let server = OwnServer::start(&Options {
        settings: "log_statement = all\nlog_line_prefix = '%a|'\nawooop.event_log = off".to_owned(),
        ..Options::default()
    });
    let (project, key) = project_on(&server);
    let gateway = HttpGateway::start_on(&server, &[("POOL_SIZE", "1"), ("RELOAD_SECONDS", "3600")]);
    let caller = Caller::new(&gateway, &key);
    let (mut admin, envelope) = (server.superuser(), envelope(&caller));
    let reader = caller.with_key(&super::scene::key(&mut admin, &project, "runs:read"));
    let nobody = caller.with_key(&format!("{key}x"));
    let create = json!({"envelope": envelope, "idempotency_key": "k"});
    let absent = json!({"run_id": "018f0000-0000-7000-8000-000000000000"});

    type Request<'a> = Box<dyn Fn() -> u16 + 'a>;
    let requests: Vec<(&str, u16, Request)> = vec![
        ("a reading", 200, Box::new(|| caller.call("whoami", json!({})).status)),
        ("a listing", 200, Box::new(|| caller.call("list_runs", json!({"page_size": 2})).status)),
        ("an envelope", 200, Box::new(|| caller.call("build_envelope", message("8")).status)),
        ("a run", 201, Box::new(|| caller.call("create_run", create.clone()).status)),
        ("a repeated run", 200, Box::new(|| caller.call("create_run", create.clone()).status)),
        ("a claim", 200, Box::new(|| caller.call("claim_runs", json!({"worker_id": "w"})).status)),
        ("a failed authentication", 401, Box::new(|| nobody.call("whoami", json!({})).status)),
        ("a refusal", 403, Box::new(|| reader.call("build_envelope", message("8")).status)),
        ("a fault", 404, Box::new(|| caller.call("get_run", absent.clone()).status)),
        ("no JSON", 400, Box::new(|| caller.send("POST", "/v1/platform/runs", "{").status)),
    ];
    for (mark, (what, status, request)) in (1..).zip(&requests) {
        let statements = executed(&server, &mut admin, mark, || assert_eq!(request(), *status, "{what}"));
        assert_eq!(statements, [CALL], "{what}");
    }
    // Ten in a row: nothing is asked in between, neither.
    let many = executed(&server, &mut admin, 99, || {
        (0..10).for_each(|_| assert_eq!(caller.call("build_envelope", message("9")).status, 200));
    });
    assert_eq!(many, vec![CALL; 10]);
    let none = executed(&server, &mut admin, 100, || {
        assert_eq!(caller.send("GET", "/v1/nowhere", "").status, 404);
        assert_eq!(caller.plain("POST", "/v1/platform/runs", &[("Content-Type", "text/plain")], "x").status, 415);
    });
    assert!(none.is_empty(), "the gateway asked the database about a request it could not carry: {none:?}");
}
