//! An escrow: what a run, or a reservation outside of one, holds of the counters.

use awooop_policy::budget::{Amount, Who};
use awooop_policy::error::ErrorCode;
use pgrx::spi::SpiTupleTable;
use uuid::Uuid;

use super::calls;
use super::guard::own_run;
use super::lanes;
use super::ledger::{self, Act, Entry};
use super::terms::{self, at};
use crate::audit::POSTGRES_EPOCH;
use crate::caller::Caller;
use crate::fault::{Outcome, fault};
use crate::statement::{Statement, column, optional_uuid_column, pg_uuid, statements, uuid_column};

macro_rules! micros {
    ($column:literal) => {
        concat!("(extract(epoch from ", $column, " - timestamptz '2000-01-01 00:00:00+00') * 1000000)::int8")
    };
}

macro_rules! escrow_columns {
    () => {
        concat!(
            "escrow_id, ",
            micros!("opened_at"),
            ", run_id, kind, agent_id, platform_subject_id, trace_id, principal_id, lane, ",
            micros!("window_at"),
            ", granted_tokens, granted_micro_usd, reserved_tokens, reserved_micro_usd, spent_tokens, spent_micro_usd,
               booked_tokens, booked_micro_usd, overrun_tokens, overrun_micro_usd, fence, entries, ",
            micros!("closed_at"),
            ", outcome, soft_at is not null, request_digest, ",
            micros!("expires_at")
        )
    };
}

statements! {
    LOCK: writing [TEXTOID, UUIDOID] = concat!(
        "select ", escrow_columns!(), " from awooop.budget_escrow
         where project_id = $1 and escrow_id = $2 for no key update");
    TRY_LOCK: writing [TEXTOID, UUIDOID] = concat!(
        "select ", escrow_columns!(), " from awooop.budget_escrow
         where project_id = $1 and escrow_id = $2 for no key update skip locked");
    BY_KEY: reading [TEXTOID, TEXTOID] = concat!(
        "select ", escrow_columns!(), " from awooop.budget_escrow where project_id = $1 and idempotency_key = $2");
    OPEN: writing [TEXTOID, UUIDOID, TIMESTAMPTZOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT2OID,
                   TIMESTAMPTZOID] =
        "insert into awooop.budget_escrow (project_id, escrow_id, opened_at, run_id, kind, agent_id, platform_subject_id,
                trace_id, principal_id, lane, window_at, granted_tokens, granted_micro_usd, entries)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, 0)";
    SAVE: writing [TEXTOID, UUIDOID, TIMESTAMPTZOID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID,
                   INT8OID, INT8OID, INT4OID, INT4OID, TEXTOID, BOOLOID] =
        "update awooop.budget_escrow
         set window_at = $3, granted_tokens = $4, granted_micro_usd = $5, reserved_tokens = $6, reserved_micro_usd = $7,
             spent_tokens = $8, spent_micro_usd = $9, booked_tokens = $10, booked_micro_usd = $11,
             overrun_tokens = $12, overrun_micro_usd = $13, fence = $14, entries = $15, outcome = $16,
             closed_at = case when $16 is null then closed_at else coalesce(closed_at, clock_timestamp()) end,
             soft_at = case when $17 then coalesce(soft_at, clock_timestamp()) end
         where project_id = $1 and escrow_id = $2";
    RUN_EPOCH: reading [TEXTOID, UUIDOID] = "select epoch from awooop.run_state where project_id = $1 and run_id = $2";
}

/// An escrow's row, under lock.
#[derive(Clone, Debug)]
pub(super) struct Escrow {
    pub(super) escrow_id: Uuid,
    pub(super) opened_at: i64,
    pub(super) run_id: Option<Uuid>,
    pub(super) kind: String,
    pub(super) agent_id: String,
    pub(super) platform_subject_id: String,
    pub(super) trace_id: String,
    pub(super) principal_id: String,
    pub(super) lane: i16,
    pub(super) window_at: i64,
    pub(super) granted: Amount,
    pub(super) reserved: Amount,
    pub(super) spent: Amount,
    pub(super) booked: Amount,
    pub(super) overrun: Amount,
    pub(super) fence: i32,
    pub(super) entries: i32,
    pub(super) is_closed: bool,
    pub(super) outcome: Option<String>,
    pub(super) told: bool,
    pub(super) request_digest: Option<Vec<u8>>,
    pub(super) expires_at: Option<i64>,
}

