//! What keeps a document from being published as a contract of a project: its shape, and what only the project, the
//! server or the redactor can judge.

use awooop_contracts::violation::SchemaViolation;
use awooop_contracts::{Contract, Kind};
use awooop_policy::argument::Arguments;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::redact::Family;
use pgrx::prelude::*;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault};
use crate::guarded::{self, Worker};
use crate::redaction;
use crate::statement::{column, statements};

/// The name of the one policy contract of a project.
pub(super) const POLICY: &str = "default";

statements! {
    NAMESPACES: reading [TEXTOID] =
        "select credential_namespaces from awooop.projects where project_id = $1";
}

/// The kind that an argument names.
pub(super) fn kind(arguments: &Arguments) -> Kind {
    // Its declaration has checked the word.
    Kind::parse(arguments.text("kind")).unwrap_or(Kind::Project)
}

/// Operation `validate_contract`.
pub(crate) fn validate(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let violations = match contract(caller, kind(arguments), arguments.json("document"))? {
        Ok(_) => Vec::new(),
        Err(violations) => violations,
    };
    let body = json!({"valid": violations.is_empty(), "violations": violations});
    Ok(Answer::ok(body.to_string()))
}

/// The contract, if it can be published in the caller's project.
pub(super) fn publishable(caller: &Caller, kind: Kind, document: &Value) -> Outcome<Contract> {
    match contract(caller, kind, document)? {
        Ok(contract) => Ok(contract),
        Err(violations) => fault(invalid(&violations)),
    }
}

/// The problem of a document that is no contract.
pub(super) fn invalid(violations: &[SchemaViolation]) -> Problem {
    Problem::from(ErrorCode::ContractInvalid).with("violations", json!(violations))
}

/// The contract, or everything that is wrong with it.
pub(super) fn contract(
    caller: &Caller,
    kind: Kind,
    document: &Value,
) -> Outcome<Result<Contract, Vec<SchemaViolation>>> {
    let read = guarded::or_fault(Worker::Validator, "a contract", 0, || {
        let contract = Contract::of_kind(kind, document)?;
        let unusable = contract.unusable_schemas();
        Ok((contract, unusable))
    })?;
    let (contract, mut violations) = match read {
        Ok(read) => read,
        Err(violations) => return Ok(Err(violations)),
    };
    violations.extend(names(caller, &contract));
    violations.extend(zones(&contract));
    violations.extend(shapes(&contract));
    violations.extend(foreign_credentials(caller, &contract)?);
    violations.extend(credentials_in_prose(&contract));
    Ok(if violations.is_empty() { Ok(contract) } else { Err(violations) })
}

fn violation(pointer: impl Into<String>, keyword: &str, expected: impl Into<String>, got: &str) -> SchemaViolation {
    SchemaViolation { pointer: pointer.into(), keyword: keyword.into(), expected: expected.into(), got: got.into() }
}

/// A project's contract bears its id, and of policies there is one: another would never be acted by.
fn names(caller: &Caller, contract: &Contract) -> Option<SchemaViolation> {
    let only = match contract.kind() {
        Kind::Project => caller.project_id.as_str(),
        Kind::Policy => POLICY,
        _ => return None,
    };
    (contract.name() != only).then(|| violation("/name", "const", only, "another name"))
}

/// Time zones that the server does not know: its days would begin at another hour than the contract says.
fn zones(contract: &Contract) -> Option<SchemaViolation> {
    let (pointer, zone) = match contract {
        Contract::Project(project) => ("/time_zone", project.time_zone.as_ref()?),
        Contract::Policy(policy) => ("/quiet_hours/time_zone", policy.quiet_hours.as_ref()?.time_zone.as_ref()?),
        _ => return None,
    };
    let name = std::ffi::CString::new(zone.as_str()).ok()?;
    // SAFETY: a look-up among the server's zones by a C string that lives through the call.
    let is_known = !unsafe { pg_sys::pg_tzset(name.as_ptr()) }.is_null();
    (!is_known).then(|| violation(pointer, "timeZone", "a time zone that the server knows", "another"))
}

/// Redaction rules that cannot be used, or cost too much.
fn shapes(contract: &Contract) -> Vec<SchemaViolation> {
    let Contract::Policy(policy) = contract else { return Vec::new() };
    let rules = policy.redaction.iter().flat_map(|redaction| &redaction.rules).flat_map(|rules| rules.entries());
    rules
        .filter_map(|(name, rule)| {
            let keywords: Vec<String> = rule
                .keywords
                .iter()
                .flat_map(|keywords| keywords.as_slice())
                .map(|keyword| keyword.as_str().to_owned())
                .collect();
            // Both sets of families are the same words.
            let family = Family::parse(rule.family.as_str()).unwrap_or(Family::Secret);
            let problem = redaction::check_rule(name.as_str(), family, &keywords, rule.shape.as_str()).err()?;
            let expected = problem.code.entry().hint;
            Some(violation(format!("/redaction/rules/{}/shape", name.as_str()), "shape", expected, "another"))
        })
        .collect()
}

/// Whether a credential of that namespace is the project's to name.
pub(crate) fn is_own_namespace(caller: &Caller, namespace: &str) -> Outcome<bool> {
    let own = caller.project_id.as_str();
    let allowed = NAMESPACES.with(|s| s.row(&[own.into()], |row| column::<Vec<String>>(row, 1)))?.unwrap_or_default();
    Ok(namespace == own || allowed.iter().any(|one| one == namespace))
}

/// Credentials of somebody else: a reference is only words, so which words a project may use is the platform's to say.
fn foreign_credentials(caller: &Caller, contract: &Contract) -> Outcome<Vec<SchemaViolation>> {
    let used = contract.credentials();
    if used.is_empty() {
        return Ok(Vec::new());
    }
    let own = caller.project_id.as_str();
    let allowed = NAMESPACES.with(|s| s.row(&[own.into()], |row| column::<Vec<String>>(row, 1)))?.unwrap_or_default();
    let expected = || {
        let namespaces: Vec<&str> = std::iter::once(own).chain(allowed.iter().map(String::as_str)).collect();
        format!("a credential in a namespace of the project: {}", namespaces.join(", "))
    };
    let foreign = used.into_iter().filter(|credential| {
        let namespace = credential.reference.parts().0;
        namespace != own && !allowed.iter().any(|one| one == namespace)
    });
    Ok(foreign.map(|credential| violation(credential.pointer, "credential", expected(), "another namespace")).collect())
}

/// Credentials written into texts: whoever may read the contract would have them, and they could never be taken back.
fn credentials_in_prose(contract: &Contract) -> Vec<SchemaViolation> {
    let texts: Vec<(&str, &str)> = match contract {
        Contract::Agent(agent) => {
            let instructions = agent.instructions.as_ref().map(|text| ("/instructions", text.as_str()));
            [Some(("/purpose", agent.purpose.as_str())), instructions].into_iter().flatten().collect()
        }
        Contract::Tool(tool) => vec![("/description", tool.description.as_str())],
        Contract::Project(project) => project.description.iter().map(|text| ("/description", text.as_str())).collect(),
        Contract::Policy(policy) => policy.description.iter().map(|text| ("/description", text.as_str())).collect(),
        Contract::Channel(channel) => channel.description.iter().map(|text| ("/description", text.as_str())).collect(),
        Contract::Run(run) => run.description.iter().map(|text| ("/description", text.as_str())).collect(),
    };
    texts
        .into_iter()
        .filter(|(_, text)| redaction::holds_credential(text))
        .map(|(pointer, _)| {
            violation(pointer, "credential", "a text without credentials", "one that holds a credential")
        })
        .collect()
}
