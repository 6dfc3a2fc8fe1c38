//! Each as the attacker's role: another tenant, a stolen login, a worker, a key of little, an auditor.

use serde_json::{Value, json};

use super::scene::{Spender, check, code};
use crate::harness::answer::{eventually, literal};
use crate::harness::platform::{call_code, careless, careless_tenant, login_in, worker_in};
use crate::harness::platform_logins::gateway_login_in;
use crate::harness::quiet::{Claim, expire, quiet_database, superuser_in, text};
use crate::harness::server::{config_for, connect};
use crate::harness::{Actor, Project, Session, own_database, unique};

const ABSENT: &str = "018f0000-0000-7000-8000-000000000000";

/// Every table of budgets.
const TABLES: [&str; 9] = [
    "budget_control",
    "budget_limit",
    "budget_switch",
    "budget_price",
    "budget_counter",
    "budget_counter_lane",
    "budget_escrow",
    "budget_reservation",
    "budget_ledger",
];

/// Every row of a project's budget.
fn rows(admin: &mut Session, project: &str) -> Vec<String> {
    let of = |table| {
        format!(
            "select count(*) || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from awooop.{table} t
             where project_id = '{project}'"
        )
    };
    TABLES.into_iter().map(|table| admin.value(&of(table))).collect()
}

/// Somebody whose budget others are after: a run with a call under way, and a reservation.
struct Victim {
    spender: Spender,
    run: Claim,
    call: String,
    reservation: String,
}

impl Victim {
    fn new(project: &Project) -> Self {
        let mut spender = Spender::of(project);
        spender.limit("day", 1000);
        spender.actor.call("select awooop.switch_budget('agent', 'paused', 'sleeper', 'a secret reason')");
        spender.actor.call("select awooop.set_price('secret-model', 1, 1)");
        let run = spender.run("");
        spender.charge(&run, 100);
        let call = text(&spender.reserve_in(&run, 50, ", idempotency_key => 'theirs'")["reservation_id"]);
        let reservation = text(&spender.reserve_as("7", 10, ", idempotency_key => 'theirs'")["reservation_id"]);
        Self { spender, run, call, reservation }
    }

    /// Its rest is all there, and its work goes on.
    #[track_caller]
    fn is_unharmed(&mut self) {
        self.spender.settle(&self.reservation.clone(), 10);
        self.spender.complete(&self.run.clone());
        assert_eq!(self.spender.tokens("day"), [160, 0, 0, 840]);
        let rest = self.spender.hold(840);
        self.spender.release(&rest);
        self.spender.check();
    }
}

#[test]
fn another_tenants_ids_are_as_unknown_as_nobodys() {
    let mut victim = Victim::new(&Project::new());
    let mut thief = Spender::new();
    thief.limit("day", 1000);
    let own = thief.run("");
    let (mut admin, theirs) = (victim.spender.project.admin(), victim.spender.project.id.clone());
    let before = rows(&mut admin, &theirs);
    let envelope = thief.actor.envelope();
    for (real, lease) in [
        (&victim.run.run, &victim.run.lease),
        (&victim.run.run, &own.lease),
        (&victim.call, &victim.run.lease),
        (&victim.call, &own.lease),
        (&victim.reservation, &String::new()),
    ] {
        let mut answers = |id: &str| {
            // The lease as it would be of that run, in the thief's project.
            let moved = lease.replacen(&theirs, &thief.project.id, 1).replacen(&victim.run.run, id, 1);
            let mut named = envelope.clone();
            named["run_id"] = json!(id);
            let named = literal(&named.to_string());
            [
                format!("select awooop.settle_budget('{id}', tokens => 1, lease => '{moved}')"),
                format!("select awooop.settle_budget('{id}', tokens => 1)"),
                format!("select awooop.settle_budget(run_id => '{id}', tokens => 1, lease => '{moved}')"),
                format!("select awooop.settle_budget(run_id => '{id}', tokens => 1, idempotency_key => 'theirs', lease => '{moved}')"),
                format!("select awooop.release_budget('{id}', '{moved}')"),
                format!("select awooop.release_budget('{id}')"),
                format!("select awooop.adjust_budget('{id}', 'mine', -1)"),
                format!("select awooop.reserve_budget({named}, tokens => 1, lease => '{moved}')"),
                format!("select awooop.list_ledger('{id}')"),
                format!("select awooop.set_budget('run', 'run', '{id}', hard_tokens => 0)"),
                format!("select awooop.budget_status('run', '{id}') -> 'limits'"),
                format!("select awooop.set_budget('run', 'run', '{id}')"),
                format!("select awooop.switch_budget('run', 'killed', '{id}')"),
                format!("select awooop.switch_budget('run', 'active', '{id}')"),
            ]
            .map(|sql| match thief.actor.attempt(&sql) {
                Ok(answer) => answer.to_string().replace(id, "ID"),
                Err(failure) => format!("{failure:?}").replace(id, "ID"),
            })
        };
        assert_eq!(answers(real), answers(ABSENT), "{real}");
    }
    // The victim's own lease, as it is, opens nothing in another project.
    let sql = format!(
        "select awooop.settle_budget(run_id => '{}', tokens => 1, lease => '{}')",
        victim.run.run, victim.run.lease
    );
    assert_eq!(thief.actor.code(&sql), "E-RUN-003");
    // Nor does anything tell of its limits, switches, prices and keys.
    let shown = [
        thief.status(),
        thief.actor.call("select awooop.list_prices()"),
        thief.actor.call("select awooop.budget_check()"),
        thief.actor.call("select awooop.list_audit(page_size => 200)"),
    ];
    let shown = json!(shown).to_string();
    for secret in [&theirs, "secret-model", "a secret reason", "sleeper"] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
    // The key is free here.
    assert_eq!(thief.reserve_as("7", 1, ", idempotency_key => 'theirs'")["created"], true);
    assert_eq!(rows(&mut admin, &theirs), before, "another tenant's rows changed");
    victim.is_unharmed();
}

