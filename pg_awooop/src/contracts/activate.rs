//! Activation and revocation: what the platform acts by changes in one transaction, or not at all.

use awooop_contracts::revision::{Purpose, Revision};
use awooop_contracts::{Contract, Kind};
use awooop_policy::argument::Arguments;
use awooop_policy::contract::lifecycle::RevisionState;
use awooop_policy::error::{ErrorCode, Problem};
use serde_json::{Value, json};
use uuid::Uuid;

use super::revision::{self, Row};
use super::{active, check, effects, signatures};
use crate::audit;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault, refuse};
use crate::redaction;
use crate::statement::{pg_uuid, statements, uuid_column};

statements! {
    // In this order: the pointer can name an active revision only, and there is only one of those.
    DROP_POINTER: writing [TEXTOID, TEXTOID, TEXTOID] =
        "delete from awooop.active_contracts where project_id = $1 and kind = $2 and name = $3";
    // With the active revision those before it that never became active: an older one must not come after a newer.
    SUPERSEDE: writing [TEXTOID, TEXTOID, TEXTOID, INT4OID] =
        "update awooop.contract_revisions r set superseded_at = clock_timestamp()
         where r.project_id = $1 and r.kind = $2 and r.name = $3 and r.number < $4 and r.state in ('published', 'active')
         returning r.revision_id";
    // A revocation does not wait for the contract's lock: it may have come in between.
    ACTIVATE: writing [TEXTOID, UUIDOID, TEXTOID, TEXTOID] =
        "update awooop.contract_revisions r set activated_by = $3, activated_at = $4::timestamptz
         where r.project_id = $1 and r.revision_id = $2 and r.state = 'published' returning true";
    SET_POINTER: writing [TEXTOID, TEXTOID, TEXTOID, UUIDOID] =
        "insert into awooop.active_contracts (project_id, kind, name, revision_id) values ($1, $2, $3, $4)";
    DROP_POINTER_TO: writing [TEXTOID, UUIDOID] =
        "delete from awooop.active_contracts where project_id = $1 and revision_id = $2";
    REVOKE: writing [TEXTOID, UUIDOID, TEXTOID, TEXTOID] =
        "update awooop.contract_revisions r
         set revoked_by = $3, revoked_at = clock_timestamp(), revoke_reason = $4
         where r.project_id = $1 and r.revision_id = $2";
}

/// Operation `activate_contract`.
pub(crate) fn activate(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let revision_id = arguments.uuid("revision_id");
    // What is done already takes no lock.
    if revision::found(caller, revision_id)?.state == RevisionState::Active {
        return Ok(Answer::ok(revision::show(caller, revision_id)?));
    }
    let row = revision::locked(caller, revision_id)?;
    // Somebody activated it just before, or the answer to the first call was lost.
    if row.state != RevisionState::Active {
        row.ensure_state(&[RevisionState::Published])?;
        put_in_force(caller, &row)?;
    }
    Ok(Answer::ok(revision::show(caller, revision_id)?))
}

fn put_in_force(caller: &Caller, row: &Row) -> Outcome<()> {
    let signed = revision::ensure_signed(caller, row)?;
    // What was right when it was published may have become wrong: namespaces are taken away, libraries get stricter.
    let contract = check::publishable(caller, row.kind, &signed.document)?;
    ensure_quorum(caller, row, &signed)?;
    ensure_needs(caller, &contract)?;
    let now = signatures::now();
    let (project_id, kind, name) = (caller.project_id.as_str(), row.kind.as_str(), row.name.as_str());
    DROP_POINTER.with(|s| s.run(&[project_id.into(), kind.into(), name.into()]))?;
    let parameters = [project_id.into(), kind.into(), name.into(), row.number.into()];
    let superseded = SUPERSEDE.with(|s| s.rows(&parameters, |row| uuid_column(row, 1)))?;
    let activated = ACTIVATE.with(|s| {
        s.run(&[
            project_id.into(),
            pg_uuid(row.revision_id).into(),
            caller.principal_id.as_str().into(),
            now.as_str().into(),
        ])
    })?;
    if activated == 0 {
        return fault(Problem::from(ErrorCode::ContractState).with("state", RevisionState::Revoked.as_str()));
    }
    SET_POINTER.with(|s| s.run(&[project_id.into(), kind.into(), name.into(), pg_uuid(row.revision_id).into()]))?;
    signatures::append(caller, &signed, Purpose::Activate, now)?;
    effects::of_activation(caller, &contract)?;
    let superseded: Vec<String> = superseded.iter().map(Uuid::to_string).collect();
    audit::done(caller, "contract_activated", row.entry().with("superseded_revision_id", superseded))
}

fn ensure_quorum(caller: &Caller, row: &Row, signed: &Revision) -> Outcome<()> {
    let signatures = signatures::of(signed)?;
    // Until this commits nothing that it counts changes: a revocation comes before it, or after it.
    signatures.hold(caller, signed)?;
    let quorum = active::quorum(&caller.project_id, row.kind)?;
    let tally = signatures.tally(caller, signed, &quorum)?;
    if tally.is_enough() {
        return Ok(());
    }
    let discounted: Vec<Value> = tally.discounts.iter().flatten().map(|why| json!(why)).collect();
    refuse(
        Problem::from(ErrorCode::ContractQuorum)
            .with("counted", tally.counted)
            .with("needed", tally.needed)
            .with("roles", json!(quorum.roles))
            .with("discounted", discounted),
    )
}

/// Refuses a contract that would stop at its first use, because one that it cannot do without is not active. Tools are not
/// among them: an agent goes without.
fn ensure_needs(caller: &Caller, contract: &Contract) -> Outcome<()> {
    let needed = contract.links().into_iter().filter(|link| match contract.kind() {
        Kind::Agent => link.kind == Kind::Run,
        Kind::Channel => link.kind == Kind::Agent,
        _ => false,
    });
    let mut missing = Vec::new();
    for link in needed {
        if active::of(&caller.project_id, link.kind, link.name)?.is_none() {
            missing.push(json!({"pointer": link.pointer, "kind": link.kind, "name": link.name}));
        }
    }
    if missing.is_empty() { Ok(()) } else { refuse(Problem::from(ErrorCode::ContractNeeds).with("missing", missing)) }
}

/// Operation `revoke_contract`.
pub(crate) fn revoke(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let revision_id = arguments.uuid("revision_id");
    let row = revision::locked_alone(caller, revision_id)?;
    if row.state != RevisionState::Revoked {
        row.ensure_state(&[RevisionState::Published, RevisionState::Active])?;
        let (project_id, reason) = (caller.project_id.as_str(), redaction::stored(arguments.optional_text("reason")));
        let reason = reason.as_deref();
        DROP_POINTER_TO.with(|s| s.run(&[project_id.into(), pg_uuid(revision_id).into()]))?;
        let parameters =
            [project_id.into(), pg_uuid(revision_id).into(), caller.principal_id.as_str().into(), reason.into()];
        REVOKE.with(|s| s.run(&parameters))?;
        let entry = row.entry().with("from", row.state.as_str()).with("reason", reason);
        audit::done(caller, "contract_revoked", entry)?;
    }
    Ok(Answer::ok(revision::show(caller, revision_id)?))
}
