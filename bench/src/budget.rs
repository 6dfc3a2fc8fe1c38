//! Budgets beside what they are compared with: a conditional UPDATE of one row that also appends a ledger row.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::{Value, json};

use crate::fixture::{self, PASSWORD};
use crate::place::Place;
use crate::report::{Report, median};
use crate::{Effort, pgbench};

const HOT: &str = "budget-hot";
const CLIENTS: usize = 16;
const SPREAD: usize = 1000;
/// Seconds in which each of the clients has met nearly every one of the projects.
const WARM: u64 = 50;
/// Steps of a run, where steps are measured.
const STEPS: u64 = 100;
/// In so many slices.
const SLICES: u32 = 5;
/// Until a session's plans are made.
const SOON: Duration = Duration::from_secs(2);
/// More than any measurement spends, so that nothing is refused.
const LIMIT: i64 = 900_000_000_000_000;
const SPENDER: &str = "bench_spender";

/// The peer: what a careful team would write in an afternoon. It never overshoots either.
const PEER: &str = "with taken as (
        update bench.budget set spent = spent + 100 where id = :p and spent + 100 <= cap returning id, spent
    )
    insert into bench.ledger (budget_id, entry, tokens, run_id, actor, trace_id)
    select id, 'reserve', 100, gen_random_uuid(), 'bench', '00-00000000000000000000000000000001-0000000000000001-01'
    from taken;";

pub fn run(place: &Place, effort: &Effort) -> Result<Report> {
    let mut admin = prepare(place)?;
    let mut report = Report::default();
    let uri = place.uri_of(SPENDER, PASSWORD)?;
    let gateway = place.uri_of("awooop_gateway", PASSWORD)?;

    let peer_hot = one(place, "peer-hot", &format!("\\set p 0\n{PEER}\n"))?;
    let peer_spread = one(place, "peer-spread", &format!("\\set p random(1, {SPREAD})\n{PEER}\n"))?;
    let envelope = json!({
        "project_id": HOT, "agent_id": "agent", "trace_id": "00-00000000000000000000000000000001-0000000000000001-01",
        "platform_subject_id": format!("{HOT}:telegram:1"), "channel_type": "telegram", "channel_user_id": "1",
        "channel_chat_id": null, "run_id": null, "policy_revision_id": null
    });
    // pgbench takes a colon before a letter for the beginning of a variable.
    let text = envelope.to_string().replace(":telegram:", "\\u003atelegram\\u003a").replace(':', ": ");
    let admission = one(place, "admission", &format!("select awooop.reserve_budget('{text}', tokens => 100);\n"))?;
    let spread = spread_script(place, &mut admin, &envelope)?;
    let charges = charge_scripts(place, &mut admin)?;

    let mut figures: [Vec<f64>; 5] = Default::default();
    for _ in 0..effort.rounds {
        let tps = |uri: &str, scripts: &[PathBuf]| pgbench::tps_of(place, uri, scripts, true, effort.seconds, CLIENTS);
        figures[0].push(tps(&place.uri, &peer_hot)?);
        figures[1].push(tps(&uri, &admission)?);
        figures[2].push(tps(&uri, &charges)?);
        figures[3].push(tps(&place.uri, &peer_spread)?);
        figures[4].push(pgbench::warm_tps(place, &gateway, &spread, WARM, effort.seconds, CLIENTS)?);
    }
    let [peer_hot, admission, charge, peer_spread, spread] = figures.map(median);
    report.figure("conditional UPDATE and a ledger row, one hot row, 16 clients", peer_hot, "tps");
    report.figure("admissions (reserve_budget) in one project, 16 clients", admission, "tps");
    report.at_least("admissions, ratio", admission / peer_hot, "", 2.0);
    report.figure("charges (settle_budget) within 16 runs of that project", charge, "tps");
    report.at_least("charges, ratio", charge / peer_hot, "", 4.0);
    report.figure("conditional UPDATE and a ledger row, 1,000 rows", peer_spread, "tps");
    report.figure("admissions through awooop.call, 1,000 projects", spread, "tps");
    report.at_least("admissions over 1,000 projects, ratio", spread / peer_spread, "", 0.7);
    let (with, without) = carried(place, &mut admin, effort.seconds)?;
    report.figure("record_step without usage, CPU in the server", without, "µs");
    report.figure("record_step with usage, CPU in the server", with, "µs");
    report.below("a charge's CPU in the statement that carries it", with - without, "µs", 100.0);
    for project in [HOT.to_owned(), format!("budget-{}", SPREAD / 2)] {
        books_agree(&mut admin, &project)?;
    }
    Ok(report)
}

