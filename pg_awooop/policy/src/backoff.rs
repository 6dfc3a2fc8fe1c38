//! How long a failed attempt of a run waits before the next.

/// Seconds to wait after attempt number `attempt` (from 1): 2, 4, 8, … up to five minutes.
///
/// Doubling keeps a broken dependency from being hammered; the cap keeps a run from being forgotten.
pub fn retry_after_seconds(attempt: i32) -> i32 {
    const CAP: i32 = 300;
    1i32.checked_shl(attempt.clamp(1, 16).unsigned_abs()).unwrap_or(CAP).min(CAP)
}

#[cfg(test)]
mod tests {
    use super::retry_after_seconds;

    #[test]
    fn waits_grow_and_are_capped() {
        assert_eq!([1, 2, 3, 9, 1000, -5].map(retry_after_seconds), [2, 4, 8, 300, 300, 2]);
    }
}
