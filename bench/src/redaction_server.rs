//! `awooop.redact` beside the plainest way to do the same in SQL: nine regular expressions, one a family, one call each.

use std::time::Instant;

use anyhow::Result;
use postgres::Client;

use crate::Effort;
use crate::place::Place;
use crate::report::{Report, median};

/// One expression for each family, as somebody would write it who has an afternoon. None checks a digit, knows a vendor's
/// list or looks at a key: it finds less, and is the peer in speed only.
const EXPRESSIONS: [(&str, &str); 9] = [
    ("email", r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}"),
    ("phone", r"\+?[0-9]{1,3}?[ -]?\(?[0-9]{2,4}\)?[ -][0-9]{3,4}[ -]?[0-9]{3,4}"),
    ("payment_card", r"[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{1,7}"),
    ("national_id", r"[A-Z][12][0-9]{8}|[0-9]{3}-[0-9]{2}-[0-9]{4}|[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}"),
    ("private_key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*-----END [A-Z ]*PRIVATE KEY-----"),
    ("auth_token", r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"),
    ("vendor_token", r"(ghp_|gho_|xox[bp]-|sk-|AKIA|AIza)[A-Za-z0-9_-]{10,}"),
    ("secret", r#"(password|secret|token|api_key)"?\s*[:=]\s*"?[^"\s,]+"#),
    ("url_credential", r"://[^/ :@]+:[^/ @]+@"),
];

/// Measures both on the same documents, turn about, and reports the ratio.
pub fn against_regexp_replace(place: &Place, documents: &[String], effort: &Effort, report: &mut Report) -> Result<()> {
    let mut admin = place.superuser()?;
    admin.batch_execute(
        "create schema if not exists bench;
         drop table if exists bench.document;
         create unlogged table bench.document (body text not null);
         alter table bench.document alter body set storage external",
    )?;
    let insert = admin.prepare("insert into bench.document select $1 from generate_series(1, $2)")?;
    // As many bytes of each size, stored without compression, so that both read the same and unpack nothing.
    for document in documents {
        let copies = i32::try_from(400_000 / document.len().max(1)).unwrap_or(1).max(1);
        admin.execute(&insert, &[document, &copies])?;
    }
    let bytes: i64 = admin.query_one("select sum(octet_length(body))::int8 from bench.document", &[])?.get(0);
    let chain = EXPRESSIONS.iter().fold("body".to_owned(), |inner, (family, expression)| {
        format!("regexp_replace({inner}, '{}', '[REDACTED:{family}]', 'g')", expression.replace('\'', "''"))
    });
    // One core: no parallel workers, no compilation.
    admin.batch_execute("set max_parallel_workers_per_gather = 0; set jit = off")?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..effort.rounds {
        ours.push(rate(&mut admin, "awooop.redact(body)", bytes)?);
        theirs.push(rate(&mut admin, &chain, bytes)?);
    }
    admin.batch_execute("drop table bench.document")?;
    let (ours, theirs) = (median(ours), median(theirs));
    report.figure("awooop.redact in the server".to_owned(), ours, "MB/s");
    report.figure("nine regexp_replace calls in the server".to_owned(), theirs, "MB/s");
    report.at_least("ratio in the server".to_owned(), ours / theirs, "", 5.0);
    Ok(())
}

/// Megabytes a second that the expression reads.
fn rate(client: &mut Client, expression: &str, bytes: i64) -> Result<f64> {
    let start = Instant::now();
    client.query_one(&format!("select sum(octet_length({expression}))::int8 from bench.document"), &[])?;
    Ok(bytes as f64 / start.elapsed().as_secs_f64() / 1e6)
}