#[test]
fn an_envelope_of_another_project_reserves_nothing() {
    let mut victim = Victim::new(&Project::new());
    let mut thief = Spender::new();
    let envelope = victim.spender.actor.envelope();
    let reserve =
        |envelope: &Value| format!("select awooop.reserve_budget({}, tokens => 1)", literal(&envelope.to_string()));
    assert_eq!(thief.actor.code(&reserve(&envelope)), "E-TENANT-007");
    let mut renamed = envelope;
    renamed["project_id"] = json!(thief.project.id);
    // The subject is still the victim's.
    assert_eq!(thief.actor.code(&reserve(&renamed)), "E-INPUT-001");
    assert_eq!(thief.total(), [0, 0, 0]);
    victim.is_unharmed();
}

#[test]
fn whoever_may_write_every_table_reads_and_changes_no_budget_but_its_own() {
    let (project, ..) = careless_tenant(&careless().readers);
    let mut victim = Victim::new(&project);
    let (_, mut thief, mut admin) = careless_tenant(&careless().writers);
    let (own, theirs) = (thief.project.clone(), project.id.clone());
    let before = rows(&mut admin, &theirs);
    let mut mine = Spender { actor: thief, project: project.clone() };
    mine.limit("day", 50);
    mine.hold(20);
    thief = mine.actor;
    thief.session.run(&format!("begin; select awooop.enter_project('{own}')"));
    for table in TABLES {
        let seen = format!("select coalesce(string_agg(distinct project_id, ' '), '') from awooop.{table}");
        let seen = thief.session.value(&seen);
        assert!(seen == own || seen.is_empty(), "{table}: {seen}");
        for sql in [
            format!("update awooop.{table} set project_id = '{theirs}'"),
            format!("update awooop.{table} set project_id = '{own}' where project_id = '{theirs}'"),
            format!("delete from awooop.{table} where project_id = '{theirs}'"),
            format!(
                "insert into awooop.{table} select (jsonb_populate_record(t, '{{\"project_id\": \"{theirs}\"}}')).* from awooop.{table} t"
            ),
            format!(
                "merge into awooop.{table} t using (values ('{theirs}')) v (id) on t.project_id = v.id when matched then delete"
            ),
        ] {
            thief.session.run("savepoint here");
            // Refused, or of no row; what the guards and policies say is for others to test.
            let _ = thief.session.ask(&sql);
            thief.session.run("rollback to here");
        }
        // The guards see what their writer sees: nobody is told whether a row of the victim would have had its place.
        let forged = |id: &str| {
            format!(
                "insert into awooop.{table} select (jsonb_populate_record(t, '{{\"project_id\": \"{id}\"}}')).*
                 from awooop.{table} t"
            )
        };
        if !seen.is_empty() {
            let mut told = |id: &str| {
                thief.session.run("savepoint here");
                let failure = thief.session.failure(&forged(id));
                thief.session.run("rollback to here");
                format!("{failure:?}").replace(id, "ID")
            };
            assert_eq!(told(&theirs), told("no-such-project"), "{table}");
        }
    }
    // Its own counters are out of its reach as well.
    for sql in [
        "update awooop.budget_counter set granted_tokens = 1000000",
        "update awooop.budget_counter_lane set reserved_tokens = 0",
        "delete from awooop.budget_escrow",
    ] {
        thief.session.run("savepoint here");
        assert_eq!(thief.session.code(sql), "E-BUDGET-009", "{sql}");
        thief.session.run("rollback to here");
    }
    thief.session.run("commit");
    let mut mine = Spender { actor: thief, project };
    assert_eq!(mine.tokens("day"), [0, 20, 0, 30]);
    assert_eq!(code(&mine.reserve(31)), "E-BUDGET-001");
    mine.check();
    assert_eq!(rows(&mut admin, &theirs), before);
    victim.is_unharmed();
}