fn one(place: &Place, stem: &str, script: &str) -> Result<Vec<PathBuf>> {
    pgbench::scripts(place, stem, &[script.to_owned()])
}

fn prepare(place: &Place) -> Result<Client> {
    let mut admin = fixture::prepare(place)?;
    admin.batch_execute(&format!(
        "do $$ begin
             if not exists (select from pg_roles where rolname = '{SPENDER}') then create role {SPENDER} login; end if;
         end $$;
         alter role {SPENDER} password '{PASSWORD}';
         drop table if exists bench.budget, bench.ledger;
         create table bench.budget (id int primary key, spent bigint not null, cap bigint not null) with (fillfactor = 30);
         insert into bench.budget select n, 0, {LIMIT} from generate_series(0, {SPREAD}) n;
         create table bench.ledger (id bigint generated always as identity primary key, budget_id int not null,
             entry text not null, tokens bigint not null, run_id uuid not null, actor text not null,
             trace_id text not null, recorded_at timestamptz not null default clock_timestamp());"
    ))?;
    let projects = std::iter::once(HOT.to_owned()).chain((1..=SPREAD).map(|n| format!("budget-{n}")));
    for project in projects {
        if admin.query_opt("select from awooop.projects where project_id = $1", &[&project])?.is_none() {
            admin.execute("select awooop.create_project($1, migration_mode => 'shadow')", &[&project])?;
        }
        fixture::agent(&mut admin, &project)?;
        let mut transaction = admin.transaction()?;
        transaction.execute("select awooop.enter_project($1)", &[&project])?;
        transaction.execute(&format!("select awooop.set_budget('project', 'month', hard_tokens => {LIMIT})"), &[])?;
        transaction.commit()?;
    }
    admin.execute(
        "select awooop.bind_role($1, $2, '{budgets:spend,runs:work,runs:write,envelope:write}', pin => true)",
        &[&SPENDER, &HOT],
    )?;
    for statement in ["vacuum analyze", "checkpoint"] {
        admin.batch_execute(statement)?;
    }
    Ok(admin)
}

/// Admissions by the gateway's way, each in one of the projects.
fn spread_script(place: &Place, admin: &mut Client, envelope: &Value) -> Result<Vec<PathBuf>> {
    let mut keys = Vec::with_capacity(SPREAD);
    for n in 1..=SPREAD {
        let project = format!("budget-{n}");
        let mut transaction = admin.transaction()?;
        transaction.execute("select awooop.enter_project($1)", &[&project])?;
        let key: String = transaction
            .query_one("select awooop.create_api_key('benchmark', '{budgets:spend}') ->> 'api_key'", &[])?
            .get(0);
        transaction.commit()?;
        let mut envelope = envelope.clone();
        envelope["project_id"] = project.as_str().into();
        envelope["platform_subject_id"] = format!("{project}:telegram:1").into();
        let arguments = json!({"envelope": envelope, "tokens": 100}).to_string();
        keys.push((project, key, arguments));
    }
    // A script each: 1,000 prepared statements a client would measure the parser's memory, so they share one text.
    let mut script = format!("\\set n random(1, {SPREAD})\n");
    admin.batch_execute("drop table if exists bench.keys; create table bench.keys (n int primary key, project text, key text, args text)")?;
    for (n, (project, key, arguments)) in keys.iter().enumerate() {
        let n = i32::try_from(n + 1)?;
        admin.execute("insert into bench.keys values ($1, $2, $3, $4)", &[&n, project, key, arguments])?;
    }
    admin.batch_execute("grant usage on schema bench to awooop_gateway; grant select on bench.keys to awooop_gateway; analyze bench.keys")?;
    script.push_str(
        "select c.status from bench.keys k, awooop.call(k.project, k.key, 'reserve_budget', k.args) c where k.n = :n;\n",
    );
    one(place, "spread", &script)
}

