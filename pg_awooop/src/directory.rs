//! What every call needs and almost never changes, kept for the session: projects, role bindings, API keys, access tokens, agents,
//! switches of budgets, switched-off operations, tools and grants. Looking them up costs more than the work of a small operation.
//!
//! Kept the way PostgreSQL keeps its own catalogues: a statement trigger on each of the tables sends a relation-cache
//! invalidation with the commit; every backend absorbs it before it looks here again, and forgets everything. An entry is
//! kept only if no invalidation arrived since before the snapshot it was read with, so an old row can't outlive the
//! message that made it old. A failed look-up is never kept.

pub(crate) mod issuers;
pub(crate) mod tools;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;

use awooop_contracts::Kind;
use awooop_policy::budget::Level;
use awooop_policy::mode::MigrationMode;
use awooop_policy::redact::Redactor;
use awooop_policy::scope::ScopeSet;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::budget::Switch;
use crate::fault::Outcome;
use crate::redaction;
use crate::statement::{Statement, column, pg_uuid, statements, uuid_column};

/// A project as every decision needs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Project {
    pub(crate) mode: MigrationMode,
    pub(crate) suspended: bool,
}

/// What a bound database login may do.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    pub(crate) principal_id: String,
    pub(crate) scopes: ScopeSet,
}

/// An API key that is not revoked. Its secret is a digest.
#[derive(Clone)]
pub(crate) struct ApiKey {
    pub(crate) digest: Vec<u8>,
    pub(crate) principal_id: String,
    pub(crate) scopes: ScopeSet,
    /// PostgreSQL's microseconds; `None` for never.
    pub(crate) expires_at: Option<i64>,
    /// The only agent that it may speak for.
    pub(crate) agent_id: Option<String>,
    /// The channel that it is the secret of.
    pub(crate) channel: Option<String>,
}

/// What became of a contract's activations.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pointer {
    /// None was ever active.
    Never,
    Active(Uuid),
    /// The one that was active last was revoked.
    Revoked(Uuid),
}

/// Where a project's budgets are switched off, and how far.
pub(crate) type Switches = Vec<(Level, String, Switch)>;

/// More entries than this, and a session starts over: memory must not grow with what callers try.
const MOST_ENTRIES: usize = 10_000;
/// The tables behind the entries.
const TABLES: [&std::ffi::CStr; 18] = [
    c"projects",
    c"role_bindings",
    c"api_keys",
    c"operation_override",
    c"redaction_family",
    c"redaction_rule",
    c"active_contracts",
    c"agents",
    c"budget_limit",
    c"budget_platform",
    c"budget_platform_switch",
    c"budget_switch",
    c"mcp_grant",
    c"mcp_private_host",
    c"mcp_server",
    c"mcp_tool",
    c"token_issuer",
    c"token_issuer_key",
];

#[derive(Default)]
struct Kept {
    projects: HashMap<String, Project>,
    bindings: HashMap<(String, String), Binding>,
    keys: HashMap<(String, String), ApiKey>,
    tokens: HashMap<(String, [u8; 32]), Rc<issuers::ProvenToken>>,
    switched_off: Option<Vec<String>>,
    redactors: HashMap<String, Rc<Redactor>>,
    active: HashMap<(String, Kind, String), Uuid>,
    last: HashMap<(String, Kind, String), Pointer>,
    revoked: HashMap<(String, Uuid), bool>,
    switches: HashMap<String, Rc<Switches>>,
    agents: HashMap<(String, String), bool>,
    tools: HashMap<(String, String), Rc<tools::Tool>>,
    grants: HashMap<(String, String, String), Rc<tools::Grant>>,
    namespaces: HashMap<String, Rc<Vec<String>>>,
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
    /// Counts invalidations; what was read before one is not kept after it.
    static GENERATION: Cell<u64> = const { Cell::new(0) };
    /// What `KEPT` was read in.
    static READ_IN: Cell<u64> = const { Cell::new(0) };
    /// The tables' oids, once known; an invalidation of another relation is not ours.
    static WATCHED: Cell<[pg_sys::Oid; TABLES.len()]> = const { Cell::new([pg_sys::InvalidOid; TABLES.len()]) };
}