#[test]
fn one_projects_exhaustion_refuses_no_other() {
    // The same agent, the same channel user, the same limits.
    let mut victim = Victim::new(&Project::new());
    let mut thief = Spender::new();
    thief.limit("day", 100);
    thief.actor.call("select awooop.set_budget('agent', 'month', '*', hard_tokens => 100)");
    thief.actor.call("select awooop.set_budget('subject', 'lifetime', '*', hard_tokens => 100)");
    thief.hold(100);
    assert_eq!(code(&thief.reserve(1)), "E-BUDGET-001");
    thief.actor.call("select awooop.switch_budget('project', 'killed', reason => 'out of spite')");
    assert_eq!(code(&thief.reserve(1)), "E-BUDGET-003");
    assert_eq!(victim.spender.charge(&victim.run.clone(), 0)["outcome"], "charged");
    victim.is_unharmed();
}

/// A session that waits for no lock longer than a moment.
fn impatient(project: &Project) -> Spender {
    let mut spender = Spender::of(project);
    spender.actor.session.run("set lock_timeout = '2s'");
    spender
}

#[test]
fn a_transaction_left_open_delays_no_other_project() {
    let (database, mut platform) = own_database();
    platform.run("set lock_timeout = '2s'");
    let projects = [Project::in_database(&database), Project::in_database(&database)];
    let [mut hostile, mut victim] = [Spender::of(&projects[0]), impatient(&projects[1])];
    hostile.limit("day", 1000);
    victim.limit("day", 1000);
    // Both have one that is due, and a run whose worker is gone.
    let due = [&mut hostile, &mut victim].map(|spender| {
        let run = spender.run("");
        spender.charge(&run, 10);
        let reservation = text(&spender.reserve_as("7", 10, ", expires_seconds => 1")["reservation_id"]);
        (run, reservation)
    });
    let envelope = literal(&hostile.actor.envelope().to_string());
    let (run, reservation) = &due[0];
    // One transaction holds a lane and its escrows, the other everything.
    let mut other = Spender::of(&projects[0]);
    for (session, sql) in [
        (
            &mut hostile.actor.session,
            vec![
                format!("select awooop.reserve_budget({envelope}, tokens => 1)"),
                format!("select awooop.settle_budget(run_id => '{}', lease => '{}', tokens => 1)", run.run, run.lease),
                format!("select awooop.release_budget('{reservation}')"),
            ],
        ),
        (&mut other.actor.session, vec!["select awooop.set_price('m', 1, 1)".to_owned()]),
    ] {
        session.run(&format!("begin; select awooop.enter_project('{}')", projects[0].id));
        for sql in sql {
            assert!(!session.value(&sql).contains("E-"), "{sql}");
        }
    }
    for (run, _) in &due {
        expire(&mut platform, &run.run);
    }
    eventually("the reservations are due", || {
        platform.value("select count(*) from awooop.budget_escrow where expires_at <= clock_timestamp()") == "2"
    });
    // Reserving, settling and setting limits.
    let held = victim.hold(100);
    victim.settle(&held, 90);
    victim.limit("month", 5000);
    // Maintenance ends what is the victim's and leaves the other for later.
    let done = platform.json("select awooop.maintain()");
    assert_eq!((&done["reservations_expired"], &done["requeued"]), (&json!(1), &json!(1)), "{done}");
    assert_eq!(victim.tokens("day"), [90 + 10 + 10, 0, 0, 890]);
    victim.check();
    // One who holds the sight of everything.
    hostile.actor.session.run("commit");
    let mut holder = Spender::of(&projects[0]);
    holder.actor.session.run(&format!("begin; select awooop.enter_project('{}')", projects[0].id));
    holder.actor.session.run("select awooop.set_budget('project', 'day', hard_tokens => 500)");
    let held = victim.hold(100);
    victim.release(&held);
    platform.run("select awooop.maintain()");
    holder.actor.session.run("commit");
    other.actor.session.run("commit");
    let done = platform.json("select awooop.maintain()");
    assert_eq!(done["reservations_expired"], 0, "it was released");
    let mut hostile = Spender::of(&projects[0]);
    assert_eq!(hostile.tokens("day"), [11, 1, 0, 488]);
    hostile.check();
    victim.check();
}

