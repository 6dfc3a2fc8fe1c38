//! How much the redactor finds and how much it leaves alone, on labelled lines: the corpus in `bench/corpus`, and a file
//! from outside the project.
//!
//! A line to redact counts when its secret is no longer in the output; a benign one when it comes back byte for byte.
//! The file has one JSON object a line (`id`, `kind`, `text`, `secret`, `expect`: `redact` or `keep`). It is
//! AWOOOP_REDACTION_CORPUS, or `shared/redaction/dev.jsonl` beside the checkout where that exists. With
//! AWOOOP_REDACTION_MISSES, the lines that do not count are written to that file.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use awooop_policy::redact::{Family, Redactor};
use serde_json::{Value, json};

use crate::redaction::corpus::{self, Line};
use crate::report::Report;

const BESIDE_THE_CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/redaction/dev.jsonl");

/// Kinds that a check digit or a vendor's prefix gives away.
const UNMISTAKABLE: &[&str] =
    &["credit-card", "iban", "jwt", "payment-card", "platform-key", "telegram-token", "tw-national-id", "vendor-token"];

/// Kinds of the families that are off unless asked for.
const OPTIONAL: &[&str] = &["crypto-address", "ip"];

pub fn run() -> Result<Report> {
    let (mut report, mut misses) = (Report::default(), Vec::new());
    score("corpus", &corpus::lines()?, &mut report, &mut misses);
    if let Some(path) = outside() {
        let lines = read(&path).with_context(|| path.display().to_string())?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        score(&name, &lines, &mut report, &mut misses);
    }
    if let Some(path) = std::env::var_os("AWOOOP_REDACTION_MISSES") {
        let mut file = fs::File::create(&path).with_context(|| path.to_string_lossy().into_owned())?;
        for miss in misses {
            writeln!(file, "{miss}")?;
        }
    }
    Ok(report)
}

fn outside() -> Option<PathBuf> {
    let beside = PathBuf::from(BESIDE_THE_CHECKOUT);
    std::env::var_os("AWOOOP_REDACTION_CORPUS").map(PathBuf::from).or_else(|| beside.exists().then_some(beside))
}

fn read(path: &PathBuf) -> Result<Vec<Line>> {
    let line = |line: &str| {
        let value: Value = serde_json::from_str(line)?;
        let text = |key: &str| value[key].as_str().map(str::to_owned).with_context(|| format!("no `{key}` in {line}"));
        let secret = (text("expect")? == "redact").then(|| text("secret")).transpose()?;
        Ok(Line { id: text("id")?, kind: text("kind")?, text: text("text")?, secret })
    };
    fs::read_to_string(path)?.lines().filter(|text| !text.is_empty()).map(line).collect()
}

/// How many of how many.
#[derive(Clone, Copy, Default)]
struct Share {
    good: usize,
    all: usize,
}

impl Share {
    fn add(&mut self, good: bool) {
        self.good += usize::from(good);
        self.all += 1;
    }

    fn of(self) -> f64 {
        if self.all == 0 { 1.0 } else { self.good as f64 / self.all as f64 }
    }
}

/// What is wrong with what became of a line, if anything is.
struct Verdict {
    /// The secret is gone, or the line came back as it was.
    good: bool,
    /// A second redaction changes nothing.
    stable: bool,
    /// It was JSON and is not any more.
    broken: bool,
}

fn judge(line: &Line, redactor: &Redactor) -> (String, Verdict) {
    let output = redactor.redact(&line.text).into_owned();
    let good = match &line.secret {
        Some(secret) => !output.contains(secret.as_str()),
        None => output == line.text,
    };
    let verdict =
        Verdict { good, stable: redactor.redact(&output) == output, broken: is_json(&line.text) && !is_json(&output) };
    (output, verdict)
}

fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<Value>(text).is_ok()
}

/// Adds the figures of these lines, and those that do not count.
fn score(name: &str, lines: &[Line], report: &mut Report, misses: &mut Vec<Value>) {
    let (standard, every) = (Redactor::default(), Redactor::with_families(&Family::ALL));
    let mut kinds = BTreeMap::<(bool, &str), Share>::new();
    let (mut unstable, mut broken) = (0, 0);
    for line in lines {
        let redactor = if OPTIONAL.contains(&line.kind.as_str()) { &every } else { &standard };
        let (output, verdict) = judge(line, redactor);
        kinds.entry((line.secret.is_none(), &line.kind)).or_default().add(verdict.good);
        unstable += usize::from(!verdict.stable);
        broken += usize::from(verdict.broken);
        if !verdict.good || !verdict.stable || verdict.broken {
            misses.push(json!({
                "corpus": name, "id": line.id, "kind": line.kind, "text": line.text, "secret": line.secret,
                "output": output, "stable": verdict.stable, "broken": verdict.broken,
            }));
        }
    }

    let total = |wanted: &dyn Fn(bool, &str) -> bool| {
        kinds
            .iter()
            .filter(|((keep, kind), _)| wanted(*keep, kind))
            .fold(Share::default(), |sum, (_, share)| Share { good: sum.good + share.good, all: sum.all + share.all })
    };
    let mut held = |what: &str, share: Share, target: f64| {
        report.at_least(format!("{name}: {what} ({} lines)", share.all), share.of(), "", target);
    };
    held("recall", total(&|keep, _| !keep), 0.95);
    held("recall, checksum or prefix", total(&|keep, kind| !keep && UNMISTAKABLE.contains(&kind)), 0.99);
    held("benign kept", total(&|keep, kind| keep && !kind.contains("masked")), 0.99);
    report.below(format!("{name}: changed by a second redaction"), unstable as f64, "lines", 1.0);
    report.below(format!("{name}: JSON before and not after"), broken as f64, "lines", 1.0);
    for ((keep, kind), share) in &kinds {
        let what = if *keep { "kept" } else { "recall" };
        report.figure(format!("{name}: {what}, {kind} ({} lines)", share.all), share.of(), "");
    }
}
