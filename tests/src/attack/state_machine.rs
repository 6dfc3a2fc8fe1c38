//! The state machine and the append-only tables against DML by those who may do everything: a superuser, and the
//! tables' owner. Runs in the quiet database; every attack is rolled back.

use awooop_policy::run_fsm::RunState;

use crate::harness::{Actor, Project, Session, own_database};

/// A project with a run in each state, and a superuser's session.
struct Stage {
    actor: Actor,
    admin: Session,
}

impl Stage {
    fn new() -> Self {
        Self::of(&Project::new())
    }

    /// On a database of its own: TRUNCATE locks whole tables, in an order that other tests' statements do not have.
    fn alone() -> Self {
        Self::of(&Project::in_database(&own_database().0))
    }

    fn of(project: &Project) -> Self {
        let (mut actor, admin) = (project.actor(), project.admin());
        actor.create_many(RunState::ALL.len(), "");
        let mut stage = Self { actor, admin };
        let list = stage.actor.call("select awooop.list_runs()");
        let runs: Vec<String> = list["items"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|run| crate::harness::quiet::text(&run["run_id"]))
            .collect();
        for (run, state) in runs.iter().zip(RunState::ALL) {
            stage.bring(run, state);
        }
        stage
    }

    /// Brings a pending run into `state` along lawful transitions, step by step as a superuser.
    fn bring(&mut self, run: &str, state: RunState) {
        let path: &[RunState] = match state {
            RunState::Pending => &[],
            RunState::Running => &[RunState::Running],
            other => &[RunState::Running, other],
        };
        for step in path {
            let end =
                if step.is_final() { ", finished_at = now(), retain_until = now() + interval '1 day'" } else { "" };
            self.admin.run(&format!(
                "update awooop.run_state set state = '{}'{end}, epoch = greatest(epoch, 1) where run_id = '{run}'",
                step.as_str()
            ));
        }
    }

    fn run_in(&mut self, state: RunState) -> String {
        let sql = format!(
            "select run_id from awooop.run_state where project_id = '{}' and state = '{}'",
            self.actor.project,
            state.as_str()
        );
        self.admin.value(&sql)
    }

    /// The code that `sql` fails with, or what it did; rolled back. As a superuser, as one with replication's settings,
    /// and as the owner.
    fn each(&mut self, sql: &str) -> Vec<String> {
        let project = self.actor.project.clone();
        [
            String::new(),
            "set local session_replication_role = replica;".to_owned(),
            format!("select awooop.enter_project('{project}'); set local role awooop_owner;"),
        ]
        .into_iter()
        .map(|first| {
            self.admin.run(&format!("begin; {first}"));
            let answer = self.admin.ask(sql).map_or_else(|failure| failure.code(), |_| "done".to_owned());
            self.admin.run("rollback");
            answer
        })
        .collect()
    }

    #[track_caller]
    fn refuses(&mut self, sql: &str, code: &str) {
        for answer in self.each(sql) {
            assert_eq!(answer, code, "{sql}");
        }
    }
}

#[test]
fn no_dml_makes_an_illegal_transition() {
    let mut stage = Stage::new();
    for from in RunState::ALL {
        let run = stage.run_in(from);
        for to in RunState::ALL.into_iter().filter(|to| *to != from && !from.may_become(*to)) {
            let end = if to.is_final() { "now()" } else { "null" };
            let set = format!("state = '{}', finished_at = {end}, retain_until = {end}", to.as_str());
            let code = if from.is_final() { "E-RUN-006" } else { "E-RUN-002" };
            stage.refuses(&format!("update awooop.run_state set {set} where run_id = '{run}'"), code);
        }
    }
}

