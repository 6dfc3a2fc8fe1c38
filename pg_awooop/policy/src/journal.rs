//! What recording a step means, given what the journal holds of it already.
//!
//! A completed step never runs again: its recorded result is the answer. A step that an earlier attempt started and
//! never completed may or may not have had its effect; that is shown, not guessed.

/// The two entries a step can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The intent, recorded before an effect.
    Started,
    /// The result.
    Completed,
}

impl Phase {
    /// The phase's name in SQL and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Phase::Started => "started",
            Phase::Completed => "completed",
        }
    }

    /// The phase of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Phase::Started, Phase::Completed].into_iter().find(|phase| phase.as_str() == name)
    }
}

/// An entry the journal holds of the step.
#[derive(Clone, Copy, Debug)]
pub struct Prior {
    pub phase: Phase,
    /// The lease under which it was recorded.
    pub epoch: i32,
    /// Whether it was recorded with the request given now; true where either gave none.
    pub same_request: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// Append the entry.
    Append,
    /// Append nothing; answer with the prior entry at this index.
    Replay(usize),
    /// Append nothing; an earlier attempt started the step (prior entry at this index) and its outcome is unknown.
    Unknown(usize),
    /// Refuse: the key names another request.
    Conflict,
}

/// Decides what recording `phase` under lease `epoch` does.
pub fn decide(prior: &[Prior], phase: Phase, epoch: i32) -> Recording {
    if prior.iter().any(|entry| !entry.same_request) {
        return Recording::Conflict;
    }
    if let Some(completed) = prior.iter().position(|entry| entry.phase == Phase::Completed) {
        return Recording::Replay(completed);
    }
    match (phase, prior.iter().position(|entry| entry.phase == Phase::Started)) {
        // The same attempt asks twice, as after a lost answer: it knows itself whether it went on.
        (Phase::Started, Some(started)) if prior[started].epoch == epoch => Recording::Replay(started),
        (Phase::Started, Some(started)) => Recording::Unknown(started),
        (Phase::Started, None) | (Phase::Completed, _) => Recording::Append,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn entry(phase: Phase, epoch: i32) -> Prior {
        Prior { phase, epoch, same_request: true }
    }

    #[test]
    fn a_completed_step_is_replayed_whoever_asks_and_however() {
        let prior = [entry(Phase::Started, 1), entry(Phase::Completed, 1)];
        for phase in [Phase::Started, Phase::Completed] {
            for epoch in [1, 2] {
                assert_eq!(decide(&prior, phase, epoch), Recording::Replay(1));
            }
        }
    }

    #[test]
    fn an_effect_that_an_earlier_attempt_began_is_unknown_until_somebody_completes_it() {
        let prior = [entry(Phase::Started, 1)];
        assert_eq!(decide(&prior, Phase::Started, 2), Recording::Unknown(0));
        assert_eq!(decide(&prior, Phase::Started, 1), Recording::Replay(0));
        assert_eq!(decide(&prior, Phase::Completed, 2), Recording::Append);
    }

    #[test]
    fn a_step_key_names_one_request() {
        let prior = [Prior { same_request: false, ..entry(Phase::Completed, 1) }];
        assert_eq!(decide(&prior, Phase::Completed, 1), Recording::Conflict);
    }
}
