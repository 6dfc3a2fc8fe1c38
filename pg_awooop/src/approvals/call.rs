//! What is known of a call before anybody decides about it: the agent's contract, the tool's, the policy.

use std::rc::Rc;

use awooop_contracts::model::ToolContract;
use awooop_contracts::model::policy::Approvals;
use awooop_contracts::model::tool::Risk;
use awooop_contracts::{Contract, Kind};
use awooop_policy::approval::{Call, Need, need, risk, words};
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::mode::MigrationMode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::caller::Caller;
use crate::contracts::active::{self, Loaded};
use crate::fault::{Outcome, fault, refuse};
use crate::guarded::{self, Worker};
use crate::statement::{column, pg_uuid, statements};

/// Errors that are told of at most.
const MOST_ERRORS: usize = 20;

statements! {
    RUN: reading [TEXTOID, UUIDOID] =
        "select mode, created_by, channel_type from awooop.run_state where project_id = $1 and run_id = $2";
}

/// What a call takes from its run.
pub(super) struct OfRun {
    /// A run goes on in the mode that it was created in, or in a more cautious one.
    pub(super) mode: MigrationMode,
    pub(super) created_by: String,
    pub(super) channel_type: String,
}

impl OfRun {
    pub(super) fn find(caller: &Caller, run_id: Uuid) -> Outcome<Self> {
        let run = RUN.with(|s| {
            s.row(&[caller.project_id.as_str().into(), pg_uuid(run_id).into()], |row| {
                let mode = MigrationMode::parse(&column::<String>(row, 1)?).unwrap_or(MigrationMode::Shadow);
                Ok(OfRun {
                    mode: mode.min(caller.project.mode),
                    created_by: column(row, 2)?,
                    channel_type: column(row, 3)?,
                })
            })
        })?;
        run.map_or_else(|| fault(ErrorCode::RunUnknown), Ok)
    }
}

/// Refuses a call that comes without an approval and needs one, or is denied.
pub(crate) fn ensure_none_needed(caller: &Caller, run_id: Uuid, agent_id: &str, tool: &str) -> Outcome<()> {
    let mode = OfRun::find(caller, run_id)?.mode;
    let wanted = Wanted::of(&caller.project_id, agent_id, mode, tool)?;
    wanted.ensure_not_denied(tool)?;
    match wanted.need {
        Need::Nothing => Ok(()),
        _ => refuse(Problem::from(ErrorCode::ApprovalNeeded).with("tool", tool)),
    }
}

/// A call that an agent wants to make.
pub(super) struct Wanted {
    tool: Rc<Loaded>,
    pub(super) risk: Risk,
    pub(super) approvals: Approvals,
    pub(super) need: Need,
}

impl Wanted {
    /// Gathers what is known, and decides.
    pub(super) fn of(project_id: &str, agent_id: &str, mode: MigrationMode, tool: &str) -> Outcome<Self> {
        let Some(of_tool) = active::of(project_id, Kind::Tool, tool)? else { return fault(ErrorCode::ApprovalTool) };
        let Some(agent) = active::of(project_id, Kind::Agent, agent_id)? else {
            return refuse(ErrorCode::AgentNoContract);
        };
        let policy = active::last_policy(project_id)?;
        let (Contract::Tool(contract), Contract::Agent(agent)) = (&of_tool.contract, &agent.contract) else {
            return fault(ErrorCode::SystemInternal);
        };
        let policy = policy.as_ref().and_then(|policy| match &policy.contract {
            Contract::Policy(policy) => Some(policy),
            _ => None,
        });
        let of_project = policy.and_then(|policy| {
            policy
                .tool_risk
                .iter()
                .flat_map(|risks| risks.entries())
                .find(|(name, _)| name.as_str() == tool)
                .map(|(_, risk)| *risk)
        });
        let risk = risk(contract.risk, of_project);
        let mut tools = agent.tools.iter().flat_map(|tools| tools.entries());
        let wanted = tools.find(|(name, _)| name.as_str() == tool).map(|(_, wanted)| *wanted);
        let need = need(&Call {
            mode,
            autonomy: agent.autonomy,
            wanted: wanted.map(|wanted| wanted.access),
            always_approve: wanted.is_some_and(|wanted| wanted.always_approve()),
            access: words::access(contract.side_effects),
            risk,
            rule: policy.map(|policy| policy.calls.rule(risk)),
        });
        let approvals = policy.and_then(|policy| policy.approvals).unwrap_or_default();
        Ok(Wanted { tool: of_tool, risk, approvals, need })
    }

    /// Refuses what is denied, whoever would approve it.
    pub(super) fn ensure_not_denied(&self, tool: &str) -> Outcome<()> {
        match &self.need {
            Need::Denied(denial) => {
                refuse(Problem::from(ErrorCode::ApprovalDenied).with("tool", tool).with("reason", denial.as_str()))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn contract(&self) -> Outcome<&ToolContract> {
        match &self.tool.contract {
            Contract::Tool(contract) => Ok(contract),
            _ => fault(ErrorCode::SystemInternal),
        }
    }

    pub(super) fn revision_id(&self) -> Uuid {
        self.tool.revision_id
    }

    /// Refuses arguments that the tool would not take: nobody is asked about those.
    pub(super) fn ensure_arguments(&self, arguments: &Value) -> Outcome<()> {
        let Some(schema) = &self.tool.input_schema else { return Ok(()) };
        let violations = guarded::or_fault(Worker::Validator, "arguments", 0, || match schema.is_valid(arguments) {
            true => Vec::new(),
            false => schema.violations(arguments, MOST_ERRORS),
        })?;
        if violations.is_empty() {
            return Ok(());
        }
        fault(Problem::from(ErrorCode::ApprovalArguments).with("errors", json!(violations)))
    }
}
