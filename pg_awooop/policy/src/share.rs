//! How projects share the places of a worker that serves them all.
//!
//! Each may hold three times as many as are free. Alone it gets three quarters of all, so whoever comes finds a place; the more
//! projects there are, the less each may hold. Nothing is set aside for anybody, and nobody keeps what they do not use.

use serde_json::Value;

use crate::argument::{Argument, Arguments, Kind};

/// The places of whoever claims.
pub const PLACES: Argument = Argument::optional(
    "places",
    Kind::Integer { min: 1, max: 10_000 },
    "null",
    "How many the worker holds at most, of all projects. Where it says so, one project gets no more of them than leaves some to others.",
);
/// Those of them that are taken.
pub const HOLDING: Argument =
    Argument::optional("holding", Kind::Counts, "{}", "How many it holds now, by project, where it says `places`.");

/// How many more one project gets of a claim's `most`.
pub fn of(arguments: &Arguments, project_id: &str, most: i64) -> i64 {
    let Some(places) = arguments.optional_integer("places").and_then(|places| u64::try_from(places).ok()) else {
        return most;
    };
    let holding = arguments.json("holding").as_object();
    let count = |count: &Value| count.as_f64().map_or(0, |count| count as u64);
    let taken = holding.map_or(0, |holding| holding.values().map(count).sum());
    let own = holding.and_then(|holding| holding.get(project_id)).map_or(0, count);
    most.min(i64::try_from(more(places, taken, own)).unwrap_or(most))
}

/// For one place that is free, so many may be held by one project.
const HELD_FOR_ONE_FREE: u64 = 3;

/// How many more a project gets that holds `held` of `places`, of which all projects together hold `taken`.
pub const fn more(places: u64, taken: u64, held: u64) -> u64 {
    let free = places.saturating_sub(taken);
    // So many that afterwards it holds at most three times what is left.
    let share = (HELD_FOR_ONE_FREE * free).saturating_sub(held) / (HELD_FOR_ONE_FREE + 1);
    if share == 0 && held == 0 && free > 0 { 1 } else { share }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn one_project_alone_gets_three_quarters_and_those_who_come_find_a_place() {
        assert_eq!((more(32, 0, 0), more(32, 24, 24)), (24, 0));
        let (mut taken, mut given) = (24, Vec::new());
        while more(32, taken, 0) > 0 {
            given.push(more(32, taken, 0));
            taken += more(32, taken, 0);
        }
        assert_eq!((given, taken), (vec![6, 1, 1], 32));
    }

    #[test]
    fn a_claim_gets_its_share_where_it_says_what_is_held() {
        let said = |said: Value| {
            let members = said.as_object().cloned().unwrap();
            Arguments::check(&[PLACES, HOLDING], members)
        };
        let share = |text: Value, project: &str| of(&said(text).unwrap(), project, 16);
        assert_eq!(share(json!({}), "a"), 16);
        assert_eq!(share(json!({"places": 12}), "a"), 9);
        assert_eq!(share(json!({"places": 12, "holding": {"a": 9}}), "a"), 0);
        assert_eq!(share(json!({"places": 12, "holding": {"a": 9.0}}), "b"), 2);
        assert_eq!(share(json!({"places": 1, "holding": {"a": 5}}), "b"), 0);
        for bad in [json!({"a": -1}), json!({"a": "1"}), json!({"a b": 1}), json!({"a": 0}), json!([1])] {
            let problem = said(json!({"places": 12, "holding": bad})).unwrap_err();
            assert_eq!(problem.code, ErrorCode::InputInvalid);
        }
    }

    #[test]
    fn the_only_place_is_anybodys() {
        assert_eq!((more(1, 0, 0), more(1, 1, 1), more(1, 1, 0)), (1, 0, 0));
        assert_eq!((more(2, 0, 0), more(2, 1, 1), more(2, 1, 0)), (1, 0, 1));
    }

    proptest! {
        #[test]
        fn nobody_gets_more_than_there_is_or_than_their_share(places in 1_u64..5000, taken in 0_u64..5000, own in 0_u64..5000) {
            let (taken, own) = (taken.min(places), own.min(taken).min(places));
            let more = more(places, taken, own);
            let free = places - taken;
            prop_assert!(more <= free);
            prop_assert!(own > 0 || free == 0 || more > 0, "whoever holds none gets one");
            prop_assert!(more == 0 || own + more <= 3 * (free - more) || (own, more) == (0, 1), "{more} more than {own}");
        }
    }
}
