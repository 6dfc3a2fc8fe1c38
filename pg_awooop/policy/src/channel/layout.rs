//! How a text is sent: in the parts and the form that its channel takes.

use awooop_contracts::model::channel::Format;
use awooop_contracts::words;
use serde_json::{Value, json};

use super::TELEGRAM;
use super::text::{Limits, Rich};

words! {
    /// What the receiver reads the text of a part as.
    pub enum ParseMode {
        Html = "HTML",
        MarkdownV2 = "MarkdownV2",
    }
}

/// The units of UTF-16 and the marks that one message of Telegram's may have (core.telegram.org/bots/api#sendmessage,
/// core.telegram.org/api/entities).
const TELEGRAM_UNITS: usize = 4096;
const TELEGRAM_MARKS: usize = 100;

/// One message as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub text: String,
    pub parse_mode: Option<ParseMode>,
}

impl Part {
    /// As the sender is given it.
    pub fn to_json(&self) -> Value {
        json!({"text": self.text, "parse_mode": self.parse_mode})
    }
}

/// The parts of a text that was written in `format`; none where there is nothing to say.
pub fn lay_out(channel_type: &str, format: Format, max_bytes: usize, text: &str) -> Vec<Part> {
    let is_telegram = channel_type == TELEGRAM;
    // Other channels get the text as it was written.
    let rich = match format {
        Format::Markdown if is_telegram => Rich::from_markdown(text),
        Format::Html if is_telegram => Rich::from_html(text),
        _ => Rich::plain(text),
    };
    let limits = if is_telegram {
        Limits { units: TELEGRAM_UNITS, bytes: max_bytes, marks: TELEGRAM_MARKS }
    } else {
        Limits { units: usize::MAX, bytes: max_bytes, marks: usize::MAX }
    };
    let part = |rich: Rich| match format {
        Format::Markdown if is_telegram && rich.marks() > 0 => {
            Part { text: rich.to_markdown_v2(), parse_mode: Some(ParseMode::MarkdownV2) }
        }
        Format::Html if is_telegram && rich.marks() > 0 => {
            Part { text: rich.to_html(), parse_mode: Some(ParseMode::Html) }
        }
        _ => Part { text: rich.text().to_owned(), parse_mode: None },
    };
    rich.split(limits).into_iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_marks_is_sent_as_it_is() {
        let part = |format, text| lay_out("telegram", format, 4096, text);
        let plain = |text: &str| vec![Part { text: text.into(), parse_mode: None }];
        assert_eq!(part(Format::Plain, "1 < 2 *a* <b>"), plain("1 < 2 *a* <b>"));
        assert_eq!(part(Format::Markdown, "1 < 2. Done!"), plain("1 < 2. Done!"));
        assert_eq!(part(Format::Html, "1 &lt; 2"), plain("1 < 2"));
        assert_eq!(part(Format::Plain, " \n\t"), Vec::new());
    }

    #[test]
    fn marked_text_is_sent_in_the_form_of_its_format() {
        let markdown = lay_out("telegram", Format::Markdown, 4096, "**Total:** 1.5 [here](https://a.b/(c))");
        assert_eq!(markdown[0].text, "*Total:* 1\\.5 [here](https://a.b/(c\\))");
        assert_eq!(markdown[0].parse_mode, Some(ParseMode::MarkdownV2));
        let html = lay_out("telegram", Format::Html, 4096, "<b>a &amp; b</b> <x>");
        assert_eq!(html[0].text, "<b>a &amp; b</b> &lt;x&gt;");
        let other = lay_out("webhook", Format::Markdown, 4096, "**a**");
        assert_eq!(other, [Part { text: "**a**".into(), parse_mode: None }]);
    }
}