impl Escrow {
    fn read(row: &SpiTupleTable) -> Result<Self, pgrx::spi::Error> {
        let number = |n| column::<i64>(row, n);
        let amount = |n| Ok::<_, pgrx::spi::Error>(Amount { tokens: number(n)?, micro_usd: number(n + 1)? });
        Ok(Escrow {
            escrow_id: uuid_column(row, 1)?,
            opened_at: number(2)?,
            run_id: optional_uuid_column(row, 3)?,
            kind: column(row, 4)?,
            agent_id: column(row, 5)?,
            platform_subject_id: column(row, 6)?,
            trace_id: column(row, 7)?,
            principal_id: column(row, 8)?,
            lane: column(row, 9)?,
            window_at: number(10)?,
            granted: amount(11)?,
            reserved: amount(13)?,
            spent: amount(15)?,
            booked: amount(17)?,
            overrun: amount(19)?,
            fence: column(row, 21)?,
            entries: column(row, 22)?,
            is_closed: row.get::<i64>(23)?.is_some(),
            outcome: row.get(24)?,
            told: column(row, 25)?,
            request_digest: row.get(26)?,
            expires_at: row.get(27)?,
        })
    }

    /// An empty one, of nobody yet, on this session's lane.
    pub(super) fn new(escrow_id: Uuid, principal_id: &str) -> Self {
        Escrow {
            escrow_id,
            opened_at: made_at(escrow_id),
            run_id: None,
            kind: String::new(),
            agent_id: String::new(),
            platform_subject_id: String::new(),
            trace_id: String::new(),
            principal_id: principal_id.to_owned(),
            lane: lanes::of_session(),
            window_at: terms::now(),
            granted: Amount::ZERO,
            reserved: Amount::ZERO,
            spent: Amount::ZERO,
            booked: Amount::ZERO,
            overrun: Amount::ZERO,
            fence: 0,
            entries: 0,
            is_closed: false,
            outcome: None,
            told: false,
            request_digest: None,
            expires_at: None,
        }
    }

    /// Whose it is.
    pub(super) fn who<'a>(&'a self, run: &'a str) -> Who<'a> {
        Who {
            agent_id: &self.agent_id,
            subject_id: &self.platform_subject_id,
            run_id: self.run_id.is_some().then_some(run),
        }
    }

    /// The run's id as a limit's target.
    pub(super) fn run_target(&self) -> String {
        self.run_id.map(|run_id| run_id.to_string()).unwrap_or_default()
    }

    /// What is neither spent nor held for a call.
    pub(super) fn free(&self) -> Amount {
        self.granted.minus(self.spent).minus(self.reserved)
    }

    /// Everything that the run has taken, used or not.
    pub(super) fn taken(&self) -> Amount {
        self.booked.plus(self.granted).plus(self.overrun)
    }

    /// Everything that was used.
    pub(super) fn used(&self) -> Amount {
        self.booked.plus(self.spent).plus(self.overrun)
    }

    /// Inserts the row of a run, which holds nothing yet.
    fn insert(&self, project_id: &str) -> Outcome<()> {
        let parameters = [
            project_id.into(),
            pg_uuid(self.escrow_id).into(),
            at(self.opened_at),
            self.run_id.map(pg_uuid).into(),
            self.kind.as_str().into(),
            self.agent_id.as_str().into(),
            self.platform_subject_id.as_str().into(),
            self.trace_id.as_str().into(),
            self.principal_id.as_str().into(),
            self.lane.into(),
            at(self.window_at),
        ];
        own_run(&OPEN, &parameters).map(drop)
    }

    /// Writes the row back.
    pub(super) fn save(&self, project_id: &str) -> Outcome<()> {
        let parameters = [
            project_id.into(),
            pg_uuid(self.escrow_id).into(),
            at(self.window_at),
            self.granted.tokens.into(),
            self.granted.micro_usd.into(),
            self.reserved.tokens.into(),
            self.reserved.micro_usd.into(),
            self.spent.tokens.into(),
            self.spent.micro_usd.into(),
            self.booked.tokens.into(),
            self.booked.micro_usd.into(),
            self.overrun.tokens.into(),
            self.overrun.micro_usd.into(),
            self.fence.into(),
            self.entries.into(),
            self.outcome.as_deref().into(),
            self.told.into(),
        ];
        own_run(&SAVE, &parameters).map(drop)
    }

    /// Gives what is left of the grant back to its counters; what was spent of it is booked there.
    pub(super) fn give_back(&mut self, caller: &Caller) -> Outcome<()> {
        if self.granted.is_zero() {
            return Ok(());
        }
        let target = self.run_target();
        let who = self.who(&target);
        lanes::give_back(&caller.project_id, &who, self.lane, self.granted, self.spent, self.window_at)?;
        let left = self.granted.minus(self.spent);
        if !left.is_zero() {
            let entry = Entry { reserved: Amount::ZERO.minus(left), ..Entry::of(Act::Release, left) };
            ledger::append(caller, self, &entry)?;
        }
        self.booked = self.booked.plus(self.spent);
        (self.granted, self.spent) = (Amount::ZERO, Amount::ZERO);
        Ok(())
    }
}

