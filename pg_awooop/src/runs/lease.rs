//! Leases: who may write to a run just now.

use awooop_policy::argument::Arguments;
use awooop_policy::budget::Who;
use awooop_policy::credential::{CredentialDigest, LeaseParts, lease_parts};
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::run_fsm::RunState;
use serde_json::{Value, json};
use uuid::Uuid;

use super::stop::stop;
use crate::audit;
use crate::budget::{self, Switch};
use crate::caller::Caller;
use crate::contracts::active::{self, Licence};
use crate::door::Answer;
use crate::fault::{Outcome, fault, refuse};
use crate::statement::{column, optional_uuid_column, pg_uuid, rfc3339, statements};

statements! {
    // The run's row is locked first; whoever changes the run waits for it, so the answer holds until we commit.
    LOCK: writing [TEXTOID, UUIDOID] =
        "select s.state, s.attempts, s.max_attempts, s.agent_id, s.platform_subject_id, s.trace_id,
                l.epoch, l.digest, l.closed_at is not null, l.expires_at > clock_timestamp(), s.agent_revision_id,
                s.run_revision_id, s.max_steps, s.call_id is not null
         from awooop.run_state s left join awooop.run_lease l on l.project_id = s.project_id and l.run_id = s.run_id
         where s.project_id = $1 and s.run_id = $2
         for no key update of s";
    TERMS: reading [TEXTOID, UUIDOID] =
        "select agent_id, agent_revision_id, run_revision_id from awooop.run_state where project_id = $1 and run_id = $2";
    // The lease's row decides between a heartbeat and the reaper: whoever gets it first.
    EXTEND: writing [TEXTOID, UUIDOID, INT4OID, BYTEAOID, INT4OID] = concat!(
        "update awooop.run_lease
         set expires_at = greatest(expires_at, clock_timestamp() + coalesce($5, lease_seconds) * interval '1 second')
         where project_id = $1 and run_id = $2 and epoch = $3 and digest = $4
           and closed_at is null and expires_at > clock_timestamp()
         returning ", rfc3339!("expires_at"));
}

/// A run under lock, with its lease as the worker presented it.
pub(crate) struct Locked {
    pub(crate) state: RunState,
    pub(crate) attempts: i32,
    pub(crate) max_attempts: i32,
    pub(crate) agent_id: String,
    pub(crate) platform_subject_id: String,
    pub(crate) trace_id: String,
    pub(crate) epoch: i32,
    /// The contracts that the run was created under; none for a run from before there were any.
    pub(crate) agent_revision_id: Option<Uuid>,
    pub(crate) run_revision_id: Option<Uuid>,
    /// How many steps it may record.
    pub(crate) max_steps: Option<i32>,
    /// It was made for one call, which alone is made in it.
    pub(crate) is_for_call: bool,
    /// The lease is the run's latest, whether it still holds or not.
    pub(crate) latest: bool,
    /// The lease holds: latest, open, not expired.
    pub(crate) holds: bool,
}

impl Locked {
    /// What every audit row about this run says.
    pub(crate) fn entry(&self, run_id: Uuid) -> audit::Entry<'_> {
        audit::Entry {
            trace_id: Some(&self.trace_id),
            agent_id: Some(&self.agent_id),
            platform_subject_id: Some(&self.platform_subject_id),
            run_id: Some(run_id),
            ..audit::Entry::default()
        }
    }
}

/// Locks the run and judges the lease.
pub(super) fn lock(caller: &Caller, run_id: Uuid, lease: &str) -> Outcome<Locked> {
    let Some((parts, digest)) = for_run(caller, run_id, lease) else {
        return refuse(ErrorCode::RunLease);
    };
    let locked = LOCK.with(|s| {
        s.row(&[caller.project_id.as_str().into(), pg_uuid(run_id).into()], |row| {
            let (epoch, stored) = (row.get::<i32>(7)?, row.get::<Vec<u8>>(8)?);
            let latest = epoch == Some(parts.epoch) && stored.is_some_and(|stored| digest.matches(&stored));
            let state = RunState::parse(&column::<String>(row, 1)?);
            Ok(Locked {
                state: state.unwrap_or(RunState::Failed),
                attempts: column(row, 2)?,
                max_attempts: column(row, 3)?,
                agent_id: column(row, 4)?,
                platform_subject_id: column(row, 5)?,
                trace_id: column(row, 6)?,
                epoch: parts.epoch,
                agent_revision_id: optional_uuid_column(row, 11)?,
                run_revision_id: optional_uuid_column(row, 12)?,
                max_steps: row.get(13)?,
                is_for_call: column(row, 14)?,
                latest,
                holds: latest
                    && state.is_some_and(RunState::is_leased)
                    && !column::<bool>(row, 9)?
                    && column::<bool>(row, 10)?,
            })
        })
    })?;
    locked.map_or_else(|| fault(ErrorCode::RunUnknown), Ok)
}

/// Locks the run for a worker whose lease holds.
pub(super) fn hold(caller: &Caller, run_id: Uuid, lease: &str) -> Outcome<Locked> {
    let locked = lock(caller, run_id, lease)?;
    ensure_holds(caller, run_id, &locked)?;
    ensure_for_workers(&locked)?;
    Ok(locked)
}

