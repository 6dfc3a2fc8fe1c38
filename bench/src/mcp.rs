//! What a tool's call costs in SQL: `mcp_begin_call` and `mcp_finish_call` with all gates on, in runs of their own and in a
//! worker's, free and paid for; and what it costs through the gateway.

mod through;

use anyhow::{Context, Result};
use awooop_contracts::digest;
use postgres::Client;
use serde_json::{Value, json};

use crate::Effort;
use crate::fixture::{self, PASSWORD};
use crate::place::Place;
use crate::report::{Report, median};

const PROJECT: &str = "tools";
const ROLE: &str = "bench_caller";
/// One costs nothing, one does.
const TOOLS: [(&str, u64); 2] = [("echo__bench", 0), ("paid__bench", 500)];
/// Calls a round of each sort.
const CALLS: usize = 600;
/// Calls within one run: of each tool a half of what a contract allows where it says nothing.
const CALLS_A_RUN: usize = 25;
/// The first are for the session's plans.
const WARM_UP: usize = 60;

pub fn run(place: &Place, effort: &Effort) -> Result<Report> {
    let mut admin = prepare(place)?;
    let mut session = place.login(ROLE, PASSWORD)?;
    // By tool and place: beginning, ending, both.
    let mut figures: [[Vec<f64>; 3]; 4] = Default::default();
    for _ in 0..effort.rounds {
        let (mut run, mut lease) = claimed(&mut session)?;
        let mut microseconds: [[Vec<f64>; 3]; 4] = Default::default();
        // Turn about, so that what else goes on hits all of them.
        for n in 0..CALLS {
            if n % CALLS_A_RUN == 0 && n > 0 {
                session.execute("select awooop.complete_run($1::text::uuid, $2)", &[&run, &lease])?;
                (run, lease) = claimed(&mut session)?;
            }
            if n == WARM_UP {
                // As a server that has been at work for a while has it: tables have statistics, and sessions have plans.
                admin.batch_execute("vacuum analyze")?;
            }
            for (sort, all) in microseconds.iter_mut().enumerate() {
                let (tool, _) = TOOLS[sort % 2];
                let place = (sort >= 2).then_some((run.as_str(), lease.as_str()));
                let [begin, finish] = called(&mut session, tool, n, place)?;
                if n >= 2 * WARM_UP {
                    all.iter_mut().zip([begin, finish, begin + finish]).for_each(|(all, one)| all.push(one));
                }
            }
        }
        for (all, one) in figures.iter_mut().zip(microseconds) {
            all.iter_mut().zip(one.map(median)).for_each(|(all, one)| all.push(one));
        }
    }
    let mut report = Report::default();
    let sorts = ["outside of a run", "outside of a run, paid", "within a run", "within a run, paid"];
    for (sort, [begin, finish, both]) in sorts.into_iter().zip(figures.map(|all| all.map(median))) {
        report.figure(format!("mcp_begin_call {sort}, median"), begin, "µs");
        report.figure(format!("mcp_finish_call {sort}, median"), finish, "µs");
        report.below(format!("both {sort}, median"), both, "µs", 400.0);
    }
    through::run(place, effort, &mut report)?;
    Ok(report)
}

/// Microseconds of beginning and ending a call, each a statement and a transaction.
fn called(session: &mut Client, tool: &str, n: usize, place: Option<(&str, &str)>) -> Result<[f64; 2]> {
    let arguments = json!({"order": format!("A-{n}"), "table": "orders"}).to_string();
    let (run, lease) = place.unzip();
    let begun = session.query_one(
        "select took, call, lease, ticket from bench.begin_call($1, $2, $3, $4)",
        &[&tool, &arguments, &run, &lease],
    )?;
    let (call, own, ticket): (String, Option<String>, String) = (begun.get(1), begun.get(2), begun.get(3));
    let lease = own.as_deref().or(lease).context("no lease")?;
    let finished = session.query_one("select bench.finish_call($1, $2, $3)", &[&call, &lease, &ticket])?;
    Ok([begun.get(0), finished.get(0)])
}

fn claimed(session: &mut Client) -> Result<(String, String)> {
    session.execute("select awooop.create_run(awooop.build_envelope('agent', 'telegram', '1'))", &[])?;
    let text: String =
        session.query_one("select (awooop.claim_runs('bench', 1, 3600) #> '{runs,0}')::text", &[])?.get(0);
    let claimed: Value = serde_json::from_str(&text)?;
    let text = |name: &str| claimed[name].as_str().map(str::to_owned).context("no such member");
    Ok((text("run_id")?, text("lease")?))
}

fn definition(tool: &str) -> Value {
    json!({
        "name": tool, "description": "Is measured.",
        "inputSchema": {
            "type": "object", "required": ["order"], "additionalProperties": false,
            "properties": {"order": {"type": "string", "maxLength": 40}, "table": {"type": "string"}}
        }
    })
}

