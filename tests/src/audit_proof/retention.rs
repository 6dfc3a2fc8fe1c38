//! Detaching a month of the log: only once it is sealed under a signed checkpoint, as guarded afterwards as before, and
//! the log verifies with the detached table, with its export, and without it.

use awooop_policy::transparency::document::{AuditRow, leaf_hash};
use awooop_policy::transparency::hex;
use uuid::Uuid;

use super::stage::{Stage, found};
use crate::harness::Session;
use crate::harness::platform::login_in;

pub(super) const OLD: &str = "audit_log_2020_01";
/// 2020-01-15.
const THEN: i64 = 1_579_046_400_000_000;

/// A partition for this month of 2020, as if it had been there then.
pub(super) fn month_of_2020(stage: &mut Stage, month: u32) {
    let table = format!("audit_log_2020_{month:02}");
    stage.admin.run(&format!(
        "set role awooop_owner;
         create table if not exists awooop.{table} (like awooop.audit_log including all);
         alter table awooop.{table} enable row level security;
         alter table awooop.{table} force row level security;
         create policy tenant_isolation on awooop.{table}
             using (project_id = awooop.current_project_id()) with check (project_id = awooop.current_project_id());
         create trigger append_only_truncate before truncate on awooop.{table}
             for each statement execute function awooop.refuse_append_only();
         alter table awooop.{table} enable always trigger append_only_truncate;
         alter table awooop.audit_log attach partition awooop.{table}
             for values from ('2020-{month:02}-01 00:00:00+00') to ('2020-{:02}-01 00:00:00+00');
         reset role",
        month + 1
    ));
}

/// Rows of January 2020 in `stage`'s project, and a partition for them.
pub(super) fn long_ago(stage: &mut Stage, rows: u32) {
    let project = stage.project.clone();
    month_of_2020(stage, 1);
    for n in 0..rows {
        let row = AuditRow {
            project_id: &project,
            audit_id: Uuid::now_v7(),
            recorded_at: THEN + i64::from(n),
            action: "agent_created",
            decision: "done",
            code: None,
            principal_id: None,
            door: "sql",
            trace_id: None,
            agent_id: Some("old"),
            platform_subject_id: None,
            run_id: None,
            facts: "{}",
        };
        let leaf = hex(&leaf_hash(&row.document().unwrap()));
        let at = format!("timestamptz '2020-01-15 00:00:00+00' + {n} * interval '1 microsecond'");
        stage.admin.run(&format!(
            "insert into awooop.audit_log (project_id, audit_id, recorded_at, action, decision, door, agent_id, facts)
                 values ('{project}', '{0}', {at}, 'agent_created', 'done', 'sql', 'old', '{{}}');
             insert into awooop.audit_pending (project_id, audit_id, recorded_at, leaf_hash) values ('{project}', '{0}', {at}, '\\x{leaf}')",
            row.audit_id
        ));
    }
}

pub(super) fn detach(admin: &mut Session) -> String {
    match admin.ask(&format!("select awooop.detach_audit_partition('{OLD}')")) {
        Ok(_) => String::new(),
        Err(failure) => failure.code(),
    }
}

