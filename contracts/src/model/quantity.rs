//! Whole numbers with a unit and bounds. There are no fractions in a contract: money is in millionths of a dollar.

use std::fmt;

use serde::{Deserialize, Serialize};

/// More than anybody spends, and exact in every reader of JSON: a thousand million dollars, or as many tokens.
pub const MOST: u64 = 1_000_000_000_000_000;

/// A number lies outside its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfBounds {
    pub min: u64,
    pub max: u64,
}

impl fmt::Display for OutOfBounds {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "a whole number from {} to {}", self.min, self.max)
    }
}

impl std::error::Error for OutOfBounds {}

macro_rules! quantities {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "u64", into = "u64")]
        pub struct $name<const MIN: u64, const MAX: u64>(u64);

        impl<const MIN: u64, const MAX: u64> $name<MIN, MAX> {
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl<const MIN: u64, const MAX: u64> TryFrom<u64> for $name<MIN, MAX> {
            type Error = OutOfBounds;

            fn try_from(number: u64) -> Result<Self, OutOfBounds> {
                if (MIN..=MAX).contains(&number) { Ok(Self(number)) } else { Err(OutOfBounds { min: MIN, max: MAX }) }
            }
        }

        impl<const MIN: u64, const MAX: u64> From<$name<MIN, MAX>> for u64 {
            fn from(number: $name<MIN, MAX>) -> u64 {
                number.0
            }
        }
    )+};
}

quantities! {
    /// A number of things.
    Count
    /// A length of time in seconds.
    Seconds
    /// A length of time in days.
    Days
    /// A size in bytes.
    Bytes
    /// Hundredths.
    Percent
    /// Thousandths.
    Thousandths
    /// Money in millionths of a dollar.
    BoundedMicroUsd
    /// Tokens of a model.
    BoundedTokens
}

/// Money in millionths of a dollar.
pub type MicroUsd = BoundedMicroUsd<0, MOST>;
/// Tokens of a model, read and produced.
pub type Tokens = BoundedTokens<0, MOST>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_never_lies_outside_its_bounds() {
        assert_eq!(Seconds::<1, 600>::try_from(600).unwrap().get(), 600);
        assert_eq!(Seconds::<1, 600>::try_from(0), Err(OutOfBounds { min: 1, max: 600 }));
        assert!(MicroUsd::try_from(MOST + 1).is_err());
        const { assert!(MOST < crate::strict::MAX_EXACT_INTEGER) };
    }
}
