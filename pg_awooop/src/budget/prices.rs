//! What models cost, from a time on. A price is never changed, so that a charge can be computed again.

use awooop_policy::argument::Arguments;
use awooop_policy::budget::Price;
use awooop_policy::error::{ErrorCode, Problem};

use super::terms;
use crate::audit;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault};
use crate::statement::{column, rfc3339, statements};

macro_rules! price_json {
    () => {
        concat!(
            "json_build_object('model', model, 'valid_from', ",
            rfc3339!("valid_from"),
            ", 'input_micro_usd', input_micro_usd, 'cached_micro_usd', cached_micro_usd,
               'output_micro_usd', output_micro_usd, 'changed_by', changed_by)::text"
        )
    };
}

statements! {
    AT: reading [TEXTOID, TEXTOID, TIMESTAMPTZOID] =
        "select input_micro_usd, cached_micro_usd, output_micro_usd,
                (extract(epoch from valid_from - timestamptz '2000-01-01 00:00:00+00') * 1000000)::int8
         from awooop.budget_price where project_id = $1 and model = $2 and valid_from <= $3
         order by valid_from desc limit 1";
    // Not in the past, and after the one before: what was charged is computed again by the price that was there.
    SET: writing [TEXTOID, TEXTOID, TEXTOID, INT8OID, INT8OID, INT8OID, TEXTOID] = concat!(
        "insert into awooop.budget_price (project_id, model, valid_from, input_micro_usd, cached_micro_usd,
                                          output_micro_usd, changed_by)
         select $1, $2, coalesce($3::timestamptz, t.at), $4, $5, $6, $7 from (select clock_timestamp() as at) t
         where coalesce($3::timestamptz, t.at) >= t.at - interval '1 second'
         on conflict (project_id, model, valid_from) do nothing
         returning ", price_json!());
    LIST: reading [TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID] = concat!(
        "select ", price_json!(), ", ", rfc3339!("valid_from"), " || ' ' || model
         from awooop.budget_price
         where project_id = $1 and ($2 is null or model = $2)
           and ($3 is null or model > $4 or model = $4 and valid_from < $3::timestamptz)
         order by model, valid_from desc limit $5");
}

/// The price of a model at a time, and since when it holds.
pub(super) fn at(project_id: &str, model: &str, time: i64) -> Outcome<Option<(Price, i64)>> {
    AT.with(|s| {
        s.row(&[project_id.into(), model.into(), terms::at(time)], |row| {
            let number = |n| column::<i64>(row, n);
            let price =
                Price { input_micro_usd: number(1)?, cached_micro_usd: number(2)?, output_micro_usd: number(3)? };
            Ok((price, number(4)?))
        })
    })
}

/// Sets a price. Nothing where it would begin in the past, or where one begins just then.
pub(super) fn put(caller: &Caller, model: &str, price: Price, valid_from: Option<&str>) -> Outcome<Option<String>> {
    let parameters = [
        caller.project_id.as_str().into(),
        model.into(),
        valid_from.into(),
        price.input_micro_usd.into(),
        price.cached_micro_usd.into(),
        price.output_micro_usd.into(),
        caller.principal_id.as_str().into(),
    ];
    let body = SET.with(|s| s.row(&parameters, |row| column::<String>(row, 1)))?;
    if body.is_some() {
        let entry = audit::Entry::default()
            .with("model", model)
            .with("input_micro_usd", price.input_micro_usd)
            .with("cached_micro_usd", price.cached_micro_usd)
            .with("output_micro_usd", price.output_micro_usd)
            .with("valid_from", valid_from);
        audit::done(caller, "price_set", entry)?;
    }
    Ok(body)
}

/// Operation `set_price`.
pub(crate) fn set(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let input_micro_usd = arguments.integer("input_micro_usd");
    let price = Price {
        input_micro_usd,
        cached_micro_usd: arguments.optional_integer("cached_micro_usd").unwrap_or(input_micro_usd),
        output_micro_usd: arguments.integer("output_micro_usd"),
    };
    match put(caller, arguments.text("model"), price, arguments.optional_text("valid_from"))? {
        Some(body) => Ok(Answer::created(body)),
        None => fault(
            Problem::from(ErrorCode::InputInvalid)
                .with("argument", "valid_from")
                .with("expected", "a time that is not past, and at which no other price of the model begins"),
        ),
    }
}

/// Operation `list_prices`.
pub(crate) fn list(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let cursor = arguments.optional_text("cursor").map(|cursor| cursor.split_once(' '));
    let (from, after) = match cursor {
        None => (None, None),
        Some(Some((from, model)))
            if from.len() == 27 && from.is_ascii() && from.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            (Some(from), Some(model))
        }
        Some(_) => return fault(ErrorCode::InputCursor),
    };
    if from.is_some_and(|from| !awooop_policy::argument::is_time(from)) {
        return fault(ErrorCode::InputCursor);
    }
    let limit = arguments.integer("page_size");
    let parameters = [
        caller.project_id.as_str().into(),
        arguments.optional_text("model").into(),
        from.into(),
        after.into(),
        (limit + 1).into(),
    ];
    let rows = LIST.with(|s| s.rows(&parameters, |row| Ok((column::<String>(row, 1)?, column::<String>(row, 2)?))))?;
    Ok(Answer::page(rows, limit))
}
