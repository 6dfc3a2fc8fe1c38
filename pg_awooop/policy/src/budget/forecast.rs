//! Where a rate leads: at the pace of the window so far, when is a limit reached?

/// What the pace so far comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// At the end of the window.
    pub total: i64,
    /// When the limit is reached, in microseconds since 1970; nothing where that is not within the window.
    pub exhausted_at: Option<i64>,
}

/// The forecast for a window from `start` to `end` (microseconds since 1970), `used` of `limit` at `now`.
pub fn forecast(start: i64, end: i64, now: i64, used: i64, limit: i64) -> Forecast {
    let elapsed = i128::from(now.clamp(start, end).saturating_sub(start)).max(1);
    let span = i128::from(end.saturating_sub(start));
    let total = i64::try_from((i128::from(used) * span / elapsed).max(i128::from(used))).unwrap_or(i64::MAX);
    let exhausted_at = if used >= limit {
        Some(now)
    } else if used <= 0 || total < limit {
        None
    } else {
        let at = i128::from(start) + elapsed * i128::from(limit) / i128::from(used);
        i64::try_from(at).ok().filter(|at| *at < end)
    };
    Forecast { total, exhausted_at }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: i64 = 86_400_000_000;

    #[test]
    fn at_this_rate_the_month_ends_on_the_21st() {
        // 10 of 20 in ten days of thirty: the limit is reached when twenty days are over.
        let found = forecast(0, 30 * DAY, 10 * DAY, 10, 20);
        assert_eq!(found, Forecast { total: 30, exhausted_at: Some(20 * DAY) });
    }

    #[test]
    fn a_limit_that_is_not_reached_within_the_window_has_no_day() {
        assert_eq!(forecast(0, 30 * DAY, 15 * DAY, 9, 20), Forecast { total: 18, exhausted_at: None });
        assert_eq!(forecast(0, 30 * DAY, 15 * DAY, 0, 20), Forecast { total: 0, exhausted_at: None });
        assert_eq!(forecast(0, 30 * DAY, 15 * DAY, 25, 20).exhausted_at, Some(15 * DAY));
    }

    proptest! {
        #[test]
        fn no_numbers_make_it_panic(
            start in any::<i64>(), end in any::<i64>(), now in any::<i64>(), used in any::<i64>(), limit in any::<i64>()
        ) {
            let (start, end) = (start.min(end), start.max(end));
            let found = forecast(start, end, now, used, limit);
            if let Some(at) = found.exhausted_at {
                prop_assert!(at <= end || used >= limit);
            }
        }
    }
}
