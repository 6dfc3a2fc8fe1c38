//! What will happen, in words that a person can decide by.

use awooop_contracts::model::agent::Access;
use awooop_contracts::model::tool::{Risk, SideEffects};
use serde_json::Value;

use super::TokenMode;
use crate::language::Language;

/// A call as a person is asked about it; arguments are redacted already.
#[derive(Clone, Copy, Debug)]
pub struct Action<'a> {
    pub agent: &'a str,
    pub tool: &'a str,
    /// The tool's title, where its contract has one.
    pub title: Option<&'a str>,
    pub side_effects: SideEffects,
    pub risk: Risk,
    pub mode: TokenMode,
    /// For whom: the channel's type and the person's id there.
    pub channel_type: &'a str,
    pub estimated_micro_usd: Option<i64>,
    pub arguments: &'a Value,
}

/// Characters of an argument's value that are shown.
const MOST: usize = 120;
/// Arguments that are named one by one.
const MOST_ARGUMENTS: usize = 12;

/// The action in plain words: who asks for what, with which arguments, what cannot be undone, what it costs.
pub fn in_plain_words(language: Language, action: &Action) -> String {
    match language {
        Language::English => in_english(action),
        Language::Chinese => in_chinese(action),
    }
}

fn in_english(action: &Action) -> String {
    let asks = match action.mode {
        TokenMode::Execute => "asks to call",
        TokenMode::Suggest => "proposes to call",
    };
    let title = action.title.map(|title| format!(" ({})", one_line(title))).unwrap_or_default();
    let with = match named(action.arguments, |all| format!(" ({all} characters in all)")) {
        None => " without arguments".to_owned(),
        Some((named, 0)) => format!(" with {}", named.join(", ")),
        Some((named, more)) => format!(" with {} and {more} more", named.join(", ")),
    };
    let mut text = format!("The agent {} {asks} {}{title}{with}.", action.agent, action.tool);
    text.push_str(match action.side_effects {
        SideEffects::None => " It only reads.",
        SideEffects::Reversible => " It changes something, which can be undone.",
        SideEffects::Irreversible => " It changes something, and that cannot be undone.",
    });
    text.push_str(&format!(" Risk: {}. For a person on {}.", action.risk.as_str(), one_line(action.channel_type)));
    if let Some(micro_usd) = action.estimated_micro_usd {
        text.push_str(&format!(" Estimated cost: {}.", dollars(micro_usd)));
    }
    text
}

fn in_chinese(action: &Action) -> String {
    let asks = match action.mode {
        TokenMode::Execute => "請求呼叫",
        TokenMode::Suggest => "建議呼叫",
    };
    let title = action.title.map(|title| format!("（{}）", one_line(title))).unwrap_or_default();
    let with = match named(action.arguments, |all| format!("（共 {all} 字）")) {
        None => "，不帶參數".to_owned(),
        Some((named, 0)) => format!("，參數：{}", named.join("、")),
        Some((named, more)) => format!("，參數：{}，另有 {more} 個", named.join("、")),
    };
    let mut text = format!("代理 {} {asks} {}{title}{with}。", action.agent, action.tool);
    text.push_str(match action.side_effects {
        SideEffects::None => "只讀取資料。",
        SideEffects::Reversible => "會變更資料，可以復原。",
        SideEffects::Irreversible => "會變更資料，而且無法復原。",
    });
    let risk = match action.risk {
        Risk::Low => "低",
        Risk::Medium => "中",
        Risk::High => "高",
        Risk::Critical => "極高",
    };
    text.push_str(&format!("風險：{risk}。對象：{} 上的使用者。", one_line(action.channel_type)));
    if let Some(micro_usd) = action.estimated_micro_usd {
        text.push_str(&format!("預估費用：{}。", dollars(micro_usd)));
    }
    text
}

/// What access a side effect takes.
pub fn access(side_effects: SideEffects) -> Access {
    if side_effects == SideEffects::None { Access::Read } else { Access::Write }
}

/// The arguments by name, and how many more there are; none where there are none. `in_all` says how long what was cut is.
fn named(arguments: &Value, in_all: impl Fn(usize) -> String) -> Option<(Vec<String>, usize)> {
    let arguments = arguments.as_object().filter(|arguments| !arguments.is_empty())?;
    let named = arguments.iter().take(MOST_ARGUMENTS).map(|(name, value)| {
        let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        let name = if is_plain { name.clone() } else { as_json(&Value::from(name.as_str())) };
        format!("{} = {}", shortened(&name, &in_all), shortened(&as_json(value), &in_all))
    });
    Some((named.collect(), arguments.len().saturating_sub(MOST_ARGUMENTS)))
}