#[test]
fn a_partition_goes_only_when_all_of_it_is_under_a_signed_checkpoint() {
    let mut stage = Stage::new();
    long_ago(&mut stage, 20);
    assert_eq!(detach(&mut stage.admin), "E-AUDIT-008", "nothing is sealed");
    // Sealed, but under no checkpoint.
    stage.admin.run("select awooop.maintain()");
    let project = stage.project.clone();
    stage.as_attacker(&format!(
        "create table public.kept as select * from awooop.audit_checkpoint where project_id = '{project}' and tree_size > 50;
         delete from awooop.audit_checkpoint where project_id = '{project}' and tree_size > 50"
    ));
    assert_eq!(detach(&mut stage.admin), "E-AUDIT-008", "nothing is signed");
    stage.as_attacker("insert into awooop.audit_checkpoint select * from public.kept");
    // One row that nobody sealed.
    long_ago_row_without_leaf(&mut stage);
    assert_eq!(detach(&mut stage.admin), "E-AUDIT-008", "one row has no leaf");
    stage.as_attacker("delete from awooop.audit_log where agent_id = 'stray'");
    for (table, code) in
        [("audit_log_default", "E-AUDIT-007"), ("run_state", "E-AUDIT-007"), ("audit_log_1999_01", "E-AUDIT-007")]
    {
        assert_eq!(stage.admin.code(&format!("select awooop.detach_audit_partition('{table}')")), code, "{table}");
    }
    let this_month = stage.admin.value("select to_char(now() at time zone 'UTC', '\"audit_log_\"YYYY_MM')");
    assert_eq!(stage.admin.code(&format!("select awooop.detach_audit_partition('{this_month}')")), "E-AUDIT-007");
    for role in ["awooop_operator", "awooop_auditor", "awooop_tenant"] {
        let (_, mut session) = login_in(Some(&stage.database), &[role]);
        assert_eq!(detach(&mut session), "42501", "{role}");
    }
    assert_eq!(detach(&mut stage.admin), "");
    assert_eq!(detach(&mut stage.admin), "E-AUDIT-007", "it is detached already");
}

fn long_ago_row_without_leaf(stage: &mut Stage) {
    let project = stage.project.clone();
    stage.admin.run(&format!(
        "insert into awooop.audit_log (project_id, audit_id, recorded_at, action, decision, door, agent_id, facts)
         values ('{project}', gen_random_uuid(), '2020-01-20', 'x', 'done', 'sql', 'stray', '{{}}')"
    ));
}

#[test]
fn what_was_detached_verifies_with_its_table_and_without_it() {
    let mut stage = Stage::new();
    long_ago(&mut stage, 20);
    let held = stage.checkpoint();
    let before = stage.export();
    assert_eq!(detach(&mut stage.admin), "");
    // The table is there: each row of it is checked, and exported.
    let answer = stage.verify(Some(&held));
    assert_eq!((&answer["ok"], &answer["rows_checked"]), (&true.into(), &70.into()), "{answer}");
    assert_eq!((&answer["archived"][0]["table"], &answer["archived"][0]["present"]), (&OLD.into(), &true.into()));
    assert_eq!(stage.export(), before);
    // It is told of in the log.
    stage.checkpoint();
    let told = stage.actor.call("select awooop.list_audit(action => 'audit_partition_detached')");
    assert_eq!(told["items"][0]["facts"]["rows"], 20);
    assert_eq!(stage.findings(Some(&held)), []);
    // An edit, a deletion and an insertion in it are found.
    let id = stage.id(60);
    let edit = |stage: &mut Stage, sql: &str| {
        stage.admin.run(&format!(
            "alter table awooop.{OLD} disable trigger all; {sql}; alter table awooop.{OLD} enable trigger all"
        ));
    };
    edit(
        &mut stage,
        &format!(
            "create table public.kept as table awooop.{OLD}; update awooop.{OLD} set action = 'forged' where audit_id = '{id}'"
        ),
    );
    assert_eq!(stage.findings(None), found("row_altered", 60));
    edit(&mut stage, &format!("delete from awooop.{OLD} where audit_id = '{id}'"));
    assert_eq!(stage.findings(None), found("row_missing", 60));
    edit(&mut stage, &format!("insert into awooop.{OLD} select * from public.kept where audit_id = '{id}'"));
    assert_eq!(stage.findings(None), []);
    edit(
        &mut stage,
        &format!(
            "insert into awooop.{OLD} select project_id, gen_random_uuid(), recorded_at, action, decision, code,
             principal_id, door, trace_id, agent_id, platform_subject_id, run_id, facts from public.kept limit 1"
        ),
    );
    assert_eq!(stage.findings(None)[0].0, "row_inserted");
    // Without the table its leaves still carry the tree; its rows are archived, not missing.
    stage.admin.run(&format!("drop table awooop.{OLD}"));
    let answer = stage.verify(Some(&held));
    assert_eq!((&answer["ok"], &answer["rows_archived"]), (&true.into(), &20.into()), "{answer}");
    assert_eq!(answer["archived"][0]["present"], false);
    let proof = stage.actor.call(&format!("select awooop.audit_proof('{id}')"));
    assert_eq!(
        (&proof["inclusion"]["leaf_index"], &proof["inclusion"]["document"]),
        (&60.into(), &serde_json::Value::Null)
    );
}

