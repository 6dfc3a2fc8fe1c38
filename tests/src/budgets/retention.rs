//! Detaching a month of the ledger: what it had becomes an opening balance, and the counters still equal the books.

use serde_json::json;

use super::scene::Spender;
use crate::harness::{Project, own_database};

const OLD: &str = "budget_ledger_2020_01";

/// A partition for January 2020, and what a restore would have brought into it: 700 tokens of an agent, 20 of them overrun.
fn long_ago(project: &Project) {
    let mut admin = project.admin();
    admin.run(&format!(
        "set role awooop_owner;
         create table awooop.{OLD} (like awooop.budget_ledger including all);
         alter table awooop.{OLD} enable row level security;
         alter table awooop.{OLD} force row level security;
         create policy tenant_isolation on awooop.{OLD}
             using (project_id = awooop.current_project_id()) with check (project_id = awooop.current_project_id());
         create trigger append_only_truncate before truncate on awooop.{OLD}
             for each statement execute function awooop.refuse_append_only();
         alter table awooop.{OLD} enable always trigger append_only_truncate;
         alter table awooop.budget_ledger attach partition awooop.{OLD}
             for values from ('2020-01-01 00:00:00+00') to ('2020-02-01 00:00:00+00');
         reset role"
    ));
    for n in 0..7 {
        let overrun = if n == 6 { 20 } else { 0 };
        admin.run(&format!(
            "insert into awooop.budget_ledger (project_id, escrow_id, opened_at, seq, entry, agent_id, platform_subject_id,
                    actor, trace_id, window_at, recorded_at, tokens, micro_usd, reserved_tokens, reserved_micro_usd,
                    spent_tokens, spent_micro_usd, overrun_tokens, overrun_micro_usd)
             values ('{}', '016fa6b0-5c00-7000-8000-00000000000{n}', '2020-01-15 00:00:00+00', 1, 'settle', 'agent',
                     'someone', 'old', 'trace', timestamptz '2020-01-15 23:50:00+00' + {n} * interval '3 minutes',
                     '2020-01-15 23:50:00+00', 100, 0, 0, 0, {}, 0, {overrun}, 0)",
            project.id,
            100 - overrun
        ));
    }
}

#[test]
fn a_detached_months_sums_are_the_opening_balance_that_counters_go_by() {
    let (database, _admin) = own_database();
    let project = Project::in_database(&database);
    long_ago(&project);
    let mut spender = Spender::of(&project);
    spender.limit("lifetime", 1000);
    let reservation = spender.hold(100);
    assert_eq!(spender.tokens("lifetime"), [680, 100, 20, 200]);
    spender.check();

    let mut admin = project.admin();
    assert_eq!(spender.actor.code(&format!("select awooop.detach_budget_partition('{OLD}')")), "42501");
    let refused = admin.ask("select awooop.detach_budget_partition('budget_ledger_default')").unwrap_err();
    assert_eq!(refused.code(), "E-BUDGET-013");
    let detached = admin.json(&format!("select awooop.detach_budget_partition('{OLD}')"));
    assert_eq!(detached["projects"], json!([{"project_id": project.id, "entries": 7}]));
    let again = admin.ask(&format!("select awooop.detach_budget_partition('{OLD}')")).unwrap_err();
    assert_eq!(again.code(), "E-BUDGET-013");
    spender.check();
    assert_eq!(spender.tokens("lifetime"), [680, 100, 20, 200]);
    spender.settle(&reservation, 100);

    // A limit that is set now begins with what was before.
    spender.actor.call("select awooop.set_budget('agent', 'lifetime', 'agent', hard_tokens => 900)");
    assert_eq!(spender.reserve(101)["left"]["tokens"], 100);
    spender.hold(100);
    spender.check();
    // The detached table is as guarded as before.
    for forbidden in ["delete from", "truncate"] {
        assert!(admin.ask(&format!("{forbidden} awooop.{OLD}")).is_err());
    }
}

#[test]
fn a_month_of_which_something_is_open_stays() {
    let (database, _admin) = own_database();
    let project = Project::in_database(&database);
    let mut spender = Spender::of(&project);
    spender.hold(1);
    let mut admin = project.admin();
    let this_month = admin.value("select to_char(now() at time zone 'UTC', '\"budget_ledger_\"YYYY_MM')");
    let refused = admin.ask(&format!("select awooop.detach_budget_partition('{this_month}')")).unwrap_err();
    assert_eq!(refused.code(), "E-BUDGET-013");
    spender.check();
}
