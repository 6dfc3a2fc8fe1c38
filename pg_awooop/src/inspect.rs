//! The auditor's way into any project, reading only: the audit log and its proofs, budgets and theirs, and runs. What a run was given and what
//! it made of it is shown redacted, because an auditor is neither its creator nor its worker.

use awooop_policy::argument::{self, Arguments};
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::name::{MAX_ID, NameRule};
use awooop_policy::operation::Operation;
use pgrx::prelude::*;

use crate::caller::{Caller, Login, facts_of};
use crate::fault::{Outcome, fault, or_raise};
use crate::{operations, tenant};

/// What an auditor may ask.
const OPERATIONS: [&str; 12] = [
    "audit_checkpoint",
    "audit_proof",
    "audit_verify",
    "budget_check",
    "budget_status",
    "export_audit",
    "get_run",
    "list_audit",
    "list_ledger",
    "list_prices",
    "list_runs",
    "list_steps",
];

/// Runs a reading operation on any project (`audit_checkpoint`, `audit_proof`, `audit_verify`, `budget_check`,
/// `budget_status`, `export_audit`, `get_run`, `list_audit`, `list_ledger`, `list_prices`, `list_runs`, `list_steps`), with
/// the operation's arguments as a JSON object. For auditors, who belong to no project. Returns the operation's answer.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn inspect_project(
    project_id: Option<&str>,
    operation: Option<&str>,
    args: default!(Option<&str>, "'{}'"),
) -> pgrx::JsonB {
    or_raise(inspect(project_id.unwrap_or_default(), operation.unwrap_or_default(), args.unwrap_or("{}")))
}

fn inspect(project_id: &str, operation: &str, arguments: &str) -> Outcome<pgrx::JsonB> {
    let login = Login::of_session();
    if !login.is_superuser() && !login.is_auditor() {
        return fault(Problem::from(ErrorCode::AuthScope).with("required_role", "awooop_auditor"));
    }
    if tenant::current().is_some() {
        return fault(ErrorCode::TenantAlreadyBound);
    }
    let Some(operation) = Operation::named(operation).filter(|operation| OPERATIONS.contains(&operation.name)) else {
        return fault(Problem::from(ErrorCode::OperationUnknown).with("accepted", OPERATIONS.to_vec()));
    };
    if !NameRule::Id.admits(project_id) || project_id.len() > MAX_ID {
        return fault(ErrorCode::TenantUnavailable);
    }
    let arguments = Arguments::check(operation.arguments, argument::read(arguments)?)?;
    tenant::within(project_id, || {
        if facts_of(project_id, "")?.is_none() {
            return fault(ErrorCode::TenantUnavailable);
        }
        let auditor = Caller::platform(project_id, &format!("role:{}", login.name()));
        let answer = operations::run(operation, &auditor, &arguments)?;
        Ok(pgrx::JsonB(serde_json::from_str(&answer.body)?))
    })
}
