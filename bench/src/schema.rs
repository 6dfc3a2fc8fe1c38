//! `awooop.json_schema_valid` beside pg_jsonschema, which checks documents by JSON Schema in SQL as well: its compiled form,
//! which keeps a validator for the place in the statement, and its uncompiled one, which makes it for each document.
//!
//! One server, one session, turn about, the same documents by the same schema. The schema is a constant of the statement;
//! the documents are rows of a table, so that every document is checked and nothing is known when the statement is
//! planned. pg_jsonschema reads `json` as well as `jsonb`: what counts is the faster of the two.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use postgres::Client;
use serde_json::{Value, json};

use crate::Effort;
use crate::place::Place;
use crate::report::{Report, median};

/// Documents, by the length of their texts.
const LENGTHS: [(&str, usize); 3] = [("200 B", 200), ("5 KB", 5_000), ("100 KB", 100_000)];
/// What the documents of one length have together.
const BYTES: usize = 1_000_000;
/// Short measurements, and many: the machine's slow moments must not fall on one of the two.
const PARTS: usize = 3;

/// A way to ask whether a document is valid.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Ours,
    OurRows,
    CompiledJson,
    CompiledJsonb,
    UncompiledJson,
    UncompiledJsonb,
}

impl Way {
    const ALL: [Way; 6] =
        [Way::Ours, Way::OurRows, Way::CompiledJson, Way::CompiledJsonb, Way::UncompiledJson, Way::UncompiledJsonb];

    fn name(self) -> &'static str {
        match self {
            Way::Ours => "json_schema_valid",
            Way::OurRows => "no row of json_schema_errors",
            Way::CompiledJson => "pg_jsonschema, compiled, json",
            Way::CompiledJsonb => "pg_jsonschema, compiled, jsonb",
            Way::UncompiledJson => "pg_jsonschema, uncompiled, json",
            Way::UncompiledJsonb => "pg_jsonschema, uncompiled, jsonb",
        }
    }

    /// The condition for a row of the documents' table.
    fn condition(self, schema: &str) -> String {
        match self {
            Way::Ours => format!("awooop.json_schema_valid('{schema}', body)"),
            Way::OurRows => format!("not exists (select from awooop.json_schema_errors('{schema}', body))"),
            Way::CompiledJson => format!("json_matches_compiled_schema('{schema}'::jsonschema, body_json)"),
            Way::CompiledJsonb => format!("jsonb_matches_compiled_schema('{schema}'::jsonschema, body)"),
            Way::UncompiledJson => format!("json_matches_schema('{schema}', body_json)"),
            Way::UncompiledJsonb => format!("jsonb_matches_schema('{schema}', body)"),
        }
    }
}

/// Whether pg_jsonschema is there to be measured.
pub fn is_possible(place: &Place) -> Result<bool> {
    let peer = place.superuser()?.query_opt("select from pg_available_extensions where name = 'pg_jsonschema'", &[])?;
    Ok(peer.is_some())
}

pub fn run(place: &Place, effort: &Effort) -> Result<Report> {
    ensure!(is_possible(place)?, "the server has no pg_jsonschema to compare with: run `cargo xtask bench schema`");
    let mut admin = place.superuser()?;
    // One core: no parallel workers, no compilation of the statement.
    admin.batch_execute(
        "create extension if not exists pg_jsonschema;
         create schema if not exists bench;
         set max_parallel_workers_per_gather = 0; set jit = off",
    )?;
    let schema = schema().to_string();
    let mut report = Report::default();
    for (name, length) in LENGTHS {
        for is_valid in [true, false] {
            let documents = store(&mut admin, length, is_valid)?;
            let mut measured = Way::ALL.map(|way| (way, Vec::new()));
            for _ in 0..effort.rounds * PARTS {
                for (way, times) in &mut measured {
                    let expected = if is_valid { documents } else { 0 };
                    let time = Duration::from_millis(effort.seconds * 1_000 / 20);
                    times.push(microseconds(&mut admin, &way.condition(&schema), documents, expected, time)?);
                }
            }
            let title = format!("{name}, {}", if is_valid { "valid" } else { "invalid" });
            publish(&mut report, &title, is_valid, measured.map(|(way, times)| (way, median(times))));
        }
    }
    admin.batch_execute("drop table bench.document; drop extension pg_jsonschema")?;
    Ok(report)
}

fn publish(report: &mut Report, title: &str, is_valid: bool, measured: [(Way, f64); Way::ALL.len()]) {
    for (way, time) in measured {
        report.figure(format!("{title}: {}", way.name()), time, "µs");
    }
    let fastest = |ways: &[Way]| {
        measured.iter().filter(|(way, _)| ways.contains(way)).map(|(_, time)| *time).fold(f64::INFINITY, f64::min)
    };
    let ours = fastest(&[Way::Ours]);
    for (form, ways, target) in [
        ("compiled", [Way::CompiledJson, Way::CompiledJsonb], 1.0),
        ("uncompiled", [Way::UncompiledJson, Way::UncompiledJsonb], 5.0),
    ] {
        let name = format!("{title}: times as fast as the {form} form");
        let ratio = fastest(&ways) / ours;
        if is_valid {
            report.at_least(name, ratio, "", target);
        } else {
            report.figure(name, ratio, "");
        }
    }
}