#[test]
fn a_detached_table_is_as_guarded_as_a_partition() {
    let mut stage = Stage::new();
    long_ago(&mut stage, 2);
    stage.checkpoint();
    assert_eq!(detach(&mut stage.admin), "");
    for sql in [
        format!("update awooop.{OLD} set action = 'x'"),
        format!("delete from awooop.{OLD}"),
        format!("truncate awooop.{OLD}"),
    ] {
        assert_eq!(stage.admin.code(&sql), "E-AUDIT-001", "{sql}");
    }
    let guarded = format!(
        "select relrowsecurity and relforcerowsecurity and relacl is null and relowner = 'awooop_owner'::regrole
         from pg_class where oid = 'awooop.{OLD}'::regclass"
    );
    assert_eq!(stage.admin.value(&guarded), "t");
    stage.admin.run("set role awooop_owner");
    assert_eq!(stage.admin.value(&format!("select count(*) from awooop.{OLD}")), "0", "no context, no rows");
    stage.admin.run("reset role");
    assert_eq!(
        stage
            .admin
            .value("select count(*) from awooop.doctor() where area in ('rls', 'trigger', 'ownership', 'grant')"),
        "0"
    );
}

#[test]
fn a_deletion_does_not_pass_for_retention() {
    let mut stage = Stage::new();
    let (project, id) = (stage.project.clone(), stage.id(33));
    // A record of a detachment that never was, over rows that are gone.
    stage.as_attacker(&format!(
        "delete from awooop.audit_log where project_id = '{project}' and audit_id = '{id}';
         insert into awooop.audit_archive (project_id, audit_id, table_name, range_from, range_to, row_count, tree_size)
         values ('{project}', gen_random_uuid(), '{OLD}', '2000-01-01', '2100-01-01', 1, 50)"
    ));
    let unproved = vec![("row_missing".to_owned(), 33), ("archive_unproved".to_owned(), 50)];
    assert_eq!(stage.findings(None), unproved);
    // The record names a true row of the log, of something else, with its true document.
    let document = serde_json::from_str::<serde_json::Value>(&stage.exported[7]).unwrap()["document"].clone();
    stage.as_attacker(&format!(
        "update awooop.audit_archive
         set audit_id = (select audit_id from awooop.audit_leaf where project_id = '{project}' and leaf_index = 7),
             document = {}",
        crate::harness::literal(document.as_str().unwrap())
    ));
    assert_eq!(stage.findings(None), unproved);
    // A true detachment does not cover for rows that were deleted before it, nor for one that is deleted after it.
    stage.as_attacker("delete from awooop.audit_archive");
    assert_eq!(stage.findings(None), found("row_missing", 33));
    long_ago(&mut stage, 5);
    stage.checkpoint();
    assert_eq!(detach(&mut stage.admin), "");
    stage.admin.run(&format!("drop table awooop.{OLD}"));
    assert_eq!(stage.findings(None), found("row_missing", 33), "not that of another month");
    let besides = stage.id(40);
    stage.as_attacker(&format!(
        "delete from awooop.audit_log where project_id = '{project}' and audit_id = '{besides}'"
    ));
    assert_eq!(stage.findings(None), [("row_missing".to_owned(), 33), ("row_missing".to_owned(), 40)]);
}

#[test]
fn detaching_gives_up_rather_than_stop_the_writers_for_long() {
    let mut stage = Stage::new();
    long_ago(&mut stage, 2);
    stage.checkpoint();
    let mut holder = crate::harness::quiet::superuser_in(&stage.database);
    holder.run("begin; lock table awooop.audit_log in row exclusive mode");
    assert_eq!(detach(&mut stage.admin), "E-AUDIT-010");
    holder.run("rollback");
    assert_eq!(detach(&mut stage.admin), "");
}
