//! Two who want the same run: exactly one outcome, the books in order, and no deadlock.

use std::collections::BTreeSet;
use std::sync::Mutex;

use crate::harness::quiet::{expire, set_deadline, text};
pub(super) use crate::harness::race::wait_for_a_waiter;
use crate::harness::{Actor, Failure, Project, at_once};

/// What somebody got: the state of the run they made, or the code that refused them.
fn outcome(answer: Result<serde_json::Value, Failure>) -> String {
    match answer {
        Ok(answer) => answer["code"].as_str().or(answer["state"].as_str()).unwrap_or("held").to_owned(),
        Err(failure) => {
            assert!(!matches!(failure.sqlstate.as_str(), "40P01" | "40001"), "{failure:?}");
            failure.code()
        }
    }
}

/// Two who stay connected from round to round.
fn pair(project: &Project) -> [Mutex<Actor>; 2] {
    [Mutex::new(project.actor()), Mutex::new(project.actor())]
}

/// What the two get when each runs its SQL at the same moment.
fn both<T: Send>(pair: &[Mutex<Actor>; 2], act: impl Fn(usize, &mut Actor) -> T + Sync) -> Vec<T> {
    at_once(2, |i| pair[i].lock().unwrap(), |i, actor| act(i, actor))
}

/// Races `left` against `right` on fresh claimed runs; the outcomes that were seen, as `left/right/state`.
fn race(rounds: usize, expired: bool, left: &str, right: &str) -> BTreeSet<String> {
    let project = Project::new();
    let (mut actor, mut admin, pair) = (project.actor(), project.admin(), pair(&project));
    let mut seen = BTreeSet::new();
    for _ in 0..rounds {
        actor.create(", max_attempts => 2");
        let claim = actor.claim_one("w");
        if expired {
            expire(&mut admin, &claim.run);
        }
        let sql = |operation: &str| match operation {
            "cancel_run" => format!("select awooop.cancel_run('{}')", claim.run),
            "reap" => "select awooop.reap_stale_runs()".to_owned(),
            operation => claim.sql(operation, ""),
        };
        let sides = [sql(left), sql(right)];
        let got = both(&pair, |i, actor| outcome(actor.attempt(&sides[i])));
        super::books::check(&mut admin, &project.id);
        let state = actor.state(&claim.run);
        if matches!(state.as_str(), "pending" | "running") {
            actor.call(&sql("cancel_run"));
        }
        seen.insert(format!("{}/{}/{state}", got[0], got[1]));
    }
    seen
}

#[track_caller]
fn only(seen: &BTreeSet<String>, possible: &[&str]) {
    for outcome in seen {
        assert!(possible.contains(&outcome.as_str()), "{outcome} is impossible; seen: {seen:?}");
    }
}

#[test]
fn complete_and_cancel_have_one_winner() {
    only(
        &race(40, false, "complete_run", "cancel_run"),
        &["completed/E-RUN-006/completed", "E-RUN-003/cancelled/cancelled"],
    );
}

#[test]
fn fail_and_cancel_have_one_end() {
    only(&race(40, false, "fail_run", "cancel_run"), &["pending/cancelled/cancelled", "E-RUN-003/cancelled/cancelled"]);
}

#[test]
fn cancel_and_cancel_are_one_cancellation() {
    only(&race(20, false, "cancel_run", "cancel_run"), &["cancelled/cancelled/cancelled"]);
}

#[test]
fn complete_and_fail_have_one_winner() {
    only(&race(40, false, "complete_run", "fail_run"), &["completed/E-RUN-003/completed", "E-RUN-003/pending/pending"]);
}

#[test]
fn a_reaper_and_a_cancellation_leave_one_end() {
    only(&race(40, true, "reap", "cancel_run"), &["held/cancelled/cancelled"]);
}

#[test]
fn a_reaper_and_a_completion_that_comes_too_late_requeue() {
    // A run whose row somebody has locked is not looked at: the next round takes it.
    only(&race(20, true, "reap", "complete_run"), &["held/E-RUN-003/pending", "held/E-RUN-003/running"]);
}

