//! Where `awooop.find_sensitive` says that something stands: in characters, whatever bytes they take.

use super::{EMAIL, TOKEN};
use crate::harness::Session;
use crate::harness::answer::literal;
use crate::harness::platform::login;

/// What stands at each finding of a text.
#[track_caller]
fn excerpts(session: &mut Session, text: &str) -> Vec<(String, String)> {
    let text = literal(text);
    let sql = format!(
        "select family, substr({text}, start, \"end\" - start) from awooop.find_sensitive({text}) order by start"
    );
    let rows = session.rows(&sql).expect("rows");
    rows.into_iter().map(|row| (row[0].clone().unwrap_or_default(), row[1].clone().unwrap_or_default())).collect()
}

#[test]
fn a_finding_is_the_substring_at_its_position_whatever_stands_before_it() {
    let (_, mut session) = login(&["awooop_tenant"]);
    for before in ["", "x ", "王小明：", "😀😀 ", "e\u{301}\u{301} ", "\u{10ffff}\n", &"字".repeat(10_000)] {
        let text = format!("{before} {EMAIL} 與 {TOKEN}，謝謝 {EMAIL}");
        let expected = [("email", EMAIL), ("vendor_token", TOKEN), ("email", EMAIL)];
        let found = excerpts(&mut session, &text);
        let found: Vec<(&str, &str)> = found.iter().map(|(family, text)| (family.as_str(), text.as_str())).collect();
        assert_eq!(found, expected, "after {} characters", before.chars().count());
    }
}

#[test]
fn positions_count_as_postgres_counts() {
    let (_, mut session) = login(&["awooop_tenant"]);
    let text = literal(&format!("聯絡 {EMAIL}。"));
    let same = format!(
        "select start = regexp_instr({text}, 'ada') and \"end\" = regexp_instr({text}, 'com', 1, 1, 1)
         from awooop.find_sensitive({text})"
    );
    assert_eq!(session.value(&same), "t");
}

#[test]
fn a_finding_tells_family_and_rule_and_never_the_value() {
    let (_, mut session) = login(&["awooop_tenant"]);
    let columns = "select string_agg(key, ',' order by n) from awooop.find_sensitive('ada@example.com') f,
                   json_each_text(row_to_json(f)) with ordinality e (key, value, n)";
    assert_eq!(session.value(columns), "family,rule,start,end");
    let row = session.value(&format!("select row_to_json(f) from awooop.find_sensitive({}) f", literal(TOKEN)));
    assert!(!row.contains("0123456789abcdef") && row.contains("\"start\":1,"), "{row}");
}
