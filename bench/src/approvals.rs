//! What a token costs: a step that uses one, beside the same step without, and the bare insert that marks it used.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use awooop_policy::approval::token::{Binding, Grant, TokenMode, issue, verify};
use awooop_policy::keyring::Keyring;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postgres::Client;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Effort;
use crate::fixture::{self, PASSWORD};
use crate::place::Place;
use crate::report::{Report, median};

const PROJECT: &str = "approvals";
const WORKER: &str = "bench_worker";
const TOOL: &str = "refund__shop";
/// Approved calls a round: each token is good for one.
const CALLS: usize = 300;

struct Approved {
    run: String,
    lease: String,
    token: String,
    arguments: String,
}

pub fn run(place: &Place, effort: &Effort) -> Result<Report> {
    let mut admin = prepare(place)?;
    let approver = key(&mut admin, "approver", "{approvals:decide}")?;
    let mut session = place.login(WORKER, PASSWORD)?;
    let mut figures: [Vec<f64>; 4] = Default::default();
    for round in 0..effort.rounds {
        let mut calls = Vec::with_capacity(CALLS);
        for call in 0..CALLS {
            calls.push(approved(&mut admin, &mut session, &approver, &format!("A-{round}-{call}"))?);
        }
        admin.batch_execute("vacuum analyze")?;
        // Turn about, so that what else goes on hits all of them; the first are for the session's plans.
        let mut microseconds: [Vec<f64>; 4] = Default::default();
        for (n, call) in calls.iter().enumerate() {
            let found = [
                time(&mut session, "select bench.step($1, $2, 'without', $3, null, 'recorded')", call, false)?,
                time(&mut session, "select bench.step($1, $2, 'with', $3, $4, 'recorded')", call, true)?,
                session.query_one("select bench.mark($1::text::uuid)", &[&call.run])?.get(0),
                refused(&mut session, call)?,
            ];
            if n >= 20 {
                microseconds.iter_mut().zip(found).for_each(|(all, one)| all.push(one));
            }
        }
        figures.iter_mut().zip(microseconds.map(median)).for_each(|(all, one)| all.push(one));
    }
    let [without, with, insert, refused] = figures.map(median);
    let mut report = Report::default();
    report.figure("record_step of an intent, median", without, "µs");
    report.figure("the same with a token", with, "µs");
    report.figure("the bare insert that marks it used", insert, "µs");
    report.below("verifying and consuming, above the insert alone", with - without - insert, "µs", 150.0);
    report.figure("a used token refused, with its audit row", refused, "µs");
    let (slowest, what) = slowest_hostile()?;
    report.below(format!("slowest hostile token ({what}) refused"), slowest, "µs", 100.0);
    Ok(report)
}

/// Microseconds in which the slowest of the hostile tokens is refused, median of many.
fn slowest_hostile() -> Result<(f64, &'static str)> {
    let keyring = Keyring::create("bench.test").map_err(|why| anyhow::anyhow!("{why}"))?;
    let arguments = "{}";
    let binding = Binding { project: PROJECT, run: Uuid::nil(), tool: TOOL, arguments };
    let grant = Grant { jti: Uuid::nil(), agent: "agent", mode: TokenMode::Execute, from: 0, until: 900 };
    let good = issue(&keyring, &grant, &binding).ok().flatten().context("no token")?.token;
    let parts: Vec<&str> = good.split('.').collect();
    let nested = |depth: usize| URL_SAFE_NO_PAD.encode(format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
    let objects = |depth: usize| URL_SAFE_NO_PAD.encode(format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)));
    let hostile = [
        ("1 MB", "x".repeat(1 << 20)),
        ("1 MB of dots", ".".repeat(1 << 20)),
        ("nested header", format!("{}.{}.{}", nested(1400), parts[1], parts[2])),
        ("nested objects", format!("{}.{}.{}", objects(400), parts[1], parts[2])),
        ("long signature", format!("{}.{}.{}", parts[0], parts[1], "A".repeat(3600))),
        ("other signature", format!("{}.{}.{}", parts[0], parts[1], "A".repeat(43))),
        ("long payload", format!("{}.{}.{}", parts[0], "A".repeat(3800), parts[2])),
        ("used elsewhere", good.clone()),
    ];
    let mut slowest = (0.0, "");
    for (what, token) in &hostile {
        let mut times = Vec::with_capacity(501);
        for _ in 0..501 {
            let began = Instant::now();
            let verified = verify(&keyring, token, &Binding { tool: "other__shop", ..binding }, 1);
            times.push(began.elapsed().as_secs_f64() * 1e6);
            ensure!(verified.is_err(), "{what} was taken for a token");
        }
        let time = median(times);
        if time > slowest.0 {
            slowest = (time, *what);
        }
    }
    Ok(slowest)
}

fn time(session: &mut Client, sql: &str, call: &Approved, with_token: bool) -> Result<f64> {
    let (run, lease, arguments, token) = (&call.run, &call.lease, &call.arguments, &call.token);
    let row = match with_token {
        true => session.query_one(sql, &[run, lease, arguments, token])?,
        false => session.query_one(sql, &[run, lease, arguments])?,
    };
    Ok(row.get(0))
}

