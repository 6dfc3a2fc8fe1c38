//! A worker that lost its lease writes nothing.

use crate::harness::quiet::{Claim, expire};
use crate::harness::{Actor, Project, Session, own_database};

/// Everything a worker can ask for under a lease.
fn leased(claim: &Claim) -> [(&'static str, String); 4] {
    [
        ("heartbeat", claim.sql("heartbeat", "")),
        ("record_step", claim.sql("record_step", ", 'step', '1'")),
        ("complete_run", claim.sql("complete_run", "")),
        ("fail_run", claim.sql("fail_run", "")),
    ]
}

/// Each of them is refused with E-RUN-003, changes nothing, and leaves one audit row of the refusal.
#[track_caller]
fn all_are_refused(actor: &mut Actor, admin: &mut Session, claim: &Claim) {
    let picture = format!(
        "select json_build_object(
            'run', (select to_json(s) from awooop.run_state s where s.run_id = '{0}'),
            'lease', (select to_json(l) from awooop.run_lease l where l.run_id = '{0}'),
            'steps', (select count(*) from awooop.step_journal where run_id = '{0}'))",
        claim.run
    );
    for (operation, sql) in leased(claim) {
        let refusals = format!(
            "select count(*)::text from awooop.audit_log where run_id = '{}' and action = '{operation}'
             and decision = 'refused' and code = 'E-RUN-003'",
            claim.run
        );
        let (before, counted) = (admin.json(&picture), admin.value(&refusals));
        let answer = actor.call(&sql);
        assert_eq!(answer["code"], "E-RUN-003", "{operation}: {answer}");
        assert_eq!(answer["status"], 409);
        assert_eq!(admin.json(&picture), before, "{operation} changed something");
        let (counted, now): (i32, i32) = (counted.parse().unwrap(), admin.value(&refusals).parse().unwrap());
        assert_eq!(now, counted + 1, "the refusal of {operation} is audited once");
    }
}

#[test]
fn a_worker_that_lost_its_lease_cannot_complete_the_run() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    actor.create("");
    let first = actor.claim_one("w1");
    expire(&mut admin, &first.run);
    actor.reap();
    all_are_refused(&mut actor, &mut admin, &first);
    let second = actor.claim_one("w2");
    assert_eq!(second.json["epoch"], 2);
    all_are_refused(&mut actor, &mut admin, &first);
    actor.call(&second.sql("record_step", ", 'step', '2'"));
    let done = actor.call(&second.sql("complete_run", r#", '"by the second"'"#));
    assert_eq!((&done["state"], &done["result"]), (&"completed".into(), &"by the second".into()));
    all_are_refused(&mut actor, &mut admin, &first);
    super::books::check(&mut admin, &project.id);
}

#[test]
fn an_expired_lease_that_nobody_reaped_yet_writes_nothing() {
    // Other tests reap whatever is stale.
    let project = Project::in_database(&own_database().0);
    let (mut actor, mut admin) = (project.actor(), project.admin());
    actor.create("");
    let claim = actor.claim_one("w");
    expire(&mut admin, &claim.run);
    all_are_refused(&mut actor, &mut admin, &claim);
    assert_eq!(actor.state(&claim.run), "running");
}

#[test]
fn a_cancelled_run_refuses_the_worker_that_still_holds_it() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    actor.create("");
    let claim = actor.claim_one("w");
    let cancelled = actor.call(&format!("select awooop.cancel_run('{}', 'changed my mind')", claim.run));
    assert_eq!(cancelled["error"]["message"], "changed my mind");
    all_are_refused(&mut actor, &mut admin, &claim);
    assert_eq!(actor.state(&claim.run), "cancelled");
    super::books::check(&mut admin, &project.id);
}

#[test]
fn a_guessed_a_foreign_and_a_malformed_lease_are_refused_alike() {
    let project = Project::new();
    let other = project.another(&mut project.admin());
    let (mut actor, mut stranger, mut admin) = (project.actor(), other.actor(), project.admin());
    actor.create_many(2, "");
    stranger.create("");
    let (claim, neighbour) = (actor.claim_one("w"), actor.claim_one("w"));
    let foreign = stranger.claim_one("w");
    let (stem, secret) = claim.lease.rsplit_once('.').unwrap();
    let mut flipped = secret.to_owned().into_bytes();
    flipped[0] = if flipped[0] == b'A' { b'B' } else { b'A' };
    for lease in [
        format!("{stem}.{}", String::from_utf8(flipped).unwrap()),
        format!("{stem}.{}", "A".repeat(43)),
        claim.lease.replace(".1.", ".2."),
        neighbour.lease.clone(),
        foreign.lease.clone(),
        foreign.lease.replace(&other.id, &project.id),
        "nonsense".to_owned(),
        "x".repeat(256),
    ] {
        let guess = Claim { lease, ..claim.clone() };
        all_are_refused(&mut actor, &mut admin, &guess);
    }
    assert_eq!(actor.call(&claim.sql("complete_run", ""))["state"], "completed");
}

#[test]
fn completing_twice_with_the_same_lease_returns_the_run_again() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    actor.create("");
    let claim = actor.claim_one("w");
    let first = actor.call(&claim.sql("complete_run", ", '1'"));
    let again = actor.call(&claim.sql("complete_run", ", '2'"));
    assert_eq!(first, again, "the second answer is the first run, with its own result");
    assert_eq!(actor.call(&claim.sql("fail_run", ""))["code"], "E-RUN-003");
    super::books::check(&mut admin, &project.id);
}

#[test]
fn one_heartbeat_keeps_all_leases_of_a_worker_and_names_the_lost() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    actor.create_many(3, "");
    let claims = actor.claim("w", 3);
    expire(&mut admin, &claims[1].run);
    let others = format!(", 3600, array['{}', '{}']", claims[1].lease, claims[2].lease);
    let answer = actor.call(&claims[0].sql("heartbeat", &others));
    let ids = |key: &str| -> Vec<String> {
        let mut ids: Vec<String> = answer[key]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["run_id"].as_str().or(item.as_str()).unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    };
    let mut held = vec![claims[0].run.clone(), claims[2].run.clone()];
    held.sort();
    assert_eq!(ids("held"), held);
    assert_eq!(ids("lost"), [claims[1].run.clone()]);
    let left = admin.value(&format!(
        "select (min(expires_at) > now() + interval '3500 seconds')::text from awooop.run_lease where run_id in ('{}', '{}')",
        claims[0].run, claims[2].run
    ));
    assert_eq!(left, "true", "each lease that was kept was extended");
}

#[test]
fn a_heartbeat_never_shortens_a_lease() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    actor.create("");
    let claim = actor.call("select awooop.claim_runs('w', 1, 3600)");
    let claim = crate::harness::quiet::claims(&claim).pop().unwrap();
    actor.call(&claim.sql("heartbeat", ", 5"));
    let sql = format!(
        "select (expires_at > now() + interval '3500 seconds')::text from awooop.run_lease where run_id = '{}'",
        claim.run
    );
    assert_eq!(admin.value(&sql), "true");
}
