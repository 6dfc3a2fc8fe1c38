//! The guard of counters, lanes, escrows and reservations: this extension alone writes them, whoever has rights over the
//! tables. What is inserted otherwise, by a restore, must be counted in what is there already, so that no row brings
//! more than was granted; and it comes before the ledger and the limits of its project, as every dump has it. What a
//! project has spent or limited, nobody but the extension adds to.

use std::cell::Cell;

use awooop_policy::error::ErrorCode;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi::SpiTupleTable;

use crate::fault::{Outcome, or_raise, raise};
use crate::statement::{Statement, column, statements};

thread_local! {
    /// Whether this session is in a statement of ours. No setting: a superuser could set one.
    static OWN: Cell<bool> = const { Cell::new(false) };
}

/// Puts back what was before.
struct Before(bool);

impl Drop for Before {
    fn drop(&mut self) {
        OWN.with(|own| own.set(self.0));
    }
}

/// Runs a statement of the extension that writes guarded tables. An error that it raises unwinds through here.
pub(super) fn own<T>(
    statement: &'static std::thread::LocalKey<Statement>,
    parameters: &[DatumWithOid],
    map: impl Fn(&SpiTupleTable) -> Result<T, spi::Error>,
) -> Outcome<Vec<T>> {
    let _before = Before(OWN.with(|own| own.replace(true)));
    statement.with(|s| s.rows(parameters, map))
}

/// The same for the number of rows that it returned or, where it returns none, wrote.
pub(super) fn own_run(
    statement: &'static std::thread::LocalKey<Statement>,
    parameters: &[DatumWithOid],
) -> Outcome<usize> {
    let _before = Before(OWN.with(|own| own.replace(true)));
    statement.with(|s| s.run(parameters))
}

extension_sql!(
    r#"
-- Refuses what neither the extension writes nor a restore brings back. In C: it fires at every admission and charge.
create function awooop.guard_budget() returns trigger language c as 'MODULE_PATHNAME', 'awooop_guard_budget';
"#,
    name = "guard_budget"
);

#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C-unwind" fn pg_finfo_awooop_guard_budget() -> &'static pg_sys::Pg_finfo_record {
    const V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &V1
}

/// The C entry point of `awooop.guard_budget()`.
///
/// # Safety
/// PostgreSQL calls it as a trigger function, or with no context, which is refused.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn awooop_guard_budget(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: a node says what it is; only trigger data is read as such.
    unsafe {
        let context = (*fcinfo).context;
        if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_TriggerData {
            raise(&ErrorCode::BudgetGuarded.into());
        }
        let data = context.cast::<pg_sys::TriggerData>();
        let is_row = (*data).tg_event & pg_sys::TRIGGER_EVENT_ROW != 0;
        if !OWN.with(Cell::get) {
            let trigger = if is_row { PgTrigger::from_fcinfo(&*fcinfo).ok() } else { None };
            // What follows from the ledgers is counted anew, and not believed: no row, and no error, or no dump could be
            // restored.
            if trigger.as_ref().is_some_and(follows_from_ledgers) {
                return pg_sys::Datum::from(0usize);
            }
            if !trigger.is_some_and(|trigger| or_raise(is_counted(&trigger))) {
                raise(&ErrorCode::BudgetGuarded.into());
            }
        }
        if is_row { pg_sys::Datum::from((*data).tg_trigtuple) } else { pg_sys::Datum::from(0usize) }
    }
}

fn follows_from_ledgers(trigger: &PgTrigger) -> bool {
    trigger.table_name().is_ok_and(|table| table.starts_with("budget_platform_"))
}