#[test]
fn a_lane_left_locked_does_not_stop_a_worker_that_serves_all_projects() {
    let (database, mut admin) = own_database();
    let [hostile, victim] = [0, 1].map(|_| Project::in_database(&database));
    // A run that holds of the budget, of an agent that is switched off while it waits.
    crate::harness::contracts::add_agent(&mut admin, &hostile.id, "doomed");
    let mut spender = Spender::of(&hostile);
    spender.limit("day", 1000);
    let mut envelope = spender.actor.call("select awooop.build_envelope('doomed', 'telegram', '7')");
    let create = format!("select awooop.create_run({}, reserve_tokens => 100)", literal(&envelope.to_string()));
    let doomed = text(&spender.actor.call(&create)["run_id"]);
    spender.actor.call("select awooop.switch_budget('agent', 'killed', 'doomed')");
    let waiting = victim.actor().create_id("");
    envelope["agent_id"] = json!("agent");
    let reserve = format!("select awooop.reserve_budget({}, tokens => 1)", literal(&envelope.to_string()));
    spender.actor.session.run(&format!("begin; select awooop.enter_project('{}')", hostile.id));
    assert!(spender.actor.session.value(&reserve).contains("reservation_id"));
    let mut worker = worker_in(&database);
    worker.run("set lock_timeout = '2s'");
    let claimed = worker.json("select awooop.claim_runs('w', 10)");
    assert_eq!(claimed["runs"][0]["run_id"], waiting, "{claimed}");
    spender.actor.session.run("commit");
    // It waits, and ends as soon as it is claimed again.
    assert_eq!(spender.actor.state(&doomed), "pending");
    admin.run(&format!(
        "update awooop.run_state set available_at = now() where run_id = '{doomed}';
         update awooop.run_ready q set available_at = s.available_at from awooop.run_state s
         where s.run_id = q.run_id and q.run_id = '{doomed}'"
    ));
    assert_eq!(worker.json("select awooop.claim_runs('w', 10)")["runs"], json!([]));
    assert_eq!(spender.actor.state(&doomed), "failed");
    assert_eq!(spender.tokens("day"), [0, 1, 0, 999]);
    spender.check();
}

#[test]
fn an_ended_reservation_left_locked_does_not_stop_retention_for_others() {
    let (database, mut platform) = own_database();
    platform.run("set lock_timeout = '2s'");
    let [hostile, victim] = [0, 1].map(|_| Project::in_database(&database));
    let mut ended = Vec::new();
    let reservation = uuid::Uuid::now_v7().to_string();
    for project in [&hostile, &victim] {
        let run = project.actor().create_id("");
        // What is over comes in as a backup's would.
        ended.push(platform.value(&format!(
            "insert into awooop.run_state
             select (jsonb_populate_record(r, jsonb_build_object(
                        'run_id', gen_random_uuid(), 'state', 'cancelled', 'finished_at', now() - interval '2 days',
                        'retain_until', now() - interval '1 second'))).*
             from awooop.run_state r where r.run_id = '{run}' returning run_id"
        )));
        platform.run(&format!(
            "update awooop.projects set retention_days = 1 where project_id = '{0}';
             insert into awooop.budget_escrow (project_id, escrow_id, opened_at, kind, agent_id, platform_subject_id,
                    trace_id, principal_id, lane, window_at, granted_tokens, granted_micro_usd, entries, closed_at, outcome)
             select '{0}', '{reservation}', now(), 'llm', 'agent', 's', 't', principal_id, 0, now(), 0, 0, 0,
                    now() - interval '2 days', 'released'
             from awooop.role_bindings where project_id = '{0}'",
            project.id
        ));
    }
    let mut holder = hostile.actor();
    holder.session.run(&format!("begin; select awooop.enter_project('{}')", hostile.id));
    let held = holder.session.value(&format!("select awooop.release_budget('{reservation}')"));
    assert!(held.contains("released"), "{held}");
    let left = "select string_agg(project_id, ' ' order by project_id) from awooop.budget_escrow";
    platform.run("select awooop.maintain()");
    assert_eq!(platform.value(left), hostile.id, "the victim's went, the locked one waits");
    assert_eq!(victim.actor().code(&format!("select awooop.get_run('{}')", ended[1])), "E-RUN-001");
    holder.session.run("commit");
}

