//! A call as it is stored.

use std::rc::Rc;

use awooop_contracts::{Contract, canonical_json};
use awooop_policy::approval::Binding;
use awooop_policy::credential::{CredentialDigest, lease_parts};
use awooop_policy::error::ErrorCode;
use awooop_policy::feature::Method;
use pgrx::spi::SpiTupleTable;
use serde_json::Value;
use uuid::Uuid;

use super::scene::Asked;
use crate::audit;
use crate::caller::Caller;
use crate::contracts::active::{self, Loaded};
use crate::fault::{Outcome, fault};
use crate::keyring;
use crate::statement::{Statement, column, optional_uuid_column, pg_uuid, statements, uuid_column};

macro_rules! call_columns {
    () => {
        "k.call_id, k.run_id, k.is_whole_run, k.step_key, k.principal_id, k.agent_id, k.platform_subject_id, k.trace_id,
         k.tool, k.digest, k.digest_key, k.reservation_id, k.cost_micro_usd, k.begun_at is not null,
         k.suspended_at is not null, k.outcome, k.result::text, coalesce(k.cut_bytes, 0), coalesce(k.used_micro_usd, 0),
         k.ticket_digest, k.suspensions, k.upstream_state, k.tool_revision_id, k.grant_id, k.method, k.questions, k.relays"
    };
}

