//! A request as it is asked in a chat: what will happen, how many must agree, and where it stands.

use awooop_policy::approval::RequestState;
use awooop_policy::mode::MigrationMode;
use uuid::Uuid;

use super::row::state;
use crate::fault::Outcome;
use crate::statement::{column, pg_uuid, statements, uuid_column};

statements! {
    // Writing, for a snapshot of what this transaction has decided.
    ASK: writing [TEXTOID, UUIDOID] = concat!(
        "select r.run_id, r.platform_subject_id, r.trace_id, r.summary, r.approvers::int8, r.roles, ", state!(), ",
                (select count(*) from awooop.approval_decision d
                 where d.project_id = $1 and d.approval_id = $2 and d.decision = 'approve'), r.reason_required,
                r.agent_id, s.mode
         from awooop.approval_request r
         join awooop.run_state s on s.project_id = $1 and s.run_id = r.run_id
         where r.project_id = $1 and r.approval_id = $2");
}

/// A request, as people in a chat are asked about it.
pub(crate) struct Question {
    pub(crate) run_id: Uuid,
    pub(crate) platform_subject_id: String,
    pub(crate) trace_id: String,
    pub(crate) summary: String,
    pub(crate) needed: i64,
    pub(crate) roles: Option<Vec<String>>,
    pub(crate) state: RequestState,
    pub(crate) approved: i64,
    pub(crate) reason_required: bool,
    pub(crate) agent_id: String,
    /// What the run may do: what is asked for one in shadow, nobody is sent.
    pub(crate) mode: MigrationMode,
}

/// The request of that id, if there is one.
pub(crate) fn question(project_id: &str, approval_id: Uuid) -> Outcome<Option<Question>> {
    ASK.with(|s| {
        s.row(&[project_id.into(), pg_uuid(approval_id).into()], |row| {
            Ok(Question {
                run_id: uuid_column(row, 1)?,
                platform_subject_id: column(row, 2)?,
                trace_id: column(row, 3)?,
                summary: column(row, 4)?,
                needed: column(row, 5)?,
                roles: row.get(6)?,
                state: RequestState::parse(&column::<String>(row, 7)?).unwrap_or(RequestState::Cancelled),
                approved: column(row, 8)?,
                reason_required: column(row, 9)?,
                agent_id: column(row, 10)?,
                mode: MigrationMode::parse(&column::<String>(row, 11)?).unwrap_or(MigrationMode::Shadow),
            })
        })
    })
}
