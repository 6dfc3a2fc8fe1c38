//! The platform's ceiling lies in pots, over which sessions spread: which of them a need is drawn from.

use super::{Amount, Unit};

/// Pots of a window.
pub const POTS: i16 = 32;

/// A pot as it was seen; somebody may hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pot {
    pub pot: i16,
    pub free: Amount,
}

/// What all of them have.
pub fn total(pots: &[Pot]) -> Amount {
    pots.iter().fold(Amount::ZERO, |sum, pot| sum.plus(pot.free))
}

/// In which order to draw a need: the own pot first, so that sessions keep out of each other's way, then those that have
/// most of what is needed, so that few are held.
pub fn order(pots: &[Pot], own: i16, need: Amount) -> Vec<Pot> {
    // How often the need is in it, in thousandths; of a unit that nobody needs, any pot has enough.
    let times = |pot: &Pot| {
        let of = |unit| i128::from(pot.free.of(unit)) * 1000 / i128::from(need.of(unit).max(1));
        Unit::ALL.into_iter().filter(|unit| need.of(*unit) > 0).map(of).min().unwrap_or_default()
    };
    let mut order = pots.to_vec();
    // Those that have the same are begun at another one by each session.
    order.sort_by_key(|pot| (pot.pot != own, std::cmp::Reverse(times(pot)), (pot.pot - own).rem_euclid(POTS)));
    order
}

/// An amount spread evenly over these pots, to the unit.
pub fn spread(amount: Amount, over: &[i16]) -> Vec<Pot> {
    let parts = i64::try_from(over.len()).unwrap_or(i64::MAX).max(1);
    let part = |n: i64| Amount::by(|unit| amount.of(unit) / parts + i64::from(n < amount.of(unit) % parts));
    over.iter().zip(0..).map(|(pot, n)| Pot { pot: *pot, free: part(n) }).collect()
}

/// The pots of a window of which that much is left.
pub fn fresh(amount: Amount) -> Vec<Pot> {
    spread(amount, &(0..POTS).collect::<Vec<_>>())
}

/// Whether some pots have much more than others, so that whoever holds one keeps much from everybody.
pub fn are_uneven(pots: &[Pot]) -> bool {
    let total = total(pots);
    Unit::ALL.into_iter().any(|unit| {
        let most = pots.iter().map(|pot| pot.free.of(unit)).max().unwrap_or_default();
        most > 4 * (total.of(unit) / i64::from(POTS)).max(1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{MOST, UNLIMITED};
    use proptest::prelude::*;

    fn pot(pot: i16, tokens: i64) -> Pot {
        Pot { pot, free: Amount { tokens, micro_usd: 0 } }
    }

    #[test]
    fn the_own_pot_comes_first_and_then_those_that_have_most() {
        let pots = [pot(0, 5), pot(1, 1), pot(2, 9), pot(3, 5)];
        let found: Vec<i16> = order(&pots, 1, Amount { tokens: 3, micro_usd: 0 }).iter().map(|pot| pot.pot).collect();
        assert_eq!(found, [1, 2, 3, 0]);
    }

    #[test]
    fn what_nobody_needs_or_limits_decides_nothing() {
        let pot = |pot, tokens, micro_usd| Pot { pot, free: Amount { tokens, micro_usd } };
        let pots = [pot(0, 5, 1), pot(1, 9, 0), pot(2, 1, UNLIMITED / 32)];
        let first = |need| order(&pots, 9, need)[0].pot;
        assert_eq!(first(Amount { tokens: 3, micro_usd: 0 }), 1);
        assert_eq!(first(Amount { tokens: 3, micro_usd: 1 }), 0);
    }

    #[test]
    fn pots_are_uneven_when_one_has_what_others_lack() {
        assert!(!are_uneven(&fresh(Amount { tokens: 3200, micro_usd: 7 })));
        let mut pots = fresh(Amount { tokens: 0, micro_usd: 0 });
        assert!(!are_uneven(&pots));
        pots[3].free.tokens = 500;
        assert!(are_uneven(&pots));
        let level = spread(total(&pots), &(0..POTS).collect::<Vec<_>>());
        assert!(!are_uneven(&level) && total(&level) == total(&pots));
    }

    #[test]
    fn a_pot_of_what_nobody_limits_has_room_for_any_act() {
        for pot in fresh(Amount::UNLIMITED) {
            assert!(pot.free.tokens > 10 * MOST);
        }
        assert_eq!(total(&fresh(Amount::UNLIMITED)).tokens, UNLIMITED);
    }

    proptest! {
        #[test]
        fn what_is_split_adds_up_to_what_was_there(tokens in 0..MOST, micro_usd in 0..MOST) {
            let amount = Amount { tokens, micro_usd };
            let pots = fresh(amount);
            prop_assert_eq!(pots.len(), usize::from(POTS.unsigned_abs()));
            prop_assert_eq!(total(&pots), amount);
            prop_assert!(pots.iter().all(|pot| pot.free.tokens >= 0 && pot.free.micro_usd >= 0));
        }

        #[test]
        fn every_pot_is_in_the_order_once(own in 0..POTS, frees in prop::collection::vec(0..100i64, 32)) {
            let pots: Vec<Pot> = frees.iter().zip(0..).map(|(free, n)| pot(n, *free)).collect();
            let mut found: Vec<i16> = order(&pots, own, Amount { tokens: 5, micro_usd: 1 }).iter().map(|pot| pot.pot).collect();
            prop_assert_eq!(found[0], own);
            found.sort_unstable();
            prop_assert_eq!(found, (0..POTS).collect::<Vec<_>>());
        }
    }
}