#[test]
fn a_stolen_gateway_login_without_a_credential_moves_no_budget() {
    let mut victim = Victim::new(&Project::new());
    let (mut admin, project) = (victim.spender.project.admin(), victim.spender.project.id.clone());
    let before = rows(&mut admin, &project);
    let mut gateway = gateway_login_in(quiet_database()).0;
    let envelope = victim.spender.actor.envelope();
    let id = &victim.reservation;
    // All of a lease but its secret, which is its last 43 characters.
    let (shown, _) = victim.run.lease.split_at(victim.run.lease.len() - 43);
    let forged = format!("{shown}{}", "A".repeat(43));
    for (operation, arguments) in [
        ("reserve_budget", json!({"envelope": envelope, "tokens": 1})),
        ("settle_budget", json!({"reservation_id": id, "tokens": 0})),
        ("settle_budget", json!({"run_id": victim.run.run, "lease": victim.run.lease, "tokens": 900})),
        ("release_budget", json!({"reservation_id": id})),
        ("adjust_budget", json!({"escrow_id": id, "reason": "x", "tokens": -1})),
        ("set_budget", json!({"level": "project", "period": "day", "hard_tokens": 0})),
        ("switch_budget", json!({"level": "project", "state": "killed"})),
        ("set_price", json!({"model": "m", "input_micro_usd": 0, "output_micro_usd": 0})),
        ("budget_status", json!({})),
        ("budget_check", json!({})),
        ("list_ledger", json!({"escrow_id": id})),
        ("list_prices", json!({})),
    ] {
        // What a lease that holds opens, `runs::held` says.
        for credential in ["", "awk_nothing", forged.as_str()] {
            let code = call_code(&mut gateway, &project, credential, operation, &arguments.to_string());
            assert!(["E-AUTH-001", "E-AUTH-002"].contains(&code.as_str()), "{operation}: {code}");
        }
    }
    for sql in [
        "select awooop.reserve_budget('{}', 1)",
        "select awooop.set_time_zone('x', 'UTC')",
        "select * from awooop.due_reservations(1)",
        "select * from awooop.budget_ledger",
        "update awooop.budget_limit set hard_tokens = 0",
    ] {
        assert_eq!(gateway.code(sql), "42501", "{sql}");
    }
    assert_eq!(rows(&mut admin, &project), before);
    victim.is_unharmed();
}

