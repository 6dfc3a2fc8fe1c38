//! Statements that are planned once a session: an unprepared one costs three times as much.

use std::cell::OnceCell;

use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::{Oid, PgOid};
use pgrx::prelude::*;
use pgrx::spi::{OwnedPreparedStatement, SpiTupleTable};

use crate::fault::Outcome;

/// One SQL statement with the types of its parameters.
pub(crate) struct Statement {
    sql: &'static str,
    types: &'static [Oid],
    writes: bool,
    plan: OnceCell<OwnedPreparedStatement>,
}

impl Statement {
    /// A statement that only reads: it works on a standby and assigns no transaction id.
    pub(crate) const fn reading(sql: &'static str, types: &'static [Oid]) -> Self {
        Self { sql, types, writes: false, plan: OnceCell::new() }
    }

    /// A statement that writes or locks.
    pub(crate) const fn writing(sql: &'static str, types: &'static [Oid]) -> Self {
        Self { sql, types, writes: true, plan: OnceCell::new() }
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
        if self.writes {
            Spi::connect_mut(|client| {
                let plan = match self.plan.get() {
                    Some(plan) => plan,
                    None => {
                        let plan = client.prepare_mut(self.sql, &self.oids())?.keep();
                        self.plan.get_or_init(|| plan)
                    }
                };
                Ok(read(client.update(plan, None, parameters)?)?)
            })
        } else {
            Spi::connect(|client| {
                let plan = match self.plan.get() {
                    Some(plan) => plan,
                    None => {
                        let plan = client.prepare(self.sql, &self.oids())?.keep();
                        self.plan.get_or_init(|| plan)
                    }
                };
                Ok(read(client.select(plan, None, parameters)?)?)
            })
        }
    }

    fn oids(&self) -> Vec<PgOid> {
        self.types.iter().map(|oid| PgOid::from(*oid)).collect()
    }
}

/// Declares the statements of a module; each is planned on first use and kept for the session.
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
