//! The life of a contract's revision, as one table.

use awooop_contracts::words;

words! {
    /// Where a revision stands.
    pub enum RevisionState {
        /// Can still be edited.
        Draft = "draft",
        /// Never changes again; waits for signatures.
        Published = "published",
        /// The platform acts by it; of each contract at most one.
        Active = "active",
        /// A later revision became active. It never becomes active again: its document can be drafted anew.
        Superseded = "superseded",
        /// Somebody stopped it, for good.
        Revoked = "revoked",
    }
}

use RevisionState::{Active, Draft, Published, Revoked, Superseded};

/// Everything that can happen to a revision.
pub const TRANSITIONS: &[(RevisionState, RevisionState)] = &[
    (Draft, Published),
    (Published, Active),
    (Published, Superseded),
    (Published, Revoked),
    (Active, Superseded),
    (Active, Revoked),
];

impl RevisionState {
    /// Whether a revision may go from this state to `to`.
    pub fn may_become(self, to: RevisionState) -> bool {
        TRANSITIONS.contains(&(self, to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_revision_comes_back_from_its_end_or_becomes_a_draft() {
        for &state in RevisionState::ALL {
            for end in [Superseded, Revoked] {
                assert!(!end.may_become(state), "{end:?} became {state:?}");
            }
            assert!(!state.may_become(Draft));
        }
        assert!(!Draft.may_become(Active), "what nobody published cannot be activated");
    }
}
