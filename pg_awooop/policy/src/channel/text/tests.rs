use proptest::prelude::*;

use super::*;

fn html(markdown: &str) -> String {
    Rich::from_markdown(markdown).to_html()
}

#[test]
fn markdown_becomes_marked_lines() {
    assert_eq!(
        html("# Title\n\nSome *text* and **more**.\nNext line."),
        "<b>Title</b>\n\nSome <i>text</i> and <b>more</b>.\nNext line."
    );
    assert_eq!(html("- a\n- b\n  - c\n\n1. x\n2. y"), "• a\n• b\n  • c\n\n1. x\n2. y");
    assert_eq!(
        html("before\n\n```rust\nlet a = 1 < 2;\n```\nafter"),
        "before\n\n<pre><code class=\"language-rust\">let a = 1 &lt; 2;</code></pre>\n\nafter"
    );
    assert_eq!(html("> said\n> so\n\nthen"), "<blockquote>said\nso</blockquote>\n\nthen");
    assert_eq!(
        html("`a*b` ~~gone~~ [x](https://e.org/?a=1&b=\"2)"),
        "<code>a*b</code> <s>gone</s> <a href=\"https://e.org/?a=1&amp;b=&quot;2\">x</a>"
    );
    assert_eq!(html("| a | b |\n|---|---|\n| 1 | 2 |"), "a | b\n1 | 2");
    assert_eq!(
        html("<div>kept</div> & <b>as text</b>"),
        "&lt;div&gt;kept&lt;/div&gt; &amp; &lt;b&gt;as text&lt;/b&gt;"
    );
    assert_eq!(html("***both***"), "<i><b>both</b></i>");
    assert_eq!(html(""), "");
}

#[test]
fn markdown_v2_escapes_what_means_something_where_it_stands() {
    let v2 = |markdown: &str| Rich::from_markdown(markdown).to_markdown_v2();
    assert_eq!(v2("a_b 1.5 (x) **bold!** `c\\`"), "a\\_b 1\\.5 \\(x\\) *bold\\!* `c\\\\`");
    assert_eq!(v2("```py\na = `b`\n```"), "```py\na = \\`b\\`\n```");
    assert_eq!(v2("> a **b\n> c** d"), ">a *b*\n>*c* d");
    assert_eq!(v2("_a_*b* **c**__d__"), "_ab_ *cd*");
}

#[test]
fn html_of_chats_is_read_and_other_tags_are_text() {
    let read = |text: &str| Rich::from_html(text).to_html();
    for same in [
        "<b>a<i>b</i></b>",
        "<pre><code class=\"language-c\">x &lt; y</code></pre>",
        "<blockquote>q\nr</blockquote>",
        "<tg-spoiler>s</tg-spoiler>",
        "<u>u</u> <s>s</s>",
        "<a href=\"https://a/?b&amp;c\">l</a>",
    ] {
        assert_eq!(read(same), same);
    }
    assert_eq!(read("<STRONG>a</STRONG><br/>b &#x263A; &unknown; &"), "<b>a</b>\nb ☺ &amp;unknown; &amp;");
    assert_eq!(read("<script>x</script> 1 < 2 </b>"), "&lt;script&gt;x&lt;/script&gt; 1 &lt; 2 &lt;/b&gt;");
    assert_eq!(read("<b>open <i>both"), "<b>open <i>both</i></b>");
    assert_eq!(read("<b>a<i>b</b>c"), "<b>a<i>b</i></b>c");
    // Code is in no other mark but a quotation, and has none in it.
    assert_eq!(read("<b>a <code>b</code> c</b>"), "<b>a</b> <code>b</code> <b>c</b>");
    assert_eq!(read("<code>a <b>b</b></code>"), "<code>a b</code>");
    assert_eq!(read("<a href=\"https://a\"><code>x</code></a>"), "<a href=\"https://a\">x</a>");
}

const SMALL: Limits = Limits { units: 20, bytes: 4096, marks: 100 };

fn texts(parts: &[Rich]) -> Vec<&str> {
    parts.iter().map(Rich::text).collect()
}

