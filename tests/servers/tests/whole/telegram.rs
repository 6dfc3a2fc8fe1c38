//! What the platform writes is read by Telegram as it was meant: by another reader of the same documentation.

use awooop_mcp_servers::bot_api::entities::{self, Marked};
use awooop_policy::channel::text::{Limits, Rich};
use proptest::prelude::*;

fn kinds(marked: &Marked) -> Vec<(&str, &str)> {
    let units: Vec<u16> = marked.text.encode_utf16().collect();
    let text = |e: &entities::Entity| String::from_utf16(&units[e.offset..e.offset + e.length]).unwrap();
    marked.entities.iter().map(|e| (e.kind, &*Box::leak(text(e).into_boxed_str()))).collect()
}

#[test]
fn marks_mean_in_both_forms_what_they_meant_in_markdown() {
    let rich = Rich::from_markdown(
        "**Total:** 1.5 (*x* & y) 😀 [a](https://e.org/(q)?a=1&b=2)\n\n> quoted **well\n> again** so\n\n```py\na = `1` < 2\n```\n\n~~gone~~ `c\\`",
    );
    let expected = [
        ("bold", "Total:"),
        ("italic", "x"),
        ("text_link", "a"),
        ("blockquote", "quoted well\nagain so"),
        ("bold", "well\nagain"),
        ("pre", "a = `1` < 2"),
        ("strikethrough", "gone"),
        ("code", "c\\"),
    ];
    let html = entities::html(&rich.to_html()).unwrap();
    assert_eq!((kinds(&html), html.text.as_str()), (expected.to_vec(), rich.text()));
    let v2 = entities::markdown_v2(&rich.to_markdown_v2()).unwrap();
    // In MarkdownV2 a mark in a quotation ends with its line.
    let mut lines = expected.to_vec();
    lines.splice(4..5, [("bold", "well"), ("bold", "again")]);
    assert_eq!((kinds(&v2), v2.text.as_str()), (lines, rich.text()));
    assert_eq!(v2.entities[2].detail.as_deref(), Some("https://e.org/(q)?a=1&b=2"));
    assert_eq!(html.entities[2].detail, v2.entities[2].detail);
    assert_eq!(html.entities[5].detail.as_deref(), Some("py"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_an_agent_writes_arrives_as_it_reads(
        text in "([a-z]{1,8}|[*_`~<>&\\[\\]()#>.!|\\\\=+{}\"'-]{1,3}|\\*\\*|~~|```\n|> |- |😀|é|\n|\n\n| ){0,60}", html: bool, units in 8usize..60
    ) {
        let rich = if html { Rich::from_html(&text) } else { Rich::from_markdown(&text) };
        for part in rich.split(Limits { units, bytes: 4096, marks: 100 }) {
            let read = entities::html(&part.to_html());
            prop_assert_eq!(read.as_ref().map(|marked| marked.text.as_str()), Ok(part.text()), "{}", part.to_html());
            let by_line = part.text();
            if !html {
                let read = entities::markdown_v2(&part.to_markdown_v2());
                prop_assert_eq!(read.as_ref().map(|marked| marked.text.as_str()), Ok(by_line), "{}", part.to_markdown_v2());
            }
        }
    }
}