/// A run for each client, and a script that charges it.
fn charge_scripts(place: &Place, admin: &mut Client) -> Result<Vec<PathBuf>> {
    let mut lines = String::new();
    for n in 0..CLIENTS {
        let (run, lease) = leased_run(admin)?;
        lines.push_str(&format!("\\if :client_id = {n}\nselect awooop.settle_budget(run_id => '{run}', tokens => 100, lease => '{lease}');\n\\endif\n"));
    }
    one(place, "charge", &lines)
}

fn leased_run(admin: &mut Client) -> Result<(String, String)> {
    let mut transaction = admin.transaction()?;
    transaction.execute("select awooop.enter_project($1)", &[&HOT])?;
    transaction.execute(
        "select awooop.create_run(awooop.build_envelope('agent', 'telegram', '1'), deadline_seconds => 604800)",
        &[],
    )?;
    let claimed: String = transaction
        .query_one("select (awooop.claim_runs('bench', 1, 3600) #> '{runs,0}')::text", &[])?
        .get::<_, Option<String>>(0)
        .context("nothing was claimed")?;
    transaction.commit()?;
    let run: Value = serde_json::from_str(&claimed)?;
    let text = |name: &str| run[name].as_str().map(str::to_owned).context("no such member");
    Ok((text("run_id")?, text("lease")?))
}

/// Microseconds of the server's CPU for a step with usage, and for one without.
fn carried(place: &Place, admin: &mut Client, seconds: u64) -> Result<(f64, f64)> {
    // Sessions keep the plans that they make: those that count make theirs with statistics of a journal that has steps.
    let mut first = Stepper::new(place, "")?;
    first.steps(admin, SOON)?;
    admin.batch_execute("vacuum analyze")?;
    let mut steppers = [Stepper::new(place, "")?, Stepper::new(place, ", tokens => 100")?];
    let mut figures: [Vec<f64>; 2] = Default::default();
    for stepper in &mut steppers {
        stepper.steps(admin, SOON)?;
    }
    // Turn about, in slices: what else goes on in the machine hits both.
    for _ in 0..SLICES {
        for (stepper, figures) in steppers.iter_mut().zip(&mut figures) {
            figures.push(stepper.steps(admin, Duration::from_secs(seconds) / SLICES)?);
        }
    }
    let [without, with] = figures.map(median);
    Ok((with, without))
}

/// A session that records steps.
struct Stepper {
    session: Client,
    pid: i32,
    record: postgres::Statement,
}

impl Stepper {
    fn new(place: &Place, usage: &str) -> Result<Self> {
        let mut session = place.login(SPENDER, PASSWORD)?;
        let pid = session.query_one("select pg_backend_pid()", &[])?.get(0);
        let record = session.prepare(&format!(
            "select awooop.record_step($1::text::uuid, $2::text, $3::text, '{{\"answer\": 1}}'{usage})"
        ))?;
        Ok(Self { session, pid, record })
    }

    /// Records steps for so long. Microseconds of the server's CPU for one.
    fn steps(&mut self, admin: &mut Client, time: Duration) -> Result<f64> {
        let until = Instant::now() + time;
        let before = cpu_of(self.pid)?;
        let mut done = 0;
        while Instant::now() < until {
            // Runs of an ordinary length; making them is another session's work.
            let (run, lease) = leased_run(admin)?;
            for step in 0..STEPS {
                self.session.query_one(&self.record, &[&run, &lease, &step.to_string()])?;
            }
            done += STEPS;
        }
        Ok((cpu_of(self.pid)? - before) * 1e6 / done as f64)
    }
}

/// Seconds of CPU that a process has used.
fn cpu_of(pid: i32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after = stat.rsplit_once(") ").context("no process statistics")?.1;
    let fields: Vec<&str> = after.split(' ').collect();
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    // USER_HZ is 100 on every Linux.
    Ok(ticks / 100.0)
}

/// Nothing that a measurement did may be wrong: the counters equal the ledger, and nothing is past its limit.
fn books_agree(admin: &mut Client, project: &str) -> Result<()> {
    let mut transaction = admin.transaction()?;
    transaction.execute("select awooop.enter_project($1)", &[&project])?;
    let check: String = transaction.query_one("select awooop.budget_check()::text", &[])?.get(0);
    transaction.commit()?;
    ensure!(serde_json::from_str::<Value>(&check)?["ok"] == true, "the books of {project} do not agree: {check}");
    Ok(())
}
