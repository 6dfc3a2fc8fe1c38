//! Claiming runs: one statement takes them from one project's queue, moves them and leases them.

use awooop_policy::argument::Arguments;
use awooop_policy::budget::Who;
use awooop_policy::credential::{CredentialDigest, LeaseSecret};
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::scope::Scope;
use awooop_policy::share;
use pgrx::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use crate::audit;
use crate::budget::{self, Switch};
use crate::caller::Caller;
use crate::contracts::active::{self, Licence};
use crate::directory;
use crate::door::Answer;
use crate::fault::{Outcome, Stop};
use crate::rounds::Claiming;
use crate::runs::{can_end, endpoint, journal, stop};
use crate::statement::{column, optional_uuid_column, pg_uuid, rfc3339, statements, uuid_column};

// SKIP LOCKED must see the rows it locks and no more, hence MATERIALIZED. A run that was cancelled while this waited for its row is no
// longer pending and stays as it is; one past its deadline is left to the reaper. `$which` says which of the queue.
macro_rules! claim {
    ($which:literal) => {
        concat!(
        "with picked as materialized (
             select r.run_id, row_number() over () as n
             from (select q.run_id from awooop.run_ready q
                   where q.project_id = $1 and q.available_at <= clock_timestamp()
                     and q.deadline_at > clock_timestamp() ", $which, "
                   order by q.priority desc, q.available_at, q.run_id
                   limit $2 for update skip locked) r
         ), gone as (
             delete from awooop.run_ready q using picked p
             where q.project_id = $1 and q.run_id = p.run_id
             returning p.run_id, p.n
         ), moved as (
             update awooop.run_state s
             set state = 'running', attempts = s.attempts + 1, epoch = s.epoch + 1, updated_at = clock_timestamp()
             from gone g
             where s.project_id = $1 and s.run_id = g.run_id and s.state = 'pending'
             returning s.*, g.n
         ), leased as (
             insert into awooop.run_lease as l
                    (project_id, run_id, epoch, digest, worker_id, principal_id, granted_at, expires_at, lease_seconds, key_id)
             select $1, m.run_id, m.epoch, $3[m.n], $4, $5, t.at,
                    t.at + coalesce($6, m.lease_seconds) * interval '1 second', coalesce($6, m.lease_seconds), $7
             from moved m, (select clock_timestamp() as at) t
             on conflict (project_id, run_id) do update
                set epoch = excluded.epoch, digest = excluded.digest, worker_id = excluded.worker_id,
                    principal_id = excluded.principal_id, granted_at = excluded.granted_at,
                    expires_at = excluded.expires_at, closed_at = null, lease_seconds = excluded.lease_seconds,
                    key_id = excluded.key_id
             returning l.run_id, l.expires_at
         )
         select m.n, m.run_id, m.epoch, m.attempts, m.agent_id, m.platform_subject_id, m.trace_id,
                json_build_object('run_id', m.run_id, 'project_id', m.project_id, 'epoch', m.epoch,
                    'attempt', m.attempts, 'max_attempts', m.max_attempts, 'agent_id', m.agent_id, 'mode', m.mode,
                    'envelope', m.envelope, 'input', m.input, 'tags', m.tags,
                    'lease_seconds', coalesce($6, m.lease_seconds), 'lease_expires_at', ", rfc3339!("l.expires_at"), ",
                    'deadline_at', ", rfc3339!("m.deadline_at"), ")::text, m.agent_revision_id, m.run_revision_id
         from moved m join leased l on l.run_id = m.run_id
         order by m.n")
    };
}

statements! {
    CLAIM: writing [TEXTOID, INT8OID, BYTEAARRAYOID, TEXTOID, TEXTOID, INT4OID, TEXTOID] = claim!("");
    // By an index of its own: other runs, however many, stand not in its way.
    CLAIM_WITH_ENDPOINT: writing [TEXTOID, INT8OID, BYTEAARRAYOID, TEXTOID, TEXTOID, INT4OID, TEXTOID] = claim!("and q.has_endpoint");
    // Back where it was, for a minute: it must not run now, and this was no attempt.
    UNCLAIM: writing [TEXTOID, UUIDOID] =
        "with put_back as (
             update awooop.run_state s
             set state = 'pending', attempts = s.attempts - 1, updated_at = t.at, available_at = t.at + interval '1 minute'
             from (select clock_timestamp() as at) t
             where s.project_id = $1 and s.run_id = $2
             returning s.priority, s.available_at, s.deadline_at, s.has_endpoint
         ), queued as (
             insert into awooop.run_ready (project_id, run_id, priority, available_at, deadline_at, has_endpoint)
             select $1, $2, p.priority, p.available_at, p.deadline_at, p.has_endpoint from put_back p
         )
         update awooop.run_lease set closed_at = clock_timestamp() where project_id = $1 and run_id = $2";
    NEXT_PROJECT: reading [TEXTOID] = "select awooop.next_ready_project($1)";
    NEXT_WITH_ENDPOINT: reading [TEXTOID] = "select awooop.next_endpoint_project($1)";
}

