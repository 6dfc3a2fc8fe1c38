//! The exact document of an audit row: RFC 8785 JSON with a member for every column. What is hashed at insert, exported
//! and verified is this text and no other.

use awooop_contracts::canonical_json;
use awooop_contracts::strict::MAX_EXACT_INTEGER;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};
use uuid::Uuid;

use super::Hash;

/// One row of the audit log.
#[derive(Clone, Debug)]
pub struct AuditRow<'a> {
    pub project_id: &'a str,
    pub audit_id: Uuid,
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub recorded_at: i64,
    pub action: &'a str,
    pub decision: &'a str,
    pub code: Option<&'a str>,
    pub principal_id: Option<&'a str>,
    pub door: &'a str,
    pub trace_id: Option<&'a str>,
    pub agent_id: Option<&'a str>,
    pub platform_subject_id: Option<&'a str>,
    pub run_id: Option<Uuid>,
    /// As [`canonical_facts`] gave it.
    pub facts: &'a str,
}

/// The members in the order of RFC 8785, which for these names is the alphabet's. A column that comes later is left out
/// where it is null, so that the documents of older rows stay what they were.
#[derive(Serialize)]
struct Document<'a> {
    action: &'a str,
    agent_id: Option<&'a str>,
    audit_id: Uuid,
    code: Option<&'a str>,
    decision: &'a str,
    door: &'a str,
    facts: &'a RawValue,
    platform_subject_id: Option<&'a str>,
    principal_id: Option<&'a str>,
    project_id: &'a str,
    recorded_at: String,
    run_id: Option<Uuid>,
    trace_id: Option<&'a str>,
}

impl AuditRow<'_> {
    /// The row's document.
    ///
    /// # Errors
    /// Where `facts` is not JSON.
    pub fn document(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Document {
            action: self.action,
            agent_id: self.agent_id,
            audit_id: self.audit_id,
            code: self.code,
            decision: self.decision,
            door: self.door,
            facts: serde_json::from_str(self.facts)?,
            platform_subject_id: self.platform_subject_id,
            principal_id: self.principal_id,
            project_id: self.project_id,
            recorded_at: rfc3339(self.recorded_at),
            run_id: self.run_id,
            trace_id: self.trace_id,
        })
    }
}

/// The leaf of a document: SHA-256(0x00 || document).
pub fn leaf_hash(document: &str) -> Hash {
    tlog_tiles::tlog::record_hash(document.as_bytes()).0
}

/// The facts of a row in their canonical text. What no two JSON readers or PostgreSQL would hold exactly is made exact
/// first: a number beyond 2^53 becomes its text, U+0000 becomes U+FFFD.
///
/// # Errors
/// None for values of serde_json.
pub fn canonical_facts(facts: Map<String, Value>) -> Result<String, serde_json::Error> {
    canonical_json(&exact(Value::Object(facts)))
}

fn exact(value: Value) -> Value {
    let text = |text: String| if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text };
    match value {
        Value::Number(number) if !is_exact(&number) => Value::String(number.to_string()),
        Value::String(string) => Value::String(text(string)),
        Value::Array(items) => Value::Array(items.into_iter().map(exact).collect()),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(key, member)| (text(key), exact(member))).collect())
        }
        other => other,
    }
}

fn is_exact(number: &Number) -> bool {
    const EXACT: f64 = MAX_EXACT_INTEGER as f64;
    match (number.as_i64(), number.as_u64()) {
        (Some(n), _) => n.unsigned_abs() <= MAX_EXACT_INTEGER,
        (None, Some(_)) => false,
        (None, None) => number.as_f64().is_some_and(|n| n.abs() <= EXACT),
    }
}

/// The canonical text of stored facts, from what PostgreSQL prints of the jsonb column; `None` where the column cannot
/// have come from [`canonical_facts`]. A reader of JSON rounds 1.00000000000000000001 to 1; a change that small is found
/// because PostgreSQL would print the canonical text differently.
pub fn facts_of_stored(printed: &str) -> Option<String> {
    let value: Value = serde_json::from_str(printed).ok()?;
    (value.is_object() && as_jsonb(&value) == printed).then(|| canonical_json(&value).ok()).flatten()
}

/// A value as `jsonb::text` prints it: keys by length, then by bytes; numbers without exponent.
fn as_jsonb(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(bool) => bool.to_string(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(n), _) => n.to_string(),
            // PostgreSQL's numeric has no negative zero.
            (None, Some(0.0)) => "0".to_owned(),
            // The shortest digits that read back as the same number, which RFC 8785 prints too.
            (None, Some(n)) => n.to_string(),
            (None, None) => number.to_string(),
        },
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(as_jsonb).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_by_key(|(key, _)| (key.len(), key.as_bytes()));
            let members: Vec<String> =
                members.into_iter().map(|(key, member)| format!("{}: {}", quoted(key), as_jsonb(member))).collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

