//! What searching a text by a project's rules may cost. Work is counted, not timed, so that the same rules on the same
//! text end alike on every machine; a unit is a few nanoseconds.

use std::cell::Cell;

/// What every text may cost.
const FOR_A_TEXT: u64 = 100_000_000;
/// What it may cost besides for each byte. Fifty rules read a byte twice, and again once something has been replaced; the
/// rest is for finding.
const FOR_A_BYTE: u64 = 600;
/// Work between two looks at what the caller wants looked at.
const BETWEEN_LOOKS: u64 = 1_000_000;

/// The rules took more work than the text allows them; what they found is not all there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuchWork;

/// Counts the work of a project's rules on one text, and lets the caller look up from it now and then: to see whether
/// somebody wants it to stop.
pub struct Watch<'a> {
    left: Cell<u64>,
    until_look: Cell<u64>,
    exhausted: Cell<bool>,
    look: &'a dyn Fn(),
}

impl Watch<'static> {
    /// Without an end.
    pub fn unlimited() -> Self {
        Watch::with(u64::MAX, &|| {})
    }
}

impl<'a> Watch<'a> {
    /// Over the work on `text`; calls `look` every millisecond or so. `look` may unwind.
    pub fn over(text: &str, look: &'a dyn Fn()) -> Self {
        Watch::with(FOR_A_TEXT + FOR_A_BYTE * text.len() as u64, look)
    }

    pub(super) fn with(work: u64, look: &'a dyn Fn()) -> Self {
        Watch { left: Cell::new(work), until_look: Cell::new(BETWEEN_LOOKS), exhausted: Cell::new(false), look }
    }

    /// Says whether the work fitted in so far. Who finds something with this watch asks at the end.
    pub fn verdict(&self) -> Result<(), TooMuchWork> {
        if self.exhausted.get() { Err(TooMuchWork) } else { Ok(()) }
    }

    /// Notes that so much is being done; false where that is too much.
    pub(super) fn spend(&self, work: u64) -> bool {
        let left = self.left.get();
        if work > left {
            self.left.set(0);
            self.exhausted.set(true);
            return false;
        }
        self.left.set(left - work);
        match self.until_look.get().checked_sub(work) {
            Some(until_look) => self.until_look.set(until_look),
            None => {
                self.until_look.set(BETWEEN_LOOKS);
                (self.look)();
            }
        }
        true
    }
}
