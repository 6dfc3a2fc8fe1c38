//! Looking at contracts: one revision, all of them, what is active, how two differ.

use awooop_contracts::diff::changes;
use awooop_policy::argument::Arguments;
use awooop_policy::error::ErrorCode;
use serde_json::json;
use uuid::Uuid;

use super::{active as in_force, check, revision, revision_json, revision_members};
use crate::caller::Caller;
use crate::directory;
use crate::door::Answer;
use crate::fault::{Outcome, fault};
use crate::statement::{column, pg_uuid, rfc3339, statements};

statements! {
    GET: reading [TEXTOID, UUIDOID] = concat!(
        "select json_build_object(", revision_members!(), ", 'document', coalesce(r.document, r.draft)::json,
             'signatures', coalesce(
                 (select json_agg(json_build_object(
                             'signature_id', s.signature_id, 'purpose', s.purpose, 'principal_id', s.principal_id,
                             'credential', s.credential, 'signed_at', ", rfc3339!("s.signed_at"), ", 'key_id', s.key_id)
                         order by s.signed_at, s.signature_id)
                  from awooop.contract_signatures s where s.project_id = $1 and s.revision_id = $2), '[]'))::text
         from awooop.contract_revisions r where r.project_id = $1 and r.revision_id = $2");
    // The cursor is the key: kind and name hold no slash.
    LIST: reading [TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID] = concat!(
        "select json_build_object('kind', c.kind, 'name', c.name, 'created_at', ", rfc3339!("c.created_at"), ",
                    'active', (select json_build_object(", revision_members!(), ")
                               from awooop.active_contracts a
                               join awooop.contract_revisions r
                                 on r.project_id = a.project_id and r.revision_id = a.revision_id
                               where a.project_id = $1 and a.kind = c.kind and a.name = c.name),
                    'newest', (select json_build_object(", revision_members!(), ")
                               from awooop.contract_revisions r
                               where r.project_id = $1 and r.kind = c.kind and r.name = c.name
                               order by r.created_at desc, r.revision_id desc limit 1))::text,
                c.kind || '/' || c.name
         from awooop.contracts c
         where c.project_id = $1 and ($2 is null or c.kind = $2) and ($3 is null or (c.kind, c.name) > ($3, $4))
         order by c.kind, c.name limit $5");
    // Drafts have no number and come first.
    HISTORY: reading [TEXTOID, TEXTOID, TEXTOID, INT4OID, UUIDOID, INT8OID] = concat!(
        "select ", revision_json!(), ", coalesce(r.number, 2147483647) || ':' || r.revision_id
         from awooop.contract_revisions r
         where r.project_id = $1 and r.kind = $2 and r.name = $3
           and ($4 is null or (coalesce(r.number, 2147483647), r.revision_id) < ($4, $5))
         order by coalesce(r.number, 2147483647) desc, r.revision_id desc limit $6");
    EXISTS: reading [TEXTOID, TEXTOID, TEXTOID] =
        "select true from awooop.contracts where project_id = $1 and kind = $2 and name = $3";
}

/// Operation `get_contract`.
pub(crate) fn get(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    whole(caller, arguments.uuid("revision_id"))
}

fn whole(caller: &Caller, revision_id: Uuid) -> Outcome<Answer> {
    let parameters = [caller.project_id.as_str().into(), pg_uuid(revision_id).into()];
    let body = GET.with(|s| s.row(&parameters, |row| column::<String>(row, 1)))?;
    body.map_or_else(|| fault(ErrorCode::ContractUnknown), |body| Ok(Answer::ok(body)))
}

/// Operation `active_contract`.
pub(crate) fn active(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (kind, name) = (check::kind(arguments), arguments.text("name"));
    match in_force::of(&caller.project_id, kind, name)? {
        Some(loaded) => whole(caller, loaded.revision_id),
        None => fault(ErrorCode::ContractUnknown),
    }
}

/// Operation `list_contracts`.
pub(crate) fn list(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let after = match arguments.optional_text("cursor").map(|cursor| cursor.split_once('/')) {
        Some(None) => return fault(ErrorCode::InputCursor),
        after => after.flatten(),
    };
    let limit = arguments.integer("page_size");
    let parameters = [
        caller.project_id.as_str().into(),
        arguments.optional_text("kind").into(),
        after.map(|(kind, _)| kind).into(),
        after.map(|(_, name)| name).into(),
        (limit + 1).into(),
    ];
    let rows = LIST.with(|s| s.rows(&parameters, |row| Ok((column::<String>(row, 1)?, column::<String>(row, 2)?))))?;
    Ok(Answer::page(rows, limit))
}

/// Operation `contract_history`.
pub(crate) fn history(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (project_id, kind, name) = (caller.project_id.as_str(), arguments.text("kind"), arguments.text("name"));
    if EXISTS.with(|s| s.run(&[project_id.into(), kind.into(), name.into()]))? == 0 {
        return fault(ErrorCode::ContractUnknown);
    }
    let after = match arguments.optional_text("cursor").map(place) {
        Some(None) => return fault(ErrorCode::InputCursor),
        after => after.flatten(),
    };
    let limit = arguments.integer("page_size");
    let parameters = [
        project_id.into(),
        kind.into(),
        name.into(),
        after.map(|(number, _)| number).into(),
        after.map(|(_, revision_id)| pg_uuid(revision_id)).into(),
        (limit + 1).into(),
    ];
    let rows =
        HISTORY.with(|s| s.rows(&parameters, |row| Ok((column::<String>(row, 1)?, column::<String>(row, 2)?))))?;
    Ok(Answer::page(rows, limit))
}

/// Number and id of a cursor.
fn place(cursor: &str) -> Option<(i32, Uuid)> {
    let (number, revision_id) = cursor.split_once(':')?;
    Some((number.parse().ok()?, Uuid::try_parse(revision_id).ok()?))
}

/// Operation `diff_contracts`.
pub(crate) fn diff(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let to = revision::found(caller, arguments.uuid("revision_id"))?;
    let from_id = match arguments.optional_uuid("from_revision_id") {
        Some(from) => from,
        None => match directory::active_revision(&caller.project_id, to.kind, &to.name)? {
            Some(active) => active,
            None => return fault(ErrorCode::ContractUnknown),
        },
    };
    let from = revision::found(caller, from_id)?;
    let patch = changes(&from.document()?, &to.document()?);
    let body = json!({"from_revision_id": from_id, "revision_id": to.revision_id, "patch": patch});
    Ok(Answer::ok(body.to_string()))
}