/// PostgreSQL escapes the same characters in the same way as serde_json.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A time as RFC 3339 in UTC with six decimals, from microseconds since 1970.
pub fn rfc3339(microseconds: i64) -> String {
    let (seconds, fraction) = (microseconds.div_euclid(1_000_000), microseconds.rem_euclid(1_000_000));
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:06}Z")
}

/// The date of a day counted from 1970-01-01. Howard Hinnant's `civil_from_days`: years begin in March, so that a leap
/// day is a year's last, and 400 years are 146,097 days.
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn row(facts: &str) -> AuditRow<'_> {
        AuditRow {
            project_id: "ewoooc",
            audit_id: Uuid::nil(),
            recorded_at: 1_767_225_600_000_001,
            action: "create_run",
            decision: "done",
            code: None,
            principal_id: Some("key:\u{1f600}\t"),
            door: "http",
            trace_id: None,
            agent_id: Some("a"),
            platform_subject_id: None,
            run_id: Some(Uuid::max()),
            facts,
        }
    }

    #[test]
    fn a_document_is_canonical_and_has_every_column() {
        let facts = canonical_facts(json!({"b": 1.0, "a": [1e-7, "\u{1}"]}).as_object().unwrap().clone()).unwrap();
        let document = row(&facts).document().unwrap();
        let parsed: Value = serde_json::from_str(&document).unwrap();
        assert_eq!(canonical_json(&parsed).unwrap(), document);
        assert_eq!(parsed["recorded_at"], "2026-01-01T00:00:00.000001Z");
        assert_eq!(parsed.as_object().unwrap().len(), 13);
    }

    #[test]
    fn a_document_never_changes_its_form() {
        // Sealed rows are hashed: another text for the same row would break every log.
        assert_eq!(
            row("{}").document().unwrap(),
            "{\"action\":\"create_run\",\"agent_id\":\"a\",\"audit_id\":\"00000000-0000-0000-0000-000000000000\",\
             \"code\":null,\"decision\":\"done\",\"door\":\"http\",\"facts\":{},\"platform_subject_id\":null,\
             \"principal_id\":\"key:\u{1f600}\\t\",\"project_id\":\"ewoooc\",\
             \"recorded_at\":\"2026-01-01T00:00:00.000001Z\",\"run_id\":\"ffffffff-ffff-ffff-ffff-ffffffffffff\",\
             \"trace_id\":null}"
        );
        assert_eq!(
            super::super::hex(&leaf_hash("")),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "the leaf of the empty record, as Certificate Transparency's tests have it"
        );
    }

    #[test]
    fn what_is_not_exact_is_made_exact() {
        let facts =
            json!({"n": 9_007_199_254_740_993_u64, "f": 1e300, "t": "a\u{0}b", "m": -9_007_199_254_740_992_i64});
        assert_eq!(
            canonical_facts(facts.as_object().unwrap().clone()).unwrap(),
            "{\"f\":\"1e+300\",\"m\":-9007199254740992,\"n\":\"9007199254740993\",\"t\":\"a\u{fffd}b\"}"
        );
    }

    #[test]
    fn facts_that_postgresql_would_print_otherwise_were_changed() {
        assert_eq!(facts_of_stored("{\"b\": 1, \"aa\": 0.0000001}").unwrap(), "{\"aa\":1e-7,\"b\":1}");
        for changed in
            ["{\"a\": 1.0}", "{\"a\": 1.00000000000000000001}", "{\"a\":1}", "[]", "{\"a\": 1, \"a\": 1}", ""]
        {
            assert_eq!(facts_of_stored(changed), None, "{changed}");
        }
    }

    #[test]
    fn a_time_is_printed_as_postgresql_prints_it() {
        for (microseconds, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (4_107_542_399_000_000, "2100-02-28T23:59:59.000000Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
        ] {
            assert_eq!(rfc3339(microseconds), text);
        }
    }

    proptest! {
        #[test]
        fn every_text_survives(text in "\\PC{0,40}", n in proptest::num::f64::NORMAL) {
            let facts = json!({"text": text, "n": n}).as_object().unwrap().clone();
            let canonical = canonical_facts(facts).unwrap();
            let document = row(&canonical).document().unwrap();
            let parsed: Value = serde_json::from_str(&document).unwrap();
            prop_assert_eq!(canonical_json(&parsed).unwrap(), document);
            let stored = as_jsonb(&parsed["facts"]);
            prop_assert_eq!(facts_of_stored(&stored), Some(canonical));
        }
    }
}