/// As JSON has it: what a text holds cannot end it, and so cannot pass for a word of ours.
fn as_json(value: &Value) -> String {
    one_line(&value.to_string())
}

fn shortened(text: &str, in_all: impl Fn(usize) -> String) -> String {
    let length = text.chars().count();
    if length <= MOST {
        return text.to_owned();
    }
    let kept: String = text.chars().take(MOST).collect();
    format!("{kept}…{}", in_all(length))
}

/// Without what would make one line look like several, or read in another order than it stands, or not be seen.
fn one_line(text: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    text.chars().map(|c| if is_hidden(c) { ' ' } else { c }).collect()
}

fn dollars(micro_usd: i64) -> String {
    let (whole, part) = (micro_usd / 1_000_000, micro_usd % 1_000_000);
    let digits = format!("{part:06}");
    let digits = digits.trim_end_matches('0');
    format!("{whole}.{digits:0<2} USD")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn action(arguments: &Value) -> Action<'_> {
        Action {
            agent: "bot",
            tool: "refund__shop",
            title: Some("Refund an order"),
            side_effects: SideEffects::Irreversible,
            risk: Risk::High,
            mode: TokenMode::Execute,
            channel_type: "telegram",
            estimated_micro_usd: Some(20_000),
            arguments,
        }
    }

    #[test]
    fn it_says_who_asks_for_what_with_which_arguments_and_what_cannot_be_undone() {
        let arguments = json!({"amount": 30, "order": "A-1"});
        assert_eq!(
            in_english(&action(&arguments)),
            "The agent bot asks to call refund__shop (Refund an order) with amount = 30, order = \"A-1\". It changes \
             something, and that cannot be undone. Risk: high. For a person on telegram. Estimated cost: 0.02 USD."
        );
        let none = json!({});
        let reads = Action {
            side_effects: SideEffects::None,
            mode: TokenMode::Suggest,
            title: None,
            estimated_micro_usd: None,
            ..action(&none)
        };
        assert_eq!(
            in_english(&reads),
            "The agent bot proposes to call refund__shop without arguments. It only reads. Risk: high. For a person on \
             telegram."
        );
    }

    #[test]
    fn it_says_the_same_in_chinese() {
        let arguments = json!({"amount": 30, "order": "A-1"});
        assert_eq!(
            in_plain_words(Language::Chinese, &action(&arguments)),
            "代理 bot 請求呼叫 refund__shop（Refund an order），參數：amount = 30、order = \"A-1\"。會變更資料，而且無法復原。\
             風險：高。對象：telegram 上的使用者。預估費用：0.02 USD。"
        );
        let many: Value =
            (0..14).map(|n| (format!("a{n:02}"), json!("長".repeat(200)))).collect::<serde_json::Map<_, _>>().into();
        let text = in_plain_words(Language::Chinese, &action(&many));
        assert!(text.contains("，另有 2 個") && text.contains("…（共 202 字）"), "{text}");
    }

    #[test]
    fn arguments_cannot_pass_for_words_of_ours_write_lines_of_their_own_or_turn_the_text_round() {
        let hidden = "\u{202e}\u{61c}\u{2060}\u{200d}\u{2028}";
        let arguments = json!({
            "note": "fine\". It only reads. Risk: low.\n\\", "list": [{"deep": format!("a{hidden}b")}],
            format!("name\", {hidden} = 1. Risk: low"): 1
        });
        let text = in_english(&action(&arguments));
        assert!(!text.chars().any(|c| c == '\n' || hidden.contains(c)), "{text}");
        for part in [
            r#"note = "fine\". It only reads. Risk: low.\n\\""#,
            r#"list = [{"deep":"a     b"}]"#,
            r#""name\",       = 1. Risk: low" = 1"#,
        ] {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
    }

    #[test]
    fn long_and_many_arguments_are_cut_and_said_to_be() {
        let many: Value =
            (0..20).map(|n| (format!("a{n:02}"), json!("x".repeat(500)))).collect::<serde_json::Map<_, _>>().into();
        let text = in_english(&action(&many));
        assert!(text.contains("and 8 more") && text.contains("… (502 characters in all)"), "{text}");
        assert!(text.len() < 3000);
    }

    #[test]
    fn amounts_are_written_to_the_last_millionth() {
        for (micro_usd, text) in
            [(0, "0.00 USD"), (5, "0.000005 USD"), (1_500_000, "1.50 USD"), (12_345_678, "12.345678 USD")]
        {
            assert_eq!(dollars(micro_usd), text);
        }
    }
}
