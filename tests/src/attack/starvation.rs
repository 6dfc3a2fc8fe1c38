//! A tenant that keeps a transaction open must not stop the platform's work for the others. In a database of their own:
//! the platform's work goes through all projects of a database.

use crate::harness::platform::worker_in;
use crate::harness::quiet::{claims, expire};
use crate::harness::{Actor, Project, Session, own_database};

/// Two projects, the first of them hostile, and the platform's session, which waits for no lock longer than a moment.
fn stage() -> (Actor, Actor, Session) {
    let (database, mut platform) = own_database();
    let (hostile, victim) = (Project::in_database(&database), Project::in_database(&database));
    platform.run("set lock_timeout = '2s'");
    (hostile.actor(), victim.actor(), platform)
}

/// A run of `actor` whose lease has expired.
fn stale(actor: &mut Actor, admin: &mut Session) -> String {
    let run = actor.create_id("");
    actor.claim_one("worker");
    expire(admin, &run);
    run
}

#[test]
fn a_heartbeat_left_uncommitted_does_not_stop_the_reaper_for_others() {
    let (mut hostile, mut victim, mut platform) = stage();
    let run = hostile.create_id("");
    let claim = hostile.claim_one("worker");
    let id = hostile.project.clone();
    hostile.session.run(&format!("begin; select awooop.enter_project('{id}')"));
    hostile.session.run(&claim.sql("heartbeat", ", 5"));
    // It keeps the lease's row until the run is overdue.
    let waiting = stale(&mut victim, &mut platform);
    overdue(&mut platform, &run);
    platform.run("select awooop.reap_stale_runs()");
    assert_eq!(victim.state(&waiting), "pending");
}

/// Lets the deadline of a run pass.
fn overdue(admin: &mut Session, run: &str) {
    admin.run(&format!(
        "update awooop.run_state set deadline_at = clock_timestamp() - interval '1 second' where run_id = '{run}'"
    ));
}

#[test]
fn a_claim_left_uncommitted_does_not_stop_the_reaper_for_others() {
    let (mut hostile, mut victim, mut platform) = stage();
    let run = hostile.create_id("");
    overdue(&mut platform, &run);
    let id = hostile.project.clone();
    hostile.session.run(&format!("begin; select awooop.enter_project('{id}')"));
    hostile.session.run("select awooop.claim_runs('worker')");
    let waiting = stale(&mut victim, &mut platform);
    platform.run("select awooop.reap_stale_runs()");
    assert_eq!(victim.state(&waiting), "pending");
}

#[test]
fn a_lock_on_an_ended_run_does_not_stop_retention_for_others() {
    let (mut hostile, mut victim, mut platform) = stage();
    let mut ended = Vec::new();
    for actor in [&mut hostile, &mut victim] {
        let run = actor.create_id("");
        // No update ends a run into the past: a row that is over comes in as a backup's would.
        ended.push(platform.value(&format!(
            "insert into awooop.run_state
             select (jsonb_populate_record(r, jsonb_build_object(
                        'run_id', gen_random_uuid(), 'state', 'cancelled', 'finished_at', now() - interval '2 days',
                        'retain_until', now() - interval '1 second'))).*
             from awooop.run_state r where r.run_id = '{run}' returning run_id"
        )));
    }
    let id = hostile.project.clone();
    hostile.session.run(&format!("begin; select awooop.enter_project('{id}')"));
    hostile.session.run(&format!("select awooop.cancel_run('{}')", ended[0]));
    platform.run("select awooop.maintain()");
    assert_eq!(victim.code(&format!("select awooop.get_run('{}')", ended[1])), "E-RUN-001");
}