#[test]
fn a_worker_spends_by_its_lease_in_its_run_and_nowhere_else() {
    let mut victim = Victim::new(&Project::new());
    let (mut admin, project) = (victim.spender.project.admin(), victim.spender.project.id.clone());
    let (run, lease) = (victim.run.run.clone(), victim.run.lease.clone());
    let other = victim.spender.run("");
    victim.spender.charge(&other, 1);
    let their_call = text(&victim.spender.reserve_in(&other, 5, "")["reservation_id"]);
    let before = rows(&mut admin, &project);
    let mut worker = worker_in(quiet_database());
    let mut envelope = victim.spender.actor.envelope();
    let outside = literal(&envelope.to_string());
    let mut of = |run: &str| {
        envelope["run_id"] = json!(run);
        literal(&envelope.to_string())
    };
    let (within, elsewhere) = (of(&run), of(&other.run));
    let reservation = &victim.reservation;
    for (sql, expected) in [
        (format!("select awooop.reserve_budget({elsewhere}, tokens => 1, lease => '{lease}')"), "E-RUN-003"),
        (format!("select awooop.reserve_budget({outside}, tokens => 1, lease => '{lease}')"), "E-RUN-003"),
        (
            format!("select awooop.settle_budget(run_id => '{}', tokens => 1, lease => '{lease}')", other.run),
            "E-RUN-003",
        ),
        (format!("select awooop.settle_budget('{their_call}', tokens => 1, lease => '{lease}')"), "E-RUN-003"),
        (format!("select awooop.release_budget('{their_call}', '{lease}')"), "E-RUN-003"),
        (format!("select awooop.settle_budget('{reservation}', tokens => 1, lease => '{lease}')"), "E-BUDGET-005"),
        (format!("select awooop.release_budget('{reservation}', '{lease}')"), "E-BUDGET-005"),
        // Without a lease it is nobody.
        (format!("select awooop.reserve_budget({outside}, tokens => 1)"), "E-TENANT-001"),
        (format!("select awooop.settle_budget('{reservation}', tokens => 1)"), "E-TENANT-001"),
        (format!("select awooop.release_budget('{reservation}')"), "E-TENANT-001"),
        (format!("select awooop.reserve_budget({within}, tokens => 1, lease => '{lease}A')"), "E-RUN-003"),
        ("select awooop.set_budget('project', 'day')".to_owned(), "42501"),
        ("select awooop.switch_budget('project', 'killed')".to_owned(), "42501"),
        (format!("select awooop.adjust_budget('{reservation}', 'x', 1)"), "42501"),
        ("select awooop.budget_status()".to_owned(), "42501"),
        ("select awooop.budget_check()".to_owned(), "42501"),
        (format!("select awooop.list_ledger('{run}')"), "42501"),
        ("select awooop.set_price('m', 0, 0)".to_owned(), "42501"),
        ("select awooop.list_prices()".to_owned(), "42501"),
        (format!("select awooop.set_time_zone('{project}', 'UTC')"), "42501"),
        ("select * from awooop.due_reservations(1)".to_owned(), "42501"),
        ("select * from awooop.budget_escrow".to_owned(), "42501"),
    ] {
        let answered = match worker.ask(&sql) {
            Ok(answer) => code(&serde_json::from_str(&answer).unwrap_or_default()).to_owned(),
            Err(failure) => failure.code(),
        };
        assert_eq!(answered, expected, "{sql}");
    }
    assert_eq!(rows(&mut admin, &project), before, "a worker moved what is not its run's");
    // In its run it does its work.
    let call = worker.json(&format!("select awooop.reserve_budget({within}, tokens => 7, lease => '{lease}')"));
    let id = text(&call["reservation_id"]);
    let settled = worker.json(&format!("select awooop.settle_budget('{id}', tokens => 6, lease => '{lease}')"));
    assert_eq!(settled["outcome"], "settled");
    let charged =
        worker.json(&format!("select awooop.settle_budget(run_id => '{run}', tokens => 4, lease => '{lease}')"));
    assert_eq!(charged["outcome"], "charged");
    victim.spender.check();
    // And no longer than its lease.
    expire(&mut admin, &run);
    for sql in [
        format!("select awooop.reserve_budget({within}, tokens => 1, lease => '{lease}')"),
        format!("select awooop.reserve_budget({outside}, tokens => 1, lease => '{lease}')"),
        format!("select awooop.settle_budget(run_id => '{run}', tokens => 1, lease => '{lease}')"),
    ] {
        assert_eq!(code(&worker.json(&sql)), "E-RUN-003", "{sql}");
    }
    victim.spender.check();
}

/// A login of a project with these scopes.
fn member(project: &Project, scopes: &str) -> Actor {
    let (role, mut admin) = (unique("member"), project.admin());
    admin.run(&format!("create role {role} login password 'secret'"));
    admin.run(&format!("select awooop.bind_role('{role}', '{}', string_to_array('{scopes}', ','))", project.id));
    let config = config_for(&role, "secret", Some(&project.database));
    Actor { session: Session::new(connect(&config)), project: project.id.clone() }
}

