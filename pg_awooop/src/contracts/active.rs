//! What the platform acts by: the active contracts of a project, each believed only with the platform's signatures under
//! its publication and its activation.
//!
//! A session keeps what it has loaded. A revision never changes, so it is kept by its id for as long as there is room;
//! which revision is active the directory keeps, which every session forgets when a pointer changes.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use awooop_contracts::model::{AgentContract, RunContract};
use awooop_contracts::schema::CompiledSchema;
use awooop_contracts::{Contract, Kind};
use awooop_policy::contract::quorum::Quorum;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::keyring::Keyring;
use uuid::Uuid;

use super::check::POLICY;
use super::revision::{Row, broken, row};
use super::signatures;
use crate::directory::{self, Pointer};
use crate::fault::{Outcome, Stop, refuse};
use crate::guarded::{self, Worker};
use crate::keyring;
use crate::statement::{pg_uuid, statements};

/// Revisions that a session keeps loaded, and how long their texts may be together.
const MOST_KEPT: usize = 128;
const MOST_KEPT_BYTES: usize = 4 << 20;
/// Revisions that a session knows to be vouched for.
const MOST_VOUCHED: usize = 10_000;

statements! {
    REVISION: reading [TEXTOID, UUIDOID] = concat!(row!(), "where r.project_id = $1 and r.revision_id = $2");
}

/// A contract whose signatures hold, with its schemas ready for use.
pub(crate) struct Loaded {
    pub(crate) revision_id: Uuid,
    pub(crate) contract: Contract,
    pub(crate) input_schema: Option<CompiledSchema>,
    pub(crate) output_schema: Option<CompiledSchema>,
}

impl Loaded {
    /// The contract of an agent.
    pub(crate) fn agent(&self) -> Option<&AgentContract> {
        match &self.contract {
            Contract::Agent(agent) => Some(agent),
            _ => None,
        }
    }

    /// The contract of a run.
    pub(crate) fn run(&self) -> Option<&RunContract> {
        match &self.contract {
            Contract::Run(run) => Some(run),
            _ => None,
        }
    }
}

#[derive(Default)]
struct Kept {
    /// What vouched for them; with another keyring they are verified anew.
    keyring: Option<Rc<Keyring>>,
    revisions: HashMap<(String, Uuid), Rc<Loaded>>,
    bytes: usize,
    /// Those that were loaded before, and so are vouched for.
    vouched: HashSet<(String, Uuid)>,
}