/// A project in which every gate has something to judge: contracts, a grant with constraints, a budget, rates of every sort.
pub fn prepare(place: &Place) -> Result<Client> {
    let mut admin = fixture::prepare(place)?;
    if admin.query_opt("select from awooop.projects where project_id = $1", &[&PROJECT])?.is_none() {
        admin.execute("select awooop.create_project($1, migration_mode => 'active')", &[&PROJECT])?;
    }
    let rate = json!({"count": 1_000_000, "window_seconds": 3600});
    let mut wanted = json!({});
    let mut definitions = Vec::new();
    for (name, cost) in TOOLS {
        let definition = definition(name.split("__").next().unwrap_or_default());
        let hex: String = digest(&definition)?.iter().map(|byte| format!("{byte:02x}")).collect();
        let tool = json!({
            "kind": "tool", "contract_version": 1, "name": name, "description": "Is measured.",
            "upstream_digest": format!("sha256:{hex}"), "side_effects": "reversible", "risk": "low",
            "input_schema": definition["inputSchema"], "call_cost_micro_usd": cost, "rate": rate
        });
        fixture::activate(&mut admin, PROJECT, &tool)?;
        wanted[name] = json!({"access": "write", "max_calls_per_run": 10_000});
        definitions.push(definition);
    }
    let agent = json!({
        "kind": "agent", "contract_version": 1, "name": "agent", "purpose": "Is measured.", "autonomy": "act",
        "model": {"provider": "none", "name": "none", "max_output_tokens": 1}, "tools": wanted,
        "limits": {"max_tool_calls": 10_000}
    });
    fixture::activate(&mut admin, PROJECT, &agent)?;
    let policy = json!({
        "kind": "policy", "contract_version": 1, "name": "default",
        "activation": {"default": {"approvers": 2, "roles": ["security"]}},
        "calls": {
            "low": {"decision": "allow"}, "medium": {"decision": "deny"}, "high": {"decision": "deny"},
            "critical": {"decision": "deny"}
        },
        "rates": {"calls": {"project": rate, "agent": rate}}
    });
    if admin
        .query_opt("select from awooop.active_contracts where project_id = $1 and kind = 'policy'", &[&PROJECT])?
        .is_none()
    {
        fixture::activate(&mut admin, PROJECT, &policy)?;
    }
    let mut transaction = admin.transaction()?;
    transaction.execute("select awooop.enter_project($1)", &[&PROJECT])?;
    transaction.execute("select awooop.mcp_register_server('bench', 'http://127.0.0.1:9/mcp')", &[])?;
    let definitions = Value::from(definitions).to_string();
    transaction.execute("select awooop.mcp_import_tools('bench', $1::text::jsonb)", &[&definitions])?;
    for (tool, _) in TOOLS {
        transaction.execute(
            "select awooop.mcp_grant_tool('agent', $1, constraints =>
                '{\"type\": \"object\", \"properties\": {\"table\": {\"enum\": [\"orders\", \"products\"]}}}')",
            &[&tool],
        )?;
    }
    transaction.execute("select awooop.set_budget('project', 'day', hard_micro_usd => 1000000000000)", &[])?;
    transaction.execute("select awooop.set_budget('agent', 'day', '*', hard_micro_usd => 1000000000000)", &[])?;
    transaction.commit()?;
    admin.batch_execute(&format!(
        "do $$ begin
             if not exists (select from pg_roles where rolname = '{ROLE}') then create role {ROLE} login; end if;
         end $$;
         alter role {ROLE} password '{PASSWORD}';
         grant usage on schema bench to {ROLE};
         create or replace function bench.begin_call(tool text, arguments text, run text, run_lease text,
                                                     out took float8, out call text, out lease text,
                                                     out ticket text)
         language plpgsql as $f$
         declare began timestamptz; ended timestamptz; answer jsonb;
         begin
             began := clock_timestamp();
             answer := awooop.mcp_begin_call(tool, arguments::jsonb, agent_id => case when run is null then 'agent' end,
                                             run_id => run::uuid, lease => run_lease);
             ended := clock_timestamp();
             assert answer ->> 'verdict' = 'allowed', answer;
             took := extract(epoch from ended - began) * 1000000;
             call := answer ->> 'call_id';
             lease := answer ->> 'lease';
             ticket := answer ->> 'ticket';
         end $f$;
         create or replace function bench.finish_call(call text, lease text, ticket text) returns float8 language plpgsql as $f$
         declare began timestamptz; ended timestamptz; answer jsonb;
         begin
             began := clock_timestamp();
             answer := awooop.mcp_finish_call(call::uuid, lease, ticket, 'succeeded',
                 '{{\"content\": [{{\"type\": \"text\", \"text\": \"The order A-1 was sent on Monday and arrives on Friday.\"}}]}}');
             ended := clock_timestamp();
             assert answer ->> 'outcome' = 'succeeded', answer;
             return extract(epoch from ended - began) * 1000000;
         end $f$;"
    ))?;
    let scopes = "{tools:call,runs:work,runs:write,envelope:write}";
    admin.execute(&format!("select awooop.bind_role($1, $2, '{scopes}', pin => true)"), &[&ROLE, &PROJECT])?;
    Ok(admin)
}
