//! Rules: what they find, where they do not look, and what they may cost.

use super::*;
use crate::redact::Redactor;

fn find(shape: &str, text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    CustomRule::new("own", Family::Secret, &[], shape).unwrap().find(text, &Watch::unlimited(), &mut found);
    found.into_iter().map(|finding| (finding.range.start, finding.range.end)).collect()
}

#[test]
fn a_finding_is_found_wherever_the_windows_end() {
    for before in [0, 1, 499, 500, 501, 990, 999, 1000, 1001, 1499, 5000] {
        let text = format!("{}EMP-123456 {}", "é ".repeat(before), "x".repeat(3000));
        let start = 3 * before;
        assert_eq!(find("EMP-[0-9]{6}", &text), [(start, start + 10)], "after {before}");
        let long = format!("{}EMP-{} end", " ".repeat(before), "7".repeat(20_000));
        assert_eq!(find("EMP-[0-9]+", &long), [(before, before + 20_004)], "after {before}");
    }
}

#[test]
fn the_ends_of_a_window_are_not_the_ends_of_the_text() {
    assert_eq!(find("x$", &"x".repeat(3000)), [(2999, 3000)]);
    assert_eq!(find("^x", &"x".repeat(3000)), [(0, 1)]);
    assert!(find(r"\bab\b", &"ab".repeat(1500)).is_empty());
}

#[test]
fn a_shape_that_looks_to_the_end_for_each_finding_does_not_look_far() {
    let text = "a".repeat(1 << 14);
    assert_eq!(find("a.*b|a", &text).len(), 1 << 14);
}

/// Dear in spite of its looks: almost every character leads to a state of its own.
const DEAR: &str = "(?:[a-e][a-j]{1,200}){2}[0-9A-Z]";

fn rule(shape: &str) -> CustomRule {
    CustomRule::new("own", Family::Secret, &[], shape).unwrap()
}

fn letters(length: usize) -> String {
    let mut state: u32 = 7;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'a' + (state >> 24) as u8 % 10)
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn a_search_by_states_finds_what_the_regex_crate_finds() {
    let texts = [
        "order EW-123456 of 王, EW-7; x EW-000001",
        "訂單EW-123456、EW-654321。\nab cab ab",
        "aaaa\nbbbb\r\n\taab é ÉÈ ß",
        "",
        "é",
        "k=v; k2=\"v w\" k3='x'",
    ];
    let shapes = [
        "EW-[0-9]{6}",
        r"\bab\b",
        r"\w+",
        "(?i)É+",
        "a+?b",
        "(?m)^b+$",
        "^order",
        "x$",
        "[^ ]+",
        "(a|ab)(c|bcd)?",
        r"\Bb",
        "(?s).+",
        "k[0-9]?=(\"[^\"]*\"|'[^']*'|[^ ;]+)",
        "單|王",
        r"(?-u:\b)EW",
        "b*?a",
        r"\p{Lu}-",
        "z|",
    ];
    for shape in shapes {
        let Ok(rule) = CustomRule::new("own", Family::Secret, &[], shape) else {
            assert!(regex::Regex::new(shape).unwrap().is_match(""), "{shape}");
            continue;
        };
        for text in texts {
            let mut found = Vec::new();
            rule.find(text, &Watch::unlimited(), &mut found);
            let found: Vec<_> = found.into_iter().map(|finding| finding.range).collect();
            let expected = regex::Regex::new(shape).unwrap();
            let expected: Vec<_> = expected.find_iter(text).map(|m| m.range()).filter(|r| !r.is_empty()).collect();
            assert_eq!(found, expected, "{shape} on {text}");
        }
    }
}

#[test]
fn nothing_is_found_in_or_across_a_marker() {
    for (shape, text, expected) in [
        ("E.*", "x [REDACTED:email] y", vec![]),
        ("[A-Z].*", "ab [REDACTED:email] Cd [REDACTED:phone#2] e", vec![(20, 23)]),
        ("y.*z", "y [REDACTED:email] z", vec![]),
        ("y.*", "y1 [REDACTED:email] z", vec![(0, 3)]),
        (".+", "a[REDACTED:email]b", vec![(0, 1), (17, 18)]),
        ("REDACTED|email", "REDACTED [REDACTED:email]email", vec![(0, 8), (25, 30)]),
        // What only begins like a marker is text.
        ("E.*", "[REDACTED:nothing]", vec![(2, 18)]),
        // Look-around sees what stands there: a marker's bracket is no letter, and no end.
        (r"\bb", "a[REDACTED:email]b", vec![(17, 18)]),
        ("^b", "a[REDACTED:email]b", vec![]),
        ("a$", "a[REDACTED:email]b", vec![]),
    ] {
        assert_eq!(find(shape, text), expected, "{shape} on {text}");
    }
}