statements! {
    PROJECT: reading [TEXTOID] =
        "select migration_mode, suspended_at is not null from awooop.projects where project_id = $1";
    BINDING: reading [TEXTOID, TEXTOID] =
        "select principal_id, scopes from awooop.role_bindings where project_id = $1 and role_name = $2";
    // Always one row, whether the key exists or not: every failure does the same work.
    KEY: reading [TEXTOID, TEXTOID] =
        "select k.digest, k.principal_id, k.scopes,
                (extract(epoch from least(k.expires_at, k.retires_at) - timestamptz '2000-01-01 00:00:00+00') * 1000000)::int8,
                k.key_id is not null and k.revoked_at is null, k.agent_id, k.channel
         from (select 1) one left join awooop.api_keys k on k.project_id = $1 and k.key_id = $2";
    REDACTION_FAMILIES: reading [TEXTOID] =
        "select family, mode from awooop.redaction_family where project_id = $1";
    REDACTION_RULES: reading [TEXTOID] =
        "select rule_id, family, keywords, shape from awooop.redaction_rule where project_id = $1 order by rule_id";
    // A pointer that somebody bent leads nowhere.
    ACTIVE: reading [TEXTOID, TEXTOID, TEXTOID] =
        "select a.revision_id from awooop.active_contracts a
         join awooop.contract_revisions r on r.project_id = a.project_id and r.revision_id = a.revision_id
         where a.project_id = $1 and a.kind = $2 and a.name = $3
           and r.kind = $2 and r.name = $3 and r.state = 'active'";
    // Always one row: most projects begin without a policy, and must not look for it at every call.
    LAST: reading [TEXTOID, TEXTOID, TEXTOID] =
        "select p.revision_id, p.is_active
         from (select 1) one
         left join lateral (
             select r.revision_id,
                    r.state = 'active'
                    and exists (select from awooop.active_contracts a
                                where a.project_id = $1 and a.kind = $2 and a.name = $3
                                  and a.revision_id = r.revision_id) as is_active
             from awooop.contract_revisions r
             where r.project_id = $1 and r.kind = $2 and r.name = $3 and r.activated_at is not null
             order by r.number desc limit 1) p on true";
    REVOKED: reading [TEXTOID, UUIDOID] =
        "select coalesce((select r.state = 'revoked' from awooop.contract_revisions r
                          where r.project_id = $1 and r.revision_id = $2), true)";
    AGENT: reading [TEXTOID, TEXTOID] =
        "select enabled from awooop.agents where project_id = $1 and agent_id = $2";
    BUDGET_SWITCHES: reading [TEXTOID] =
        "select level, target, state from awooop.budget_switch where project_id = $1
         union all select 'platform', '', state from awooop.budget_platform_switch";
    SWITCHED_OFF: reading [] = "select name from awooop.operation_override where not enabled";
}

/// Registers for invalidations; once a process, children inherit it.
pub(crate) fn register() {
    // SAFETY: the callback is a static function that touches this thread's memory only.
    unsafe { pg_sys::CacheRegisterRelcacheCallback(Some(invalidated), pg_sys::Datum::from(0usize)) };
}

/// Called by PostgreSQL while it absorbs invalidations: no look-ups, no allocation, no errors here.
unsafe extern "C-unwind" fn invalidated(_argument: pg_sys::Datum, relation: pg_sys::Oid) {
    let watched = WATCHED.with(Cell::get);
    // InvalidOid means everything; so does it as long as we do not know our tables.
    if relation == pg_sys::InvalidOid || watched.contains(&pg_sys::InvalidOid) || watched.contains(&relation) {
        GENERATION.with(|generation| generation.set(generation.get().wrapping_add(1)));
    }
}

/// Tells every session, with the commit, that a table of the directory has changed.
#[pg_trigger]
fn forget_directory<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, pgrx::AllocatedByPostgres>>, PgTriggerError> {
    // SAFETY: the relation is open, as it is for every trigger.
    unsafe { pg_sys::CacheInvalidateRelcacheByRelid(trigger.relid()?) };
    Ok(None)
}