#[test]
fn neither_merge_nor_upsert_nor_a_view_gets_round_the_transitions() {
    let mut stage = Stage::new();
    let (project, pending) = (stage.actor.project.clone(), stage.run_in(RunState::Pending));
    let done = stage.run_in(RunState::Completed);
    stage.refuses(
        &format!(
            "merge into awooop.run_state s using (select '{pending}'::uuid as id) v on s.run_id = v.id
             when matched then update set state = 'completed', finished_at = now(), retain_until = now()"
        ),
        "E-RUN-002",
    );
    stage.refuses(
        &format!("merge into awooop.run_state s using (select '{done}'::uuid as id) v on s.run_id = v.id when matched then delete"),
        "E-RUN-008",
    );
    stage.refuses(
        &format!(
            "insert into awooop.run_state select * from awooop.run_state where run_id = '{pending}'
             on conflict (project_id, run_id) do update set state = 'waiting_tool'"
        ),
        "E-RUN-002",
    );
    stage.refuses(
        &format!(
            "insert into awooop.run_state select * from awooop.run_state where run_id = '{done}'
             on conflict (project_id, run_id) do update set result = '1'"
        ),
        "E-RUN-006",
    );
    stage.refuses(
        &format!("with u as (update awooop.run_state set state = 'failed' where run_id = '{pending}' returning 1) select * from u"),
        "E-RUN-002",
    );
    let answers = stage.each(&format!(
        "create temp view v as select * from awooop.run_state where project_id = '{project}';
         update v set state = 'completed', finished_at = now(), retain_until = now() where run_id = '{pending}'"
    ));
    assert!(answers.iter().all(|code| code == "E-RUN-002" || code == "42501"), "{answers:?}");
}

#[test]
fn no_dml_changes_what_a_run_was_created_with() {
    let mut stage = Stage::new();
    for state in [RunState::Pending, RunState::Running] {
        let run = stage.run_in(state);
        for set in [
            "run_id = gen_random_uuid()",
            "project_id = 'another'",
            "agent_id = 'another'",
            "platform_subject_id = 'another'",
            "channel_type = 'another'",
            "channel_user_id = 'another'",
            "mode = 'shadow'",
            "envelope = '{}'",
            "trace_id = 'x'",
            "input = '{}'",
            "tags = '{\"a\": \"b\"}'",
            "idempotency_key = 'another'",
            "request_digest = ''",
            "max_attempts = 20",
            "created_by = 'another'",
            "created_at = now()",
        ] {
            stage.refuses(&format!("update awooop.run_state set {set} where run_id = '{run}'"), "E-RUN-007");
        }
    }
    let run = stage.run_in(RunState::Running);
    stage.refuses(&format!("update awooop.run_state set epoch = epoch - 1 where run_id = '{run}'"), "E-RUN-007");
}

#[test]
fn no_dml_changes_a_run_that_has_ended() {
    let mut stage = Stage::new();
    for state in RunState::ALL.into_iter().filter(|state| state.is_final()) {
        let run = stage.run_in(state);
        for set in [
            "result = '1'",
            "error = '{}'",
            "retain_until = now() - interval '1 day'",
            "finished_at = now()",
            "priority = 9",
            "updated_at = now()",
            "attempts = 0",
            "epoch = epoch + 1",
            "deadline_at = now()",
            "finished_at = null, retain_until = null, state = 'pending'",
        ] {
            stage.refuses(&format!("update awooop.run_state set {set} where run_id = '{run}'"), "E-RUN-006");
        }
    }
}

#[test]
fn no_dml_ends_a_run_so_that_it_may_be_deleted_at_once() {
    let mut stage = Stage::new();
    let run = stage.run_in(RunState::Running);
    for until in ["now() - interval '1 day'", "now() + interval '1 hour'"] {
        let set = format!("state = 'completed', finished_at = now(), retain_until = {until}");
        stage.refuses(&format!("update awooop.run_state set {set} where run_id = '{run}'"), "E-RUN-008");
    }
}

#[test]
fn no_dml_deletes_a_run_before_its_retention_is_over() {
    let mut stage = Stage::alone();
    for state in RunState::ALL {
        let run = stage.run_in(state);
        stage.refuses(&format!("delete from awooop.run_state where run_id = '{run}'"), "E-RUN-008");
    }
    for sql in [
        "truncate awooop.run_state cascade",
        "truncate awooop.run_state, awooop.run_ready, awooop.run_lease, awooop.approval_request, awooop.approval_decision,
         awooop.approval_use, awooop.mcp_call, awooop.channel_run, awooop.channel_button, awooop.channel_press",
        "truncate awooop.agents cascade",
        "truncate awooop.platform_subjects cascade",
    ] {
        stage.refuses(sql, "E-RUN-008");
    }
    // The head of each project's audit log refuses first.
    stage.refuses("truncate awooop.projects cascade", "E-AUDIT-001");
}