#[test]
fn a_keyword_in_a_marker_is_none() {
    let rule = CustomRule::new("own", Family::Secret, &["email".to_owned()], "x+").unwrap();
    for (text, findings) in [("xx [REDACTED:email]", 0), ("xx email", 1), ("email [REDACTED:email] xx", 1)] {
        let mut found = Vec::new();
        rule.find(text, &Watch::unlimited(), &mut found);
        assert_eq!(found.len(), findings, "{text}");
    }
}

#[test]
fn shapes_that_eat_their_own_markers_come_to_an_end() {
    for shape in ["E.*", "[A-Z].*", ".+", "[A-Z:\\[\\]]+", "REDACTED.*", "."] {
        let redactor = Redactor::default().with_rules(vec![rule(shape)]);
        let once = redactor.redact("EWE [REDACTED:email] Ada ada@example.com").into_owned();
        assert_eq!(redactor.redact(&once), once, "{shape}");
        assert!(once.contains("[REDACTED:email]"), "{shape}: {once}");
    }
}

#[test]
fn a_rule_that_is_dear_is_found_out_before_it_is_kept() {
    for shape in [
        DEAR,
        "(?:[a-e][a-j]{1,200}){2}[0-9A-Z]?",
        "(?:[A-E][A-J]{1,200}){2}[0-9]",
        "[0-4][0-9]{200}x",
        "(?:.*[a-e]){3}.{80}!",
        r"\b(?:[a-e][a-j]{1,200}){2}[0-9A-Z]\b",
        "a.*b|a",
    ] {
        assert_eq!(rule(shape).measure(), Err(TooMuchWork), "{shape}");
    }
}

#[test]
fn a_rule_in_earnest_is_cheap() {
    for shape in [
        "EW-[0-9]{6}",
        r"\bEMP-[0-9]{6}\b",
        r"(?i)\b(order|invoice)\s*(no|number)?[.:# ]*[0-9A-Z]{6,20}\b",
        r"[A-Z]{2}[0-9]{2}[ ]?(?:[0-9A-Z]{4}[ ]?){3,7}",
        r"\w{3,20}-\d{4}",
        r"[\p{Han}]{2,4}(先生|小姐)",
        r"訂單編號[:：]\s*\S+",
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        r"(?s)BEGIN NOTE.*?END NOTE",
        r"acct_[A-Za-z0-9]{16,64}",
        ".",
        ".*x",
        r"(?i)(?-u:\b)(?:name|address|地址)[^\n]{0,80}",
    ] {
        assert_eq!(rule(shape).measure(), Ok(()), "{shape}");
    }
}

#[test]
fn a_text_allows_so_much_work_and_then_there_is_no_answer() {
    let text = letters(100_000);
    let redactor = Redactor::default().with_rules(vec![rule(DEAR); 49]);
    assert_eq!(redactor.redact_within(&text, &Watch::with(5_000_000, &|| {})), Err(TooMuchWork));
    let redactor = Redactor::default().with_rules((0..50).map(|n| rule(&format!("EW{n}-[0-9]{{6}}"))).collect());
    assert_eq!(redactor.redact_within(&text, &Watch::over(&text, &|| {})).as_deref(), Ok(text.as_str()));
}

#[test]
fn whoever_waits_is_asked_often() {
    let text = letters(20_000);
    let (looks, rules) = (std::cell::Cell::new(0), Redactor::default().with_rules(vec![rule(DEAR)]));
    let count = || looks.set(looks.get() + 1);
    let _ = rules.find_within(&text, &Watch::over(&text, &count));
    assert!(looks.get() > 10, "{}", looks.get());
}

#[test]
fn too_large_is_not_taken_for_wrong() {
    for (shape, error) in [
        ("(", CustomRuleError::Shape),
        ("(?=a)", CustomRuleError::Shape),
        (r"(a)\1", CustomRuleError::Shape),
        (r"\w{1000}{1000}", CustomRuleError::TooLarge),
        ("(((((a{9}){9}){9}){9}){9}){9}", CustomRuleError::TooLarge),
        (&"a".repeat(1001), CustomRuleError::TooLarge),
        ("a*", CustomRuleError::MatchesNothing),
    ] {
        assert_eq!(CustomRule::new("own", Family::Secret, &[], shape).err(), Some(error), "{shape}");
    }
}

#[test]
fn fifty_rules_in_earnest_fit_into_a_text_beyond_ascii() {
    let text = "訂單 EW-1 王小明, ".repeat(2_000);
    let rules = (0..50).map(|n| rule(&format!(r"\bEW{n}-[0-9]{{6}}\b"))).collect();
    let redactor = Redactor::default().with_rules(rules);
    assert_eq!(
        redactor.redact_within(&text, &Watch::with(100 * text.len() as u64, &|| {})).as_deref(),
        Ok(text.as_str())
    );
}
