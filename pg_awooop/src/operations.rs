//! From an operation's name to the function that carries it out.

use awooop_policy::argument::Arguments;
use awooop_policy::error::ErrorCode;
use awooop_policy::operation::Operation;

use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault};
use crate::{agents, api_keys, approvals, audit, budget, contracts, envelope, principals, redaction, runs, subjects};

/// Carries the operation out. The caller has the scope, the arguments are checked.
pub(crate) fn run(operation: &Operation, caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let carry_out = match operation.name {
        "activate_contract" => contracts::activate,
        "active_contract" => contracts::show_active,
        "adjust_budget" => budget::adjust,
        "approval_metrics" => approvals::metrics,
        "approval_status" => approvals::status,
        "audit_checkpoint" => audit::checkpoint,
        "audit_proof" => audit::proof,
        "audit_verify" => audit::verify,
        "budget_check" => budget::check,
        "budget_metrics" => budget::metrics,
        "budget_status" => budget::status,
        "build_envelope" => envelope::build,
        "cancel_run" => runs::cancel,
        "claim_runs" => runs::claim,
        "complete_run" => runs::complete,
        "contract_history" => contracts::history,
        "create_agent" => agents::create,
        "create_api_key" => api_keys::create,
        "create_run" => runs::create,
        "diff_contracts" => contracts::diff,
        "discard_contract" => contracts::discard,
        "draft_contract" => contracts::draft,
        "edit_contract" => contracts::edit,
        "export_audit" => audit::export,
        "export_contract" => contracts::export,
        "fail_run" => runs::fail,
        "get_contract" => contracts::get,
        "get_redaction" => redaction::show,
        "get_run" => runs::get,
        "grant_principal_role" => principals::grant_role,
        "grant_subject_role" => subjects::grant_role,
        "heartbeat" => runs::heartbeat,
        "import_contract" => contracts::import,
        "issue_approval" => approvals::issue,
        "list_api_keys" => api_keys::list,
        "list_approvals" => approvals::list,
        "list_audit" => audit::list,
        "list_contracts" => contracts::list,
        "list_ledger" => budget::list_ledger,
        "list_prices" => budget::list_prices,
        "list_principals" => principals::list,
        "list_runs" => runs::list,
        "list_steps" => runs::list_steps,
        "publish_contract" => contracts::publish,
        "record_step" => runs::record_step,
        "reject_approval" => approvals::reject,
        "release_budget" => budget::release,
        "remove_redaction_rule" => redaction::remove_rule,
        "request_approval" => approvals::request,
        "reserve_budget" => budget::reserve,
        "revoke_api_key" => api_keys::revoke,
        "revoke_contract" => contracts::revoke,
        "revoke_principal_role" => principals::revoke_role,
        "rotate_api_key" => api_keys::rotate,
        "set_budget" => budget::set_limit,
        "set_price" => budget::set_price,
        "set_redaction_family" => redaction::set_family,
        "set_redaction_rule" => redaction::set_rule,
        "settle_budget" => budget::settle,
        "sign_contract" => contracts::sign,
        "switch_budget" => budget::set_switch,
        "upsert_platform_subject" => subjects::upsert,
        "validate_contract" => contracts::validate,
        "validate_output" => runs::validate_output,
        "verify_contract" => contracts::verify,
        "whoami" => api_keys::whoami,
        _ => return fault(ErrorCode::OperationUnknown),
    };
    carry_out(caller, arguments)
}
