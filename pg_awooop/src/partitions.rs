//! Time partitions of the append-only tables.
//!
//! A partition is made whole before it is attached: row-level security enabled and forced, a policy, no grants, and a
//! TRUNCATE trigger of its own, for partitions inherit none of these. A DEFAULT partition takes what no month has, so
//! that a missing month never loses a row.

use pgrx::prelude::*;

use crate::fault::Outcome;
use crate::statement::column;

/// Tables partitioned by month.
const PARENTS: [&str; 4] = ["audit_log", "step_journal", "budget_ledger", "conversation_event"];
/// Months made ahead, this one included.
const MONTHS_AHEAD: i32 = 4;

/// Makes what is missing of the partitions from this month on. Runs as awooop_owner. Returns how many it made.
pub(crate) fn ensure() -> Outcome<i32> {
    let mut made = 0;
    for parent in PARENTS {
        made += make(&format!("{parent}_default"), parent, "default")?;
        for (name, bound) in months(parent)? {
            made += make(&name, parent, &bound)?;
        }
    }
    Ok(made)
}

/// Names and bounds of the coming months' partitions, months in UTC.
fn months(parent: &str) -> Outcome<Vec<(String, String)>> {
    let sql = "select format('%s_%s', $1, to_char(m, 'YYYY_MM')),
                      format('for values from (%L) to (%L)', m::text || '+00', (m + interval '1 month')::text || '+00')
               from generate_series(date_trunc('month', now() at time zone 'UTC'),
                                    date_trunc('month', now() at time zone 'UTC') + ($2 - 1) * interval '1 month',
                                    interval '1 month') m";
    Spi::connect(|client| {
        let mut table = client.select(sql, None, &[parent.into(), MONTHS_AHEAD.into()])?;
        let mut months = Vec::new();
        while table.next().is_some() {
            months.push((column::<String>(&table, 1)?, column::<String>(&table, 2)?));
        }
        Ok(months)
    })
}

fn make(name: &str, parent: &str, bound: &str) -> Outcome<i32> {
    let exists = Spi::connect(|client| {
        let table = client.select("select to_regclass('awooop.' || $1) is not null", Some(1), &[name.into()])?;
        table.first().get_one::<bool>()
    })?;
    if exists == Some(true) {
        return Ok(0);
    }
    // Names are made above from constants and digits. Two makers at once: the second fails on the name and its next
    // round finds the partition there.
    Spi::run(&format!(
        "create table awooop.{name} (like awooop.{parent} including all);
         alter table awooop.{name} enable row level security;
         alter table awooop.{name} force row level security;
         create policy tenant_isolation on awooop.{name}
             using (project_id = awooop.current_project_id()) with check (project_id = awooop.current_project_id());
         create trigger append_only_truncate before truncate on awooop.{name}
             for each statement execute function awooop.refuse_append_only();
         alter table awooop.{name} enable always trigger append_only_truncate;
         alter table awooop.{parent} attach partition awooop.{name} {bound};"
    ))?;
    Ok(1)
}