/// The token once more.
fn refused(session: &mut Client, call: &Approved) -> Result<f64> {
    let sql = "select bench.step($1, $2, 'again', $3, $4, 'E-TOKEN-019')";
    time(session, sql, call, true)
}

fn prepare(place: &Place) -> Result<Client> {
    let mut admin = fixture::prepare(place)?;
    if admin.query_opt("select from awooop.projects where project_id = $1", &[&PROJECT])?.is_none() {
        admin.execute("select awooop.create_project($1, migration_mode => 'active')", &[&PROJECT])?;
    }
    let tool = json!({
        "kind": "tool", "contract_version": 1, "name": TOOL, "description": "Is measured.",
        "upstream_digest": format!("sha256:{}", "0".repeat(64)), "side_effects": "reversible", "risk": "medium",
        "input_schema": {
            "type": "object", "required": ["order"],
            "properties": {"order": {"type": "string"}, "amount": {"type": "integer"}}
        }
    });
    let agent = json!({
        "kind": "agent", "contract_version": 1, "name": "agent", "purpose": "Is measured.", "autonomy": "act",
        "model": {"provider": "none", "name": "none", "max_output_tokens": 1},
        "tools": {TOOL: {"access": "write", "always_approve": true}}
    });
    fixture::activate(&mut admin, PROJECT, &tool)?;
    fixture::activate(&mut admin, PROJECT, &agent)?;
    admin.batch_execute(&format!(
        "do $$ begin
             if not exists (select from pg_roles where rolname = '{WORKER}') then create role {WORKER} login; end if;
         end $$;
         alter role {WORKER} password '{PASSWORD}';
         drop table if exists bench.used;
         drop function if exists bench.step;
         create table bench.used (like awooop.approval_use including all);
         grant usage on schema bench to {WORKER};
         grant insert on bench.used to {WORKER};
         create or replace function bench.step(run text, lease text, step text, arguments text, token text, expected text)
         returns float8 language plpgsql as $f$
         declare began timestamptz; ended timestamptz; answer jsonb;
         begin
             began := clock_timestamp();
             answer := awooop.record_step(run::uuid, lease, step, kind => 'tool', phase => 'started',
                                          request => arguments::jsonb, approval_token => token,
                                          tool => case when token is not null then '{TOOL}' end);
             ended := clock_timestamp();
             assert coalesce(answer ->> 'outcome', answer ->> 'code') = expected, answer;
             return extract(epoch from ended - began) * 1000000;
         end $f$;
         create or replace function bench.mark(run uuid) returns float8 language plpgsql as $f$
         declare began timestamptz := clock_timestamp();
         begin
             insert into bench.used values ('{PROJECT}', gen_random_uuid(), run, 'with', 1, 'worker', clock_timestamp())
             on conflict do nothing;
             return extract(epoch from clock_timestamp() - began) * 1000000;
         end $f$;"
    ))?;
    admin.execute(
        "select awooop.bind_role($1, $2, '{runs:work,runs:write,envelope:write,approvals:read}', pin => true)",
        &[&WORKER, &PROJECT],
    )?;
    Ok(admin)
}

fn key(admin: &mut Client, principal: &str, scopes: &str) -> Result<String> {
    let mut transaction = admin.transaction()?;
    transaction.execute("select awooop.enter_project($1)", &[&PROJECT])?;
    let sql = format!("select awooop.create_api_key('benchmark', '{scopes}', principal_id => $1) ->> 'api_key'");
    let key = transaction.query_one(&sql, &[&principal])?.get(0);
    transaction.commit()?;
    Ok(key)
}

fn answer(session: &mut Client, sql: &str, parameters: &[&(dyn postgres::types::ToSql + Sync)]) -> Result<Value> {
    Ok(serde_json::from_str(session.query_one(sql, parameters)?.get(0))?)
}

fn claim(session: &mut Client) -> Result<(String, String)> {
    let claimed = answer(session, "select (awooop.claim_runs('bench', 1, 3600) #> '{runs,0}')::text", &[])?;
    let text = |name: &str| claimed[name].as_str().map(str::to_owned).context("no such member");
    Ok((text("run_id")?, text("lease")?))
}

/// A run whose worker holds the token of an approved call.
fn approved(admin: &mut Client, session: &mut Client, approver: &str, order: &str) -> Result<Approved> {
    session.execute("select awooop.create_run(awooop.build_envelope('agent', 'telegram', '1'))", &[])?;
    let (run, lease) = claim(session)?;
    let arguments = json!({"order": order, "amount": 30}).to_string();
    let ask = "select awooop.request_approval($1::text::uuid, $2, 'with', $3, $4::text::jsonb)::text";
    let asked = answer(session, ask, &[&run, &lease, &TOOL, &arguments])?;
    let decide = json!({"approval_id": asked["approval"]["approval_id"]}).to_string();
    let status: i32 = admin
        .query_one("select status from awooop.call($1, $2, 'issue_approval', $3)", &[&PROJECT, &approver, &decide])?
        .get(0);
    ensure!(status == 200, "{asked} was not approved");
    let (again, lease) = claim(session)?;
    ensure!(again == run, "another run was waiting");
    let token = answer(session, ask, &[&run, &lease, &TOOL, &arguments])?["token"]["token"].clone();
    Ok(Approved { run, lease, token: token.as_str().context("no token")?.to_owned(), arguments })
}
