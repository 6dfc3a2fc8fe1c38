//! The state machine holds against any DML: the table in `policy` is the only truth.

use awooop_policy::run_fsm::{RunState, TRANSITIONS, documentation};

use crate::harness::{Project, Session, own_database};

/// Leads a fresh run to `state` by legal steps, as a superuser.
fn lead(admin: &mut Session, run: &str, state: RunState) {
    let path: &[RunState] = match state {
        RunState::Pending => &[],
        RunState::Cancelled | RunState::TimedOut | RunState::Running => &[state],
        _ => &[RunState::Running, state],
    };
    for step in path {
        admin.run(&set_state(run, *step));
    }
}

fn set_state(run: &str, to: RunState) -> String {
    let end = if to.is_final() {
        ", finished_at = now(), retain_until = now() + interval '1 day'"
    } else {
        ", finished_at = null, retain_until = null"
    };
    format!("update awooop.run_state set state = '{}'{end} where run_id = '{run}'", to.as_str())
}

/// Tries all 64 pairs in a session prepared with `as_whom`.
fn walk(as_whom: &str) {
    let project = Project::new();
    let (mut admin, mut actor) = (project.admin(), project.actor());
    for from in RunState::ALL {
        let run = actor.create_id("");
        lead(&mut admin, &run, from);
        for to in RunState::ALL {
            // Writing the state a run has is no transition; but a run that has ended takes no write at all.
            let allowed = from.may_become(to) || (from == to && !from.is_final());
            admin.run("begin");
            admin.run(&as_whom.replace("$project", &project.id));
            let outcome = admin.ask(&set_state(&run, to));
            admin.run("rollback");
            match outcome {
                Ok(_) => assert!(allowed, "{from:?} -> {to:?} was possible ({as_whom})"),
                Err(failure) => {
                    assert!(!allowed, "{from:?} -> {to:?} was refused ({as_whom}): {failure:?}");
                    let code = if from.is_final() { "E-RUN-006" } else { "E-RUN-002" };
                    assert_eq!(failure.code(), code, "{from:?} -> {to:?} ({as_whom})");
                }
            }
        }
    }
}

#[test]
fn a_superusers_update_cannot_make_an_illegal_transition() {
    walk("select 1");
}

#[test]
fn the_owners_own_update_cannot_make_an_illegal_transition() {
    walk("select awooop.enter_project('$project'); set local role awooop_owner");
}

#[test]
fn a_session_that_switches_triggers_off_cannot_make_an_illegal_transition() {
    walk("set local session_replication_role = replica");
}

#[test]
fn the_view_shows_the_same_table() {
    let mut shown: Vec<(String, String, String)> = Project::new()
        .admin()
        .rows("select from_state, to_state, event from awooop.run_transition")
        .unwrap()
        .into_iter()
        .map(|row| {
            let mut columns = row.into_iter().map(Option::unwrap_or_default);
            let mut next = || columns.next().unwrap_or_default();
            (next(), next(), next())
        })
        .collect();
    let mut wanted: Vec<(String, String, String)> =
        TRANSITIONS.iter().map(|t| (t.from.as_str().into(), t.to.as_str().into(), t.event.into())).collect();
    shown.sort();
    wanted.sort();
    assert_eq!(shown, wanted);
}

#[test]
fn the_documents_show_the_same_table() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/RUN_STATES.md");
    assert_eq!(std::fs::read_to_string(page).unwrap(), documentation(), "run `cargo xtask docs`");
}

#[test]
fn what_a_run_was_created_with_never_changes() {
    let project = Project::new();
    let (mut admin, mut actor) = (project.admin(), project.actor());
    let run = actor.create_id("");
    for change in [
        "project_id = 'x'",
        "run_id = gen_random_uuid()",
        "agent_id = 'x'",
        "platform_subject_id = 'x'",
        "channel_type = 'x'",
        "channel_user_id = 'x'",
        "mode = 'shadow'",
        "envelope = '{}'",
        "trace_id = 'x'",
        "input = '1'",
        "tags = '{\"a\": \"b\"}'",
        "idempotency_key = 'x'",
        "request_digest = '\\x00'",
        "max_attempts = 9",
        "created_by = 'x'",
        "created_at = now()",
    ] {
        let sql = format!("update awooop.run_state set {change} where run_id = '{run}'");
        assert_eq!(admin.code(&sql), "E-RUN-007", "{change}");
    }
    let epoch = format!("update awooop.run_state set epoch = -1 where run_id = '{run}'");
    assert!(admin.ask(&epoch).is_err(), "an epoch was turned back");
}

#[test]
fn a_run_and_its_journal_cannot_be_deleted_or_truncated_by_anyone() {
    // TRUNCATE locks whole tables.
    let project = Project::in_database(&own_database().0);
    let (mut admin, mut actor) = (project.admin(), project.actor());
    actor.create("");
    let claim = actor.claim_one("w");
    actor.call(&claim.sql("record_step", ", 'a'"));
    actor.call(&claim.sql("complete_run", ""));
    let of_run = format!("where run_id = '{}'", claim.run);
    for (sql, code) in [
        (format!("delete from awooop.run_state {of_run}"), "E-RUN-008"),
        ("truncate awooop.run_state cascade".into(), "E-RUN-008"),
        (format!("delete from awooop.step_journal {of_run}"), "E-AUDIT-001"),
        (format!("update awooop.step_journal set result = '1' {of_run}"), "E-AUDIT-001"),
        ("truncate awooop.step_journal".into(), "E-AUDIT-001"),
        (format!("delete from awooop.audit_log {of_run}"), "E-AUDIT-001"),
        (format!("update awooop.audit_log set facts = '{{}}' {of_run}"), "E-AUDIT-001"),
        ("truncate awooop.audit_log".into(), "E-AUDIT-001"),
    ] {
        for as_whom in ["", "set local session_replication_role = replica;"] {
            admin.run("begin");
            assert_eq!(admin.code(&format!("{as_whom}{sql}")), code, "{as_whom}{sql}");
            admin.run("rollback");
        }
    }
    let partitions = admin
        .rows(
            "select inhrelid::regclass::text from pg_inherits where inhparent::regclass::text in
               ('awooop.audit_log', 'awooop.step_journal')",
        )
        .unwrap();
    assert!(partitions.len() >= 10);
    for partition in partitions.into_iter().flatten().flatten() {
        assert_eq!(admin.code(&format!("truncate {partition}")), "E-AUDIT-001", "{partition}");
    }
}
