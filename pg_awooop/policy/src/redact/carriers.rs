//! Tests: the same secrets in what carries them, and values that pretend to be none.

use std::iter;

use serde_json::{Value, json};

use super::rules::custom::CustomRule;
use super::{Family, Redactor};

const KEY_LINES: [&str; 3] =
    ["MIICdwIBADANBgkqhkiG9w0BAQEFAASC", "j0GYCBV3qwErTyUiOpAsDfGhJkLzXcVb", "Q1w2E3r4T5y6U7i8O9p0AsDfGhJkLzXc"];

fn armour() -> (String, String) {
    (format!("-----BEGIN {} KEY-----", "PRIVATE"), format!("-----END {} KEY-----", "PRIVATE"))
}

/// Redacts, and checks what holds for every text.
fn redacted(text: &str) -> String {
    let redactor = Redactor::default();
    let redacted = redactor.redact(text).into_owned();
    assert_eq!(redactor.redact(&redacted), redacted, "twice: {text}");
    for (before, after) in text.lines().zip(redacted.lines()) {
        if serde_json::from_str::<Value>(before).is_ok_and(|value| value.is_object() || value.is_array()) {
            assert!(serde_json::from_str::<Value>(after).is_ok(), "no JSON any more: {after}");
        }
    }
    redacted
}

fn assert_gone(text: &str, secrets: &[&str]) {
    let redacted = redacted(text);
    for secret in secrets {
        assert!(!redacted.contains(secret), "{text}\nbecame\n{redacted}");
    }
}

#[test]
fn a_key_is_found_line_by_line_in_whatever_carries_it() {
    let (begin, end) = armour();
    let lines = || iter::once(begin.as_str()).chain(KEY_LINES).chain([end.as_str()]);
    let each = |format: &dyn Fn(&str) -> String| lines().map(format).collect::<Vec<_>>().join("\n");
    let carriers = [
        each(&str::to_owned),
        json!({"lines": lines().collect::<Vec<_>>(), "n": 7}).to_string(),
        each(&|line| json!({"log": format!("{line}\n"), "stream": "stdout"}).to_string()),
        each(&|line| format!("$k .= \"{line}\\n\";")),
        each(&|line| format!("2024-05-01T12:00:00Z {line}")),
        each(&|line| format!("> {line}")),
        lines().collect::<Vec<_>>().join("<br/>"),
        json!({"body": lines().collect::<Vec<_>>().join("<br>")}).to_string(),
    ];
    for carrier in carriers {
        assert_gone(&carrier, &KEY_LINES);
    }
    let putty = |prefix: &str| {
        let lines = KEY_LINES.map(|line| format!("{prefix}{line}\n")).concat();
        format!("{prefix}Private-Lines: 3\n{lines}{prefix}Private-MAC: 27")
    };
    for prefix in ["", "  ", "> ", "12:00:01 INFO "] {
        assert_gone(&putty(prefix), &KEY_LINES);
    }
}

#[test]
fn what_stands_around_the_lines_of_a_key_stays() {
    let (begin, end) = armour();
    let log = |line: &str| json!({"log": format!("{line}\n"), "stream": "stdout"}).to_string() + "\n";
    let text = [&begin, KEY_LINES[0], &end].map(log).concat();
    assert_eq!(redacted(&text).matches("\"stream\":\"stdout\"").count(), 3);
}

/// Rules that match far more than they should, over the ends of strings and over markers.
#[test]
fn no_rule_of_a_project_uncovers_what_the_families_find() {
    let token = ["ghp_", "0123456789abcdefghijABCDEFGHIJ012345"].concat();
    let secrets = [token.as_str(), "Zx9kLm2pQ", "alice@example.com"];
    let document = json!({"ID": "x", "tok": token, "password": "Zx9kLm2pQ", "E": ["alice@example.com", 1, true]});
    let texts = [document.to_string(), format!("{document}\n{document}\n"), format!("seen {document} here")];
    let shapes = [
        "[A-Z].*",
        "E.*",
        "D.*",
        "password.*",
        r"password\W+\w+",
        r#"(?i)password["\s:=]+\S+"#,
        "token.*",
        "(?s).+",
        "(?s)value.*",
        "[a-z]",
        r"\W+",
        r#"""#,
        ":",
        r#"":""#,
        "k",
        "(?s)x.*",
    ];
    for (shape, family) in shapes.iter().flat_map(|shape| [(shape, Family::Email), (shape, Family::Secret)]) {
        let Ok(rule) = CustomRule::new("own", family, &[], shape) else { continue };
        let redactor = Redactor::default().with_rules(vec![rule]);
        for text in &texts {
            let redacted = redactor.redact(text);
            for secret in secrets {
                assert!(!redacted.contains(secret), "{shape}: {text}\nbecame\n{redacted}");
            }
            assert_eq!(redactor.redact(&redacted), redacted, "{shape} twice");
            if text.starts_with('{') && !text.contains('\n') {
                assert!(serde_json::from_str::<Value>(&redacted).is_ok(), "{shape}: no JSON any more: {redacted}");
            }
        }
    }
}