statements! {
    INSERT: writing [TEXTOID, UUIDOID, UUIDOID, BOOLOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
                     TEXTOID, UUIDOID, TEXTOID, TEXTOID, BYTEAOID, TEXTOID, UUIDOID, INT8OID, BYTEAOID, UUIDOID, TEXTOID] =
        "insert into awooop.mcp_call (project_id, call_id, run_id, is_whole_run, step_key, call_key, principal_id, agent_id,
                platform_subject_id, trace_id, tool, server_id, grant_id, basis, arguments, digest, digest_key, reservation_id,
                cost_micro_usd, asked_at, begun_at, ticket_digest, told_at, sends, tool_revision_id, method)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::jsonb, $15::jsonb, $16, $17, $18, $19, t.at,
                case when $20 is not null then t.at end, $20, case when $20 is not null then t.at end,
                case when $20 is not null then 1 else 0 end, $21, $22
         from (select clock_timestamp() as at) t
         on conflict (project_id, principal_id, call_key) where call_key is not null do nothing";
    // What people were asked about, and have agreed to.
    BEGUN: writing [TEXTOID, UUIDOID, UUIDOID, BYTEAOID, TEXTOID, UUIDOID] =
        "update awooop.mcp_call
         set begun_at = clock_timestamp(), told_at = clock_timestamp(), sends = 1, reservation_id = $3, ticket_digest = $4,
             basis = $5::jsonb, tool_revision_id = $6
         where project_id = $1 and call_id = $2 and begun_at is null";
    // What it was judged by when it began stays.
    RESUMED: writing [TEXTOID, UUIDOID, UUIDOID, BYTEAOID, INT8OID, UUIDOID, BOOLOID] =
        "update awooop.mcp_call
         set told_at = clock_timestamp(), suspended_at = null, ticket_digest = $4, tool_revision_id = $6,
             reservation_id = case when $7 then $3 else reservation_id end, sends = sends + case when $7 then 1 else 0 end,
             used_micro_usd = coalesce(used_micro_usd, 0) + $5
         where project_id = $1 and call_id = $2 and finished_at is null";
    SUSPENDED: writing [TEXTOID, UUIDOID, TEXTOID, TEXTOID] =
        "update awooop.mcp_call
         set suspended_at = clock_timestamp(), suspensions = suspensions + 1, upstream_state = $3,
             asked = asked || $4::jsonb
         where project_id = $1 and call_id = $2
         returning suspensions";
    ASKED: writing [TEXTOID, UUIDOID, TEXTOID] =
        "update awooop.mcp_call set questions = questions + 1, asked = asked || $3::jsonb
         where project_id = $1 and call_id = $2";
    // Everything that lets whoever has the ticket of a call say something of it, in one statement: a server may report often.
    REPORTED: writing [TEXTOID, UUIDOID, BYTEAOID, TEXTOID, UUIDOID, INT4OID, BYTEAOID, INT4OID] =
        "update awooop.mcp_call k set relays = k.relays + 1
         from awooop.run_lease l
         where k.project_id = $1 and k.call_id = $2 and k.ticket_digest = $3 and k.run_id = $5
           and (not k.is_whole_run or k.principal_id = $4)
           and k.begun_at is not null and k.suspended_at is null and k.finished_at is null and k.relays < $8
           and l.project_id = $1 and l.run_id = $5 and l.epoch = $6 and l.digest = $7
           and l.closed_at is null and l.expires_at > clock_timestamp()";
    FINISHED: writing [TEXTOID, UUIDOID, TEXTOID, TEXTOID, INT4OID, INT4OID, INT8OID] =
        "update awooop.mcp_call
         set finished_at = clock_timestamp(), outcome = $3, result = $4::jsonb, result_bytes = $5, cut_bytes = $6,
             used_micro_usd = $7
         where project_id = $1 and call_id = $2 and finished_at is null";
    // Writing, for a snapshot of after the run's lock.
    FIND: writing [TEXTOID, UUIDOID] = concat!(
        "select ", call_columns!(), " from awooop.mcp_call k where k.project_id = $1 and k.call_id = $2");
    OF_STEP: writing [TEXTOID, UUIDOID, TEXTOID] = concat!(
        "select ", call_columns!(), " from awooop.mcp_call k
         where k.project_id = $1 and k.run_id = $2 and k.step_key = $3 order by k.asked_at desc, k.call_id desc limit 1");
    BY_KEY: writing [TEXTOID, TEXTOID, TEXTOID] = concat!(
        "select ", call_columns!(), " from awooop.mcp_call k
         where k.project_id = $1 and k.principal_id = $2 and k.call_key = $3");
}

/// The steps of a run's journal that are calls of tools begin with this: no worker can record one itself.
const STEP_PREFIX: &str = "awooop:call/";
/// The step of a run that is there for one call.
pub(super) const ONLY_STEP: &str = "call";

/// The step of the journal, and of approvals, that a call is.
pub(super) fn journal_key(is_whole_run: bool, step_key: &str) -> String {
    if is_whole_run { ONLY_STEP.to_owned() } else { format!("{STEP_PREFIX}{step_key}") }
}

/// A call that is stored.
pub(super) struct Call {
    pub(super) call_id: Uuid,
    pub(super) run_id: Uuid,
    pub(super) is_whole_run: bool,
    pub(super) step_key: String,
    pub(super) principal_id: String,
    pub(super) agent_id: String,
    pub(super) platform_subject_id: String,
    pub(super) trace_id: String,
    pub(super) tool: String,
    digest: Vec<u8>,
    digest_key: String,
    pub(super) reservation_id: Option<Uuid>,
    pub(super) cost_micro_usd: i64,
    pub(super) is_begun: bool,
    pub(super) is_suspended: bool,
    pub(super) outcome: Option<String>,
    result: Option<String>,
    pub(super) cut_bytes: i32,
    /// What was booked for it so far.
    pub(super) used_micro_usd: i64,
    ticket_digest: Option<Vec<u8>>,
    /// How often its server has asked something back, and what it wants to have with the answer.
    pub(super) suspensions: i32,
    pub(super) upstream_state: Option<String>,
    /// The contract of the tool by which it was last told to be sent.
    pub(super) tool_revision_id: Uuid,
    pub(super) grant_id: Uuid,
    /// Of a feature of the server's: which of its methods.
    pub(super) method: Option<Method>,
    /// How much its server has asked without waiting, and reported.
    pub(super) questions: i32,
    pub(super) relays: i32,
}

impl Call {
    fn read(row: &SpiTupleTable) -> Result<Self, pgrx::spi::Error> {
        Ok(Call {
            call_id: uuid_column(row, 1)?,
            run_id: uuid_column(row, 2)?,
            is_whole_run: column(row, 3)?,
            step_key: column(row, 4)?,
            principal_id: column(row, 5)?,
            agent_id: column(row, 6)?,
            platform_subject_id: column(row, 7)?,
            trace_id: column(row, 8)?,
            tool: column(row, 9)?,
            digest: column(row, 10)?,
            digest_key: column(row, 11)?,
            reservation_id: optional_uuid_column(row, 12)?,
            cost_micro_usd: column(row, 13)?,
            is_begun: column(row, 14)?,
            is_suspended: column(row, 15)?,
            outcome: row.get(16)?,
            result: row.get(17)?,
            cut_bytes: column(row, 18)?,
            used_micro_usd: column(row, 19)?,
            ticket_digest: row.get(20)?,
            suspensions: column(row, 21)?,
            upstream_state: row.get(22)?,
            tool_revision_id: uuid_column(row, 23)?,
            grant_id: uuid_column(row, 24)?,
            method: row.get::<String>(25)?.as_deref().and_then(Method::parse),
            questions: column(row, 26)?,
            relays: column(row, 27)?,
        })
    }

    fn one(
        statement: &'static std::thread::LocalKey<Statement>,
        parameters: &[pgrx::datum::DatumWithOid],
    ) -> Outcome<Option<Self>> {
        statement.with(|s| s.row(parameters, Self::read))
    }

    pub(super) fn find(project_id: &str, call_id: Uuid) -> Outcome<Self> {
        Self::one(&FIND, &[project_id.into(), pg_uuid(call_id).into()])?
            .map_or_else(|| fault(ErrorCode::McpCallUnknown), Ok)
    }

    pub(super) fn of_step(project_id: &str, run_id: Uuid, step_key: &str) -> Outcome<Option<Self>> {
        Self::one(&OF_STEP, &[project_id.into(), pg_uuid(run_id).into(), step_key.into()])
    }

    pub(super) fn by_key(caller: &Caller, call_key: &str) -> Outcome<Option<Self>> {
        Self::one(&BY_KEY, &[caller.project_id.as_str().into(), caller.principal_id.as_str().into(), call_key.into()])
    }

    /// Whether it is a call of that tool with exactly these arguments.
    pub(super) fn is_of(&self, project_id: &str, asked: &Asked) -> Outcome<bool> {
        let canonical = canonical_json(asked.arguments)?;
        let Ok(keyring) = keyring::current() else { return fault(ErrorCode::ApprovalNoKey) };
        let binding = Binding { project: project_id, run: self.run_id, tool: asked.tool, arguments: &canonical };
        let digest = keyring.argument_digest(&self.digest_key, &binding);
        Ok(self.tool == asked.tool && digest.is_some_and(|digest| digest.as_slice() == self.digest))
    }

    /// Whether it is in the name, and on behalf, of whoever is named.
    pub(super) fn is_for(&self, asked: &Asked) -> bool {
        asked.agent_id.is_none_or(|agent_id| agent_id == self.agent_id)
            && asked.subject_id.is_none_or(|subject_id| subject_id == self.platform_subject_id)
    }

    /// Whether the ticket is the one that was given for it last.
    pub(super) fn is_begun_with(&self, ticket: &str) -> bool {
        self.ticket_digest.as_deref().is_some_and(|digest| CredentialDigest::of(ticket).matches(digest))
    }

    /// The step of the journal, and of approvals, that it is.
    pub(super) fn journal_key(&self) -> String {
        journal_key(self.is_whole_run, &self.step_key)
    }

    /// The contract by which it was last told to be sent.
    pub(super) fn tool(&self, project_id: &str) -> Outcome<Rc<Loaded>> {
        active::load(project_id, self.tool_revision_id)
    }

    /// What it costs by that contract.
    pub(super) fn price_micro_usd(&self, project_id: &str) -> Outcome<i64> {
        match &self.tool(project_id)?.contract {
            Contract::Tool(tool) => Ok(i64::try_from(tool.call_cost_micro_usd()).unwrap_or(i64::MAX)),
            _ => fault(ErrorCode::SystemInternal),
        }
    }

    /// What the agent was shown of it.
    pub(super) fn result(&self) -> Outcome<Value> {
        Ok(self.result.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default())
    }

    /// What every audit row about it says.
    pub(super) fn entry(&self) -> audit::Entry<'_> {
        let entry = audit::Entry {
            trace_id: Some(&self.trace_id),
            agent_id: Some(&self.agent_id),
            platform_subject_id: Some(&self.platform_subject_id),
            run_id: Some(self.run_id),
            ..audit::Entry::default()
        };
        entry.with("call_id", self.call_id.to_string()).with("tool", self.tool.as_str())
    }
}

