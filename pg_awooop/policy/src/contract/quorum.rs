//! Whose signatures count towards the activation of a revision, and whether they are enough.
//!
//! What counts is hands. A principal is a person or service with any number of credentials; principals that one of them
//! brought into being are that one's hands, so nobody becomes several by making keys. Of a hand one signature counts, of
//! an author's hand none.

use awooop_contracts::words;

use crate::keyring::{MacVerdict, State};

/// How many hands must agree before a policy says so.
pub const DEFAULT_APPROVERS: u64 = 2;
/// For how many days a signature counts before a policy says so.
pub const DEFAULT_SIGNATURE_DAYS: u64 = 30;

words! {
    /// Why a signature does not count.
    pub enum Discount {
        /// It is not what the platform signed.
        Forged = "forged",
        /// The platform's key that it was made with is not in the keyring.
        UnknownKey = "unknown_key",
        /// The platform's key that it was made with has been rotated out.
        RetiredKey = "retired_key",
        /// The signer's own credential was revoked, has expired or lost the scope.
        Credential = "credential",
        /// It is older than the policy allows.
        Expired = "expired",
        /// The signer has none of the roles that count.
        Role = "role",
        /// The signer is an author of the revision, or an author's hand.
        Author = "author",
        /// The same hand has signed already.
        SameHand = "same_hand",
    }
}

/// What an activation needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quorum {
    pub approvers: u64,
    /// Any of these; any at all where there are none, before a policy is active.
    pub roles: Option<Vec<String>>,
    pub signature_days: u64,
}

impl Default for Quorum {
    fn default() -> Self {
        Self { approvers: DEFAULT_APPROVERS, roles: None, signature_days: DEFAULT_SIGNATURE_DAYS }
    }
}

impl Quorum {
    /// Whether somebody with these roles may sign.
    pub fn admits(&self, roles: &[String]) -> bool {
        self.roles.as_ref().is_none_or(|wanted| roles.iter().any(|role| wanted.contains(role)))
    }
}

/// A signature, with all that decides whether it counts.
#[derive(Clone, Debug)]
pub struct Approval {
    /// Whom the signer counts as.
    pub hand: String,
    pub roles: Vec<String>,
    /// The signer's credential still allows it to sign.
    pub credential_lives: bool,
    pub age_seconds: i64,
    /// What the keyring says of it.
    pub mac: MacVerdict,
}

/// What came of counting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    pub counted: u64,
    pub needed: u64,
    /// For each signature why it does not count, in their order.
    pub discounts: Vec<Option<Discount>>,
}

impl Tally {
    /// Whether the signatures are enough.
    pub fn is_enough(&self) -> bool {
        self.counted >= self.needed
    }
}

/// Counts the signatures of a revision whose authors are these hands.
pub fn tally(quorum: &Quorum, authors: &[String], approvals: &[Approval]) -> Tally {
    let mut hands: Vec<&str> = Vec::new();
    let mut discounts = Vec::with_capacity(approvals.len());
    for approval in approvals {
        let discount = discount(quorum, authors, &hands, approval);
        if discount.is_none() {
            hands.push(&approval.hand);
        }
        discounts.push(discount);
    }
    Tally { counted: hands.len() as u64, needed: quorum.approvers.max(1), discounts }
}

fn discount(quorum: &Quorum, authors: &[String], counted: &[&str], approval: &Approval) -> Option<Discount> {
    const DAY: i64 = 86_400;
    match approval.mac {
        MacVerdict::Good(State::Retired) => return Some(Discount::RetiredKey),
        MacVerdict::Good(_) => {}
        MacVerdict::Bad => return Some(Discount::Forged),
        MacVerdict::UnknownKey => return Some(Discount::UnknownKey),
    }
    let hand = &approval.hand;
    if !approval.credential_lives {
        Some(Discount::Credential)
    } else if approval.age_seconds > i64::try_from(quorum.signature_days).unwrap_or(i64::MAX).saturating_mul(DAY) {
        Some(Discount::Expired)
    } else if !quorum.admits(&approval.roles) {
        Some(Discount::Role)
    } else if authors.contains(hand) {
        Some(Discount::Author)
    } else if counted.contains(&hand.as_str()) {
        Some(Discount::SameHand)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