struct Claimed {
    n: usize,
    run_id: Uuid,
    epoch: i32,
    attempts: i32,
    agent_id: String,
    platform_subject_id: String,
    trace_id: String,
    body: String,
    created_under: [Option<Uuid>; 2],
}

impl Claimed {
    /// What every audit row about this run says.
    fn entry(&self) -> audit::Entry<'_> {
        audit::Entry {
            trace_id: Some(&self.trace_id),
            agent_id: Some(&self.agent_id),
            platform_subject_id: Some(&self.platform_subject_id),
            run_id: Some(self.run_id),
            ..audit::Entry::default()
        }
    }
}

/// Operation `claim_runs`, in the bound project.
pub(crate) fn claim(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    Ok(answer(&claim_in_project(caller, arguments)?))
}

fn answer(runs: &[String]) -> Answer {
    Answer::ok(format!("{{\"runs\":[{}]}}", runs.join(",")))
}

/// Rounds of a claim whose runs all turned out not to be given out.
const MOST_ROUNDS: usize = 10;

fn claim_in_project(caller: &Caller, arguments: &Arguments) -> Outcome<Vec<String>> {
    for _ in 0..MOST_ROUNDS {
        let (taken, runs) = claim_once(caller, arguments)?;
        // An empty answer says that there is nothing to do, so runs that cannot go on must not make one.
        if taken == 0 || !runs.is_empty() {
            return Ok(runs);
        }
    }
    Ok(Vec::new())
}

/// How many runs were taken from the queue, and those of them that are given out.
fn claim_once(caller: &Caller, arguments: &Arguments) -> Outcome<(usize, Vec<String>)> {
    let worker_id = arguments.text("worker_id");
    let max_runs = share::of(arguments, &caller.project_id, arguments.integer("max_runs"));
    let lease_seconds = arguments.optional_integer("lease_seconds").and_then(|seconds| i32::try_from(seconds).ok());
    // Whether a contract is active cannot be verified without the keyring: nothing is given out, and nothing lost.
    if max_runs == 0 || !active::can_verify() {
        return Ok((0, Vec::new()));
    }
    let mut secrets: Vec<Option<LeaseSecret>> = Vec::new();
    for _ in 0..max_runs {
        secrets.push(Some(LeaseSecret::new()?));
    }
    let digests: Vec<Vec<u8>> = secrets
        .iter()
        .flatten()
        .map(LeaseSecret::digest)
        .map(|digest: CredentialDigest| digest.as_bytes().to_vec())
        .collect();
    let with_endpoint = arguments.boolean("with_endpoint");
    let claim = if with_endpoint { &CLAIM_WITH_ENDPOINT } else { &CLAIM };
    let claimed = claim.with(|s| {
        s.rows(
            &[
                caller.project_id.as_str().into(),
                max_runs.into(),
                digests.into(),
                worker_id.into(),
                caller.principal_id.as_str().into(),
                lease_seconds.into(),
                caller.key_id.as_deref().into(),
            ],
            |row| {
                Ok(Claimed {
                    n: usize::try_from(column::<i64>(row, 1)?).unwrap_or_default(),
                    run_id: uuid_column(row, 2)?,
                    epoch: column(row, 3)?,
                    attempts: column(row, 4)?,
                    agent_id: column(row, 5)?,
                    platform_subject_id: column(row, 6)?,
                    trace_id: column(row, 7)?,
                    body: column(row, 8)?,
                    created_under: [optional_uuid_column(row, 9)?, optional_uuid_column(row, 10)?],
                })
            },
        )
    })?;
    let taken = claimed.len();
    let mut runs = Vec::with_capacity(taken);
    for run in claimed {
        if !is_licensed(caller, &run)? {
            continue;
        }
        let endpoint = match with_endpoint {
            true => endpoint::of(&caller.project_id, run.run_id, run.created_under[0]),
            false => Ok(Value::Null),
        };
        // Its contract is not to be believed now: that keeps nobody else's run waiting.
        let endpoint = match endpoint {
            Err(Stop::Refused(_)) => {
                put_back(caller, &run)?;
                continue;
            }
            endpoint => endpoint?,
        };
        audit::done(caller, "run_claimed", run.entry().with("worker_id", worker_id).with("attempt", run.attempts))?;
        // Only a run that was held before can have steps.
        let steps = if run.epoch > 1 { journal::steps_of(caller, run.run_id)? } else { "[]".to_owned() };
        let Some(secret) = secrets.get_mut(run.n.wrapping_sub(1)).and_then(Option::take) else {
            continue;
        };
        let lease = secret.into_lease(&caller.project_id, run.run_id, run.epoch);
        let rest = run.body.trim_end().strip_suffix('}').unwrap_or(&run.body);
        // A lease is made of id characters, dots and digits: nothing in it needs escaping.
        runs.push(format!("{rest},\"lease\":\"{lease}\",\"steps\":{steps},\"endpoint\":{endpoint}}}"));
    }
    Ok((taken, runs))
}