/// Stores documents of that length, stored without compression, so that all read the same and unpack nothing; how many.
fn store(admin: &mut Client, length: usize, is_valid: bool) -> Result<i64> {
    admin.batch_execute(
        "drop table if exists bench.document;
         create unlogged table bench.document (body jsonb not null, body_json json not null);
         alter table bench.document alter body set storage external, alter body_json set storage external",
    )?;
    let documents = BYTES / length;
    let insert = admin.prepare("insert into bench.document select t::jsonb, t::json from (select $1::text as t) _")?;
    let mut transaction = admin.transaction()?;
    for number in 0..documents {
        transaction.execute(&insert, &[&document(number, length, is_valid).to_string()])?;
    }
    transaction.commit()?;
    admin.batch_execute("vacuum analyze bench.document")?;
    Ok(i64::try_from(documents)?)
}

/// Microseconds a document, over as many passes as the time allows.
fn microseconds(admin: &mut Client, condition: &str, documents: i64, expected: i64, time: Duration) -> Result<f64> {
    let statement = admin.prepare(&format!("select count(*) from bench.document where {condition}"))?;
    // The first pass compiles the schema, and reads the table into memory.
    let mut counts = vec![admin.query_one(&statement, &[])?.get::<_, i64>(0)];
    let start = Instant::now();
    while counts.len() == 1 || start.elapsed() < time {
        counts.push(admin.query_one(&statement, &[])?.get(0));
    }
    let elapsed = start.elapsed().as_secs_f64();
    ensure!(
        counts.iter().all(|count| *count == expected),
        "{condition}: another verdict than {expected} of {documents}"
    );
    Ok(elapsed * 1e6 / (counts.len() as f64 - 1.0) / documents as f64)
}

/// An order, as a shop would check it: nothing undeclared, and each kind of value bounded.
fn schema() -> Value {
    json!({
        "type": "object",
        "required": ["order", "customer", "placed_at", "items"],
        "additionalProperties": false,
        "properties": {
            "order": {"type": "integer", "minimum": 0},
            "customer": {"type": "string", "minLength": 1, "maxLength": 64},
            "placed_at": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T"},
            "note": {"type": ["string", "null"]},
            "items": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/item"}},
        },
        "$defs": {
            "item": {
                "type": "object",
                "required": ["sku", "quantity", "price"],
                "additionalProperties": false,
                "properties": {
                    "sku": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{1,8}$"},
                    "name": {"type": "string", "maxLength": 200},
                    "quantity": {"type": "integer", "minimum": 1, "maximum": 10000},
                    "price": {"type": "number", "exclusiveMinimum": 0},
                    "currency": {"enum": ["EUR", "TWD", "USD"]},
                    "gift": {"type": "boolean"},
                    "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": true, "maxItems": 8},
                },
            },
        },
    })
}

/// An order of about that length. What is wrong with an invalid one comes last, so that all of it has to be looked at.
fn document(number: usize, length: usize, is_valid: bool) -> Value {
    let mut items: Vec<Value> = Vec::new();
    let mut left = length.saturating_sub(90);
    while left > 0 || items.is_empty() {
        let n = number * 1_000 + items.len();
        let mut item = json!({
            "sku": format!("ABC-{}", n % 100_000_000),
            "quantity": n % 50 + 1,
            "price": (n % 9_000 + 100) as f64 / 100.0,
            "currency": (["EUR", "TWD", "USD"][n % 3]),
        });
        // The shortest document has room for one short item.
        if length > 1_000 {
            item["name"] = json!(format!("Article number {n}, as the catalogue calls it"));
            item["gift"] = json!(n.is_multiple_of(7));
            item["tags"] = json!(["new", format!("shelf {}", n % 90)]);
        }
        left = left.saturating_sub(item.to_string().len() + 1);
        items.push(item);
    }
    if !is_valid && let Some(last) = items.last_mut() {
        last["quantity"] = json!(0);
    }
    json!({
        "order": number,
        "customer": format!("customer {}", number % 1_000),
        "placed_at": "2026-01-31T12:00:00Z",
        "items": items,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_are_as_long_as_they_say() {
        for (name, length) in LENGTHS {
            for number in [0, BYTES / length - 1] {
                let is = document(number, length, true).to_string().len();
                assert!(is >= length * 9 / 10 && is <= length * 11 / 10, "{name}: {is}");
            }
        }
    }
}