/// Every partition of an append-only table, and the parents.
fn append_only(admin: &mut Session) -> Vec<String> {
    let sql = "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where n.nspname = 'awooop' and c.relkind in ('r', 'p')
                 and (c.relname like 'audit\\_log%' or c.relname like 'step\\_journal%')";
    admin.rows(sql).unwrap().into_iter().flatten().flatten().collect()
}

#[test]
fn no_dml_changes_or_removes_what_is_only_appended() {
    let mut stage = Stage::alone();
    let claim_run = stage.actor.create_id("");
    let mut claims = stage.actor.claim("worker", 20);
    claims.retain(|claim| claim.run == claim_run);
    let claim = claims.remove(0);
    stage.actor.call(&claim.sql("record_step", ", 'step', '{}'"));
    let project = stage.actor.project.clone();
    let tables = append_only(&mut stage.admin);
    assert!(tables.len() >= 8, "{tables:?}");
    for table in tables {
        let rows = stage.admin.value(&format!("select count(*) from {table} where project_id = '{project}'"));
        stage.refuses(&format!("truncate {table}"), "E-AUDIT-001");
        if rows == "0" {
            continue;
        }
        let column = if table.contains("audit_log") { "action" } else { "kind" };
        for sql in [
            format!("update {table} set {column} = 'forged' where project_id = '{project}'"),
            format!("update {table} set {column} = {column} where project_id = '{project}'"),
            format!("update only {table} set project_id = 'x' where project_id = '{project}'"),
            format!("delete from {table} where project_id = '{project}'"),
            format!("merge into {table} t using (select 1) v on t.project_id = '{project}' when matched then delete"),
            format!(
                "merge into {table} t using (select 1) v on t.project_id = '{project}'
                 when matched then update set {column} = 'forged'"
            ),
        ] {
            let answers = stage.each(&sql);
            // `only` a partitioned parent has no rows of its own.
            let nothing = sql.starts_with("update only") && answers.iter().all(|answer| answer == "done");
            assert!(nothing || answers.iter().all(|answer| answer == "E-AUDIT-001"), "{sql}: {answers:?}");
        }
    }
    for (table, key) in [
        ("audit_log", "project_id, audit_id, recorded_at"),
        ("step_journal", "project_id, run_id, step_key, phase, run_created_at"),
    ] {
        let column = if table == "audit_log" { "action" } else { "kind" };
        stage.refuses(
            &format!(
                "insert into awooop.{table} select * from awooop.{table} where project_id = '{project}'
                 on conflict ({key}) do update set {column} = 'forged'"
            ),
            "E-AUDIT-001",
        );
    }
}

#[test]
fn a_partition_that_maintenance_makes_is_as_guarded_as_the_first() {
    let (_, mut admin) = crate::harness::own_database();
    admin.run("drop table awooop.audit_log_default, awooop.step_journal_default");
    admin.run("select awooop.maintain()");
    for table in ["audit_log_default", "step_journal_default"] {
        assert_eq!(admin.code(&format!("truncate awooop.{table}")), "E-AUDIT-001");
        let triggers = format!(
            "select string_agg(tgname || tgenabled::text, ' ' order by tgname) from pg_trigger
             where tgrelid = 'awooop.{table}'::regclass and not tgisinternal"
        );
        assert_eq!(admin.value(&triggers), "append_onlyA append_only_truncateA");
        let guarded = format!(
            "select relrowsecurity and relforcerowsecurity and relacl is null from pg_class where oid = 'awooop.{table}'::regclass"
        );
        assert_eq!(admin.value(&guarded), "t", "{table}");
    }
}
