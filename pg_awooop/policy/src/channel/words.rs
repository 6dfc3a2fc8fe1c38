//! What the platform itself says to people, in the languages that it knows, where a channel's contract has no text of its own.

use awooop_contracts::model::channel::ChannelContract;
use awooop_contracts::words;

use crate::language::Language;

words! {
    /// Why people are told something.
    pub enum Occasion {
        /// A run takes long: the first time, and again.
        First = "first",
        Again = "again",
        /// It waits for a person.
        WaitingApproval = "waiting_approval",
        /// It came to nothing.
        Failed = "failed",
        TimedOut = "timed_out",
        /// There will be none.
        Refused = "refused",
    }
}

/// The text for an occasion: the contract's, else the platform's in this language (BCP 47), else in English.
pub fn text<'c>(contract: &'c ChannelContract, locale: &str, occasion: Occasion) -> &'c str {
    let texts = contract.feedback.as_ref().and_then(|feedback| feedback.texts.as_ref());
    let own = texts.and_then(|texts| match occasion {
        Occasion::First => texts.first.as_ref(),
        Occasion::Again => texts.again.as_ref(),
        Occasion::WaitingApproval => texts.waiting_approval.as_ref(),
        Occasion::Failed => texts.failed.as_ref(),
        Occasion::TimedOut => texts.timed_out.as_ref(),
        Occasion::Refused => texts.refused.as_ref(),
    });
    own.map_or_else(|| platforms(locale, occasion), |line| line.as_str())
}

fn platforms(locale: &str, occasion: Occasion) -> &'static str {
    match (Language::of(locale), occasion) {
        (Language::Chinese, Occasion::First) => "還在處理中，請稍候。",
        (Language::Chinese, Occasion::Again) => "仍在處理中。",
        (Language::Chinese, Occasion::WaitingApproval) => "已送交同仁確認，請稍候。",
        (Language::Chinese, Occasion::Failed) => "抱歉，這次沒有成功。",
        (Language::Chinese, Occasion::TimedOut) => "抱歉，處理逾時。",
        (Language::Chinese, Occasion::Refused) => "抱歉，目前無法為您服務。",
        (Language::English, Occasion::First) => "Still working on it; this takes a moment.",
        (Language::English, Occasion::Again) => "Still working on it.",
        (Language::English, Occasion::WaitingApproval) => "A colleague has to confirm this first.",
        (Language::English, Occasion::Failed) => "Sorry, that did not work out.",
        (Language::English, Occasion::TimedOut) => "Sorry, that took too long.",
        (Language::English, Occasion::Refused) => "Sorry, this cannot be answered here.",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_contracts_own_words_come_first_then_the_language_then_english() {
        let contract: ChannelContract =
            serde_json::from_value(json!({"kind": "channel", "contract_version": 1, "name": "a",
            "channel_type": "telegram", "outbound": {"identity": "x", "credential": "k8s://a/b/c"},
            "feedback": {"texts": {"failed": "No luck."}}}))
            .unwrap();
        assert_eq!(text(&contract, "zh-TW", Occasion::Failed), "No luck.");
        assert_eq!(text(&contract, "zh-Hant-TW", Occasion::Again), "仍在處理中。");
        assert_eq!(text(&contract, "de", Occasion::Again), "Still working on it.");
        for occasion in Occasion::ALL {
            assert!(!text(&contract, "", *occasion).is_empty());
        }
    }
}
