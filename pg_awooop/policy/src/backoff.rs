//! How long a failed attempt of a run waits before the next.

use awooop_contracts::model::shared::Retry;

/// Seconds to wait after attempt number `attempt` (from 1): the first delay, growing by so many percent with each further
/// attempt, up to a longest. Where a contract says nothing: 2, 4, 8, … up to five minutes.
///
/// Growth keeps a broken dependency from being hammered; the cap keeps a run from being forgotten.
pub fn retry_after_seconds(retry: &Retry, attempt: i32) -> i32 {
    let (cap, growth) = (retry.max_delay_seconds(), retry.growth_percent());
    let mut seconds = retry.first_delay_seconds();
    for _ in 1..attempt.clamp(1, 32) {
        if seconds >= cap {
            break;
        }
        seconds = seconds.saturating_mul(growth) / 100;
    }
    i32::try_from(seconds.min(cap)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits<const N: usize>(retry: &Retry, attempts: [i32; N]) -> [i32; N] {
        attempts.map(|attempt| retry_after_seconds(retry, attempt))
    }

    #[test]
    fn waits_grow_and_are_capped() {
        assert_eq!(waits(&Retry::default(), [1, 2, 3, 9, 1000, -5]), [2, 4, 8, 300, 300, 2]);
    }

    #[test]
    fn waits_are_those_of_the_contract() {
        let retry: Retry =
            serde_json::from_str(r#"{"first_delay_seconds": 10, "growth_percent": 150, "max_delay_seconds": 40}"#)
                .unwrap();
        assert_eq!(waits(&retry, [1, 2, 3, 4, 5, 20]), [10, 15, 22, 33, 40, 40]);
        let steady: Retry = serde_json::from_str(r#"{"first_delay_seconds": 7, "growth_percent": 100}"#).unwrap();
        assert_eq!(waits(&steady, [1, 2, 20]), [7, 7, 7]);
        let long: Retry =
            serde_json::from_str(r#"{"first_delay_seconds": 3600, "growth_percent": 1000, "max_delay_seconds": 60}"#)
                .unwrap();
        assert_eq!(waits(&long, [1, 2]), [60, 60]);
    }
}