statements! {
    // What a restore brings after counters, lanes and escrows.
    IN_USE: reading [TEXTOID] =
        "select exists (select from awooop.budget_limit where project_id = $1)
                or exists (select from awooop.budget_ledger where project_id = $1)";
    COUNTER: reading [TEXTOID, INT4OID] =
        "select coalesce((select c.counters >= $2 from awooop.budget_control c where c.project_id = $1), false)";
    LANE: reading [TEXTOID, INT4OID, INT8OID, INT8OID] =
        "select coalesce((select c.allotted_tokens >= $3 + coalesce(sum(l.granted_tokens), 0)
                                 and c.allotted_micro_usd >= $4 + coalesce(sum(l.granted_micro_usd), 0)
                          from awooop.budget_counter c
                          left join awooop.budget_counter_lane l
                                 on l.project_id = c.project_id and l.counter_id = c.counter_id
                          where c.project_id = $1 and c.counter_id = $2
                          group by c.allotted_tokens, c.allotted_micro_usd), false)";
    ESCROW: reading [TEXTOID, INT2OID, INT8OID, INT8OID] =
        "select $3 = 0 and $4 = 0
                or coalesce((select l.reserved_tokens >= $3 + coalesce(sum(e.granted_tokens), 0)
                                    and l.reserved_micro_usd >= $4 + coalesce(sum(e.granted_micro_usd), 0)
                             from awooop.budget_counter_lane l
                             left join awooop.budget_escrow e on e.project_id = l.project_id and e.lane = l.lane
                             where l.project_id = $1 and l.counter_id = 1 and l.lane = $2
                             group by l.reserved_tokens, l.reserved_micro_usd), false)";
    RESERVATION: reading [TEXTOID, UUIDOID, INT8OID, INT8OID] =
        "select coalesce((select e.reserved_tokens >= $3 + coalesce(sum(r.tokens), 0)
                                 and e.reserved_micro_usd >= $4 + coalesce(sum(r.micro_usd), 0)
                          from awooop.budget_escrow e
                          left join awooop.budget_reservation r
                                 on r.project_id = e.project_id and r.escrow_id = e.escrow_id and r.closed_at is null
                          where e.project_id = $1 and e.escrow_id = $2
                          group by e.reserved_tokens, e.reserved_micro_usd), false)";
}

/// Whether a row that is being inserted has its place in what is there.
fn is_counted(trigger: &PgTrigger) -> Outcome<bool> {
    let (Ok(PgTriggerOperation::Insert), Some(row), Ok(table)) = (trigger.op(), trigger.new(), trigger.table_name())
    else {
        return Ok(false);
    };
    let Some(project_id) = row.get_by_name::<String>("project_id").ok().flatten() else { return Ok(false) };
    let number = |name: &str| row.get_by_name::<i64>(name).ok().flatten().unwrap_or(i64::MAX / 2);
    let granted = [number("granted_tokens").into(), number("granted_micro_usd").into()];
    let asked = |statement: &'static std::thread::LocalKey<Statement>,
                 key: DatumWithOid,
                 amounts: [DatumWithOid; 2]| {
        let [tokens, micro_usd] = amounts;
        statement.with(|s| s.row(&[project_id.as_str().into(), key, tokens, micro_usd], |row| column::<bool>(row, 1)))
    };
    if table != "budget_reservation" {
        let in_use = IN_USE.with(|s| s.row(&[project_id.as_str().into()], |row| column::<bool>(row, 1)))?;
        if in_use != Some(false) {
            return Ok(false);
        }
    }
    let counter_id = || row.get_by_name::<i32>("counter_id").ok().flatten();
    let counted = match table.as_str() {
        "budget_control" => Some(true),
        "budget_counter" => {
            COUNTER.with(|s| s.row(&[project_id.as_str().into(), counter_id().into()], |row| column::<bool>(row, 1)))?
        }
        "budget_counter_lane" => asked(&LANE, counter_id().into(), granted)?,
        "budget_escrow" => asked(&ESCROW, row.get_by_name::<i16>("lane").ok().flatten().into(), granted)?,
        "budget_reservation" => {
            let is_open = row.get_by_name::<TimestampWithTimeZone>("closed_at").ok().flatten().is_none();
            let escrow_id = row.get_by_name::<pgrx::Uuid>("escrow_id").ok().flatten();
            match is_open {
                true => asked(&RESERVATION, escrow_id.into(), [number("tokens").into(), number("micro_usd").into()])?,
                false => Some(true),
            }
        }
        _ => None,
    };
    Ok(counted == Some(true))
}
