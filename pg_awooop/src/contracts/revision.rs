//! A revision's row, as decisions need it, under the lock of its contract or without.

use awooop_contracts::contract::MAX_CONTRACT_BYTES;
use awooop_contracts::revision::Revision;
use awooop_contracts::{Kind, canonical, strict};
use awooop_policy::contract::lifecycle::RevisionState;
use awooop_policy::error::{ErrorCode, Problem};
use pgrx::spi::SpiTupleTable;
use serde_json::Value;
use uuid::Uuid;

use super::{revision_json, signatures};
use crate::audit;
use crate::caller::Caller;
use crate::fault::{Outcome, Stop, fault};
use crate::statement::{Statement, column, pg_uuid, statements, uuid_column};

macro_rules! row {
    () => {
        concat!(
            "select r.revision_id, r.kind, r.name, r.number, r.state, coalesce(r.document, r.draft), r.digest, r.authors,
                    r.published_by, ",
            crate::statement::rfc3339!("r.published_at"),
            " from awooop.contract_revisions r "
        )
    };
}
pub(super) use row;

statements! {
    LOCK: writing [TEXTOID, UUIDOID] =
        "select true from awooop.contracts c join awooop.contract_revisions r using (project_id, kind, name)
         where c.project_id = $1 and r.project_id = $1 and r.revision_id = $2 for no key update of c";
    LOCK_POINTER: writing [TEXTOID, UUIDOID] =
        "select true from awooop.active_contracts where project_id = $1 and revision_id = $2 for update";
    LOCK_REVISION: writing [TEXTOID, UUIDOID] =
        "select true from awooop.contract_revisions where project_id = $1 and revision_id = $2 for update";
    // A statement that writes takes a snapshot of its own: of after the wait for the lock.
    READ_LOCKED: writing [TEXTOID, UUIDOID] = concat!(row!(), "where r.project_id = $1 and r.revision_id = $2");
    READ: reading [TEXTOID, UUIDOID] = concat!(row!(), "where r.project_id = $1 and r.revision_id = $2");
    SHOW: writing [TEXTOID, UUIDOID] = concat!(
        "select ", revision_json!(), " from awooop.contract_revisions r where r.project_id = $1 and r.revision_id = $2");
}

/// A revision: a draft, or published.
pub(super) struct Row {
    pub(super) revision_id: Uuid,
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) number: Option<i32>,
    pub(super) state: RevisionState,
    /// The draft or the canonical document.
    pub(super) text: String,
    pub(super) digest: Vec<u8>,
    pub(super) authors: Vec<String>,
    published_by: Option<String>,
    published_at: Option<String>,
}

impl Row {
    /// Reads the columns of the macro `row`.
    pub(super) fn read(row: &SpiTupleTable) -> Result<Self, pgrx::spi::Error> {
        Ok(Self {
            revision_id: uuid_column(row, 1)?,
            // The column has a CHECK.
            kind: Kind::parse(&column::<String>(row, 2)?).unwrap_or(Kind::Project),
            name: column(row, 3)?,
            number: row.get(4)?,
            state: RevisionState::parse(&column::<String>(row, 5)?).unwrap_or(RevisionState::Revoked),
            text: column(row, 6)?,
            digest: column(row, 7)?,
            authors: column(row, 8)?,
            published_by: row.get(9)?,
            published_at: row.get(10)?,
        })
    }

    /// The document. A text that somebody else wrote into the row may be none.
    pub(super) fn document(&self) -> Outcome<Value> {
        strict::parse(&self.text, MAX_CONTRACT_BYTES).map_err(|_| broken("bad"))
    }

    /// What publication signed, as the row of this project has it now.
    pub(super) fn signed(&self, project_id: &str) -> Outcome<Revision> {
        Ok(Revision {
            project_id: project_id.to_owned(),
            kind: self.kind,
            name: self.name.clone(),
            revision_id: self.revision_id.to_string(),
            number: u64::try_from(self.number.unwrap_or_default()).unwrap_or_default(),
            authors: self.authors.clone(),
            published_by: self.published_by.clone().unwrap_or_default(),
            published_at: self.published_at.clone().unwrap_or_default(),
            document: self.document()?,
        })
    }

    /// Whether the text is the canonical one and the digest its own.
    pub(super) fn digest_matches(&self, document: &Value) -> Outcome<bool> {
        Ok(canonical::canonical_json(document)? == self.text && canonical::digest(document)?.as_slice() == self.digest)
    }

