//! Texts of a megabyte made to keep a redactor busy: what it looks for, begun again and again and never finished.

use awooop_policy::redact::rules::all_rules;

const LENGTH: usize = 1 << 20;
/// Of the many texts that are made from keywords.
const SHORT: usize = 1 << 17;

/// Beginnings, quotes, digits, operators, names.
const PIECES: &[&str] = &[
    "A",
    "a",
    "1",
    "1 ",
    "1.",
    "1-",
    "12 345 ",
    "\"",
    "\\\"",
    "\\",
    "[",
    "{",
    "(",
    "<",
    ">",
    "=",
    ":",
    ",",
    ";",
    "|",
    "@",
    "a@",
    "a@b.",
    "/",
    "://",
    "https://",
    "https://a:",
    "%3A%2F%2Fa%3A",
    "%",
    "\\u0026",
    "\\u5bc6",
    "\\n",
    "密碼",
    "密碼:",
    "é",
    "-----BEGIN ",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\"\n\"",
    "eyJ",
    "eyJhbGciOiJIUzI1NiJ9.",
    "ZXlK",
    "Bearer ",
    "Basic ",
    "Authorization: ",
    "Authorization: Digest ",
    "Cookie: ",
    "password=",
    "password:\"",
    "\"password\"",
    "\"password\":[\"",
    "\"password\":{\"",
    "\"name\":\"password\",",
    "\"token\",\"",
    "<password>",
    "<name>password</name>",
    "<p name=\"password\">",
    "password is ",
    "password for ",
    "password, ",
    "| password ",
    "kind: Secret\ndata:\n",
    "data:\n  a: |\n",
    "--password ",
    "-p ",
    " -p",
    "curl -u ",
    "--user 'a",
    "mysql -p",
    "htpasswd -b ",
    "echo | sudo -S ",
    "net use ",
    "4111 1111 1111 1112 ",
    "+886 ",
    "GB29 ",
    "A12345678 ",
    "536-90-",
    "sk-",
    "ghp_",
    "password=${",
    "\"a\" == password ",
    "password(\"",
    "use this password:\n",
];

/// Every text, with a name for it.
pub fn texts() -> Vec<(String, String)> {
    let mut texts: Vec<(String, String)> =
        PIECES.iter().map(|piece| (format!("{piece:?}"), repeat(piece, LENGTH))).collect();
    let mut keywords: Vec<&str> = all_rules().flat_map(|rule| rule.keywords).collect();
    keywords.sort_unstable();
    keywords.dedup();
    for keyword in keywords {
        for text in [keyword.to_owned(), format!("{keyword} "), format!("{keyword}="), format!("\"{keyword}\":\"")] {
            texts.push((format!("{text:?}"), repeat(&text, SHORT)));
        }
    }
    texts
}

fn repeat(piece: &str, length: usize) -> String {
    piece.repeat(length / piece.len())
}