/// Whoever may set rules learns nothing by them of what the families find: two texts that differ in that alone come out
/// the same, whatever the rule is.
#[test]
fn no_rule_of_a_project_tells_what_stands_in_a_credential() {
    let texts = ["Tr0ub4dor3x", "Kx7vQ2mLp9Zr"].map(|secret| {
        let inner = json!({"password": secret, "note": "the end"});
        [
            format!("zzz password: {secret} end"),
            inner.to_string(),
            json!({"m": inner.to_string()}).to_string(),
            format!("https://bob:{secret}@db.example/x end"),
            format!("user,password\nbob,{secret}\nend"),
            format!("token {}{secret}{secret}{secret}abcd end", "ghp_"),
        ]
    });
    let shapes = ["end", "zzz password: T", "Tr0", r"\bT", r"[A-Z]\w*\b.*end", "(?s).*x", r"\S+ end", "d: Tr0ub4.*"];
    for shape in shapes {
        for keywords in [&[][..], &["Tr0ub".to_owned()], &["Kx7".to_owned()]] {
            for family in [Family::Email, Family::Phone, Family::Secret] {
                let Ok(rule) = CustomRule::new("own", family, keywords, shape) else { continue };
                let redactor = Redactor::default().with_rules(vec![rule]);
                for (one, other) in texts[0].iter().zip(&texts[1]) {
                    assert_eq!(redactor.redact(one), redactor.redact(other), "{shape} {keywords:?}");
                }
            }
        }
    }
}

#[test]
fn no_value_shields_itself_with_a_piece_of_a_marker_or_brackets() {
    for value in [
        "[REDACTEDhunter2Xyz9",
        "[REDACTED]hunter2Xyz9",
        "[REDACTED hunter2Xyz9]",
        "<hunter2Xyz9>",
        "...hunter2Xyz9",
        "data.Zx9kLm",
        "self.Zx9k2pQ",
    ] {
        assert_gone(&json!({"password": value}).to_string(), &["hunter2", "Zx9k"]);
    }
    for kept in
        ["[REDACTED]", "[redacted by the operator]", "<your-token>", "...x9f2", "self.password", "ENC[AES256,x]"]
    {
        let text = json!({"password": kept}).to_string();
        assert_eq!(redacted(&text), text);
    }
}

#[test]
fn a_table_in_a_string_is_a_table() {
    let table = "user,password\nbob,Zx9kLm2pQ\neve,Qr7sTu4vW";
    let markdown = "| user | password |\n|---|---|\n| bob | Zx9kLm2pQ |\n| eve | Qr7sTu4vW |\n";
    for table in [table, markdown] {
        let once = json!({"m": table}).to_string();
        let twice = json!({"line": once}).to_string();
        let between = json!(["a", table, "b"]).to_string();
        for text in
            [table.to_owned(), once.clone(), twice, between.clone(), format!("{once}\n{once}\n"), format!("got {once}")]
        {
            assert_gone(&text, &["Zx9kLm2pQ", "Qr7sTu4vW"]);
        }
        assert!(redacted(&between).ends_with(",\"b\"]"), "the cell beside the table went");
    }
}

#[test]
fn values_within_values_are_found() {
    assert_gone(r#"{"password":{"old":"hunter2Xyz9","new":"hunter3Xyz9"}}"#, &["hunter2", "hunter3"]);
    assert_gone(r#"{"password":[["hunter2Xyz9"]]}"#, &["hunter2"]);
    assert_gone("password: Tést9ñ!", &["Tést9ñ"]);
    assert_gone("DB_PASSWORD=пароль123", &["пароль123"]);
    assert_gone("https://x.example.org/u?e=ada%40example.com", &["ada%40"]);
    assert_gone("Your one-time code is 482913.", &["482913"]);
    assert_gone(r#"<setting name="DbPassword"><value>Zx9kLm2pQ</value></setting>"#, &["Zx9kLm2pQ"]);
    let token = ["hvs", ".CAESIJ0a1b2c3d4e5f6g7h8i9j0kLmNoPqRsTuVw"].concat();
    assert_gone(&format!("name_{token}"), &["CAESIJ0a1b2c3d4e5f6g7h8i9j0k"]);
}

#[test]
fn a_quote_that_closes_a_string_opens_no_value() {
    for text in [
        "INFO payload={\"m\": \"請重設密碼\"} done",
        "OLDPWD=/tmp",
        r#"{"s3Key":"AbC123/9f8e7d6c.png"}"#,
        "password: ENC[AES256_GCM,data:abc,iv:def]",
    ] {
        assert_eq!(redacted(text), text);
    }
}

/// Examples of every rule, one below the other, are found as each is alone, whatever stands before them: the looks that
/// hostile text gets are shorter, not fewer.
#[test]
fn a_text_of_nothing_but_secrets_hides_none() {
    let redactor = Redactor::default();
    let mut together = String::new();
    let mut secrets = Vec::new();
    for example in super::rules::all_rules().flat_map(|rule| rule.positive) {
        let alone = redactor.find(example);
        secrets.extend(alone.iter().map(|finding| example[finding.range.clone()].to_owned()));
        together.push_str(example);
        together.push_str("\n\n");
    }
    secrets.retain(|secret| secret.len() >= 12);
    for before in ["", "k_=", "sk-", "pwd ", "password:\"", "-----BEGIN ", "{\"a\":", "密碼"] {
        let text = before.repeat(200_000 / before.len().max(1)) + "\n\n" + &together;
        let text = if before.is_empty() { together.clone() } else { text };
        let redacted = redactor.redact(&text);
        let left: Vec<&String> = secrets.iter().filter(|secret| redacted.contains(secret.as_str())).collect();
        assert!(left.len() * 1000 <= secrets.len() * 5, "behind {before:?} {} are left: {left:?}", left.len());
        assert_eq!(redactor.redact(&redacted), redacted, "behind {before:?}");
    }
}