/// The project, if there is one. The transaction is bound to it.
pub(crate) fn project(project_id: &str) -> Outcome<Option<Project>> {
    if let Some(kept) = kept(|kept| kept.projects.get(project_id).copied()) {
        return Ok(Some(kept));
    }
    let (found, fresh) = read(&PROJECT, &[project_id.into()], |row| {
        let mode: String = column(row, 1)?;
        Ok(Project {
            // The column has a CHECK; an unknown mode would be the one that allows nothing.
            mode: MigrationMode::parse(&mode).unwrap_or(MigrationMode::LegacyAwoooiDefault),
            suspended: column(row, 2)?,
        })
    })?;
    if let (Some(project), true) = (found, fresh) {
        keep(|kept| insert(&mut kept.projects, project_id.to_owned(), project));
    }
    Ok(found)
}

/// What the login `role` is bound to do in the project, if it is.
pub(crate) fn binding(project_id: &str, role: &str) -> Outcome<Option<Binding>> {
    let key = (project_id.to_owned(), role.to_owned());
    if let Some(kept) = kept(|kept| kept.bindings.get(&key).cloned()) {
        return Ok(Some(kept));
    }
    let (found, fresh) = read(&BINDING, &[project_id.into(), role.into()], |row| {
        Ok(Binding {
            principal_id: column(row, 1)?,
            scopes: ScopeSet::of_known(column::<Vec<String>>(row, 2)?.iter().map(String::as_str)),
        })
    })?;
    if let (Some(binding), true) = (&found, fresh) {
        keep(|kept| insert(&mut kept.bindings, key, binding.clone()));
    }
    Ok(found)
}

/// Whether this session has found the login `role` bound to the project, and nothing has changed since.
pub(crate) fn knows_binding(project_id: &str, role: &str) -> bool {
    kept(|kept| kept.bindings.get(&(project_id.to_owned(), role.to_owned())).map(|_| ())).is_some()
}

/// An API key this session has seen proven before.
pub(crate) fn known_key(project_id: &str, key_id: &str) -> Option<ApiKey> {
    kept(|kept| kept.keys.get(&(project_id.to_owned(), key_id.to_owned())).cloned())
}

/// Looks an API key up in the table, known or not, and says whether it may be kept once it is proven.
pub(crate) fn look_up_key(project_id: &str, key_id: &str) -> Outcome<(Option<ApiKey>, bool)> {
    let (found, fresh) = read(&KEY, &[project_id.into(), key_id.into()], |row| {
        let key = ApiKey {
            digest: row.get::<Vec<u8>>(1)?.unwrap_or_else(|| vec![0; 32]),
            principal_id: column(row, 2)?,
            scopes: ScopeSet::of_known(column::<Vec<String>>(row, 3)?.iter().map(String::as_str)),
            expires_at: row.get(4)?,
            agent_id: row.get(6)?,
            channel: row.get(7)?,
        };
        Ok((key, column::<bool>(row, 5)?))
    })?;
    Ok((found.and_then(|(key, live)| live.then_some(key)), fresh))
}

/// Keeps a key that has been proven.
pub(crate) fn keep_key(project_id: &str, key_id: &str, key: &ApiKey) {
    keep(|kept| insert(&mut kept.keys, (project_id.to_owned(), key_id.to_owned()), key.clone()));
}

/// Whether the operation is switched off.
pub(crate) fn is_switched_off(operation: &str) -> Outcome<bool> {
    if let Some(off) = kept(|kept| kept.switched_off.as_ref().map(|off| off.iter().any(|name| name == operation))) {
        return Ok(off);
    }
    let (names, fresh) = read_all(&SWITCHED_OFF, &[], |row| column::<String>(row, 1))?;
    let off = names.iter().any(|name| name == operation);
    if fresh {
        keep(|kept| kept.switched_off = Some(names));
    }
    Ok(off)
}

