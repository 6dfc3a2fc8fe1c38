//! Amounts: tokens and money side by side, because a call uses both and each has limits of its own.

use serde_json::{Value, json};

/// The largest amount of one act or one limit: a thousand million dollars, or as many tokens.
pub const MOST: i64 = 1_000_000_000_000_000;

/// What stands for "no limit" where a number is needed: thousands of times [`MOST`], and sums of it stay in range.
pub const UNLIMITED: i64 = i64::MAX / 4;

/// What an amount is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Tokens,
    /// Millionths of a US dollar.
    MicroUsd,
}

impl Unit {
    pub const ALL: [Unit; 2] = [Unit::Tokens, Unit::MicroUsd];

    /// The unit's name in SQL and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Unit::Tokens => "tokens",
            Unit::MicroUsd => "micro_usd",
        }
    }
}

/// Tokens of a model, read and produced, and millionths of a dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    pub tokens: i64,
    pub micro_usd: i64,
}

impl Amount {
    pub const ZERO: Amount = Amount { tokens: 0, micro_usd: 0 };
    pub const UNLIMITED: Amount = Amount { tokens: UNLIMITED, micro_usd: UNLIMITED };

    /// The amount of one unit.
    pub const fn of(self, unit: Unit) -> i64 {
        match unit {
            Unit::Tokens => self.tokens,
            Unit::MicroUsd => self.micro_usd,
        }
    }

    /// An amount made unit by unit.
    pub fn by(each: impl Fn(Unit) -> i64) -> Amount {
        Amount { tokens: each(Unit::Tokens), micro_usd: each(Unit::MicroUsd) }
    }

    #[must_use]
    pub fn plus(self, other: Amount) -> Amount {
        Amount::by(|unit| self.of(unit).saturating_add(other.of(unit)))
    }

    /// What is left of it without the other; below nothing where that is more.
    #[must_use]
    pub fn minus(self, other: Amount) -> Amount {
        Amount::by(|unit| self.of(unit).saturating_sub(other.of(unit)))
    }

    /// The same, and nothing where the other is more.
    #[must_use]
    pub fn without(self, other: Amount) -> Amount {
        self.minus(other).at_least(Amount::ZERO)
    }

    #[must_use]
    pub fn at_least(self, other: Amount) -> Amount {
        Amount::by(|unit| self.of(unit).max(other.of(unit)))
    }

    #[must_use]
    pub fn at_most(self, other: Amount) -> Amount {
        Amount::by(|unit| self.of(unit).min(other.of(unit)))
    }

    /// Whether it fits into the other, in both units.
    pub const fn fits(self, other: Amount) -> bool {
        self.tokens <= other.tokens && self.micro_usd <= other.micro_usd
    }

    pub const fn is_zero(self) -> bool {
        self.tokens == 0 && self.micro_usd == 0
    }

    /// The two units as JSON; one that is not limited is null.
    pub fn to_json(self) -> Value {
        let shown = |amount: i64| if amount >= UNLIMITED / 2 { Value::Null } else { amount.into() };
        json!({"tokens": shown(self.tokens), "micro_usd": shown(self.micro_usd)})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_units_are_counted_apart() {
        let (held, used) = (Amount { tokens: 10, micro_usd: 5 }, Amount { tokens: 4, micro_usd: 7 });
        assert!(!used.fits(held) && !held.fits(used));
        assert_eq!(held.minus(used), Amount { tokens: 6, micro_usd: -2 });
        assert_eq!(held.without(used), Amount { tokens: 6, micro_usd: 0 });
        assert_eq!(held.plus(used), Amount { tokens: 14, micro_usd: 12 });
    }

    #[test]
    fn no_limit_is_null_and_no_sum_of_limits_overflows() {
        assert_eq!(Amount::UNLIMITED.to_json(), json!({"tokens": null, "micro_usd": null}));
        assert_eq!(Amount { tokens: MOST, micro_usd: 0 }.to_json(), json!({"tokens": MOST, "micro_usd": 0}));
        const { assert!(UNLIMITED / 2 > MOST * 1000 && UNLIMITED.checked_mul(3).is_some()) };
    }
}
