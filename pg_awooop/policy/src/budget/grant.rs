//! Whether a need fits into what every limit has left, and how much of it a lane gets beyond the need.

use super::{Amount, Bounds, Unit};

/// How far a need may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceiling {
    /// New work: the hard limits.
    Admission,
    /// What is under way: the burst as well.
    Flight,
}

/// A limit with what is used of it: spent, reserved and overrun together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Constraint {
    pub bounds: Bounds,
    pub used: Amount,
}

impl Constraint {
    /// What is left below the ceiling; nothing where more is used already.
    pub fn left(&self, ceiling: Ceiling) -> Amount {
        let cap = match ceiling {
            Ceiling::Admission => self.bounds.hard,
            Ceiling::Flight => self.bounds.flight,
        };
        cap.without(self.used)
    }
}

/// What a need lacks: the first limit that has no room for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lack {
    /// Which of the constraints.
    pub at: usize,
    pub unit: Unit,
    pub left: Amount,
}

/// What the need lacks, if it does not fit everywhere.
pub fn lack(constraints: &[Constraint], need: Amount, ceiling: Ceiling) -> Option<Lack> {
    constraints.iter().enumerate().find_map(|(at, constraint)| {
        let left = constraint.left(ceiling);
        let unit = Unit::ALL.into_iter().find(|unit| need.of(*unit) > left.of(*unit))?;
        Some(Lack { at, unit, left })
    })
}

/// The most that fits everywhere.
pub fn room(constraints: &[Constraint], ceiling: Ceiling) -> Amount {
    constraints.iter().fold(Amount::UNLIMITED, |room, constraint| room.at_most(constraint.left(ceiling)))
}

/// Whether `more` takes what is used past the soft limit, in one unit or the other.
pub fn soft_crossed(constraint: &Constraint, more: Amount) -> bool {
    let (before, after) = (constraint.used, constraint.used.plus(more));
    Unit::ALL.into_iter().any(|unit| {
        let soft = constraint.bounds.soft.of(unit);
        after.of(unit) >= soft && (after.of(unit) > before.of(unit) || before.of(unit) >= soft)
    })
}

/// Whether `more` takes what is used from below the soft limit to it or past it, in one unit or the other.
pub fn soft_reached(constraint: &Constraint, more: Amount) -> bool {
    let (before, after) = (constraint.used, constraint.used.plus(more));
    Unit::ALL.into_iter().any(|unit| {
        let soft = constraint.bounds.soft.of(unit);
        before.of(unit) < soft && soft <= after.of(unit)
    })
}

/// What is handed out beyond the need, of what nobody has: a part that shrinks with what is left, so that the last of it
/// is not scattered.
pub fn share(free: Amount, parts: i64) -> Amount {
    free.at_least(Amount::ZERO).scaled(parts)
}

impl Amount {
    fn scaled(self, parts: i64) -> Amount {
        Amount::by(|unit| self.of(unit) / parts.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn tokens(tokens: i64) -> Amount {
        Amount { tokens, micro_usd: 0 }
    }

    fn constraint(hard: i64, flight: i64, used: i64) -> Constraint {
        let bounds = Bounds {
            hard: Amount { tokens: hard, ..Amount::UNLIMITED },
            flight: Amount { tokens: flight, ..Amount::UNLIMITED },
            soft: Amount { tokens: hard / 2, ..Amount::UNLIMITED },
        };
        Constraint { bounds, used: tokens(used) }
    }

    #[test]
    fn what_is_under_way_may_use_the_burst_and_new_work_may_not() {
        let constraints = [constraint(100, 110, 95)];
        assert_eq!(lack(&constraints, tokens(5), Ceiling::Admission), None);
        let lacks = lack(&constraints, tokens(6), Ceiling::Admission).unwrap();
        assert_eq!((lacks.at, lacks.unit, lacks.left.tokens), (0, Unit::Tokens, 5));
        assert_eq!(lack(&constraints, tokens(15), Ceiling::Flight), None);
        assert!(lack(&constraints, tokens(16), Ceiling::Flight).is_some());
    }

    #[test]
    fn a_limit_that_was_lowered_below_what_is_used_admits_nothing() {
        let constraints = [constraint(10, 10, 50)];
        assert_eq!(lack(&constraints, tokens(0), Ceiling::Flight), None);
        assert_eq!(lack(&constraints, tokens(1), Ceiling::Flight).map(|lack| lack.left.tokens), Some(0));
    }

    #[test]
    fn the_soft_limit_is_crossed_where_it_is_reached() {
        assert!(!soft_crossed(&constraint(100, 100, 40), tokens(9)));
        assert!(soft_crossed(&constraint(100, 100, 40), tokens(10)));
        assert!(soft_crossed(&constraint(100, 100, 60), tokens(0)));
        assert!(!soft_reached(&constraint(100, 100, 40), tokens(9)));
        assert!(soft_reached(&constraint(100, 100, 40), tokens(10)));
        assert!(!soft_reached(&constraint(100, 100, 50), tokens(10)), "it was there before");
    }

    fn amount() -> impl Strategy<Value = Amount> {
        (0..2000i64, 0..2000i64).prop_map(|(tokens, micro_usd)| Amount { tokens, micro_usd })
    }

    fn some_constraint() -> impl Strategy<Value = Constraint> {
        (amount(), amount(), amount()).prop_map(|(hard, burst, used)| Constraint {
            bounds: Bounds { hard, flight: hard.plus(burst), soft: Amount::UNLIMITED },
            used,
        })
    }

    proptest! {
        #[test]
        fn what_is_admitted_keeps_every_limit_and_what_is_refused_breaks_one(
            constraints in prop::collection::vec(some_constraint(), 0..6), need in amount()
        ) {
            for ceiling in [Ceiling::Admission, Ceiling::Flight] {
                let breaks = |one: &Constraint| {
                    let cap = if ceiling == Ceiling::Admission { one.bounds.hard } else { one.bounds.flight };
                    Unit::ALL.into_iter().any(|u| need.of(u) > 0 && one.used.of(u) + need.of(u) > cap.of(u))
                };
                prop_assert_eq!(lack(&constraints, need, ceiling).is_some(), constraints.iter().any(breaks));
            }
        }

        #[test]
        fn the_room_is_the_most_that_fits(constraints in prop::collection::vec(some_constraint(), 1..6)) {
            let most = room(&constraints, Ceiling::Flight);
            prop_assert_eq!(lack(&constraints, most, Ceiling::Flight), None);
            for unit in Unit::ALL {
                let more = Amount::by(|u| most.of(u) + i64::from(u == unit));
                prop_assert!(lack(&constraints, more, Ceiling::Flight).is_some());
            }
        }
    }
}