#[test]
fn a_heartbeat_and_the_reaper_never_both_have_the_run() {
    let project = Project::new();
    let (mut actor, mut admin, pair) = (project.actor(), project.admin(), pair(&project));
    let (mut held, mut reaped) = (0, 0);
    for round in 0..60 {
        actor.create("");
        let claim = actor.claim_one("w");
        // Before, at and after the moment of expiry.
        let milliseconds = round % 12;
        admin.run(&format!(
            "update awooop.run_lease set expires_at = clock_timestamp() + interval '{milliseconds} milliseconds'
             where run_id = '{}'",
            claim.run
        ));
        let sides = [claim.sql("heartbeat", ""), "select awooop.reap_stale_runs()".to_owned()];
        let got = both(&pair, |i, actor| outcome(actor.attempt(&sides[i])));
        let state = actor.state(&claim.run);
        match got[0].as_str() {
            "held" => assert_eq!(state, "running", "a kept lease was reaped"),
            code => assert_eq!(code, "E-RUN-003"),
        }
        super::books::check(&mut admin, &project.id);
        let done = actor.call(&claim.sql("complete_run", ""));
        if got[0] == "held" {
            assert_eq!(done["state"], "completed");
            held += 1;
        } else {
            reaped += 1;
            assert_eq!(done["code"], "E-RUN-003");
            actor.call(&format!("select awooop.cancel_run('{}')", claim.run));
        }
    }
    assert!(held > 0 && reaped > 0, "the race was none: {held} held, {reaped} reaped");
}

#[test]
fn claim_and_cancel_leave_the_run_cancelled_and_nobody_holding_it() {
    let project = Project::new();
    let (mut actor, mut admin, pair) = (project.actor(), project.admin(), pair(&project));
    for _ in 0..40 {
        let run = actor.create_id("");
        let sides = ["select awooop.claim_runs('w')".to_owned(), format!("select awooop.cancel_run('{run}')")];
        let got = both(&pair, |i, actor| actor.attempt(&sides[i]));
        let claimed = got[0].as_ref().unwrap()["runs"].as_array().unwrap().len();
        assert_eq!(got[1].as_ref().unwrap()["state"], "cancelled");
        let ended = actor.show(&run);
        assert_eq!((&ended["state"], &ended["attempts"]), (&"cancelled".into(), &claimed.into()));
        super::books::check(&mut admin, &project.id);
    }
}

#[test]
fn two_reapers_hand_a_run_back_once() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    for _ in 0..6 {
        actor.create_many(5, ", max_attempts => 20");
        for claim in actor.claim("w", 100) {
            expire(&mut admin, &claim.run);
        }
        let requeued =
            at_once(4, |_| project.actor(), |_, actor: &mut Actor| actor.reap()["requeued"].as_i64().unwrap());
        let stale: i64 = admin
            .value(&format!(
                "select count(*)::text from awooop.run_state where project_id = '{}' and state = 'pending'",
                project.id
            ))
            .parse()
            .unwrap();
        assert_eq!(requeued.iter().sum::<i64>(), stale);
        super::books::check(&mut admin, &project.id);
    }
}

/// Runs `first` in an open transaction, lets `second` run into it, commits; what `second` got.
fn collide(project: &Project, first: &str, second: String) -> Result<serde_json::Value, Failure> {
    let (mut holder, mut other) = (project.actor(), project.actor());
    holder.session.run("begin");
    holder.session.run(&format!("select awooop.enter_project('{}')", project.id));
    holder.session.run(first);
    let waiting = std::thread::spawn(move || other.attempt(&second));
    wait_for_a_waiter(&mut project.admin(), &mut holder.session);
    holder.session.run("commit");
    waiting.join().unwrap()
}

