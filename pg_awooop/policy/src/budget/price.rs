//! What usage costs.

use super::{Amount, MOST};

/// Micro-USD for a million tokens of each sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    pub input_micro_usd: i64,
    pub cached_micro_usd: i64,
    pub output_micro_usd: i64,
}

/// Tokens of one call: read, read from the provider's cache (and not counted among the first), produced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub input_tokens: i64,
    pub cached_tokens: i64,
    pub output_tokens: i64,
}

impl Usage {
    /// All of them.
    pub fn tokens(self) -> i64 {
        self.input_tokens.saturating_add(self.cached_tokens).saturating_add(self.output_tokens)
    }
}

impl Price {
    /// What the usage comes to: exact, and rounded up to the whole micro-USD once, so that many small calls are never
    /// free. Nothing where it is more than any budget holds.
    pub fn of(self, usage: Usage) -> Option<Amount> {
        let parts = [
            (usage.input_tokens, self.input_micro_usd),
            (usage.cached_tokens, self.cached_micro_usd),
            (usage.output_tokens, self.output_micro_usd),
        ];
        let millionths: i128 = parts.iter().map(|(tokens, price)| i128::from(*tokens) * i128::from(*price)).sum();
        let micro_usd = i64::try_from((millionths + 999_999) / 1_000_000).ok()?;
        let amount = Amount { tokens: usage.tokens(), micro_usd };
        amount.fits(Amount { tokens: MOST, micro_usd: MOST }).then_some(amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PRICE: Price = Price { input_micro_usd: 3_000_000, cached_micro_usd: 300_000, output_micro_usd: 15_000_000 };

    #[test]
    fn a_call_costs_what_the_price_list_says() {
        let usage = Usage { input_tokens: 1200, cached_tokens: 10_000, output_tokens: 350 };
        // 1200 × 3 + 10,000 × 0.3 + 350 × 15 micro-USD
        assert_eq!(PRICE.of(usage), Some(Amount { tokens: 11_550, micro_usd: 3600 + 3000 + 5250 }));
    }

    #[test]
    fn a_part_of_a_micro_dollar_is_a_whole_one() {
        let one = Usage { cached_tokens: 1, ..Usage::default() };
        assert_eq!(PRICE.of(one), Some(Amount { tokens: 1, micro_usd: 1 }));
        assert_eq!(PRICE.of(Usage::default()), Some(Amount::ZERO));
    }

    #[test]
    fn what_is_more_than_any_budget_is_no_amount() {
        let most = Usage { input_tokens: MOST, cached_tokens: MOST, output_tokens: MOST };
        assert_eq!(PRICE.of(most), None);
    }

    proptest! {
        #[test]
        fn no_usage_makes_it_panic_or_cheaper_by_being_split(
            a in 0..1_000_000i64, b in 0..1_000_000i64, price in 0..1_000_000_000_000i64
        ) {
            let price = Price { input_micro_usd: price, cached_micro_usd: 0, output_micro_usd: 0 };
            let cost = |tokens| price.of(Usage { input_tokens: tokens, ..Usage::default() }).map_or(i64::MAX, |a| a.micro_usd);
            prop_assert!(cost(a).saturating_add(cost(b)) >= cost(a + b));
        }
    }
}