/// A call that is to be stored.
pub(super) struct New<'a> {
    pub(super) call_id: Uuid,
    pub(super) run_id: Uuid,
    pub(super) is_whole_run: bool,
    pub(super) step_key: &'a str,
    pub(super) call_key: Option<&'a str>,
    pub(super) agent_id: &'a str,
    pub(super) platform_subject_id: &'a str,
    pub(super) trace_id: &'a str,
    pub(super) tool: &'a str,
    pub(super) server_id: &'a str,
    pub(super) grant_id: Uuid,
    pub(super) basis: &'a Value,
    pub(super) arguments: &'a Value,
    /// As they are kept and shown.
    pub(super) shown: &'a Value,
    pub(super) reservation_id: Option<Uuid>,
    pub(super) cost_micro_usd: i64,
    pub(super) tool_revision_id: Uuid,
    /// Of a feature of the server's: which of its methods.
    pub(super) method: Option<&'a str>,
    /// Of the ticket, where it begins at once.
    pub(super) ticket: Option<CredentialDigest>,
}

impl New<'_> {
    /// Stores it. False where its key is another call's by now.
    pub(super) fn insert(&self, caller: &Caller) -> Outcome<bool> {
        let canonical = canonical_json(self.arguments)?;
        let Ok(keyring) = keyring::current() else { return fault(ErrorCode::ApprovalNoKey) };
        let Some(signer) = keyring.approval_signer() else { return fault(ErrorCode::ApprovalNoKey) };
        let binding = Binding { project: &caller.project_id, run: self.run_id, tool: self.tool, arguments: &canonical };
        let parameters = [
            caller.project_id.as_str().into(),
            pg_uuid(self.call_id).into(),
            pg_uuid(self.run_id).into(),
            self.is_whole_run.into(),
            self.step_key.into(),
            self.call_key.into(),
            caller.principal_id.as_str().into(),
            self.agent_id.into(),
            self.platform_subject_id.into(),
            self.trace_id.into(),
            self.tool.into(),
            self.server_id.into(),
            pg_uuid(self.grant_id).into(),
            self.basis.to_string().into(),
            self.shown.to_string().into(),
            signer.digest(&binding).as_slice().into(),
            signer.id.into(),
            self.reservation_id.map(pg_uuid).into(),
            self.cost_micro_usd.into(),
            self.ticket.as_ref().map(|digest| digest.as_bytes().as_slice()).into(),
            pg_uuid(self.tool_revision_id).into(),
            self.method.into(),
        ];
        Ok(INSERT.with(|s| s.run(&parameters))? > 0)
    }
}

