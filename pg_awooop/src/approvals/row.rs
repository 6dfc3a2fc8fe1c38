//! A request as it is stored, and the decisions about it.

use awooop_contracts::{Contract, Kind, canonical_json};
use awooop_policy::approval::{Binding, RequestState, Terms, TokenMode};
use awooop_policy::contract::quorum::{Approval, Quorum, Tally, tally};
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::keyring::{Keyring, MacVerdict, State, Vouched};
use awooop_policy::scope::Scope;
use pgrx::spi::SpiTupleTable;
use serde_json::Value;
use uuid::Uuid;

use crate::caller::Caller;
use crate::contracts::{active, credential_lives};
use crate::directory;
use crate::fault::{Outcome, fault};
use crate::keyring;
use crate::principals;
use crate::statement::{Statement, column, pg_uuid, rfc3339, statements, uuid_column};
use crate::subjects;

/// SQL for the state of `r`, a row of awooop.approval_request.
macro_rules! state {
    () => {
        "case when r.rejected_at is not null then 'rejected' when r.expired_at is not null then 'expired'
              when r.cancelled_at is not null then 'cancelled'
              when exists (select from awooop.approval_use u
                           where u.project_id = r.project_id and u.approval_id = r.approval_id) then 'used'
              when r.token_until <= clock_timestamp() then 'lapsed'
              when r.approved_at is not null then 'approved' else 'waiting' end"
    };
}
/// SQL for what the platform vouches for of `r`: all that never changes, as a record's text, which tells an absent value from
/// an empty one and where each ends. The order is part of what is signed.
macro_rules! facts {
    () => {
        "row(r.project_id, r.approval_id, r.run_id, r.step_key, r.agent_id, r.platform_subject_id, r.trace_id, r.tool,
             r.tool_revision_id, r.mode, r.risk, r.side_effects, r.shown, encode(r.digest, 'hex'), r.digest_key, r.summary,
             r.estimated_tokens, r.estimated_micro_usd, r.asked_by, r.created_by, r.approvers, r.roles, r.reason_required,
             r.token_seconds, (extract(epoch from r.asked_at) * 1000000)::int8,
             (extract(epoch from r.expires_at) * 1000000)::int8)::text"
    };
}
macro_rules! request_columns {
    () => {
        concat!(
            "r.approval_id, r.run_id, r.agent_id, r.platform_subject_id, r.trace_id, r.tool, r.mode,
             r.arguments::text, encode(r.digest, 'hex'), r.digest_key, r.asked_by, r.created_by, r.approvers::int8, r.roles,
             r.reason_required, r.token_seconds::int8, (extract(epoch from r.approved_at) * 1000000)::int8,
             (extract(epoch from r.token_until) * 1000000)::int8, r.grant_key, r.grant_mac,
             r.tool_revision_id, r.step_key,
             r.expires_at <= clock_timestamp(), coalesce(r.mac, ''), ",
            state!(),
            ", ",
            facts!()
        )
    };
}
pub(super) use {facts, state};

