//! The gateway's end: it says that it goes, takes nothing new, finishes what it has, and is gone with status 0.

use std::time::{Duration, Instant};

use serde_json::json;

use super::scene::{Scene, message};
use crate::harness::answer::eventually;
use crate::harness::gateway::{HttpGateway, waiting_for_a_lock};

fn exit_code(gateway: &HttpGateway) -> Option<i32> {
    let mut ended = None;
    eventually("the gateway's end", || {
        ended = gateway.ended();
        ended.is_some()
    });
    ended.and_then(|status| status.code())
}

#[test]
fn a_gateway_told_to_stop_says_so_and_finishes_what_it_has() {
    let scene = Scene::alone(&[("DRAIN_DELAY_SECONDS", "600"), ("DRAIN_SECONDS", "40")]);
    assert_eq!(scene.caller.call("build_envelope", message("7")).status, 200);
    let (mut holder, mut admin) = (scene.project.admin(), scene.project.admin());
    holder.run("begin; select count(*) from (select from awooop.platform_subjects for update) s");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| scene.caller.call("build_envelope", message("7")));
        waiting_for_a_lock(&mut admin, 1);
        scene.gateway.signal("TERM");
        eventually("not being ready", || scene.caller.get("/readyz").status == 503);
        let reply = scene.caller.get("/readyz");
        assert_eq!(reply.problem(), (503, "E-HTTP-005".into()));
        assert_eq!(reply.json()["draining"], true);
        // Until the load balancer has heard of it, requests are still served.
        assert_eq!(scene.caller.get("/healthz").status, 200);
        assert_eq!(scene.caller.call("whoami", json!({})).status, 200);
        // The second signal ends the delay; now nobody new is let in.
        scene.gateway.signal("TERM");
        eventually("the closed door", || !scene.caller.is_accepted());
        assert!(!waiting.is_finished() && scene.gateway.ended().is_none(), "the request was given up");
        holder.run("rollback");
        assert_eq!(waiting.join().expect("an answer").status, 200);
    });
    assert_eq!(exit_code(&scene.gateway), Some(0));
    let log = scene.gateway.lines();
    for said in ["draining", "drained"] {
        assert!(log.iter().any(|line| line["message"] == said), "the log does not say {said}");
    }
}

#[test]
fn an_idle_gateway_stops_at_once_and_leaves_no_session() {
    let scene = Scene::alone(&[]);
    assert_eq!(scene.caller.call("whoami", json!({})).status, 200);
    // A connection that a client keeps open does not hold it up.
    let kept = scene.caller.connect();
    let begun = Instant::now();
    scene.gateway.signal("INT");
    assert_eq!(exit_code(&scene.gateway), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(10), "it took {:?}", begun.elapsed());
    drop(kept);
    let mut admin = scene.project.admin();
    eventually("the end of its sessions", || {
        admin.value(
            "select count(*)::text from pg_stat_activity
             where datname = current_database() and application_name = 'awooop-gateway'",
        ) == "0"
    });
}

#[test]
fn a_request_that_never_ends_does_not_keep_the_gateway_for_ever() {
    let scene = Scene::alone(&[("DRAIN_SECONDS", "1")]);
    assert_eq!(scene.caller.call("build_envelope", message("7")).status, 200);
    let (mut holder, mut admin) = (scene.project.admin(), scene.project.admin());
    holder.run("begin; select count(*) from (select from awooop.platform_subjects for update) s");
    std::thread::scope(|scope| {
        let body = message("7").to_string();
        let (headers, caller) = ([("Content-Type", "application/json")], &scene.caller);
        let authorization = format!("Bearer {}", caller.key);
        let waiting = scope.spawn(move || {
            let headers = [headers[0], ("Authorization", authorization.as_str())];
            caller.try_plain("POST", "/v1/platform/envelopes", &headers, &body).map(|reply| reply.status)
        });
        waiting_for_a_lock(&mut admin, 1);
        scene.gateway.signal("TERM");
        assert_eq!(exit_code(&scene.gateway), Some(0));
        assert!(waiting.join().expect("the client ends").is_err(), "a cut request has no answer");
    });
    assert!(scene.gateway.lines().iter().any(|line| line["message"] == "stopped with requests in flight"));
}

#[test]
fn settings_that_contradict_each_other_stop_it_before_it_begins() {
    let run = |arguments: &[&str]| {
        let mut command = crate::harness::gateway::program("postgres://nobody:hunter2@127.0.0.1:1/none");
        command.args(arguments).output().expect("the gateway runs")
    };
    for arguments in [
        vec!["--statement-timeout-ms", "9000", "--request-timeout-ms", "100"],
        vec!["--pool-size", "0"],
        vec!["--pool-size", "many"],
        vec!["--database-url", "hunter2"],
        vec!["--unheard-of"],
        vec!["openapi"],
    ] {
        let output = run(&arguments);
        assert!(!output.status.success(), "{arguments:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(!said.is_empty() && !said.contains("hunter2"), "{arguments:?}: {said}");
    }
    let help = String::from_utf8_lossy(&run(&["--help"]).stdout).into_owned();
    for word in ["AWOOOP_DATABASE_URL", "--pool-size", "SIGTERM", "Examples"] {
        assert!(help.contains(word), "--help does not mention {word}");
    }
    assert!(!help.contains("hunter2"), "--help prints the connection URL");
}
