//! `build_envelope` (the tenant bound in the same statement) beside the bare upsert it contains.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::fixture::{self, CHOOSE_USER, CLIENTS, PASSWORD, TENANT};
use crate::place::Place;
use crate::report::{Report, median};
use crate::{Effort, pgbench};

const BARE: &str = "insert into bench.subjects as s (project_id, channel_type, channel_user_id, channel_chat_id,
        display_name, roles, first_seen_at, last_seen_at)
    values ('bench-' || :p::text, 'telegram', :u::text, 'chat', 'name', '{viewer}', clock_timestamp(),
            clock_timestamp())
    on conflict (project_id, channel_type, channel_user_id) do update
        set last_seen_at = excluded.last_seen_at,
            channel_chat_id = coalesce(excluded.channel_chat_id, s.channel_chat_id),
            display_name = coalesce(excluded.display_name, s.display_name);";
const ENVELOPE: &str = "select awooop.enter_project('bench-' || :p::text),
    awooop.build_envelope('agent', 'telegram', :u::text, 'chat', 'name');";

pub fn run(place: &Place, effort: &Effort) -> Result<Report> {
    fixture::prepare(place)?;
    let mut report = Report::default();
    let uri = place.uri_of(TENANT, PASSWORD)?;
    let script = |sql: &str| format!("{CHOOSE_USER}\\set p random(1, 100)\n{sql}\n");
    let scripts = pgbench::scripts(place, "envelope", &[script(BARE), script(ENVELOPE)])?;
    for synchronous in [false, true] {
        let setting = if synchronous { "synchronous_commit on" } else { "synchronous_commit off" };
        let (mut bare, mut envelope) = (Vec::new(), Vec::new());
        // Turn about, so that a slow minute of the machine meets both.
        for _ in 0..effort.rounds {
            bare.push(pgbench::tps(place, &uri, &scripts[..1], synchronous, effort.seconds)?);
            envelope.push(pgbench::tps(place, &uri, &scripts[1..], synchronous, effort.seconds)?);
        }
        let (bare, envelope) = (median(bare), median(envelope));
        report.figure(format!("bare upsert, {setting}"), bare, "tps");
        report.figure(format!("build_envelope, {setting}"), envelope, "tps");
        report.at_least(format!("ratio, {setting}"), envelope / bare, "", 0.7);
        let latencies = in_server(place, synchronous, effort.seconds)?;
        let at =
            |quantile: f64| latencies.get((latencies.len() as f64 * quantile) as usize).copied().unwrap_or_default();
        report.figure(format!("p50 in the server, {setting}"), at(0.5), "ms");
        report.below(format!("p99 in the server, {setting}"), at(0.99), "ms", 1.0);
    }
    Ok(report)
}

/// Milliseconds from the server's receipt of a statement to the end of its `build_envelope`, sorted; by the server's
/// own clock, 8 clients. The commit, which waits for the disk, comes after.
fn in_server(place: &Place, synchronous: bool, seconds: u64) -> Result<Vec<f64>> {
    let stop = AtomicBool::new(false);
    let measured = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|n| {
                let stop = &stop;
                scope.spawn(move || -> Result<Vec<f64>> {
                    let mut client = place.login(TENANT, PASSWORD)?;
                    client.batch_execute(if synchronous { "set synchronous_commit = on" } else { "set synchronous_commit = off" })?;
                    let statement = client.prepare(
                        "select awooop.enter_project($1), awooop.build_envelope('agent', 'telegram', $2, 'chat', 'name'),
                                extract(epoch from clock_timestamp() - statement_timestamp())::float8 * 1000",
                    )?;
                    let (mut latencies, mut turn) = (Vec::new(), n);
                    while !stop.load(Ordering::Relaxed) {
                        turn += 7;
                        // Strides that share no factor: every project meets every subject, and new ones are spread.
                        let user = if turn / 7 % 100 == 0 {
                            format!("new-{n}-{turn}-{synchronous}")
                        } else {
                            (turn / 100 % 100 + 1).to_string()
                        };
                        let row = client.query_one(&statement, &[&format!("bench-{}", turn % 100 + 1), &user])?;
                        latencies.push(row.get::<_, f64>(2));
                    }
                    Ok(latencies)
                })
            })
            .collect();
        let end = Instant::now() + Duration::from_secs(seconds);
        std::thread::sleep(end.saturating_duration_since(Instant::now()));
        stop.store(true, Ordering::Relaxed);
        clients
            .into_iter()
            .map(|client| client.join().unwrap_or_else(|_| anyhow::bail!("a client died")))
            .collect::<Result<Vec<_>>>()
    })?;
    let mut latencies: Vec<f64> = measured.into_iter().flatten().collect();
    latencies.sort_by(f64::total_cmp);
    Ok(latencies)
}
