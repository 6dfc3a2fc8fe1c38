//! How fast messages may leave: at most `count` in any window, spread evenly, with a few at once.
//!
//! A generic cell rate: one time says it all, the earliest at which the next message has waited its turn. With a burst of B and
//! one every T after it, a window of length W never holds more than B + ceil(W/T) - 1, so T = W / (count - B + 1).

use awooop_contracts::model::shared::Rate;

const MICROSECONDS: i64 = 1_000_000;

/// A rate, ready to be kept to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Microseconds between two messages.
    interval: i64,
    /// How many microseconds a message may be before its turn: a burst less one, in intervals.
    tolerance: i64,
}

impl Pace {
    /// Every message in its turn: none at once with another.
    pub fn even(count: u64, window_seconds: u64) -> Self {
        Self::with_burst(count, window_seconds, 1)
    }

    /// The same with a quarter of them at once.
    pub fn bursting(count: u64, window_seconds: u64) -> Self {
        Self::with_burst(count, window_seconds, count / 4)
    }

    fn with_burst(count: u64, window_seconds: u64, burst: u64) -> Self {
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let (count, window) = (number(count).max(1), number(window_seconds).saturating_mul(MICROSECONDS));
        let burst = number(burst).clamp(1, count);
        // Rounded up: a window is never too full.
        let places = count - burst + 1;
        let interval = (window.saturating_add(places - 1) / places).max(1);
        Pace { interval, tolerance: interval.saturating_mul(burst - 1) }
    }

    /// When a message may leave that is wanted at `now`, and the turn of the one after it. `turn` is what the message before
    /// left behind; times are microseconds.
    pub fn next(self, turn: i64, now: i64) -> (i64, i64) {
        let turn = turn.max(now);
        let leaves = (turn - self.tolerance).max(now);
        (leaves, turn.saturating_add(self.interval))
    }
}

/// A rate of a contract, or these many in so many seconds.
pub fn terms(rate: Option<&Rate>, usual: (u64, u64)) -> (u64, u64) {
    rate.map_or(usual, |rate| (rate.count.get(), rate.window_seconds.get()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_even_pace_sends_one_an_interval() {
        let pace = Pace::even(30, 1);
        let (mut turn, mut times) = (0, Vec::new());
        for _ in 0..31 {
            let (leaves, next) = pace.next(turn, 1_000);
            turn = next;
            times.push(leaves);
        }
        assert_eq!((times[0], times[1] - times[0]), (1_000, 33_334));
        assert!(times[30] - times[0] >= 1_000_000);
    }

    #[test]
    fn a_burst_leaves_at_once_and_the_next_ones_in_their_turn() {
        let pace = Pace::bursting(20, 60);
        let (mut turn, mut times) = (0, Vec::new());
        for _ in 0..8 {
            let (leaves, next) = pace.next(turn, 5);
            turn = next;
            times.push(leaves);
        }
        assert_eq!(times[..5], [5; 5]);
        assert!(times[5] > 3_000_000 && times[6] - times[5] == 3_750_000);
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_its_rate(
            count in 1u64..60, window in 1u64..100, waits in proptest::collection::vec(0i64..3_000_000, 1..300), bursts: bool
        ) {
            let pace = if bursts { Pace::bursting(count, window) } else { Pace::even(count, window) };
            let (mut now, mut turn, mut times) = (0, 0, Vec::new());
            for wait in waits {
                now += wait;
                let (leaves, next) = pace.next(turn, now);
                prop_assert!(leaves >= now);
                turn = next;
                times.push(leaves);
            }
            let width = i64::try_from(window).unwrap() * MICROSECONDS;
            for (n, start) in times.iter().enumerate() {
                let held = times[n..].iter().filter(|time| **time < start + width).count();
                prop_assert!(held as u64 <= count, "{held} in a window");
            }
        }
    }
}