statements! {
    LOCK: writing [TEXTOID, UUIDOID] = concat!(
        "select ", request_columns!(), " from awooop.approval_request r
         where r.project_id = $1 and r.approval_id = $2 for no key update of r");
    FIND: reading [TEXTOID, UUIDOID] = concat!(
        "select ", request_columns!(), " from awooop.approval_request r where r.project_id = $1 and r.approval_id = $2");
    OF_STEP: writing [TEXTOID, UUIDOID, TEXTOID] = concat!(
        "select ", request_columns!(), " from awooop.approval_request r
         where r.project_id = $1 and r.run_id = $2 and r.step_key = $3
         order by r.asked_at desc, r.approval_id desc limit 1 for no key update of r");
    // Writing, for a snapshot of after the locks.
    DECISIONS: writing [TEXTOID, UUIDOID] = concat!(
        "select d.decision, d.principal_id, d.credential, ", rfc3339!("d.decided_at"), ", d.key_id, d.mac
         from awooop.approval_decision d where d.project_id = $1 and d.approval_id = $2
         order by d.decided_at, d.decision_id");
}

/// That a request was approved.
pub(super) struct Grant {
    /// Microseconds since 1970; from when, and until when, its token is good.
    pub(super) approved_at: i64,
    pub(super) token_until: i64,
    pub(super) key_id: String,
    pub(super) mac: Vec<u8>,
}

/// A request.
pub(crate) struct Request {
    pub(super) approval_id: Uuid,
    pub(super) run_id: Uuid,
    pub(super) agent_id: String,
    pub(super) platform_subject_id: String,
    pub(super) trace_id: String,
    pub(super) tool: String,
    pub(super) terms: Terms,
    /// As PostgreSQL prints them.
    arguments: String,
    /// Keyed, of the canonical arguments, in hexadecimal.
    pub(super) digest: String,
    pub(super) digest_key: String,
    asked_by: String,
    created_by: String,
    pub(super) reason_required: bool,
    /// How long its token is good.
    pub(super) token_seconds: i64,
    pub(super) grant: Grant,
    /// The revision of the tool's contract that it was judged by.
    tool_revision_id: Uuid,
    pub(super) step_key: String,
    is_due: bool,
    mac: Vec<u8>,
    state: RequestState,
    /// What its `mac` vouches for, as PostgreSQL prints it.
    facts: String,
}

impl Request {
    fn read(row: &SpiTupleTable) -> Result<Self, pgrx::spi::Error> {
        let terms = Terms {
            mode: TokenMode::parse(&column::<String>(row, 7)?).unwrap_or(TokenMode::Execute),
            approvers: column::<i64>(row, 13)?.unsigned_abs(),
            roles: row.get::<Vec<String>>(14)?,
        };
        Ok(Request {
            approval_id: uuid_column(row, 1)?,
            run_id: uuid_column(row, 2)?,
            agent_id: column(row, 3)?,
            platform_subject_id: column(row, 4)?,
            trace_id: column(row, 5)?,
            tool: column(row, 6)?,
            terms,
            arguments: column(row, 8)?,
            digest: column(row, 9)?,
            digest_key: column(row, 10)?,
            asked_by: column(row, 11)?,
            created_by: column(row, 12)?,
            reason_required: column(row, 15)?,
            token_seconds: column(row, 16)?,
            grant: Grant {
                approved_at: column(row, 17)?,
                token_until: column(row, 18)?,
                key_id: column(row, 19)?,
                mac: column(row, 20)?,
            },
            tool_revision_id: uuid_column(row, 21)?,
            step_key: column(row, 22)?,
            is_due: column(row, 23)?,
            mac: column(row, 24)?,
            state: RequestState::parse(&column::<String>(row, 25)?).unwrap_or(RequestState::Cancelled),
            facts: column(row, 26)?,
        })
    }

    fn one(
        statement: &'static std::thread::LocalKey<Statement>,
        parameters: &[pgrx::datum::DatumWithOid],
    ) -> Outcome<Option<Self>> {
        statement.with(|s| s.row(parameters, Self::read))
    }

    /// Locks it. The run's row is locked.
    pub(super) fn lock(project_id: &str, approval_id: Uuid) -> Outcome<Self> {
        Self::try_lock(project_id, approval_id)?.map_or_else(|| fault(ErrorCode::ApprovalUnknown), Ok)
    }

    /// Locks it, if there is one.
    pub(super) fn try_lock(project_id: &str, approval_id: Uuid) -> Outcome<Option<Self>> {
        Self::one(&LOCK, &[project_id.into(), pg_uuid(approval_id).into()])
    }

    pub(super) fn find(project_id: &str, approval_id: Uuid) -> Outcome<Self> {
        Self::one(&FIND, &[project_id.into(), pg_uuid(approval_id).into()])?
            .map_or_else(|| fault(ErrorCode::ApprovalUnknown), Ok)
    }

    /// The latest request about a step of a run, under lock.
    pub(super) fn of_step(project_id: &str, run_id: Uuid, step_key: &str) -> Outcome<Option<Self>> {
        Self::one(&OF_STEP, &[project_id.into(), pg_uuid(run_id).into(), step_key.into()])
    }

    pub(super) fn state(&self) -> RequestState {
        self.state
    }

    /// Whether nobody has decided in time; the row may not say so yet.
    pub(super) fn is_overdue(&self) -> bool {
        self.state == RequestState::Waiting && self.is_due
    }

    /// Whether the contract that it was judged by is the tool's still.
    pub(super) fn is_current(&self, project_id: &str) -> Outcome<bool> {
        Ok(directory::active_revision(project_id, Kind::Tool, &self.tool)? == Some(self.tool_revision_id))
    }

    /// The arguments, exact.
    pub(crate) fn arguments(&self) -> Outcome<Value> {
        Ok(serde_json::from_str(&self.arguments)?)
    }

    /// The call that it is about.
    pub(super) fn binding<'a>(&'a self, project_id: &'a str, arguments: &'a str) -> Binding<'a> {
        Binding { project: project_id, run: self.run_id, tool: &self.tool, arguments }
    }

    /// Whether the row says what the platform vouched for when it was asked: what is shown, the arguments, and who may
    /// decide.
    pub(super) fn is_vouched(&self, project_id: &str, keyring: &Keyring) -> Outcome<bool> {
        let verdict = keyring.check_vouched(&self.digest_key, Vouched::Request, &self.facts, &self.mac);
        if !matches!(verdict, MacVerdict::Good(_)) {
            return Ok(false);
        }
        let arguments = canonical_json(&self.arguments()?)?;
        let digest = keyring.argument_digest(&self.digest_key, &self.binding(project_id, &arguments));
        Ok(digest.map(hex::encode).as_ref() == Some(&self.digest))
    }

    /// What it is vouched for as, that it was approved.
    pub(super) fn grant_statement(&self, grant: &Grant) -> Outcome<String> {
        let statement = serde_json::json!({
            "request": hex::encode(&self.mac), "approved_at": grant.approved_at, "token_until": grant.token_until
        });
        Ok(canonical_json(&statement)?)
    }

    /// Whether the platform vouches for what was asked, and for that it was approved.
    pub(super) fn is_granted(&self, project_id: &str, keyring: &Keyring) -> Outcome<bool> {
        let grant = &self.grant;
        let statement = self.grant_statement(grant)?;
        let verdict = keyring.check_vouched(&grant.key_id, Vouched::Grant, &statement, &grant.mac);
        Ok(matches!(verdict, MacVerdict::Good(_)) && self.is_vouched(project_id, keyring)?)
    }

    /// What a decision about it is vouched for as: whose it is, and about exactly what.
    pub(super) fn statement(&self, made: &Made) -> Outcome<String> {
        let statement = serde_json::json!({
            "request": hex::encode(&self.mac), "decision": made.decision, "principal": made.principal_id,
            "credential": made.credential, "decided_at": made.decided_at
        });
        Ok(canonical_json(&statement)?)
    }

    /// The hands that must not decide it: of whoever asked, of whoever made the run, and of the person whom it serves.
    pub(super) fn own_hands(&self, caller: &Caller) -> Outcome<Vec<String>> {
        let mut own = vec![self.asked_by.clone(), self.created_by.clone()];
        if !requester_may_approve(&caller.project_id)? {
            own.extend(subjects::principal_of(&caller.project_id, &self.platform_subject_id)?);
        }
        principals::hands(&caller.project_id, &own)
    }

    pub(super) fn quorum(&self) -> Quorum {
        Quorum { approvers: self.terms.approvers, roles: self.terms.roles.clone(), signature_days: 365 }
    }

    /// The decisions about it, oldest first.
    pub(super) fn decisions(&self, project_id: &str) -> Outcome<Vec<Made>> {
        DECISIONS.with(|s| {
            s.rows(&[project_id.into(), pg_uuid(self.approval_id).into()], |row| {
                Ok(Made {
                    decision: column(row, 1)?,
                    principal_id: column(row, 2)?,
                    credential: column(row, 3)?,
                    decided_at: column(row, 4)?,
                    key_id: column(row, 5)?,
                    mac: column(row, 6)?,
                })
            })
        })
    }

    /// Whether a decision about it was made as its row says.
    pub(super) fn check(&self, keyring: &Keyring, made: &Made) -> Outcome<MacVerdict> {
        Ok(keyring.check_vouched(&made.key_id, Vouched::Decision, &self.statement(made)?, &made.mac))
    }

    /// Counts those who approved: distinct hands whose credentials still allow it, vouched for, and nobody's own.
    pub(super) fn tally(&self, caller: &Caller, decisions: &[Made]) -> Outcome<Tally> {
        let project_id = caller.project_id.as_str();
        let approvals: Vec<&Made> = decisions.iter().filter(|made| made.decision == "approve").collect();
        let principals: Vec<String> = approvals.iter().map(|made| made.principal_id.clone()).collect();
        let keyring = keyring::current().ok();
        let mut counted = Vec::with_capacity(approvals.len());
        for (made, standing) in approvals.iter().zip(principals::standings(project_id, &principals)?) {
            let mac = match &keyring {
                // A key that was rotated out since vouches still for what was decided before.
                Some(keyring) => match self.check(keyring, made)? {
                    MacVerdict::Good(_) => MacVerdict::Good(State::Current),
                    other => other,
                },
                None => MacVerdict::UnknownKey,
            };
            counted.push(Approval {
                hand: standing.hand,
                roles: standing.roles,
                credential_lives: credential_lives(
                    project_id,
                    &made.credential,
                    &made.principal_id,
                    Scope::ApprovalsDecide,
                )?,
                age_seconds: 0,
                mac,
            });
        }
        Ok(tally(&self.quorum(), &self.own_hands(caller)?, &counted))
    }

    /// What every audit row about it says.
    pub(super) fn entry(&self) -> crate::audit::Entry<'_> {
        let entry = crate::audit::Entry {
            trace_id: Some(&self.trace_id),
            agent_id: Some(&self.agent_id),
            platform_subject_id: Some(&self.platform_subject_id),
            run_id: Some(self.run_id),
            ..crate::audit::Entry::default()
        };
        entry
            .with("approval_id", self.approval_id.to_string())
            .with("tool", self.tool.as_str())
            .with("mode", self.terms.mode.as_str())
            .with("digest", self.digest.as_str())
    }

    /// The problem of a request that is not waiting any more.
    pub(super) fn ended(&self) -> Problem {
        Problem::from(ErrorCode::ApprovalEnded).with("state", self.state().as_str())
    }
}

/// A decision that was made.
pub(super) struct Made {
    pub(super) decision: String,
    pub(super) principal_id: String,
    pub(super) credential: String,
    pub(super) decided_at: String,
    pub(super) key_id: String,
    pub(super) mac: Vec<u8>,
}

/// Whether the person whom a run serves may approve its calls.
pub(crate) fn requester_may_approve(project_id: &str) -> Outcome<bool> {
    let policy = active::last_policy(project_id)?;
    Ok(policy.is_some_and(|loaded| match &loaded.contract {
        Contract::Policy(policy) => policy.approvals.unwrap_or_default().requester_may_approve(),
        _ => false,
    }))
}