    /// The digest as callers see it.
    pub(super) fn digest_text(&self) -> String {
        format!("sha256:{}", hex::encode(&self.digest))
    }

    /// Refuses where the caller has seen another document than this.
    pub(super) fn ensure_seen(&self, digest: Option<&str>) -> Outcome<()> {
        match digest {
            Some(digest) if digest != self.digest_text() => fault(ErrorCode::ContractDigest),
            _ => Ok(()),
        }
    }

    /// Refuses what cannot be done in this state.
    pub(super) fn ensure_state(&self, states: &[RevisionState]) -> Outcome<()> {
        if states.contains(&self.state) {
            return Ok(());
        }
        let expected: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
        fault(Problem::from(ErrorCode::ContractState).with("state", self.state.as_str()).with("expected", expected))
    }

    /// What an audit row about it says.
    pub(super) fn entry(&self) -> audit::Entry<'_> {
        audit::Entry { agent_id: (self.kind == Kind::Agent).then_some(self.name.as_str()), ..audit::Entry::default() }
            .with("contract_id", format!("{}/{}", self.kind.as_str(), self.name))
            .with("revision_id", self.revision_id.to_string())
            .with("number", self.number)
            .with("digest", self.digest_text())
    }
}

/// The stop of a revision whose signature does not hold.
pub(super) fn broken(reason: &str) -> Stop {
    Stop::Refused(Problem::from(ErrorCode::ContractSignature).with("reason", reason))
}

fn read(statement: &'static std::thread::LocalKey<Statement>, caller: &Caller, revision_id: Uuid) -> Outcome<Row> {
    let parameters = [caller.project_id.as_str().into(), pg_uuid(revision_id).into()];
    let row = statement.with(|s| s.row(&parameters, Row::read))?;
    row.map_or_else(|| fault(ErrorCode::ContractUnknown), Ok)
}

/// The revision, with its contract locked against every other change.
pub(super) fn locked(caller: &Caller, revision_id: Uuid) -> Outcome<Row> {
    LOCK.with(|s| s.run(&[caller.project_id.as_str().into(), pg_uuid(revision_id).into()]))?;
    read(&READ_LOCKED, caller, revision_id)
}

/// The revision alone, locked for its revocation. Whoever drafts, publishes or signs holds the contract and not this, so
/// that no open transaction of theirs keeps anybody from stopping it; an activation that is under way does. In the order in
/// which that takes them: the pointer, the revision.
pub(super) fn locked_alone(caller: &Caller, revision_id: Uuid) -> Outcome<Row> {
    let parameters = [caller.project_id.as_str().into(), pg_uuid(revision_id).into()];
    LOCK_POINTER.with(|s| s.run(&parameters))?;
    LOCK_REVISION.with(|s| s.run(&parameters))?;
    read(&READ_LOCKED, caller, revision_id)
}

/// The revision, to look at.
pub(super) fn found(caller: &Caller, revision_id: Uuid) -> Outcome<Row> {
    read(&READ, caller, revision_id)
}

/// The revision, if it was published.
pub(super) fn published(caller: &Caller, revision_id: Uuid) -> Outcome<Row> {
    let row = found(caller, revision_id)?;
    row.ensure_state(&[
        RevisionState::Published,
        RevisionState::Active,
        RevisionState::Superseded,
        RevisionState::Revoked,
    ])?;
    Ok(row)
}

/// The revision's JSON as it is now.
pub(super) fn show(caller: &Caller, revision_id: Uuid) -> Outcome<String> {
    let parameters = [caller.project_id.as_str().into(), pg_uuid(revision_id).into()];
    let body = SHOW.with(|s| s.row(&parameters, |row| column::<String>(row, 1)))?;
    body.map_or_else(|| fault(ErrorCode::ContractUnknown), Ok)
}

/// Refuses a revision that the platform's signature does not hold for, or no longer: its key was rotated out.
pub(super) fn ensure_signed(caller: &Caller, row: &Row) -> Outcome<Revision> {
    let revision = row.signed(&caller.project_id)?;
    if !row.digest_matches(&revision.document)? {
        return Err(broken("bad"));
    }
    match signatures::of(&revision)?.publication().unfit() {
        Some(reason) => Err(broken(reason)),
        None => Ok(revision),
    }
}
