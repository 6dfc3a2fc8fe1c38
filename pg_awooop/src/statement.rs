//! Statements whose plans a session keeps: an unprepared one costs three times as much.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::{Oid, PgOid};
use pgrx::prelude::*;
use pgrx::spi::{OwnedPreparedStatement, SpiTupleTable};

use crate::fault::Outcome;

/// Executions that the first plan is kept for; each later one is kept for eight times as many.
const FIRST_EXECUTIONS: u64 = 64;
/// Microseconds that the first plan is kept; the n-th is kept n times as long, up to ten minutes.
const FIRST_AGE: i64 = 30_000_000;
const MOST_AGE: i64 = 600_000_000;

/// One SQL statement with the types of its parameters.
pub(crate) struct Statement {
    sql: &'static str,
    types: &'static [Oid],
    writes: bool,
    is_general: bool,
    plan: RefCell<Option<Plan>>,
    /// How many there were.
    plans: Cell<u32>,
}

/// A plan, and how long it is good for. A plan is made by the size that tables have at that time: one of a nearly empty table reads
/// all of it, or goes by any index, ever after. So it is made anew as a session goes on.
#[derive(Clone)]
struct Plan {
    prepared: Rc<OwnedPreparedStatement>,
    executions: Rc<Cell<u64>>,
    most_executions: u64,
    until: i64,
}

/// The session's settings that plans are made by; dropped, they are what they were. An error that PostgreSQL raises unwinds through
/// here.
struct SessionSettings {
    cache_mode: i32,
    bitmap_scans: bool,
    jit: bool,
}

impl SessionSettings {
    /// Puts ours in their place. No statement of ours is worth being compiled: that takes tenths of a second, and again in each
    /// session. Where one plan is for all parameters, what it finds by an index it finds by the index alone: a scan by way of a bitmap
    /// does not mark what it found to be dead, and a row that is updated all the time leaves much of that.
    fn put_aside(is_general: bool) -> Self {
        // SAFETY: settings of this process, which has one thread.
        unsafe {
            let before = SessionSettings {
                cache_mode: pg_sys::plan_cache_mode,
                bitmap_scans: pg_sys::enable_bitmapscan,
                jit: pg_sys::jit_enabled,
            };
            pg_sys::jit_enabled = false;
            if is_general {
                pg_sys::plan_cache_mode = pg_sys::PlanCacheMode::PLAN_CACHE_MODE_FORCE_GENERIC_PLAN as i32;
                pg_sys::enable_bitmapscan = false;
            }
            before
        }
    }
}

impl Drop for SessionSettings {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe {
            pg_sys::plan_cache_mode = self.cache_mode;
            pg_sys::enable_bitmapscan = self.bitmap_scans;
            pg_sys::jit_enabled = self.jit;
        }
    }
}

impl Plan {
    /// Counts one more execution. False where it is time for another plan.
    fn is_fresh(&self) -> bool {
        self.executions.set(self.executions.get() + 1);
        // SAFETY: reads the clock.
        self.executions.get() <= self.most_executions && unsafe { pg_sys::GetCurrentTimestamp() } < self.until
    }
}

impl Statement {
    /// A statement that only reads: it works on a standby and assigns no transaction id.
    pub(crate) const fn reading(sql: &'static str, types: &'static [Oid]) -> Self {
        Self { sql, types, writes: false, is_general: false, plan: RefCell::new(None), plans: Cell::new(0) }
    }

    /// The same where one plan is right for all parameters, and planning costs more than anything else: PostgreSQL would plan for
    /// the parameters each time.
    pub(crate) const fn reading_alike(sql: &'static str, types: &'static [Oid]) -> Self {
        Self { sql, types, writes: false, is_general: true, plan: RefCell::new(None), plans: Cell::new(0) }
    }

    /// A statement that writes or locks, with one plan for all parameters.
    pub(crate) const fn writing_alike(sql: &'static str, types: &'static [Oid]) -> Self {
        Self { sql, types, writes: true, is_general: true, plan: RefCell::new(None), plans: Cell::new(0) }
    }

    /// A statement that writes or locks.
    pub(crate) const fn writing(sql: &'static str, types: &'static [Oid]) -> Self {
        Self { sql, types, writes: true, is_general: false, plan: RefCell::new(None), plans: Cell::new(0) }
    }

    /// The plan to go by. It stays while somebody goes by it, whatever another execution within this one does.
    fn plan(&self, prepare: impl FnOnce() -> Result<OwnedPreparedStatement, spi::Error>) -> Outcome<Plan> {
        let known = self.plan.borrow().clone();
        if let Some(plan) = known.filter(Plan::is_fresh) {
            return Ok(plan);
        }
        let made = self.plans.get();
        self.plans.set(made.saturating_add(1));
        // SAFETY: reads the clock.
        let now = unsafe { pg_sys::GetCurrentTimestamp() };
        let plan = Plan {
            prepared: Rc::new(prepare()?),
            executions: Rc::new(Cell::new(1)),
            most_executions: FIRST_EXECUTIONS.saturating_mul(8_u64.saturating_pow(made)),
            until: now.saturating_add(FIRST_AGE.saturating_mul(i64::from(made) + 1).min(MOST_AGE)),
        };
        *self.plan.borrow_mut() = Some(plan.clone());
        Ok(plan)
    }

