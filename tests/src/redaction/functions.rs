//! `awooop.redact` and `awooop.find_sensitive` as documented, in a session of no project.

use std::time::{Duration, Instant};

use super::{EMAIL, TOKEN, redact};
use crate::harness::answer::literal;
use crate::harness::platform::login;
use crate::harness::superuser;

/// A text of each family, what must be gone, and the marker in its place.
fn samples() -> Vec<(String, String, &'static str)> {
    let jwt =
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
    let pem =
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", "MIIEvQIBADANBgkqhkiG9w0B".repeat(3));
    let sample = |before: &str, value: &str, family| (format!("{before}{value} ok"), value.to_owned(), family);
    vec![
        sample("write to ", EMAIL, "email"),
        sample("call ", "0912-345-678", "phone"),
        sample("paid with ", "4111 1111 1111 1111", "payment_card"),
        sample("身分證字號：", "A123456789", "national_id"),
        sample("", &pem, "private_key"),
        sample("Authorization: Bearer ", jwt, "auth_token"),
        sample("use ", TOKEN, "vendor_token"),
        sample("password = ", "correct-horse-7-battery", "secret"),
        sample("postgres://shop:", "s3cr3t-Passw0rd", "url_credential")
            .map_text(|text| text.replace(" ok", "@db.example/shop ok")),
    ]
}

trait MapText {
    fn map_text(self, change: impl Fn(String) -> String) -> Self;
}

impl MapText for (String, String, &'static str) {
    fn map_text(self, change: impl Fn(String) -> String) -> Self {
        (change(self.0), self.1, self.2)
    }
}

#[test]
fn each_family_is_replaced_by_a_marker_of_its_name() {
    let (_, mut session) = login(&["awooop_tenant"]);
    for (text, value, family) in samples() {
        let redacted = redact(&mut session, &text);
        assert!(!redacted.contains(&value), "{family}: {redacted}");
        assert!(redacted.contains(&format!("[REDACTED:{family}]")) && redacted.ends_with("ok"), "{family}: {redacted}");
        let found = format!("select string_agg(family, ',') from awooop.find_sensitive({})", literal(&text));
        assert_eq!(session.value(&found), family, "{text}");
    }
}

#[test]
fn redacting_twice_changes_nothing() {
    let (_, mut session) = login(&["awooop_tenant"]);
    let all: String = samples().into_iter().map(|(text, _, _)| text + "\n").collect();
    let once = redact(&mut session, &all);
    assert_eq!(redact(&mut session, &once), once);
    let left = format!("select count(*) from awooop.find_sensitive({})", literal(&once));
    assert_eq!(session.value(&left), "0", "{once}");
}

#[test]
fn what_is_not_sensitive_comes_back_byte_for_byte() {
    let (_, mut session) = login(&["awooop_tenant"]);
    let benign = [
        "",
        " ",
        "hello",
        "\u{feff}\u{202e}abc\u{200b}\u{0301}\u{10ffff}",
        "a\r\n\tb\u{1}\u{7f}\u{85}",
        "訂單 #20260131-0042 已出貨，共 3 件，NT$1,250 元",
        "{\"a\": [1.10, 1e5, null]}",
        "'; drop table awooop.redaction_rule; -- $1 %s \\",
    ];
    for text in benign {
        assert_eq!(redact(&mut session, text), text);
    }
}

#[test]
fn null_in_is_null_out() {
    let (_, mut session) = login(&["awooop_tenant"]);
    let nulls = "select awooop.redact(null) is null and awooop.redact_json(null) is null
                        and awooop.redact_json('null') = 'null'::jsonb
                        and not exists (select from awooop.find_sensitive(null))
                        and not exists (select from awooop.find_sensitive(''))";
    assert_eq!(session.value(nulls), "t");
}

#[test]
fn a_megabyte_takes_no_time_worth_speaking_of() {
    let (_, mut session) = login(&["awooop_tenant"]);
    for unit in
        ["order 42 shipped; ", "ada@example.com ", "ghp_", "\"\\\\", "4111111111111111", "-----BEGIN ", "王", "eyJ."]
    {
        let n = (1 << 20) / unit.len();
        let started = Instant::now();
        session.run(&format!("select length(awooop.redact(repeat({}, {n})))", literal(unit)));
        session.run(&format!("select count(*) from awooop.find_sensitive(repeat({}, {n}))", literal(unit)));
        // A tenth of that, where nobody else works.
        assert!(started.elapsed() < Duration::from_secs(5), "{unit}: {:?}", started.elapsed());
    }
}

#[test]
fn an_index_or_a_stored_column_cannot_freeze_what_a_project_had_set() {
    let mut admin = superuser();
    admin.run("create temp table note (body text, document jsonb)");
    for sql in [
        "create index on note (awooop.redact(body))",
        "create index on note (body) where awooop.redact(body) = body",
        "create index on note (awooop.redact_json(document))",
        "alter table note add column clean text generated always as (awooop.redact(body)) stored",
    ] {
        assert_eq!(admin.code(sql), "42P17", "{sql}");
    }
}