/// Whether a run that was taken may be given out. Ends it where its contracts were revoked or its budget was switched off
/// while it waited, and puts it back where that is paused or nobody can say.
fn is_licensed(caller: &Caller, run: &Claimed) -> Outcome<bool> {
    let target = run.run_id.to_string();
    let who = Who { agent_id: &run.agent_id, subject_id: &run.platform_subject_id, run_id: Some(&target) };
    match budget::standing(&caller.project_id, &who)? {
        Some((Switch::Killed, problem)) => return stop_or_put_back(caller, run, &problem).map(|()| false),
        Some((Switch::Paused, _)) => return put_back(caller, run).map(|()| false),
        None => {}
    }
    // Of an agent that is switched off nothing begins; what waits goes on waiting, until that ends or the run's time does.
    if directory::is_enabled(&caller.project_id, &run.agent_id)? != Some(true) {
        return put_back(caller, run).map(|()| false);
    }
    match active::licence(&caller.project_id, &run.agent_id, run.created_under)? {
        Licence::Holds => return Ok(true),
        Licence::Ended => stop_or_put_back(caller, run, &ErrorCode::AgentNoContract.into())?,
        Licence::Unknown => put_back(caller, run)?,
    }
    Ok(false)
}

/// Ends a run that may not go on. Where somebody keeps what it holds of budgets locked it waits in the queue instead: a
/// worker that serves every project waits for none.
fn stop_or_put_back(caller: &Caller, run: &Claimed, problem: &Problem) -> Outcome<()> {
    if can_end(&caller.project_id, run.run_id)? { stop(caller, run.entry(), problem) } else { put_back(caller, run) }
}

fn put_back(caller: &Caller, run: &Claimed) -> Outcome<()> {
    UNCLAIM.with(|s| s.run(&[caller.project_id.as_str().into(), pg_uuid(run.run_id).into()])).map(drop)
}

/// `claim_runs` of a platform worker, which belongs to no project.
pub(crate) fn across_projects(arguments: &Arguments) -> Outcome<Answer> {
    let next = if arguments.boolean("with_endpoint") { &NEXT_WITH_ENDPOINT } else { &NEXT_PROJECT };
    Ok(answer(&claiming(arguments).across_projects(arguments.text("worker_id"), next)?))
}

/// The same in a transaction that is bound already, by an earlier claim or lease.
pub(crate) fn in_bound_project(project_id: &str, arguments: &Arguments) -> Outcome<Answer> {
    Ok(answer(&claiming(arguments).in_bound_project(project_id)?))
}

fn claiming(arguments: &Arguments) -> Claiming<impl Fn(&Caller) -> Outcome<Vec<String>>> {
    Claiming {
        operation: "claim_runs",
        scope: Scope::RunsWork,
        claim: |caller: &Caller| claim_in_project(caller, arguments),
    }
}

/// The first project after `after`, by id, that has a run ready to claim. Belongs to awooop_scheduler.
#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn next_ready_project(after: &str) -> Option<String> {
    thread_local! {
        static NEXT: crate::statement::Statement = const {
            crate::statement::Statement::reading(
                "select q.project_id from awooop.run_ready q
                 where q.project_id > $1 and q.available_at <= clock_timestamp()
                   and q.deadline_at > clock_timestamp()
                 order by q.project_id limit 1",
                &[pgrx::pg_sys::TEXTOID],
            )
        };
    }
    crate::fault::or_raise(NEXT.with(|s| s.row(&[after.into()], |row| column::<String>(row, 1))))
}

/// The same of runs whose agents are behind HTTP.
#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn next_endpoint_project(after: &str) -> Option<String> {
    thread_local! {
        static NEXT: crate::statement::Statement = const {
            crate::statement::Statement::reading(
                "select q.project_id from awooop.run_ready q
                 where q.project_id > $1 and q.has_endpoint and q.available_at <= clock_timestamp()
                   and q.deadline_at > clock_timestamp()
                 order by q.project_id limit 1",
                &[pgrx::pg_sys::TEXTOID],
            )
        };
    }
    crate::fault::or_raise(NEXT.with(|s| s.row(&[after.into()], |row| column::<String>(row, 1))))
}