/// The revision of a contract that is active, if one is.
pub(crate) fn active_revision(project_id: &str, kind: Kind, name: &str) -> Outcome<Option<Uuid>> {
    let key = (project_id.to_owned(), kind, name.to_owned());
    if let Some(kept) = kept(|kept| kept.active.get(&key).copied()) {
        return Ok(Some(kept));
    }
    let parameters = [project_id.into(), kind.as_str().into(), name.into()];
    let (found, fresh) = read(&ACTIVE, &parameters, |row| uuid_column(row, 1))?;
    if let (Some(revision_id), true) = (found, fresh) {
        keep(|kept| insert(&mut kept.active, key, revision_id));
    }
    Ok(found)
}

/// The last activation of a contract: it may have been revoked.
pub(crate) fn last_activated(project_id: &str, kind: Kind, name: &str) -> Outcome<Pointer> {
    let key = (project_id.to_owned(), kind, name.to_owned());
    if let Some(kept) = kept(|kept| kept.last.get(&key).copied()) {
        return Ok(kept);
    }
    let parameters = [project_id.into(), kind.as_str().into(), name.into()];
    let (found, fresh) = read(&LAST, &parameters, |row| {
        Ok(match row.get::<bool>(2)? {
            None => Pointer::Never,
            Some(true) => Pointer::Active(uuid_column(row, 1)?),
            Some(false) => Pointer::Revoked(uuid_column(row, 1)?),
        })
    })?;
    let pointer = found.unwrap_or(Pointer::Never);
    if fresh {
        keep(|kept| insert(&mut kept.last, key, pointer));
    }
    Ok(pointer)
}

/// Whether a revision that was active was revoked since. Only what is active can be, so its pointer tells of it.
pub(crate) fn is_revoked(project_id: &str, revision_id: Uuid) -> Outcome<bool> {
    let key = (project_id.to_owned(), revision_id);
    if let Some(kept) = kept(|kept| kept.revoked.get(&key).copied()) {
        return Ok(kept);
    }
    let parameters = [project_id.into(), pg_uuid(revision_id).into()];
    let (found, fresh) = read(&REVOKED, &parameters, |row| column::<bool>(row, 1))?;
    let is_revoked = found.unwrap_or(true);
    if fresh {
        keep(|kept| insert(&mut kept.revoked, key, is_revoked));
    }
    Ok(is_revoked)
}

/// Whether an agent is registered (`None` if not) and enabled.
pub(crate) fn is_enabled(project_id: &str, agent_id: &str) -> Outcome<Option<bool>> {
    let key = (project_id.to_owned(), agent_id.to_owned());
    if let Some(kept) = kept(|kept| kept.agents.get(&key).copied()) {
        return Ok(Some(kept));
    }
    let (found, fresh) = read(&AGENT, &[project_id.into(), agent_id.into()], |row| column::<bool>(row, 1))?;
    if let (Some(enabled), true) = (found, fresh) {
        keep(|kept| insert(&mut kept.agents, key, enabled));
    }
    Ok(found)
}

/// The switches of a project's budgets.
pub(crate) fn switches(project_id: &str) -> Outcome<Rc<Switches>> {
    match kept(|kept| kept.switches.get(project_id).cloned()) {
        Some(kept) => Ok(kept),
        None => look_up_switches(project_id),
    }
}

/// The switches of a project's budgets as its table has them now, known or not.
pub(crate) fn look_up_switches(project_id: &str) -> Outcome<Rc<Switches>> {
    let (found, fresh) = read_all(&BUDGET_SWITCHES, &[project_id.into()], |row| {
        let level = Level::parse(&column::<String>(row, 1)?).unwrap_or(Level::Project);
        Ok((level, column::<String>(row, 2)?, Switch::parse(&column::<String>(row, 3)?)))
    })?;
    let found = Rc::new(found);
    if fresh {
        keep(|kept| insert(&mut kept.switches, project_id.to_owned(), Rc::clone(&found)));
    }
    Ok(found)
}