impl Kept {
    /// Forgets everything where the keyring is another than before.
    fn follow(&mut self, keyring: Option<&Rc<Keyring>>) {
        let is_same = match (&self.keyring, keyring) {
            (Some(before), Some(now)) => Rc::ptr_eq(before, now),
            _ => false,
        };
        if !is_same {
            *self = Kept { keyring: keyring.cloned(), ..Kept::default() };
        }
    }
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

/// The active contract of that kind and name, if there is one.
pub(crate) fn of(project_id: &str, kind: Kind, name: &str) -> Outcome<Option<Rc<Loaded>>> {
    match directory::active_revision(project_id, kind, name)? {
        Some(revision_id) => load(project_id, revision_id).map(Some),
        None => Ok(None),
    }
}

/// The same, where the keyring vouches for it: what it does not vouch for is no contract.
pub(crate) fn vouched(project_id: &str, kind: Kind, name: &str) -> Outcome<Option<Rc<Loaded>>> {
    match of(project_id, kind, name) {
        Err(Stop::Refused(_)) => Ok(None),
        found => found,
    }
}

/// Whether there is an active contract of that kind and name that the keyring vouches for. Remembered of many more than
/// are kept loaded.
pub(crate) fn is_vouched(project_id: &str, kind: Kind, name: &str) -> Outcome<bool> {
    let Some(revision_id) = directory::active_revision(project_id, kind, name)? else { return Ok(false) };
    let keyring = keyring::current().ok();
    let key = (project_id.to_owned(), revision_id);
    let known = KEPT.with_borrow_mut(|kept| {
        kept.follow(keyring.as_ref());
        kept.vouched.contains(&key)
    });
    if !known {
        load(project_id, revision_id)?;
        KEPT.with_borrow_mut(|kept| {
            if kept.vouched.len() >= MOST_VOUCHED {
                kept.vouched.clear();
            }
            kept.vouched.insert(key);
        });
    }
    Ok(true)
}

/// A revision that is or was active.
pub(crate) fn load(project_id: &str, revision_id: Uuid) -> Outcome<Rc<Loaded>> {
    let key = (project_id.to_owned(), revision_id);
    let keyring = keyring::current().ok();
    let known = KEPT.with_borrow_mut(|kept| {
        kept.follow(keyring.as_ref());
        kept.revisions.get(&key).cloned()
    });
    if let Some(loaded) = known {
        return Ok(loaded);
    }
    let row = REVISION.with(|s| s.row(&[project_id.into(), pg_uuid(revision_id).into()], Row::read))?;
    let Some(row) = row else { return Err(broken("missing")) };
    let loaded = Rc::new(believed(project_id, &row)?);
    KEPT.with_borrow_mut(|kept| {
        if kept.revisions.len() >= MOST_KEPT || kept.bytes + row.text.len() > MOST_KEPT_BYTES {
            let vouched = std::mem::take(&mut kept.vouched);
            *kept = Kept { keyring, vouched, ..Kept::default() };
        }
        kept.bytes += row.text.len();
        kept.revisions.insert(key, Rc::clone(&loaded));
    });
    Ok(loaded)
}

/// The contract of a row, if the platform's signatures say that it was published and activated so.
fn believed(project_id: &str, row: &Row) -> Outcome<Loaded> {
    let revision = row.signed(project_id)?;
    let signatures = signatures::of(&revision)?;
    if let Some(reason) = signatures.publication().untrue().or(signatures.activation().untrue()) {
        return Err(broken(reason));
    }
    // Signed by this platform, so once right; a library that reads contracts otherwise must not act by half of one.
    guarded::or_fault(Worker::Validator, "a contract", row.text.len(), || {
        let contract = Contract::of_kind(row.kind, &revision.document).map_err(|violations| {
            Stop::Refused(Problem::from(ErrorCode::ContractInvalid).with("violations", serde_json::json!(violations)))
        })?;
        let (input_schema, output_schema) =
            (compiled(&contract, "/input_schema")?, compiled(&contract, "/output_schema")?);
        Ok(Loaded { revision_id: row.revision_id, contract, input_schema, output_schema })
    })?
}

/// The schema at that place of the contract, ready for use.
fn compiled(contract: &Contract, place: &str) -> Outcome<Option<CompiledSchema>> {
    let schemas = contract.embedded_schemas();
    let schema = schemas.into_iter().find(|(there, _)| *there == place).map(|(_, schema)| schema.clone());
    schema.map(CompiledSchema::new).transpose().map_err(|_| broken("bad"))
}

/// The policy that is in force.
pub(crate) fn policy(project_id: &str) -> Outcome<Option<Rc<Loaded>>> {
    match directory::last_activated(project_id, Kind::Policy, POLICY)? {
        Pointer::Active(revision_id) => load(project_id, revision_id).map(Some),
        Pointer::Never | Pointer::Revoked(_) => Ok(None),
    }
}

/// The contract that was activated last, be it active or revoked. What is stricter by it stays so until another is active:
/// revoking makes nothing easier.
pub(crate) fn last(project_id: &str, kind: Kind, name: &str) -> Outcome<Option<Rc<Loaded>>> {
    match directory::last_activated(project_id, kind, name)? {
        Pointer::Active(revision_id) | Pointer::Revoked(revision_id) => load(project_id, revision_id).map(Some),
        Pointer::Never => Ok(None),
    }
}

/// The policy that is in force, or was last: what asked for people does so still.
pub(crate) fn last_policy(project_id: &str) -> Outcome<Option<Rc<Loaded>>> {
    last(project_id, Kind::Policy, POLICY)
}

/// What the activation of a contract of this kind needs, as the last policy says.
pub(super) fn quorum(project_id: &str, kind: Kind) -> Outcome<Quorum> {
    let Some(last) = last(project_id, Kind::Policy, POLICY)? else { return Ok(Quorum::default()) };
    let Contract::Policy(policy) = &last.contract else { return Err(broken("bad")) };
    let quorum = policy.activation.quorum(kind);
    Ok(Quorum {
        approvers: quorum.approvers(),
        roles: Some(quorum.roles.as_slice().iter().map(|role| role.as_str().to_owned()).collect()),
        signature_days: policy.activation.signature_days(),
    })
}

/// The revisions that a run is created under.
pub(crate) struct Terms {
    pub(crate) agent: Rc<Loaded>,
    pub(crate) run: Option<Rc<Loaded>>,
    pub(crate) policy_revision_id: Option<Uuid>,
}

/// What a new run of the agent is under, or why there can be none.
pub(crate) fn terms(project_id: &str, agent_id: &str) -> Outcome<Terms> {
    let Some(agent) = of(project_id, Kind::Agent, agent_id)? else {
        return refuse(ErrorCode::AgentNoContract);
    };
    let Contract::Agent(contract) = &agent.contract else { return Err(broken("bad")) };
    let run = match &contract.run_contract {
        Some(name) => match of(project_id, Kind::Run, name.as_str())? {
            Some(run) => Some(run),
            None => {
                let missing = serde_json::json!([{"pointer": "/run_contract", "kind": "run", "name": name.as_str()}]);
                return refuse(Problem::from(ErrorCode::ContractNeeds).with("missing", missing));
            }
        },
        None => None,
    };
    let policy_revision_id = match directory::last_activated(project_id, Kind::Policy, POLICY)? {
        Pointer::Never => None,
        Pointer::Revoked(_) => return refuse(ErrorCode::PolicyRevoked),
        Pointer::Active(revision_id) => Some(load(project_id, revision_id)?.revision_id),
    };
    Ok(Terms { agent, run, policy_revision_id })
}

/// Whether there is a keyring to verify contracts with.
pub(crate) fn can_verify() -> bool {
    keyring::current().is_ok()
}

/// Whether what an agent does may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Licence {
    Holds,
    /// It has no active contract any more, or what the run was created under was revoked.
    Ended,
    /// The rows say that it holds and the keyring does not vouch for them, or it was created before there were contracts:
    /// nothing goes on, and nothing is lost.
    Unknown,
}

/// The licence of a run that was created under these revisions.
pub(crate) fn licence(project_id: &str, agent_id: &str, created_under: [Option<Uuid>; 2]) -> Outcome<Licence> {
    match is_vouched(project_id, Kind::Agent, agent_id) {
        Ok(true) => {}
        Ok(false) if created_under == [None, None] => return Ok(Licence::Unknown),
        Ok(false) => return Ok(Licence::Ended),
        Err(Stop::Refused(_)) => return Ok(Licence::Unknown),
        Err(fault) => return Err(fault),
    }
    for revision_id in created_under.into_iter().flatten() {
        if directory::is_revoked(project_id, revision_id)? {
            return Ok(Licence::Ended);
        }
    }
    Ok(Licence::Holds)
}