/// When an id of version 7 was made, in PostgreSQL's microseconds.
pub(super) fn made_at(id: Uuid) -> i64 {
    let (seconds, nanos) = id.get_timestamp().map(|time| time.to_unix()).unwrap_or_default();
    i64::try_from(seconds).unwrap_or_default() * 1_000_000 + i64::from(nanos / 1_000_000) * 1000 - POSTGRES_EPOCH
}

fn find(statement: &'static std::thread::LocalKey<Statement>, project_id: &str, id: Uuid) -> Outcome<Option<Escrow>> {
    statement.with(|s| s.row(&[project_id.into(), pg_uuid(id).into()], Escrow::read))
}

/// Locks an escrow.
pub(super) fn lock(project_id: &str, escrow_id: Uuid) -> Outcome<Option<Escrow>> {
    find(&LOCK, project_id, escrow_id)
}

/// Locks an escrow if nobody holds it.
pub(super) fn try_lock(project_id: &str, escrow_id: Uuid) -> Outcome<Option<Escrow>> {
    find(&TRY_LOCK, project_id, escrow_id)
}

/// The escrow of an idempotency key.
pub(super) fn by_key(project_id: &str, key: &str) -> Outcome<Option<Escrow>> {
    BY_KEY.with(|s| s.row(&[project_id.into(), key.into()], Escrow::read))
}

/// A run that holds of a budget, as much as the engine knows of it.
pub(crate) struct OfRun<'a> {
    pub(crate) run_id: Uuid,
    pub(crate) agent_id: &'a str,
    pub(crate) platform_subject_id: &'a str,
    pub(crate) trace_id: &'a str,
}

/// Locks a run's escrow, or opens an empty one. The run's row is locked.
pub(super) fn of_run(caller: &Caller, run: &OfRun) -> Outcome<Escrow> {
    if let Some(escrow) = lock(&caller.project_id, run.run_id)? {
        let is_its = escrow.agent_id == run.agent_id && escrow.platform_subject_id == run.platform_subject_id;
        // One that was inserted by hand would be charged to somebody else's limits.
        return if is_its { Ok(escrow) } else { fault(ErrorCode::BudgetGuarded) };
    }
    let mut escrow = Escrow::new(run.run_id, &caller.principal_id);
    escrow.run_id = Some(run.run_id);
    escrow.kind = "run".to_owned();
    escrow.agent_id = run.agent_id.to_owned();
    escrow.platform_subject_id = run.platform_subject_id.to_owned();
    escrow.trace_id = run.trace_id.to_owned();
    escrow.insert(&caller.project_id)?;
    Ok(escrow)
}

/// Ends what a run holds, with the run: calls that nobody has reported on are booked whole, the rest goes back.
pub(crate) fn close_run(caller: &Caller, run_id: Uuid) -> Outcome<()> {
    let Some(mut escrow) = lock(&caller.project_id, run_id)?.filter(|escrow| !escrow.is_closed) else { return Ok(()) };
    calls::expire_open(caller, &mut escrow)?;
    escrow.give_back(caller)?;
    escrow.outcome = Some("ended".to_owned());
    escrow.save(&caller.project_id)
}

/// The same for a run that goes back into the queue: the next worker begins with nothing, and this one charges no more.
pub(crate) fn park_run(caller: &Caller, run_id: Uuid) -> Outcome<()> {
    let Some(mut escrow) = lock(&caller.project_id, run_id)?.filter(|escrow| !escrow.is_closed) else { return Ok(()) };
    calls::expire_open(caller, &mut escrow)?;
    escrow.give_back(caller)?;
    let key = [caller.project_id.as_str().into(), pg_uuid(run_id).into()];
    let epoch = RUN_EPOCH.with(|s| s.row(&key, |row| column::<i32>(row, 1)))?;
    escrow.fence = epoch.unwrap_or_default() + 1;
    escrow.save(&caller.project_id)
}

/// Whether what a run holds can be given back without waiting for anybody.
pub(crate) fn can_close(project_id: &str, run_id: Uuid) -> Outcome<bool> {
    statements! {
        LANE: reading [TEXTOID, UUIDOID] =
            "select lane from awooop.budget_escrow where project_id = $1 and escrow_id = $2 and closed_at is null";
    }
    let key = [project_id.into(), pg_uuid(run_id).into()];
    let Some(lane) = LANE.with(|s| s.row(&key, |row| column::<i16>(row, 1)))? else { return Ok(true) };
    Ok(try_lock(project_id, run_id)?.is_some() && lanes::is_free(project_id, lane)?)
}
