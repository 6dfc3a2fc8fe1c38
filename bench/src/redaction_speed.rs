//! How fast the redactor reads: tool outputs without secrets and with one each four kilobytes, texts made to slow it down,
//! and, where there is a server, its SQL function beside nine plain calls of `regexp_replace`. One core.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Result;
use awooop_policy::redact::Redactor;

use crate::Effort;
use crate::place::Place;
use crate::redaction::{documents, hostile};
use crate::redaction_server;
use crate::report::{Report, median};

/// How long one measurement in this process takes.
const TURN: Duration = Duration::from_millis(400);
/// How often a text that seems too slow is measured again: the machine may have been busy.
const AGAIN: usize = 8;

pub fn run(effort: &Effort) -> Result<Report> {
    let mut report = Report::default();
    let redactor = Redactor::default();
    let (clean, dirty) = (documents::clean(), documents::dirty());
    for document in &clean {
        anyhow::ensure!(redactor.find(document).is_empty(), "something sensitive in a clean document: {document}");
    }
    // Turn about, so that a slow moment of the machine meets both.
    let (mut clean_rates, mut dirty_rates) = (Vec::new(), Vec::new());
    for _ in 0..effort.rounds.max(5) {
        clean_rates.push(rate(&redactor, &clean, TURN));
        dirty_rates.push(rate(&redactor, &dirty, TURN));
    }
    let clean_rate = median(clean_rates);
    report.at_least("clean tool outputs, 1 to 64 KB", clean_rate, "MB/s", 200.0);
    report.at_least("with a secret each 4 KB", median(dirty_rates), "MB/s", 100.0);

    let (ratio, worst) = slowest(&redactor, &clean);
    report.at_least(format!("slowest hostile text ({worst}) to clean"), ratio, "", 0.2);

    match Place::from_environment() {
        Ok(place) => redaction_server::against_regexp_replace(&place, &clean, effort, &mut report)?,
        Err(_) => eprintln!("no server: the comparison with regexp_replace is left out"),
    }
    Ok(report)
}

/// Megabytes a second, over all texts again and again until the time is up.
fn rate(redactor: &Redactor, texts: &[String], time: Duration) -> f64 {
    let start = Instant::now();
    let mut bytes = 0;
    while start.elapsed() < time {
        for text in texts {
            black_box(redactor.redact(black_box(text)));
            bytes += text.len();
        }
    }
    bytes as f64 / start.elapsed().as_secs_f64() / 1e6
}

/// The lowest ratio of a hostile text's rate to the clean one, and which text that is.
fn slowest(redactor: &Redactor, clean: &[String]) -> (f64, String) {
    let ratio = |text: &String| {
        let hostile = rate(redactor, std::slice::from_ref(text), Duration::ZERO.max(Duration::from_micros(1)));
        hostile / rate(redactor, clean, Duration::from_micros(1))
    };
    let mut slowest = (f64::INFINITY, String::new());
    for (name, text) in hostile::texts() {
        let mut best = ratio(&text);
        for _ in 0..AGAIN {
            if best >= 0.25 {
                break;
            }
            best = best.max(ratio(&text));
        }
        if best < 0.2 {
            eprintln!("slow: {best:.3} {name}");
        }
        if best < slowest.0 {
            slowest = (best, name);
        }
    }
    slowest
}
