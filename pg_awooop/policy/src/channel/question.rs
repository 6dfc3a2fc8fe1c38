//! What people in a chat are asked and told about a request for their approval.

use crate::approval::RequestState;
use crate::language::Language;

/// A request, as far as it is said.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What will happen, in plain words of the same language.
    pub summary: &'a str,
    pub state: RequestState,
    pub approved: i64,
    pub needed: i64,
    pub roles: Option<&'a [String]>,
}

/// The whole of it: what will happen, whose word counts, and where it stands.
pub fn text(locale: &str, asked: &Asked) -> String {
    let words = Words::of(locale);
    let roles = match asked.roles {
        Some(roles) if !roles.is_empty() => format!(" ({})", roles.join(", ")),
        _ => String::new(),
    };
    let needed = format!("{}{}/{}{roles}", words.needed, asked.approved, asked.needed);
    let state = match asked.state {
        RequestState::Waiting => words.waiting,
        RequestState::Approved | RequestState::Used | RequestState::Lapsed => words.approved,
        RequestState::Rejected => words.rejected,
        RequestState::Expired => words.expired,
        RequestState::Cancelled => words.cancelled,
    };
    format!("{}\n\n{needed}\n{state}", asked.summary)
}

/// What a button does.
pub fn button(locale: &str, approve: bool) -> &'static str {
    let words = Words::of(locale);
    if approve { words.approve } else { words.reject }
}

/// What whoever presses a button is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Approved,
    Rejected,
    /// It is not theirs to decide.
    NotYours,
    /// They have decided already.
    Twice,
    /// There is nothing to decide any more.
    Over,
    /// It takes a reason, which a button cannot give.
    Reason,
    /// It did not work; they may try again.
    Failed,
}

impl Told {
    pub fn text(self, locale: &str) -> &'static str {
        let words = Words::of(locale);
        match self {
            Told::Approved => words.you_approved,
            Told::Rejected => words.you_rejected,
            Told::NotYours => words.not_yours,
            Told::Twice => words.twice,
            Told::Over => words.over,
            Told::Reason => words.reason,
            Told::Failed => words.failed,
        }
    }
}

struct Words {
    needed: &'static str,
    waiting: &'static str,
    approved: &'static str,
    rejected: &'static str,
    expired: &'static str,
    cancelled: &'static str,
    approve: &'static str,
    reject: &'static str,
    you_approved: &'static str,
    you_rejected: &'static str,
    not_yours: &'static str,
    twice: &'static str,
    over: &'static str,
    reason: &'static str,
    failed: &'static str,
}

impl Words {
    fn of(locale: &str) -> &'static Words {
        match Language::of(locale) {
            Language::Chinese => &CHINESE,
            Language::English => &ENGLISH,
        }
    }
}

static ENGLISH: Words = Words {
    needed: "Approvals: ",
    waiting: "Nothing happens before enough people have approved.",
    approved: "Approved: it goes ahead.",
    rejected: "Rejected: it does not happen.",
    expired: "Nobody decided in time: it does not happen.",
    cancelled: "Withdrawn: it does not happen.",
    approve: "Approve",
    reject: "Reject",
    you_approved: "You approved.",
    you_rejected: "You rejected.",
    not_yours: "This is not yours to decide.",
    twice: "You have decided already.",
    over: "There is nothing to decide any more.",
    reason: "This takes a reason: decide where you can give one.",
    failed: "That did not work. Please try again.",
};

static CHINESE: Words = Words {
    needed: "核准：",
    waiting: "在足夠的人核准之前，不會執行。",
    approved: "已核准，將會執行。",
    rejected: "已拒絕，不會執行。",
    expired: "逾時無人決定，不會執行。",
    cancelled: "已撤回，不會執行。",
    approve: "核准",
    reject: "拒絕",
    you_approved: "您已核准。",
    you_rejected: "您已拒絕。",
    not_yours: "您沒有決定此事的權限。",
    twice: "您已經決定過了。",
    over: "此事已無需決定。",
    reason: "此事需要填寫理由，請到可填寫理由的地方決定。",
    failed: "沒有成功，請再試一次。",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_what_will_happen_whose_word_counts_and_where_it_stands() {
        let roles = ["lead".to_owned()];
        let asked = |state| Asked { summary: "The agent asks.", state, approved: 1, needed: 2, roles: Some(&roles) };
        let waiting = text("en", &asked(RequestState::Waiting));
        assert_eq!(
            waiting,
            "The agent asks.\n\nApprovals: 1/2 (lead)\nNothing happens before enough people have approved."
        );
        for state in [RequestState::Rejected, RequestState::Expired, RequestState::Cancelled] {
            assert!(text("en", &asked(state)).ends_with("does not happen."));
        }
        assert!(text("zh-TW", &asked(RequestState::Approved)).ends_with("已核准，將會執行。"));
        assert_eq!(Told::Over.text("de"), "There is nothing to decide any more.");
        assert_eq!((button("", true), button("zh", false)), ("Approve", "拒絕"));
    }
}