#[test]
fn a_thousand_sessions_held_open_do_not_stop_the_forgetting_of_others() {
    let (mut hostile, victim, mut platform) = stage();
    let over = |project: &str, many: u32| {
        format!(
            "insert into awooop.conversation_session
                    (project_id, session_key, is_legacy, channel, channel_chat_id, messages, state, version, started_at, updated_at,
                     expires_at)
             select '{project}', '{project}:c:' || n, false, 'c', n::text, '[]', 'null', 1, now(), now(),
                    now() - interval '1 hour' * {many}
             from generate_series(1, {many}) n"
        )
    };
    let (id, other) = (hostile.project.clone(), victim.project.clone());
    // Older than the other's, so they are found first.
    platform.run(&over(&id, 1500));
    platform.run(&over(&other, 1));
    hostile.session.run(&format!("begin; select awooop.enter_project('{id}')"));
    hostile.session.run("select count(awooop.end_session('c', n::text)) from generate_series(1, 1500) n");
    platform.run("select awooop.maintain()");
    let left = |platform: &mut Session, project: &str| {
        platform.value(&format!("select count(*) from awooop.conversation_session where project_id = '{project}'"))
    };
    assert_eq!([left(&mut platform, &id), left(&mut platform, &other)], ["1500", "0"]);
    hostile.session.run("rollback");
    platform.run("select awooop.maintain(); select awooop.maintain()");
    assert_eq!(left(&mut platform, &id), "0");
}

#[test]
fn advisory_locks_decide_nothing() {
    let (mut hostile, mut victim, mut platform) = stage();
    hostile.session.run(
        "select pg_advisory_lock(n) from generate_series(-200, 200) n;
         select pg_advisory_lock(n, m) from generate_series(0, 20) n, generate_series(0, 20) m;
         select pg_advisory_lock(hashtext(t)), pg_advisory_lock(hashtextextended(t, 0))
         from unnest(array['awooop', 'awooop.migrate', 'awooop.maintain', 'pg_awooop']) t",
    );
    victim.session.run("set lock_timeout = '2s'");
    let run = stale(&mut victim, &mut platform);
    platform.run("select awooop.maintain(); select awooop.migrate()");
    assert_eq!(victim.state(&run), "pending");
}

#[test]
fn what_ends_with_a_run_and_is_held_open_keeps_maintenance_from_nobody_else() {
    let (mut hostile, mut victim, mut platform) = stage();
    let shadow = "select awooop.shadow_execute(awooop.build_envelope('agent', 'telegram', '7'), 'update-1')";
    let run = crate::harness::quiet::text(&hostile.call(shadow)["run_id"]);
    overdue(&mut platform, &run);
    let id = hostile.project.clone();
    hostile.session.run(&format!("begin; select awooop.enter_project('{id}')"));
    hostile.session.run("select awooop.report_legacy_outcome('update-1', '\"x\"')");
    let waiting = stale(&mut victim, &mut platform);
    platform.run("select awooop.maintain()");
    assert_eq!(victim.state(&waiting), "pending");
    // Its own turn comes when it lets go.
    hostile.session.run("rollback");
    assert_eq!(hostile.state(&run), "pending");
    platform.run("select awooop.maintain()");
    assert_eq!(hostile.state(&run), "timed_out");
    // Whose patience it was is whose it is again.
    assert_eq!(platform.value("show lock_timeout"), "2s");
}

#[test]
fn a_run_that_is_held_open_keeps_the_platforms_workers_from_nobody_elses() {
    let (mut hostile, mut victim, platform) = stage();
    let database = platform_database(platform);
    let run = hostile.create_id("");
    let waiting = victim.create_id("");
    let id = hostile.project.clone();
    // A lease that is none is refused, which commits nothing: the run's row stays locked.
    hostile.session.run(&format!("begin; select awooop.enter_project('{id}')"));
    hostile.session.run(&format!("select awooop.complete_run('{run}', 'awl_{id}.{run}.1.{}')", "x".repeat(43)));
    let mut worker = worker_in(&database);
    worker.run("set statement_timeout = '4s'");
    let claimed: Vec<_> =
        (0..2).flat_map(|_| claims(&worker.json("select awooop.claim_runs('w', 10)"))).map(|claim| claim.run).collect();
    assert_eq!(claimed, [waiting]);
    hostile.session.run("rollback");
    assert_eq!(claims(&worker.json("select awooop.claim_runs('w', 10)")).pop().expect("its own turn").run, run);
}

/// The database of a session.
fn platform_database(mut platform: Session) -> String {
    platform.value("select current_database()")
}
