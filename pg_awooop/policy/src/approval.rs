//! Approvals: which calls need one, what a person is told, and the token that stands for it.
//!
//! An approval is of one call with its arguments, in one run. The token that it yields says so, and is used once.

pub mod jws;
pub mod need;
pub mod token;
pub mod words;

pub use need::{Call, Denial, Need, Terms, need, risk};
pub use token::{Binding, Claims, Issued, TokenMode};

use awooop_contracts::words;

words! {
    /// Where a request for approval stands.
    pub enum RequestState {
        /// People have to decide.
        Waiting = "waiting",
        /// Enough of them agreed, and nothing came of it yet.
        Approved = "approved",
        /// Its token was used.
        Used = "used",
        /// Its token ran out before it was used.
        Lapsed = "lapsed",
        /// Somebody refused.
        Rejected = "rejected",
        /// Nobody decided in time.
        Expired = "expired",
        /// The run ended while people had to decide.
        Cancelled = "cancelled",
    }
}
