//! Retention of the ledger: a DBA detaches a month once everything that was opened in it has ended. What it had goes into
//! opening balances first, so that the counters still equal what the ledger says.

use awooop_policy::error::{ErrorCode, Problem};
use pgrx::prelude::*;
use serde_json::{Value, json};

use super::guard::own_run;
use crate::audit;
use crate::caller::{Caller, Login};
use crate::fault::{Outcome, fault, or_raise, raise};
use crate::statement::{column, statements};
use crate::tenant;

/// How long detaching may wait for transactions that use the ledger; meanwhile everybody else waits behind it.
const LOCK_TIMEOUT: &str = "2s";

statements! {
    FORGET: writing [TEXTOID, TEXTOID, TEXTOID] =
        "with gone as (
             delete from awooop.budget_escrow
             where project_id = $1 and opened_at >= $2::timestamptz and opened_at < $3::timestamptz
             returning escrow_id
         ), calls as (
             delete from awooop.budget_reservation r using gone g where r.project_id = $1 and r.escrow_id = g.escrow_id
         )
         select escrow_id from gone";
}

/// Detaches a month's partition of the ledger, such as `budget_ledger_2026_01`, whose month is over and of which nothing is
/// open any more. Its sums become opening balances; its runs' and reservations' escrows, which have ended, are forgotten. The
/// table stays; export it, drop it. A superuser's call. Returns `{"table", "projects": [{"project_id", "entries"}]}`.
#[pg_extern(volatile, parallel_unsafe)]
#[search_path(pg_catalog, pg_temp)]
fn detach_budget_partition(partition: Option<&str>) -> pgrx::JsonB {
    pgrx::JsonB(or_raise(detach(partition.unwrap_or_default())))
}

fn detach(table: &str) -> Outcome<Value> {
    // SAFETY: a catalogue look-up. A superuser's rights are needed: the rows of all projects are looked through.
    if !unsafe { pg_sys::superuser() } {
        return fault(ErrorCode::InstallSuperuser);
    }
    if tenant::current().is_some() {
        return fault(ErrorCode::TenantAlreadyBound);
    }
    let Some(owner) = Login::named("awooop_owner") else {
        return fault(Problem::from(ErrorCode::InstallRole).with("role", "awooop_owner"));
    };
    let Some((from, to)) = find(table)? else { return fault(ErrorCode::BudgetPartition) };
    lock_ledger()?;
    let open = count(
        "select count(*) from awooop.budget_escrow
         where closed_at is null and opened_at >= $1::timestamptz and opened_at < $2::timestamptz",
        &[from.as_str().into(), to.as_str().into()],
    )?;
    if open > 0 {
        return fault(Problem::from(ErrorCode::BudgetPartition).with("open", open));
    }
    let sums = Spi::connect_mut(|client| {
        // To the quarter of an hour: every time zone's days begin at one.
        let sql = format!(
            "with sums as (
                 insert into awooop.budget_opening (project_id, partition, agent_id, platform_subject_id, window_at, entries,
                        spent_tokens, spent_micro_usd, overrun_tokens, overrun_micro_usd)
                 select project_id, $1, agent_id, platform_subject_id,
                        date_bin('15 minutes', window_at, timestamptz '2000-01-01 00:00:00+00'), count(*),
                        sum(spent_tokens), sum(spent_micro_usd), sum(overrun_tokens), sum(overrun_micro_usd)
                 from awooop.{table}
                 group by 1, 2, 3, 4, 5
                 returning project_id, entries
             )
             select project_id, sum(entries)::int8 from sums group by 1 order by 1"
        );
        let mut found = client.update(sql.as_str(), None, &[table.into()])?;
        let mut sums = Vec::new();
        while found.next().is_some() {
            sums.push((column::<String>(&found, 1)?, column::<i64>(&found, 2)?));
        }
        Ok::<_, spi::Error>(sums)
    })?;
    owner.acting(|| {
        for (project_id, entries) in &sums {
            tenant::within(project_id, || {
                own_run(&FORGET, &[project_id.as_str().into(), from.as_str().into(), to.as_str().into()])?;
                let platform = Caller::platform(project_id, &format!("role:{}", Login::of_session().name()));
                let entry = audit::Entry::default().with("table", table).with("entries", *entries);
                audit::done(&platform, "ledger_detached", entry)
            })?;
        }
        // Detaching takes the triggers along that came from the parent.
        Ok(Spi::run(&format!(
            "alter table awooop.budget_ledger detach partition awooop.{table};
             create trigger append_only before update or delete on awooop.{table}
                 for each row execute function awooop.refuse_append_only();
             alter table awooop.{table} enable always trigger append_only;"
        ))?)
    })?;
    let projects: Vec<Value> =
        sums.iter().map(|(project_id, entries)| json!({"project_id": project_id, "entries": entries})).collect();
    Ok(json!({"table": table, "projects": projects}))
}

fn count(sql: &str, parameters: &[pgrx::datum::DatumWithOid]) -> Outcome<i64> {
    let found = Spi::connect(|client| client.select(sql, Some(1), parameters)?.first().get_one::<i64>())?;
    Ok(found.unwrap_or_default())
}

/// Keeps everybody out of the ledger, or gives up.
fn lock_ledger() -> Outcome<()> {
    let sql = format!(
        "set local lock_timeout = '{LOCK_TIMEOUT}';
         lock table awooop.budget_ledger in access exclusive mode;
         set local lock_timeout = default;"
    );
    // The transaction is lost with the error that is caught here; another one takes its place.
    PgTryBuilder::new(|| Spi::run(&sql))
        .catch_when(PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE, |_| raise(&ErrorCode::AuditBusy.into()))
        .execute()?;
    Ok(())
}

/// The ends of the attached partition of that name, if it is a month's and the month is over.
fn find(table: &str) -> Outcome<Option<(String, String)>> {
    let sql = "with bound as (
            select regexp_match(pg_catalog.pg_get_expr(c.relpartbound, c.oid),
                                'FROM \\(''([^'']+)''\\) TO \\(''([^'']+)''\\)') as ends
            from pg_catalog.pg_class c
            join pg_catalog.pg_inherits i on i.inhrelid = c.oid and i.inhparent = 'awooop.budget_ledger'::regclass
            where c.relnamespace = 'awooop'::regnamespace and c.relname = $1
              and c.relname ~ '^budget_ledger_[0-9]{4}_[0-9]{2}$'
        )
        select ends[1], ends[2] from bound where ends[2]::timestamptz <= pg_catalog.clock_timestamp()";
    Spi::connect(|client| {
        let mut found = client.select(sql, Some(1), &[table.into()])?;
        if found.next().is_none() {
            return Ok(None);
        }
        Ok(Some((column(&found, 1)?, column(&found, 2)?)))
    })
}
