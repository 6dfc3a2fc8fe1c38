//! Drafts: what is being written, by whom.

use awooop_contracts::contract::MAX_CONTRACT_BYTES;
use awooop_contracts::violation::SchemaViolation;
use awooop_contracts::{Kind, canonical};
use awooop_policy::argument::Arguments;
use awooop_policy::contract::lifecycle::RevisionState;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::name::{MAX_ID, NameRule};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{check, revision, revision_json};
use crate::audit;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault};
use crate::statement::{column, pg_uuid, statements};

statements! {
    ENSURE_CONTRACT: writing [TEXTOID, TEXTOID, TEXTOID, TEXTOID] =
        "insert into awooop.contracts (project_id, kind, name, created_by) values ($1, $2, $3, $4)
         on conflict (project_id, kind, name) do nothing";
    INSERT: writing [TEXTOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, BYTEAOID, TEXTARRAYOID] = concat!(
        "insert into awooop.contract_revisions as r
                (project_id, revision_id, kind, name, draft, digest, authors, created_at, edited_at)
         select $1, $2, $3, $4, $5, $6, $7, t.at, t.at from (select clock_timestamp() as at) t
         returning ", revision_json!());
    EDIT: writing [TEXTOID, UUIDOID, TEXTOID, BYTEAOID, TEXTOID] = concat!(
        "update awooop.contract_revisions r
         set draft = $3, digest = $4, edited_at = clock_timestamp(),
             authors = (select array_agg(distinct a order by a) from unnest(r.authors || $5) a)
         where r.project_id = $1 and r.revision_id = $2 returning ", revision_json!());
    DELETE: writing [TEXTOID, UUIDOID] =
        "delete from awooop.contract_revisions where project_id = $1 and revision_id = $2";
}

/// Operation `draft_contract`.
pub(crate) fn draft(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (kind, document) = (check::kind(arguments), arguments.json("document"));
    let body = insert(caller, kind, document, Vec::new())?;
    Ok(Answer::created(with_violations(&body, &violations(caller, kind, document)?)))
}

/// Keeps a document as a new draft of the caller and of those who wrote it before. Returns its JSON.
pub(super) fn insert(caller: &Caller, kind: Kind, document: &Value, mut authors: Vec<String>) -> Outcome<String> {
    let name = named(kind, document)?;
    let (text, digest) = canonical_text(document)?;
    let revision_id = Uuid::now_v7();
    let (project_id, author) = (caller.project_id.as_str(), caller.principal_id.as_str());
    authors.push(author.to_owned());
    authors.sort_unstable();
    authors.dedup();
    ENSURE_CONTRACT.with(|s| s.run(&[project_id.into(), kind.as_str().into(), name.into(), author.into()]))?;
    let body = INSERT.with(|s| {
        s.row(
            &[
                project_id.into(),
                pg_uuid(revision_id).into(),
                kind.as_str().into(),
                name.into(),
                text.into(),
                digest.as_slice().into(),
                authors.into(),
            ],
            |row| column::<String>(row, 1),
        )
    })?;
    audit::done(caller, "contract_drafted", revision::found(caller, revision_id)?.entry())?;
    Ok(body.unwrap_or_default())
}

/// Operation `edit_contract`.
pub(crate) fn edit(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (revision_id, document) = (arguments.uuid("revision_id"), arguments.json("document"));
    let row = revision::locked(caller, revision_id)?;
    row.ensure_state(&[RevisionState::Draft])?;
    row.ensure_seen(arguments.optional_text("digest"))?;
    if named(row.kind, document)? != row.name {
        return fault(check::invalid(&[stays("/name", &row.name)]));
    }
    let (text, digest) = canonical_text(document)?;
    let body = EDIT.with(|s| {
        s.row(
            &[
                caller.project_id.as_str().into(),
                pg_uuid(revision_id).into(),
                text.into(),
                digest.as_slice().into(),
                caller.principal_id.as_str().into(),
            ],
            |row| column::<String>(row, 1),
        )
    })?;
    audit::done(caller, "contract_edited", revision::found(caller, revision_id)?.entry())?;
    Ok(Answer::ok(with_violations(&body.unwrap_or_default(), &violations(caller, row.kind, document)?)))
}

/// Operation `discard_contract`.
pub(crate) fn discard(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let revision_id = arguments.uuid("revision_id");
    let row = revision::locked(caller, revision_id)?;
    row.ensure_state(&[RevisionState::Draft])?;
    DELETE.with(|s| s.run(&[caller.project_id.as_str().into(), pg_uuid(revision_id).into()]))?;
    audit::done(caller, "contract_discarded", row.entry())?;
    let body = json!({"revision_id": revision_id, "kind": row.kind, "name": row.name, "discarded": true});
    Ok(Answer::ok(body.to_string()))
}

/// What would keep the draft from being published as it is.
pub(super) fn violations(caller: &Caller, kind: Kind, document: &Value) -> Outcome<Vec<SchemaViolation>> {
    Ok(check::contract(caller, kind, document)?.err().unwrap_or_default())
}

pub(super) fn with_violations(revision: &str, violations: &[SchemaViolation]) -> String {
    let rest = revision.trim_end().strip_suffix('}').unwrap_or(revision);
    format!("{rest},\"violations\":{}}}", json!(violations))
}

/// The name in a document of that kind: what even a draft must have.
fn named(kind: Kind, document: &Value) -> Outcome<&str> {
    if document["kind"] != kind.as_str() {
        return fault(check::invalid(&[stays("/kind", kind.as_str())]));
    }
    let is_name = |name: &&str| NameRule::Id.admits(name) && name.len() <= MAX_ID;
    let expected = format!("a name: {}, at most {MAX_ID} characters", NameRule::Id.in_words());
    document["name"].as_str().filter(is_name).map_or_else(|| fault(check::invalid(&[stays("/name", &expected)])), Ok)
}

fn stays(pointer: &str, expected: &str) -> SchemaViolation {
    SchemaViolation {
        pointer: pointer.into(),
        keyword: "const".into(),
        expected: expected.into(),
        got: "another, or none".into(),
    }
}

/// The canonical text and its digest.
fn canonical_text(document: &Value) -> Outcome<(String, [u8; 32])> {
    let text = canonical::canonical_json(document)?;
    if text.len() > MAX_CONTRACT_BYTES {
        return fault(Problem::from(ErrorCode::InputTooLarge).with("limit_bytes", MAX_CONTRACT_BYTES));
    }
    Ok((text, canonical::digest(document)?))
}