#[test]
fn a_run_that_was_requeued_while_its_cancellation_waited_leaves_no_trace_in_the_queue() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    for (first, expired) in [("fail_run", false), ("reap", true)] {
        actor.create("");
        let claim = actor.claim_one("w");
        if expired {
            expire(&mut admin, &claim.run);
        }
        let requeue = match first {
            "reap" => "select awooop.reap_stale_runs()".to_owned(),
            operation => claim.sql(operation, ""),
        };
        let got = collide(&project, &requeue, format!("select awooop.cancel_run('{}')", claim.run)).unwrap();
        assert_eq!(got["state"], "cancelled");
        super::books::check(&mut admin, &project.id);
    }
}

#[test]
fn a_cancellation_that_waited_for_a_claim_cancels_the_claimed_run() {
    let project = Project::new();
    let mut actor = project.actor();
    let run = actor.create_id("");
    let got = collide(&project, "select awooop.claim_runs('w')", format!("select awooop.cancel_run('{run}')")).unwrap();
    assert_eq!((&got["state"], &got["attempts"]), (&"cancelled".into(), &1.into()));
    super::books::check(&mut project.admin(), &project.id);
}

#[test]
fn a_second_completion_that_waited_for_the_first_gets_its_run() {
    let project = Project::new();
    let mut actor = project.actor();
    actor.create("");
    let claim = actor.claim_one("w");
    let got = collide(&project, &claim.sql("complete_run", ", '1'"), claim.sql("complete_run", ", '2'")).unwrap();
    assert_eq!((&got["state"], &got["result"]), (&"completed".into(), &1.into()));
    super::books::check(&mut project.admin(), &project.id);
}

#[test]
fn an_overdue_run_between_a_cancellation_and_the_reaper_has_one_end() {
    let project = Project::new();
    let (mut actor, mut admin, pair) = (project.actor(), project.admin(), pair(&project));
    let reap = "select awooop.reap_stale_runs()";
    for _ in 0..40 {
        let run = actor.create_id("");
        set_deadline(&mut admin, &run, -1000);
        let sides = [reap.to_owned(), format!("select awooop.cancel_run('{run}')")];
        let got = both(&pair, |i, actor| outcome(actor.attempt(&sides[i])));
        match actor.state(&run).as_str() {
            "cancelled" => assert_eq!(got[1], "cancelled"),
            state => assert_eq!((state, got[1].as_str()), ("timed_out", "E-RUN-006")),
        }
        super::books::check(&mut admin, &project.id);
    }
    let run = actor.create_id("");
    set_deadline(&mut admin, &run, -1000);
    let late = collide(&project, reap, format!("select awooop.cancel_run('{run}')"));
    assert_eq!(late.unwrap_err().code(), "E-RUN-006");
}

#[test]
fn a_tenants_open_transaction_does_not_stall_the_reaping_of_other_runs() {
    let project = Project::new();
    let (mut actor, mut admin, mut slow) = (project.actor(), project.admin(), project.actor());
    actor.create_many(2, "");
    let claims = actor.claim("w", 2);
    // The first is held by a heartbeat that does not commit.
    slow.session.run("begin");
    slow.session.run(&format!("select awooop.enter_project('{}')", project.id));
    slow.session.run(&claims[0].sql("heartbeat", ", 5"));
    expire(&mut admin, &claims[1].run);
    admin.run(&format!("update awooop.run_state set deadline_at = now() where run_id = '{}'", claims[1].run));
    assert_eq!(actor.reap()["timed_out"], 1);
    slow.session.run("rollback");
}

#[test]
fn an_overdue_run_between_a_claim_and_the_reaper_does_not_deadlock() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    for _ in 0..8 {
        let run = actor.create_id("");
        // The deadline passes while the two are at it.
        set_deadline(&mut admin, &run, 2);
        let got = at_once(
            4,
            |_| project.actor(),
            |i, actor: &mut Actor| {
                let sql = ["select awooop.claim_runs('w')", "select awooop.reap_stale_runs()"][i % 2];
                (0..5).for_each(|_| {
                    outcome(actor.attempt(sql));
                });
            },
        );
        assert_eq!(got.len(), 4);
        actor.reap();
        // What was claimed in time is running until its deadline passed.
        let state = text(&actor.show(&run)["state"]);
        assert_eq!(state, "timed_out");
    }
    super::books::check(&mut admin, &project.id);
}