#[test]
fn who_reads_budgets_cannot_spend_and_who_spends_cannot_set_them() {
    let project = Project::new();
    let mut victim = Victim::new(&project);
    let mut admin = project.admin();
    let before = rows(&mut admin, &project.id);
    let envelope = literal(&victim.spender.actor.envelope().to_string());
    let id = &victim.reservation;
    let reading = vec![
        "select awooop.budget_status()".to_owned(),
        "select awooop.budget_check()".to_owned(),
        format!("select awooop.list_ledger('{id}')"),
        "select awooop.list_prices()".to_owned(),
    ];
    let spending = vec![
        format!("select awooop.reserve_budget({envelope}, tokens => 1)"),
        format!("select awooop.settle_budget('{id}', tokens => 0)"),
        format!(
            "select awooop.settle_budget(run_id => '{}', tokens => 900, lease => '{}')",
            victim.run.run, victim.run.lease
        ),
        format!("select awooop.release_budget('{id}')"),
    ];
    let writing = vec![
        "select awooop.set_budget('project', 'day', hard_tokens => 1000000)".to_owned(),
        "select awooop.set_budget('project', 'day')".to_owned(),
        "select awooop.switch_budget('agent', 'active', 'sleeper')".to_owned(),
        "select awooop.set_price('secret-model', 0, 0)".to_owned(),
        format!("select awooop.adjust_budget('{id}', 'x', -10)"),
    ];
    for (scope, refused) in [
        ("budgets:read", [&spending, &writing]),
        ("budgets:spend", [&reading, &writing]),
        ("budgets:write", [&reading, &spending]),
        ("runs:write,runs:work,runs:read,keys:admin", [&spending, &writing]),
    ] {
        let mut member = member(&project, scope);
        for sql in refused.into_iter().flatten() {
            assert_eq!(member.code(sql), "E-AUTH-003", "{scope}: {sql}");
        }
        // Nor does anybody give themselves what they lack.
        if scope.contains("keys:admin") {
            let more = "select awooop.create_api_key('k', array['budgets:spend'])";
            assert_eq!(member.code(more), "E-AUTH-004");
        }
    }
    // A reservation belongs to the one who made it.
    let mut stranger = member(&project, "budgets:spend");
    for sql in [&spending[1], &spending[3]] {
        assert_eq!(stranger.code(sql), "E-BUDGET-005", "{sql}");
    }
    assert_eq!(rows(&mut admin, &project.id), before);
    victim.is_unharmed();
}

#[test]
fn an_auditor_reads_every_budget_and_writes_none() {
    let mut victim = Victim::new(&Project::new());
    let (mut admin, project) = (victim.spender.project.admin(), victim.spender.project.id.clone());
    let before = rows(&mut admin, &project);
    let (_, mut auditor) = login_in(Some(quiet_database()), &["awooop_auditor"]);
    for table in TABLES {
        let columns = match table {
            "budget_escrow" => "project_id, escrow_id, granted_tokens, spent_tokens",
            "budget_reservation" => "project_id, reservation_id, tokens",
            _ => "*",
        };
        let sql =
            format!("select count(*) from (select {columns} from awooop.{table} where project_id = '{project}') t");
        assert_ne!(auditor.value(&sql), "0", "{table}");
        for sql in [
            format!("delete from awooop.{table}"),
            format!("update awooop.{table} set project_id = project_id"),
            format!("insert into awooop.{table} default values"),
            format!("truncate awooop.{table}"),
            format!("select project_id from awooop.{table} for update"),
            format!("begin; lock table awooop.{table} in share mode"),
        ] {
            assert_eq!(auditor.code(&sql), "42501", "{sql}");
            auditor.run("rollback");
        }
    }
    // What makes two requests the same is nobody's to read.
    for sql in [
        "select request_digest from awooop.budget_escrow",
        "select request_digest from awooop.budget_reservation",
        "select settle_digest from awooop.budget_reservation",
        "select awooop.reserve_budget('{}', 1)",
        "select awooop.budget_status()",
        "select awooop.set_budget('project', 'day')",
        "select awooop.set_time_zone('x', 'UTC')",
    ] {
        assert_eq!(auditor.code(sql), "42501", "{sql}");
    }
    assert_eq!(auditor.code(&format!("select awooop.enter_project('{project}')")), "42501");
    let shown = auditor.json(&format!("select awooop.inspect_project('{project}', 'budget_check')"));
    assert_eq!(shown["ok"], true, "{shown}");
    assert_eq!(rows(&mut admin, &project), before);
    victim.is_unharmed();
}

