//! From an operation's name to the function that carries it out.

use awooop_policy::argument::Arguments;
use awooop_policy::error::ErrorCode;
use awooop_policy::operation::Operation;

use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault};
use crate::{agents, api_keys, audit, envelope, redaction, runs, subjects};

/// Carries the operation out. The caller has the scope, the arguments are checked.
pub(crate) fn run(operation: &Operation, caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let carry_out = match operation.name {
        "audit_checkpoint" => audit::checkpoint,
        "audit_proof" => audit::proof,
        "audit_verify" => audit::verify,
        "build_envelope" => envelope::build,
        "cancel_run" => runs::cancel,
        "claim_runs" => runs::claim,
        "complete_run" => runs::complete,
        "create_agent" => agents::create,
        "create_api_key" => api_keys::create,
        "create_run" => runs::create,
        "export_audit" => audit::export,
        "fail_run" => runs::fail,
        "get_run" => runs::get,
        "get_redaction" => redaction::show,
        "grant_subject_role" => subjects::grant_role,
        "heartbeat" => runs::heartbeat,
        "list_api_keys" => api_keys::list,
        "list_audit" => audit::list,
        "list_runs" => runs::list,
        "list_steps" => runs::list_steps,
        "record_step" => runs::record_step,
        "remove_redaction_rule" => redaction::remove_rule,
        "revoke_api_key" => api_keys::revoke,
        "rotate_api_key" => api_keys::rotate,
        "set_redaction_family" => redaction::set_family,
        "set_redaction_rule" => redaction::set_rule,
        "upsert_platform_subject" => subjects::upsert,
        "whoami" => api_keys::whoami,
        _ => return fault(ErrorCode::OperationUnknown),
    };
    carry_out(caller, arguments)
}
