//! The tools that an agent sees: those that it might call, as their contracts describe them; and what else of servers it might use.

use awooop_contracts::Contract;
use awooop_contracts::model::agent::Access;
use awooop_contracts::model::tool::{SideEffects, ToolContract};
use awooop_policy::argument::Arguments;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::feature::Feature;
use awooop_policy::gates::{Approval, ArgumentFacts, Verdict, judge};
use serde_json::{Value, json};

use super::registry::after;
use super::snapshot::{Proof, Snapshot, Wanted};
use crate::audit;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::Outcome;
use crate::statement::{column, statements};

statements! {
    GRANTED: reading [TEXTOID, TEXTOID, TEXTOID, TEXTOID] =
        "select g.tool, t.server_id, t.feature from awooop.mcp_grant g
         join awooop.mcp_tool t on t.project_id = g.project_id and t.name = g.tool
         where g.project_id = $1 and g.agent_id = $2 and g.revoked_at is null
           and ($3 is null or t.server_id = $3) and ($4 is null or g.tool > $4 or t.feature <> 'tool')
         order by g.tool";
}

/// The tool as MCP lists it. Nothing of what its server says of it is in there.
fn listed(name: &str, contract: &ToolContract) -> Value {
    let schema = |schema: &awooop_contracts::model::shared::ObjectSchema| schema.as_embedded().as_value().clone();
    let reads = contract.access() == Access::Read;
    let mut tool = json!({
        "name": name, "description": description(contract), "inputSchema": schema(&contract.input_schema),
        "annotations": {
            "readOnlyHint": reads, "destructiveHint": contract.side_effects == SideEffects::Irreversible,
            "idempotentHint": contract.may_repeat()
        }
    });
    if let Some(title) = &contract.title {
        tool["title"] = title.as_str().into();
    }
    if let Some(output) = &contract.output_schema {
        tool["outputSchema"] = schema(output);
    }
    tool
}

fn description(contract: &ToolContract) -> String {
    String::from(contract.description.clone())
}

/// Operation `mcp_list_tools`.
pub(crate) fn list(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let named = arguments.optional_text("agent_id").or(caller.agent_id.as_deref());
    let limit = arguments.integer("page_size");
    let parameters = [
        caller.project_id.as_str().into(),
        named.into(),
        arguments.optional_text("server_id").into(),
        after(arguments)?.into(),
    ];
    let granted = GRANTED.with(|s| {
        s.rows(&parameters, |row| Ok([column::<String>(row, 1)?, column::<String>(row, 2)?, column::<String>(row, 3)?]))
    })?;
    let (tools, others): (Vec<_>, Vec<_>) =
        granted.into_iter().partition(|[.., feature]| feature == Feature::Tool.as_str());
    let nothing = json!({});
    let snapshot = |tool: &str| {
        Snapshot::take(
            caller,
            &Wanted {
                agent_id: named,
                tool,
                arguments: &nothing,
                run_id: None,
                call_id: None,
                channel_type: "",
                channel_user_id: "",
                subject_id: "",
            },
        )
    };
    if let Some(problem) = refusal(&snapshot("")?) {
        audit::refused(caller, "mcp_list_tools", &problem, audit::Entry::default())?;
        return Ok(Answer::refusal(&problem));
    }
    let mut rows = Vec::new();
    for [name, ..] in tools {
        if i64::try_from(rows.len()).unwrap_or(i64::MAX) > limit {
            break;
        }
        let snapshot = snapshot(&name)?;
        if let (true, Proof::Active(loaded)) = (may_be_called(&snapshot), &snapshot.tool)
            && let Contract::Tool(contract) = &loaded.contract
        {
            rows.push((listed(&name, contract).to_string(), name));
        }
    }
    let mut features = Vec::new();
    for [name, server_id, feature] in others {
        if may_be_called(&snapshot(&name)?) {
            features.push(json!({"feature": feature, "server_id": server_id, "tool": name}));
        }
    }
    Ok(Answer::page(rows, limit).with("features", &features.into()))
}

/// Why the agent sees no tools at all, if gates 1 or 2 say so.
fn refusal(snapshot: &Snapshot) -> Option<Problem> {
    let judgement = judge(&snapshot.facts(Approval::None));
    let denial = judgement.denial()?;
    matches!(denial.code, ErrorCode::GateTenant | ErrorCode::GateAgent).then(|| denial.problem())
}

/// Whether gates 1 to 3 let calls of it through, with the right arguments.
fn may_be_called(snapshot: &Snapshot) -> bool {
    let mut facts = snapshot.facts(Approval::None);
    facts.arguments = ArgumentFacts::default();
    let judgement = judge(&facts);
    judgement.checks.iter().filter(|check| check.gate <= 3).all(|check| check.verdict == Verdict::Pass)
}