    /// Runs it and maps every row that it returns.
    pub(crate) fn rows<T>(
        &self,
        parameters: &[DatumWithOid],
        map: impl Fn(&SpiTupleTable) -> Result<T, spi::Error>,
    ) -> Outcome<Vec<T>> {
        self.execute(parameters, |mut table| {
            let mut rows = Vec::with_capacity(table.len());
            while table.next().is_some() {
                rows.push(map(&table)?);
            }
            Ok(rows)
        })
    }

    /// Runs it and maps the first row, if there is one.
    pub(crate) fn row<T>(
        &self,
        parameters: &[DatumWithOid],
        map: impl Fn(&SpiTupleTable) -> Result<T, spi::Error>,
    ) -> Outcome<Option<T>> {
        Ok(self.rows(parameters, map)?.into_iter().next())
    }

    /// Runs it for its effect, and counts the rows that it returned or, where it returns none, wrote.
    pub(crate) fn run(&self, parameters: &[DatumWithOid]) -> Outcome<usize> {
        self.execute(parameters, |table| Ok(table.len()))
    }

    fn execute<T>(
        &self,
        parameters: &[DatumWithOid],
        read: impl FnOnce(SpiTupleTable) -> Result<T, spi::Error>,
    ) -> Outcome<T> {
        let _before = SessionSettings::put_aside(self.is_general);
        if self.writes {
            Spi::connect_mut(|client| {
                let plan = self.plan(|| Ok(client.prepare_mut(self.sql, &self.oids())?.keep()))?;
                Ok(read(client.update(&*plan.prepared, None, parameters)?)?)
            })
        } else {
            Spi::connect(|client| {
                let plan = self.plan(|| Ok(client.prepare(self.sql, &self.oids())?.keep()))?;
                Ok(read(client.select(&*plan.prepared, None, parameters)?)?)
            })
        }
    }

    fn oids(&self) -> Vec<PgOid> {
        self.types.iter().map(|oid| PgOid::from(*oid)).collect()
    }
}

/// Declares the statements of a module; each is planned on first use, and its plan kept.
macro_rules! statements {
    ($( $(#[$meta:meta])* $name:ident: $kind:ident [$($oid:ident),* $(,)?] = $sql:expr; )*) => {
        thread_local! {
            $( $(#[$meta])* static $name: $crate::statement::Statement = const {
                $crate::statement::Statement::$kind($sql, &[$( pgrx::pg_sys::$oid ),*])
            }; )*
        }
    };
}
pub(crate) use statements;

/// A column that the statement never leaves NULL; where it does all the same, the type's default.
pub(crate) fn column<T: FromDatum + IntoDatum + Default>(row: &SpiTupleTable, ordinal: usize) -> Result<T, spi::Error> {
    Ok(row.get(ordinal)?.unwrap_or_default())
}

/// A UUID as PostgreSQL holds it.
pub(crate) fn pg_uuid(id: uuid::Uuid) -> pgrx::Uuid {
    pgrx::Uuid::from_bytes(*id.as_bytes())
}

/// A UUID column.
pub(crate) fn uuid_column(row: &SpiTupleTable, ordinal: usize) -> Result<uuid::Uuid, spi::Error> {
    Ok(row.get::<pgrx::Uuid>(ordinal)?.map(|id| uuid::Uuid::from_bytes(*id.as_bytes())).unwrap_or_default())
}

/// A UUID column that may be NULL.
pub(crate) fn optional_uuid_column(row: &SpiTupleTable, ordinal: usize) -> Result<Option<uuid::Uuid>, spi::Error> {
    Ok(row.get::<pgrx::Uuid>(ordinal)?.map(|id| uuid::Uuid::from_bytes(*id.as_bytes())))
}

/// SQL that prints a timestamptz column as RFC 3339 in UTC, whatever the session's time zone.
macro_rules! rfc3339 {
    ($column:literal) => {
        concat!("to_char(", $column, " at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
    };
}
pub(crate) use rfc3339;

/// SQL that counts a timestamptz column in microseconds since 2000, as PostgreSQL does; what is earlier is 0.
macro_rules! microseconds {
    ($column:literal) => {
        concat!(
            "(extract(epoch from greatest(",
            $column,
            ", timestamptz '2000-01-01 00:00:00+00') - timestamptz '2000-01-01 00:00:00+00') * 1000000)::int8"
        )
    };
}
pub(crate) use microseconds;