/// What the project redacts, compiled.
pub(crate) fn redactor(project_id: &str) -> Outcome<Rc<Redactor>> {
    if let Some(kept) = kept(|kept| kept.redactors.get(project_id).cloned()) {
        return Ok(kept);
    }
    let before = GENERATION.with(Cell::get);
    let families = read_all(&REDACTION_FAMILIES, &[project_id.into()], |row| {
        Ok((column::<String>(row, 1)?, column::<String>(row, 2)?))
    })?;
    let rules = read_all(&REDACTION_RULES, &[project_id.into()], |row| {
        Ok((
            column::<String>(row, 1)?,
            column::<String>(row, 2)?,
            column::<Vec<String>>(row, 3)?,
            column::<String>(row, 4)?,
        ))
    })?;
    let redactor = Rc::new(redaction::compose(&families.0, rules.0)?);
    // Both are as fresh as the first: a change may have come between the two.
    if families.1 && rules.1 && before == GENERATION.with(Cell::get) {
        keep(|kept| insert(&mut kept.redactors, project_id.to_owned(), Rc::clone(&redactor)));
    }
    Ok(redactor)
}

/// A number that changes with every change of a table behind the directory: what was read in one is not kept in another.
pub(crate) fn generation() -> u64 {
    // SAFETY: as in `kept`.
    unsafe { pg_sys::AcceptInvalidationMessages() };
    GENERATION.with(Cell::get)
}

fn kept<T>(look: impl FnOnce(&Kept) -> Option<T>) -> Option<T> {
    // Within a transaction PostgreSQL absorbs invalidations only when it takes a new lock; a revoked right must not last
    // as long as a transaction is open. Where there is no message this is the test of a flag.
    // SAFETY: we are in a transaction, as every caller is.
    unsafe { pg_sys::AcceptInvalidationMessages() };
    if READ_IN.with(Cell::get) != GENERATION.with(Cell::get) {
        return None;
    }
    KEPT.with_borrow(look)
}

fn keep(put: impl FnOnce(&mut Kept)) {
    let generation = GENERATION.with(Cell::get);
    KEPT.with_borrow_mut(|kept| {
        if READ_IN.with(Cell::get) != generation {
            *kept = Kept::default();
            READ_IN.with(|read_in| read_in.set(generation));
        }
        put(kept);
    });
}

fn insert<K: Hash + Eq, V>(map: &mut HashMap<K, V>, key: K, value: V) {
    if map.len() >= MOST_ENTRIES {
        map.clear();
    }
    map.insert(key, value);
}

fn read<T>(
    statement: &'static std::thread::LocalKey<Statement>,
    parameters: &[pgrx::datum::DatumWithOid],
    map: impl Fn(&spi::SpiTupleTable) -> Result<T, spi::Error>,
) -> Outcome<(Option<T>, bool)> {
    let (rows, fresh) = read_all(statement, parameters, map)?;
    Ok((rows.into_iter().next(), fresh))
}

/// Reads with a snapshot of now, and says whether what was read may be kept.
fn read_all<T>(
    statement: &'static std::thread::LocalKey<Statement>,
    parameters: &[pgrx::datum::DatumWithOid],
    map: impl Fn(&spi::SpiTupleTable) -> Result<T, spi::Error>,
) -> Outcome<(Vec<T>, bool)> {
    watch();
    let before = GENERATION.with(Cell::get);
    // SAFETY: push and pop pair up; an error in between unwinds the snapshot stack with the transaction.
    let rows = unsafe {
        pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        let rows = statement.with(|s| s.rows(parameters, map));
        pg_sys::PopActiveSnapshot();
        rows
    }?;
    // SAFETY: a backend-local variable. Above READ COMMITTED the snapshot is as old as the transaction.
    let current = unsafe { pg_sys::XactIsoLevel } <= pg_sys::XACT_READ_COMMITTED as i32;
    Ok((rows, current && before == GENERATION.with(Cell::get)))
}

/// Learns the tables' oids, so that other relations' invalidations cost nothing.
pub(crate) fn watch() {
    // SAFETY: catalogue look-ups; a missing schema or table is InvalidOid.
    let oids = unsafe {
        let schema = pg_sys::get_namespace_oid(c"awooop".as_ptr(), true);
        TABLES.map(|table| pg_sys::get_relname_relid(table.as_ptr(), schema))
    };
    WATCHED.with(|watched| watched.set(oids));
}