#[test]
fn a_text_is_cut_where_a_reader_would_pause() {
    assert_eq!(texts(&Rich::plain("one two three four five six").split(SMALL)), ["one two three four", "five six"]);
    assert_eq!(
        texts(&Rich::plain("first one\n\nsecond one is here").split(SMALL)),
        ["first one", "second one is here"]
    );
    assert_eq!(
        texts(&Rich::plain("aaaaaaaaaaaaaaaaaaaaaaaaaaaaa").split(SMALL)),
        ["aaaaaaaaaaaaaaaaaaaa", "aaaaaaaaa"]
    );
    assert_eq!(texts(&Rich::plain("  \n ").split(SMALL)), Vec::<&str>::new());
}

#[test]
fn a_mark_is_cut_only_where_it_does_not_fit_and_is_on_both_parts_then() {
    let whole = Rich::from_html("01234567 <b>9 bold 12345</b> rest").split(SMALL);
    assert_eq!(whole.iter().map(Rich::to_html).collect::<Vec<_>>(), ["01234567", "<b>9 bold 12345</b> rest"]);
    let cut = Rich::from_html("<b>0123456789 0123456789 012</b>").split(SMALL);
    assert_eq!(cut.iter().map(Rich::to_html).collect::<Vec<_>>(), ["<b>0123456789</b>", "<b>0123456789 012</b>"]);
    let code = Rich::from_html("<pre>first line of it\n    second line</pre>").split(SMALL);
    assert_eq!(
        code.iter().map(Rich::to_html).collect::<Vec<_>>(),
        ["<pre>first line of it</pre>", "<pre>    second line</pre>"]
    );
}

#[test]
fn units_of_utf_16_are_counted_and_no_character_is_halved() {
    // Each is two units.
    let parts = Rich::plain(&"😀".repeat(15)).split(SMALL);
    assert_eq!(parts.iter().map(|part| part.text().chars().count()).collect::<Vec<_>>(), [10, 5]);
    // A family of four is one character for a reader: seven scalar values, eleven units.
    let family = "👨\u{200d}👩\u{200d}👧\u{200d}👦";
    let parts = Rich::plain(&family.repeat(3)).split(SMALL);
    assert!(parts.iter().all(|part| part.text() == family), "{:?}", texts(&parts));
    let bytes = Rich::plain("ääääääääää").split(Limits { bytes: 7, ..SMALL });
    assert!(bytes.iter().all(|part| part.text().len() <= 6 && !part.text().is_empty()));
}

#[test]
fn no_part_has_more_marks_than_it_may() {
    let text: String = (0..9).map(|n| format!("<b>{n}</b> ")).collect();
    let parts = Rich::from_html(&text).split(Limits { units: 4096, bytes: 4096, marks: 4 });
    assert_eq!(parts.iter().map(Rich::marks).collect::<Vec<_>>(), [4, 4, 1]);
}

fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nothing_is_too_long(
        text in "([a-z]{1,30}|[*_`~<>&\\[\\]()#>.!|\\\\-]{1,3}|😀|é|\u{200d}|\n| ){0,80}", units in 1usize..40, html: bool
    ) {
        let rich = if html { Rich::from_html(&text) } else { Rich::from_markdown(&text) };
        let parts = rich.split(Limits { units, bytes: 4096, marks: 5 });
        let together: String = parts.iter().map(|part| bare(part.text())).collect();
        prop_assert_eq!(together, bare(rich.text()));
        for part in &parts {
            prop_assert!(!part.text().is_empty());
            // One character is sent whole, however narrow it gets.
            prop_assert!(part.text().encode_utf16().count() <= units.max(2));
            prop_assert!(part.marks() <= 5);
            let _ = (part.to_html(), part.to_markdown_v2());
            for (n, span) in part.spans.iter().enumerate() {
                prop_assert!(span.range.start < span.range.end && span.range.end <= part.text.len());
                for inner in &part.spans[n + 1..] {
                    let apart = inner.range.start >= span.range.end;
                    prop_assert!(apart || inner.range.end <= span.range.end, "{:?}", part);
                }
            }
        }
    }
}