#[test]
fn an_operator_sees_and_spends_no_tenants_budget_but_says_when_its_day_begins() {
    let mut victim = Victim::new(&Project::new());
    let project = victim.spender.project.id.clone();
    let (_, mut operator) = login_in(Some(quiet_database()), &["awooop_operator"]);
    let envelope = literal(&victim.spender.actor.envelope().to_string());
    for sql in [
        format!("select awooop.reserve_budget({envelope}, tokens => 1)"),
        format!("select awooop.release_budget('{}')", victim.reservation),
    ] {
        assert_eq!(operator.within(&project, &sql)["code"], "E-AUTH-003", "{sql}");
    }
    for table in TABLES {
        assert_eq!(operator.code(&format!("select * from awooop.{table}")), "42501", "{table}");
    }
    let set = operator.json(&format!("select awooop.set_time_zone('{project}', 'Asia/Taipei')"));
    assert_eq!(set, json!({"project_id": project, "time_zone": "Asia/Taipei"}));
    for zone in ["Mars/Olympus", "+08", "", "asia/taipei'; drop table x"] {
        let sql = format!("select awooop.set_time_zone('{project}', {})", literal(zone));
        assert_eq!(operator.code(&sql), "E-INPUT-001", "{zone}");
    }
    assert_eq!(operator.code("select awooop.set_time_zone('no-such-project', 'UTC')"), "E-TENANT-002");
    let tenant = format!("select awooop.set_time_zone('{project}', 'UTC')");
    assert_eq!(victim.spender.actor.session.code(&tenant), "42501");
    assert_eq!(victim.spender.status()["time_zone"], "Asia/Taipei");
    victim.spender.check();
}

#[test]
fn a_suspended_project_spends_nothing() {
    let mut victim = Victim::new(&Project::new());
    let (mut admin, project) = (victim.spender.project.admin(), victim.spender.project.id.clone());
    let envelope = literal(&victim.spender.actor.envelope().to_string());
    let before = rows(&mut admin, &project);
    admin.run(&format!("select awooop.suspend_project('{project}', 'unpaid')"));
    let (run, lease) = (&victim.run.run, &victim.run.lease);
    for sql in [
        format!("select awooop.reserve_budget({envelope}, tokens => 1)"),
        format!("select awooop.settle_budget('{}', tokens => 1)", victim.reservation),
        format!("select awooop.settle_budget(run_id => '{run}', tokens => 1, lease => '{lease}')"),
        format!("select awooop.settle_budget('{}', tokens => 1, lease => '{lease}')", victim.call),
        format!("select awooop.record_step('{run}', '{lease}', 's', tokens => 1)"),
        "select awooop.set_budget('project', 'day')".to_owned(),
        "select awooop.budget_status()".to_owned(),
    ] {
        assert_eq!(victim.spender.actor.code(&sql), "E-TENANT-005", "{sql}");
    }
    let charge = format!("select awooop.settle_budget(run_id => '{run}', tokens => 1, lease => '{lease}')");
    assert_eq!(code(&worker_in(quiet_database()).json(&charge)), "E-TENANT-005");
    assert_eq!(rows(&mut admin, &project), before);
    admin.run(&format!("select awooop.suspend_project('{project}', suspended => false)"));
    victim.is_unharmed();
}

#[test]
fn an_agent_that_is_unknown_off_or_without_a_contract_reserves_nothing() {
    let mut spender = Spender::new();
    let project = spender.project.id.clone();
    let mut admin = superuser_in(quiet_database());
    let mut envelope = spender.actor.envelope();
    admin.within(&project, "select awooop.create_agent('bare')");
    let mut code_for = |spender: &mut Spender, agent: &str| {
        envelope["agent_id"] = json!(agent);
        spender.actor.code(&format!("select awooop.reserve_budget({}, tokens => 1)", literal(&envelope.to_string())))
    };
    assert_eq!(code_for(&mut spender, "nobody"), "E-AGENT-001");
    assert_eq!(code_for(&mut spender, "bare"), "E-AGENT-004");
    admin.within(&project, "select awooop.create_agent('agent', enabled => false)");
    assert_eq!(code_for(&mut spender, "agent"), "E-AGENT-003");
    assert_eq!(spender.total(), [0, 0, 0]);
    admin.within(&project, "select awooop.create_agent('agent', enabled => true)");
    admin.run(&format!("select awooop.set_project_mode('{project}', 'legacy_awoooi_default')"));
    assert_eq!(code_for(&mut spender, "agent"), "E-TENANT-002");
    check(&mut spender.actor);
}
