//! The amount that a caller names: outright, or as usage of a model that has a price.

use awooop_policy::argument::Arguments;
use awooop_policy::budget::{Amount, MOST, Usage};
use awooop_policy::error::{ErrorCode, Problem};

use super::prices;
use crate::fault::{Outcome, fault};

/// An amount, and what it was computed from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Priced<'a> {
    pub(super) amount: Amount,
    /// Whether somebody has said what it costs.
    pub(super) cost_known: bool,
    pub(super) model: Option<&'a str>,
    pub(super) usage: Option<Usage>,
    /// Since when the price holds, where it was computed from one.
    pub(super) price_from: Option<i64>,
}

/// The amount that the arguments name; nothing where they name none.
pub(super) fn named<'a>(project_id: &str, arguments: &'a Arguments, time: i64) -> Outcome<Option<Priced<'a>>> {
    let number = |name: &str| arguments.optional_integer(name);
    let (tokens, micro_usd) = (number("tokens"), number("micro_usd"));
    let (input, cached, output) = (number("input_tokens"), number("cached_tokens"), number("output_tokens"));
    let model = arguments.optional_text("model");
    let counted = [input, cached, output].iter().any(Option::is_some);
    let usage = counted.then(|| Usage {
        input_tokens: input.unwrap_or_default(),
        cached_tokens: cached.unwrap_or_default(),
        output_tokens: output.unwrap_or_default(),
    });
    if tokens.is_none() && micro_usd.is_none() && usage.is_none() {
        return if model.is_some() { contradiction("input_tokens, cached_tokens or output_tokens") } else { Ok(None) };
    }
    if let (Some(tokens), Some(usage)) = (tokens, usage)
        && tokens != usage.tokens()
    {
        return contradiction(
            "tokens to be the sum of input_tokens, cached_tokens and output_tokens, or to be left out",
        );
    }
    let all = tokens.or(usage.map(Usage::tokens)).unwrap_or_default();
    if all > MOST {
        return contradiction("at most 1,000,000,000,000,000 tokens");
    }
    let outright = |cost_known: bool| Priced {
        amount: Amount { tokens: all, micro_usd: micro_usd.unwrap_or_default() },
        cost_known,
        model,
        usage,
        price_from: None,
    };
    // What the provider says it cost comes before what the price list says.
    if micro_usd.is_some() {
        return Ok(Some(outright(true)));
    }
    let (Some(model), Some(usage)) = (model, usage) else { return Ok(Some(outright(all == 0))) };
    let Some((price, from)) = prices::at(project_id, model, time)? else { return Ok(Some(outright(false))) };
    match price.of(usage) {
        Some(amount) => Ok(Some(Priced { amount, price_from: Some(from), ..outright(true) })),
        None => contradiction("usage that costs less than 1,000,000,000 US dollars"),
    }
}

fn contradiction<T>(expected: &str) -> Outcome<T> {
    fault(Problem::from(ErrorCode::BudgetAmount).with("expected", expected))
}
