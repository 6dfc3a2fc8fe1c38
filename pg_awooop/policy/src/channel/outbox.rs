//! Messages on their way out: what they are for, where each stands, and what becomes of one that was or was not sent.

use awooop_contracts::model::shared::Retry;
use awooop_contracts::words;

use crate::backoff::retry_after_seconds;
use crate::mode::MigrationMode;

words! {
    /// What is done to the chat.
    pub enum MessageKind {
        Send = "send",
        /// An earlier message is changed in place.
        Edit = "edit",
        /// An earlier message is taken back.
        Delete = "delete",
        /// A pressed button is answered.
        Acknowledge = "acknowledge",
    }
}

words! {
    /// What a message is for.
    pub enum Purpose {
        /// What a run came to.
        Answer = "answer",
        /// What somebody had queued.
        Message = "message",
        /// The platform's own: why nothing came of it.
        Notice = "notice",
        /// That it still goes on.
        Feedback = "feedback",
        /// A question to those who approve.
        Approval = "approval",
    }
}

impl Purpose {
    /// Whether it is what an agent or a tenant says, and not the platform.
    pub const fn is_theirs(self) -> bool {
        matches!(self, Self::Answer | Self::Message)
    }
}

words! {
    /// Where a message stands.
    pub enum MessageState {
        /// It waits for somebody to decide about it.
        Held = "held",
        /// It waits to be sent, or is just being sent.
        Queued = "queued",
        Sent = "sent",
        /// It could not be sent.
        Dead = "dead",
        /// It was not sent in time.
        Expired = "expired",
        /// It would have been sent, were the project not in shadow.
        Recorded = "recorded",
        /// Somebody decided against it, or there was nothing to do.
        Discarded = "discarded",
    }
}

words! {
    /// What a sender says of a message.
    pub enum Report {
        Sent = "sent",
        Later = "later",
        Failed = "failed",
        Refused = "refused",
    }
}

words! {
    /// What somebody says of a message that is held.
    pub enum Decision {
        Send = "send",
        Discard = "discard",
    }
}

/// How a message begins: sent from `active`, held in `suggest` where it is not the platform's own, and never sent from
/// `shadow`. `of_run` is the mode that its run was created in.
pub fn beginning(purpose: Purpose, project: MigrationMode, of_run: Option<MigrationMode>) -> MessageState {
    match of_run.map_or(project, |of_run| of_run.min(project)) {
        MigrationMode::LegacyAwoooiDefault | MigrationMode::Shadow => MessageState::Recorded,
        MigrationMode::Suggest if purpose.is_theirs() => MessageState::Held,
        MigrationMode::Suggest | MigrationMode::Active => MessageState::Queued,
    }
}

/// What becomes of a message that was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is tried again after so many seconds.
    Again(i32),
    Dead,
}

/// What a report that is not `sent` leads to. `attempts` counts this one, which a pause that the channel asks for makes none.
pub fn fate(report: Report, retry: &Retry, attempts: i32, retry_after: Option<i32>) -> Fate {
    let most = i32::try_from(retry.max_attempts()).unwrap_or(i32::MAX);
    match report {
        Report::Later => Fate::Again(retry_after.unwrap_or(1).max(1)),
        Report::Failed if attempts < most => {
            Fate::Again(retry_after_seconds(retry, attempts).max(retry_after.unwrap_or(0)))
        }
        Report::Sent | Report::Failed | Report::Refused => Fate::Dead,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_from_shadow_whichever_of_the_two_is() {
        use MigrationMode as Mode;
        for purpose in Purpose::ALL {
            for other in Mode::ALL {
                assert_eq!(beginning(*purpose, Mode::Shadow, Some(other)), MessageState::Recorded);
                let earlier = beginning(*purpose, other, Some(Mode::Shadow));
                assert_eq!(earlier, MessageState::Recorded);
            }
            assert_eq!(beginning(*purpose, Mode::Active, Some(Mode::Active)), MessageState::Queued);
            assert_eq!(beginning(*purpose, Mode::Active, None), MessageState::Queued);
        }
        assert_eq!(beginning(Purpose::Answer, Mode::Suggest, Some(Mode::Active)), MessageState::Held);
        assert_eq!(beginning(Purpose::Answer, Mode::Active, Some(Mode::Suggest)), MessageState::Held);
        assert_eq!(beginning(Purpose::Notice, Mode::Suggest, None), MessageState::Queued);
    }

    #[test]
    fn a_message_is_tried_as_often_as_the_contract_says_and_a_pause_is_no_attempt() {
        let retry: Retry = serde_json::from_str(r#"{"max_attempts": 3, "first_delay_seconds": 5}"#).unwrap();
        assert_eq!(fate(Report::Failed, &retry, 1, None), Fate::Again(5));
        assert_eq!(fate(Report::Failed, &retry, 2, Some(60)), Fate::Again(60));
        assert_eq!(fate(Report::Failed, &retry, 3, None), Fate::Dead);
        assert_eq!(fate(Report::Refused, &retry, 1, None), Fate::Dead);
        assert_eq!(fate(Report::Later, &retry, 99, Some(30)), Fate::Again(30));
        assert_eq!(fate(Report::Later, &retry, 99, Some(0)), Fate::Again(1));
    }
}