/// That a call is told to be sent, to whoever has the ticket.
pub(super) struct Told<'a> {
    pub(super) ticket: &'a CredentialDigest,
    pub(super) tool_revision_id: Uuid,
}

/// Says that a call which had to wait begins.
pub(super) fn begun(
    project_id: &str,
    call_id: Uuid,
    reservation_id: Option<Uuid>,
    told: &Told,
    basis: &Value,
) -> Outcome<bool> {
    let parameters = [
        project_id.into(),
        pg_uuid(call_id).into(),
        reservation_id.map(pg_uuid).into(),
        told.ticket.as_bytes().as_slice().into(),
        basis.to_string().into(),
        pg_uuid(told.tool_revision_id).into(),
    ];
    Ok(BEGUN.with(|s| s.run(&parameters))? > 0)
}

/// Says that a call which had begun goes on; where it is sent anew, with its new reservation and what was booked for it before.
pub(super) fn resumed(
    project_id: &str,
    call_id: Uuid,
    told: &Told,
    anew: Option<(Option<Uuid>, i64)>,
) -> Outcome<bool> {
    let (reservation_id, booked_micro_usd) = anew.unwrap_or_default();
    let parameters = [
        project_id.into(),
        pg_uuid(call_id).into(),
        reservation_id.map(pg_uuid).into(),
        told.ticket.as_bytes().as_slice().into(),
        booked_micro_usd.into(),
        pg_uuid(told.tool_revision_id).into(),
        anew.is_some().into(),
    ];
    Ok(RESUMED.with(|s| s.run(&parameters))? > 0)
}

/// Says that its server asked something back, and what; how often it has by now.
pub(super) fn suspended(
    project_id: &str,
    call_id: Uuid,
    upstream_state: Option<&str>,
    asked: &[Value],
) -> Outcome<i32> {
    let asked = Value::from(asked).to_string();
    let parameters = [project_id.into(), pg_uuid(call_id).into(), upstream_state.into(), asked.into()];
    SUSPENDED.with(|s| s.row(&parameters, |row| column(row, 1)))?.map_or_else(|| fault(ErrorCode::McpCallUnknown), Ok)
}

/// Says that its server asked something, and waits.
pub(super) fn asked(project_id: &str, call_id: Uuid, asked: &[Value]) -> Outcome<()> {
    let asked = Value::from(asked).to_string();
    ASKED.with(|s| s.run(&[project_id.into(), pg_uuid(call_id).into(), asked.into()])).map(drop)
}

/// Counts something that its server reported, if the caller may say so of it, and there is room for `most`.
pub(super) fn reported(caller: &Caller, call_id: Uuid, ticket: &str, lease: &str, most: i32) -> Outcome<bool> {
    let Some((parts, digest)) = lease_parts(lease).filter(|(parts, _)| parts.project_id == caller.project_id) else {
        return Ok(false);
    };
    let parameters = [
        caller.project_id.as_str().into(),
        pg_uuid(call_id).into(),
        CredentialDigest::of(ticket).as_bytes().as_slice().into(),
        caller.principal_id.as_str().into(),
        pg_uuid(parts.run_id).into(),
        parts.epoch.into(),
        digest.as_bytes().as_slice().into(),
        most.into(),
    ];
    Ok(REPORTED.with(|s| s.run(&parameters))? > 0)
}

/// Says how it ended. False where somebody has said so before.
pub(super) fn finished(
    project_id: &str,
    call_id: Uuid,
    outcome: &str,
    result: &str,
    (bytes, cut_bytes): (usize, usize),
    used_micro_usd: i64,
) -> Outcome<bool> {
    let number = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let parameters = [
        project_id.into(),
        pg_uuid(call_id).into(),
        outcome.into(),
        result.into(),
        number(bytes).into(),
        number(cut_bytes).into(),
        used_micro_usd.into(),
    ];
    Ok(FINISHED.with(|s| s.run(&parameters))? > 0)
}
