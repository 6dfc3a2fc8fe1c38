//! A request as it is asked in a chat: what will happen, how many must agree, and where it stands.

use awooop_contracts::Contract;
use awooop_contracts::model::tool::{Risk, SideEffects};
use awooop_policy::approval::words::{Action, in_plain_words};
use awooop_policy::approval::{RequestState, TokenMode};
use awooop_policy::language::Language;
use awooop_policy::mode::MigrationMode;
use serde_json::Value;
use uuid::Uuid;

use super::row::state;
use crate::contracts::active;
use crate::fault::{Outcome, Stop};
use crate::statement::{column, pg_uuid, statements, uuid_column};

statements! {
    // Writing, for a snapshot of what this transaction has decided.
    ASK: writing [TEXTOID, UUIDOID] = concat!(
        "select r.run_id, r.platform_subject_id, r.trace_id, r.summary, r.approvers::int8, r.roles, ", state!(), ",
                (select count(*) from awooop.approval_decision d
                 where d.project_id = $1 and d.approval_id = $2 and d.decision = 'approve'), r.reason_required,
                r.agent_id, s.mode, r.tool, r.tool_revision_id, r.mode, r.side_effects, r.risk, r.shown::text,
                r.estimated_micro_usd, s.channel_type
         from awooop.approval_request r
         join awooop.run_state s on s.project_id = $1 and s.run_id = r.run_id
         where r.project_id = $1 and r.approval_id = $2");
}

/// A request, as people in a chat are asked about it.
pub(crate) struct Question {
    pub(crate) run_id: Uuid,
    pub(crate) platform_subject_id: String,
    pub(crate) trace_id: String,
    /// In English, as it was vouched for.
    summary: String,
    pub(crate) needed: i64,
    pub(crate) roles: Option<Vec<String>>,
    pub(crate) state: RequestState,
    pub(crate) approved: i64,
    pub(crate) reason_required: bool,
    pub(crate) agent_id: String,
    /// What the run may do: what is asked for one in shadow, nobody is sent.
    pub(crate) mode: MigrationMode,
    call: Call,
}

/// What is asked for.
struct Call {
    tool: String,
    tool_revision_id: Uuid,
    mode: Option<TokenMode>,
    side_effects: Option<SideEffects>,
    risk: Option<Risk>,
    shown: String,
    micro_usd: Option<i64>,
    channel_type: String,
}

impl Question {
    /// What will happen, in plain words.
    pub(crate) fn summary(&self, project_id: &str, locale: &str) -> Outcome<String> {
        let (language, call) = (Language::of(locale), &self.call);
        let (Some(mode), Some(side_effects), Some(risk)) = (call.mode, call.side_effects, call.risk) else {
            return Ok(self.summary.clone());
        };
        if language == Language::English {
            return Ok(self.summary.clone());
        }
        let contract = match active::load(project_id, call.tool_revision_id) {
            Ok(contract) => Some(contract),
            // It is not to be believed any more; without its title the rest is as true.
            Err(Stop::Refused(_)) => None,
            Err(fault) => return Err(fault),
        };
        let title = contract.as_ref().and_then(|loaded| match &loaded.contract {
            Contract::Tool(tool) => tool.title.as_ref().map(|title| title.as_str()),
            _ => None,
        });
        let arguments: Value = serde_json::from_str(&call.shown)?;
        Ok(in_plain_words(
            language,
            &Action {
                agent: &self.agent_id,
                tool: &call.tool,
                title,
                side_effects,
                risk,
                mode,
                channel_type: &call.channel_type,
                estimated_micro_usd: call.micro_usd,
                arguments: &arguments,
            },
        ))
    }
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
                call: Call {
                    tool: column(row, 12)?,
                    tool_revision_id: uuid_column(row, 13)?,
                    mode: TokenMode::parse(&column::<String>(row, 14)?),
                    side_effects: SideEffects::parse(&column::<String>(row, 15)?),
                    risk: Risk::parse(&column::<String>(row, 16)?),
                    shown: column(row, 17)?,
                    micro_usd: row.get(18)?,
                    channel_type: column(row, 19)?,
                },
            })
        })
    })
}