/// Refuses a worker's work in a run that was made for one call: it ends with the call, and has what the call came to.
pub(crate) fn ensure_for_workers(locked: &Locked) -> Outcome<()> {
    match locked.is_for_call {
        false => Ok(()),
        true => fault(
            Problem::from(ErrorCode::InputInvalid)
                .with("argument", "run_id")
                .with("expected", "a run that was not made for one call"),
        ),
    }
}

/// Refuses a worker whose lease does not hold, and one whose agent lost its contract or whose budget is switched off: that
/// run ends here and now.
pub(super) fn ensure_holds(caller: &Caller, run_id: Uuid, locked: &Locked) -> Outcome<()> {
    if !locked.holds {
        return refuse(ErrorCode::RunLease);
    }
    let target = run_id.to_string();
    let who =
        Who { agent_id: &locked.agent_id, subject_id: &locked.platform_subject_id, run_id: Some(target.as_str()) };
    if let Some((Switch::Killed, problem)) = budget::standing(&caller.project_id, &who)? {
        stop(caller, locked.entry(run_id), &problem)?;
        return refuse(problem);
    }
    match active::licence(&caller.project_id, &locked.agent_id, [locked.agent_revision_id, locked.run_revision_id])? {
        Licence::Holds => Ok(()),
        Licence::Ended => {
            stop(caller, locked.entry(run_id), &ErrorCode::AgentNoContract.into())?;
            refuse(ErrorCode::AgentNoContract)
        }
        Licence::Unknown => refuse(ErrorCode::AgentUnproven),
    }
}

/// The lease's parts, if it is one for this run of the caller's project.
pub(super) fn for_run<'a>(caller: &Caller, run_id: Uuid, lease: &'a str) -> Option<(LeaseParts<'a>, CredentialDigest)> {
    lease_parts(lease).filter(|(parts, _)| parts.project_id == caller.project_id && parts.run_id == run_id)
}

/// The run that a lease of the caller's project names.
pub(crate) fn run_of_lease(caller: &Caller, lease: &str) -> Option<Uuid> {
    lease_parts(lease).filter(|(parts, _)| parts.project_id == caller.project_id).map(|(parts, _)| parts.run_id)
}

/// Whether what the run was created under was taken back. Where nobody can say, its lease is kept: nothing is lost for want
/// of a key.
fn has_ended(caller: &Caller, run_id: Uuid) -> Outcome<bool> {
    let terms = TERMS.with(|s| {
        s.row(&[caller.project_id.as_str().into(), pg_uuid(run_id).into()], |row| {
            let created_under = [optional_uuid_column(row, 2)?, optional_uuid_column(row, 3)?];
            Ok((column::<String>(row, 1)?, created_under))
        })
    })?;
    let Some((agent_id, created_under)) = terms else { return Ok(false) };
    Ok(active::licence(&caller.project_id, &agent_id, created_under)? == Licence::Ended)
}

/// Operation `heartbeat`.
pub(crate) fn heartbeat(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let lease_seconds = arguments.optional_integer("lease_seconds").and_then(|seconds| i32::try_from(seconds).ok());
    // The lease that was named must hold; of the others, those that are lost are reported.
    let Some(first) = for_run(caller, arguments.uuid("run_id"), arguments.text("lease")) else {
        return refuse(ErrorCode::RunLease);
    };
    let mut leases = vec![first];
    for lease in arguments.texts("other_leases") {
        match lease_parts(lease) {
            Some(lease) if lease.0.project_id == caller.project_id => leases.push(lease),
            _ => return refuse(ErrorCode::RunLease),
        }
    }
    // One order for every worker, so that two heartbeats never wait for each other in a ring.
    let named = leases[0].0.run_id;
    leases.sort_by_key(|(parts, _)| parts.run_id);
    leases.dedup_by_key(|(parts, _)| (parts.run_id, parts.epoch));
    let (mut held, mut lost) = (Vec::<Value>::new(), Vec::<Value>::new());
    for (parts, digest) in &leases {
        if has_ended(caller, parts.run_id)? {
            // Its lease runs out, and who claims it finds that it has ended.
            if leases.len() == 1 {
                return refuse(ErrorCode::AgentNoContract);
            }
            lost.push(json!(parts.run_id));
            continue;
        }
        let extended = EXTEND.with(|s| {
            s.row(
                &[
                    caller.project_id.as_str().into(),
                    pg_uuid(parts.run_id).into(),
                    parts.epoch.into(),
                    digest.as_bytes().as_slice().into(),
                    lease_seconds.into(),
                ],
                |row| column::<String>(row, 1),
            )
        })?;
        match extended {
            Some(expires_at) => held.push(json!({"run_id": parts.run_id, "lease_expires_at": expires_at})),
            None if parts.run_id == named && leases.len() == 1 => return refuse(ErrorCode::RunLease),
            None => lost.push(json!(parts.run_id)),
        }
    }
    Ok(Answer::ok(json!({"held": held, "lost": lost}).to_string()))
}
