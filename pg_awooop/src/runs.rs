//! The run engine: create, claim, keep, journal, judge outputs, end, look up, reap.
//!
//! Locks are taken in one order everywhere: the queue's row, the run's row, the lease's row. A lease proves itself by
//! its digest and epoch against the run's row under lock, so a worker that lost it writes nothing.

mod approval;
mod budget;
mod call;
mod claim;
mod create;
mod end;
mod endpoint;
mod guard;
mod journal;
mod lease;
mod listing;
mod output;
mod reap;
mod retry;
mod settings;
mod stop;

pub(crate) use approval::{
    end_rejected, end_undecided, ensure_lease, has_finished, lock, lock_with_lease, resume, try_lock,
};
pub(crate) use budget::{ensure_licensed, hold_for_budget, hold_for_charge, lease_of};
pub(crate) use call::{
    ForCall, end_with_call, ensure_room_for_step, hold_for_call, keep_for_call, open_for_call, record_call,
    reopen_for_call,
};
pub(crate) use claim::{across_projects as claim_across_projects, claim, in_bound_project as claim_as_worker};
pub(crate) use create::{create, created_ms};
pub(crate) use end::{can_end, cancel, complete, fail};
pub(crate) use journal::{list_steps, record_step};
pub(crate) use lease::{Locked as Held, ensure_for_workers, heartbeat, run_of_lease};
pub(crate) use listing::{get, list};
pub(crate) use output::validate as validate_output;
pub(crate) use reap::reap_due;
pub(crate) use stop::stop;

/// Members of a run's JSON that listings show too; `s` is awooop.run_state.
macro_rules! run_summary_members {
    () => {
        concat!(
            "'run_id', s.run_id, 'project_id', s.project_id, 'agent_id', s.agent_id,
             'platform_subject_id', s.platform_subject_id, 'state', s.state, 'mode', s.mode, 'trace_id', s.trace_id,
             'idempotency_key', s.idempotency_key, 'priority', s.priority, 'attempts', s.attempts,
             'max_attempts', s.max_attempts, 'created_at', ",
            crate::statement::rfc3339!("s.created_at"),
            ",
             'updated_at', ",
            crate::statement::rfc3339!("s.updated_at"),
            ",
             'deadline_at', ",
            crate::statement::rfc3339!("s.deadline_at"),
            ",
             'available_at', ",
            crate::statement::rfc3339!("s.available_at"),
            ",
             'finished_at', ",
            crate::statement::rfc3339!("s.finished_at"),
            ", 'error_code', s.error ->> 'code'"
        )
    };
}
/// A run's whole JSON, as it is for its creator and its worker.
macro_rules! run_json {
    () => {
        concat!(
            "json_build_object(",
            crate::runs::run_summary_members!(),
            ", 'envelope', s.envelope, 'input', s.input,
             'tags', s.tags, 'result', s.result, 'error', s.error, 'redacted', false)::text"
        )
    };
}
/// Whether the principal of the parameter is one of those: what it wrote and what it works on is shown to it exact, to
/// everybody else redacted.
macro_rules! is_party {
    ($principal:literal) => {
        concat!(
            "(s.created_by = ",
            $principal,
            " or exists (select from awooop.run_lease l where l.project_id = s.project_id and l.run_id = s.run_id
                                                              and l.principal_id = ",
            $principal,
            "))"
        )
    };
}
pub(crate) use {is_party, run_json, run_summary_members};
