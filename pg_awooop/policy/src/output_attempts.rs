//! What judging an output means, given what the journal holds of the run's outputs already.
//!
//! A run has three outputs that may be refused, whoever sends them: the count belongs to the run, so a worker that takes
//! over goes on counting. Accepted outputs use nothing up. A worker that lost an answer names the attempt that it asks
//! about, and gets the answer that was recorded.

/// The refused output with which the run fails.
pub const MAX_REFUSED: usize = 3;

/// Journal keys of the platform's own begin so; no worker's step may.
pub const RESERVED: &str = "awooop:";

/// Journal keys of outputs: this, and the number of the attempt.
pub const KEY_PREFIX: &str = "awooop:output/";

/// The journal key of an attempt.
pub fn step_key(attempt: usize) -> String {
    format!("{KEY_PREFIX}{attempt}")
}

/// An output that the journal holds; the first is attempt 1, and none is missing.
#[derive(Clone, Copy, Debug)]
pub struct Prior {
    pub accepted: bool,
    /// Whether it is the output that was sent now.
    pub same_request: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempting {
    /// Judge the output: it is a new attempt.
    Judge(Turn),
    /// Judge nothing; answer with what was recorded of this attempt.
    Replay(usize),
    /// Fault: the attempt of that number was another output.
    Conflict,
    /// Fault: attempts are numbered without gaps, and this is the highest number that can be named.
    Skips(usize),
}

/// A new attempt, before it is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    pub attempt: usize,
    refused: usize,
}

impl Turn {
    /// How many outputs of the run may be refused after this one; none is left where the run fails with it.
    pub const fn attempts_left(self, accepted: bool) -> usize {
        MAX_REFUSED.saturating_sub(self.refused + !accepted as usize)
    }
}

/// Decides what an output means that is sent as attempt `named`, or as a new one.
pub fn decide(prior: &[Prior], named: Option<usize>) -> Attempting {
    let next = prior.len() + 1;
    match named {
        Some(named) if named > next => Attempting::Skips(next),
        Some(named) if named < next => match named.checked_sub(1).and_then(|at| prior.get(at)) {
            Some(prior) if prior.same_request => Attempting::Replay(named),
            _ => Attempting::Conflict,
        },
        _ => Attempting::Judge(Turn { attempt: next, refused: prior.iter().filter(|prior| !prior.accepted).count() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One call of a worker: the text, whether it is a good one, and the number it gives.
    #[derive(Clone, Copy, Debug)]
    struct Call {
        text: u8,
        named: Option<usize>,
    }

    /// Texts below 2 are accepted.
    const fn is_good(text: u8) -> bool {
        text < 2
    }

    #[derive(Clone, Debug, PartialEq)]
    enum Told {
        Answer { attempt: usize, accepted: bool, attempts_left: usize },
        Conflict,
        Skips,
    }

    /// The rule as one would tell it: three lives, and a book of what was said.
    struct Model {
        lives: usize,
        book: Vec<(u8, Told)>,
    }

    impl Model {
        fn tell(&mut self, call: Call) -> Told {
            let next = self.book.len() + 1;
            let number = call.named.unwrap_or(next);
            if number > next {
                return Told::Skips;
            }
            if number < next {
                let (text, told) = &self.book[number - 1];
                return if *text == call.text { told.clone() } else { Told::Conflict };
            }
            if !is_good(call.text) {
                self.lives -= 1;
            }
            let told = Told::Answer { attempt: next, accepted: is_good(call.text), attempts_left: self.lives };
            self.book.push((call.text, told.clone()));
            told
        }
    }

    /// The journal, kept by what `decide` says.
    #[derive(Default)]
    struct Journal(Vec<(u8, Told)>);

    impl Journal {
        fn tell(&mut self, call: Call) -> Told {
            let prior: Vec<Prior> = self
                .0
                .iter()
                .map(|(text, _)| Prior { accepted: is_good(*text), same_request: *text == call.text })
                .collect();
            match decide(&prior, call.named) {
                Attempting::Judge(turn) => {
                    let accepted = is_good(call.text);
                    let attempts_left = turn.attempts_left(accepted);
                    let told = Told::Answer { attempt: turn.attempt, accepted, attempts_left };
                    self.0.push((call.text, told.clone()));
                    told
                }
                Attempting::Replay(attempt) => self.0[attempt - 1].1.clone(),
                Attempting::Conflict => Told::Conflict,
                Attempting::Skips(_) => Told::Skips,
            }
        }
    }

    fn call() -> impl Strategy<Value = Call> {
        (0..4u8, prop::option::of(1..8usize)).prop_map(|(text, named)| Call { text, named })
    }

    proptest! {
        #[test]
        fn every_sequence_of_calls_is_told_what_the_model_tells(calls in prop::collection::vec(call(), 0..40)) {
            let (mut model, mut journal) = (Model { lives: MAX_REFUSED, book: Vec::new() }, Journal::default());
            for call in calls {
                prop_assert_eq!(journal.tell(call), model.tell(call));
                if model.lives == 0 {
                    break;
                }
            }
            let refused = journal.0.iter().filter(|(text, _)| !is_good(*text)).count();
            prop_assert_eq!(refused, MAX_REFUSED - model.lives);
        }

        #[test]
        fn no_journal_and_no_number_make_it_panic(
            prior in prop::collection::vec((any::<bool>(), any::<bool>()), 0..9),
            named in prop::option::of(any::<usize>()),
        ) {
            let prior: Vec<Prior> =
                prior.into_iter().map(|(accepted, same_request)| Prior { accepted, same_request }).collect();
            if let Attempting::Judge(turn) = decide(&prior, named) {
                prop_assert!(turn.attempts_left(true) <= MAX_REFUSED);
            }
        }
    }

    #[test]
    fn the_third_refused_output_is_the_last() {
        let mut prior = Vec::new();
        for (accepted, attempts_left) in [(true, 3), (false, 2), (true, 2), (false, 1), (true, 1), (false, 0)] {
            let Attempting::Judge(turn) = decide(&prior, None) else { panic!("a new attempt is judged") };
            assert_eq!((turn.attempt, turn.attempts_left(accepted)), (prior.len() + 1, attempts_left));
            prior.push(Prior { accepted, same_request: true });
        }
    }

    #[test]
    fn keys_of_outputs_are_the_platforms_own() {
        assert_eq!(step_key(12), "awooop:output/12");
        assert!(KEY_PREFIX.starts_with(RESERVED));
    }
}
