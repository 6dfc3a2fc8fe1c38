//! An envelope over HTTP beside the same `awooop.call` by pgbench, on the same cores.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::fixture::{self, CHOOSE_USER, PASSWORD, PROJECTS};
use crate::place::Place;
use crate::report::{Report, median};
use crate::{Effort, http, pgbench};

const ROLE: &str = "awooop_gateway";

pub fn run(place: &Place, effort: &Effort) -> Result<Report> {
    let mut admin = fixture::prepare(place)?;
    let keys = fixture::keys(&mut admin)?;
    let mut report = Report::default();
    let scripts = pgbench::scripts(place, "call", &call_scripts(&keys))?;
    let uri = place.uri_of(ROLE, PASSWORD)?;
    for synchronous in [false, true] {
        let value = if synchronous { "on" } else { "off" };
        let gateway = Gateway::start(place, &format!("{uri}?options[synchronous_commit]={value}"))?;
        let (mut call, mut over_http, mut cpu, mut p99) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..effort.rounds {
            call.push(pgbench::tps(place, &uri, &scripts, synchronous, effort.seconds)?);
            let before = gateway.cpu()?;
            let round = NEXT_ROUND.fetch_add(1, Ordering::Relaxed);
            let load =
                http::load(&gateway.address, effort.seconds, |client, turn| request(&keys, round, client, turn))?;
            cpu.push((gateway.cpu()? - before).as_secs_f64() * 1e6 / load.requests as f64);
            over_http.push(load.requests_a_second);
            p99.push(load.p99_ms);
        }
        let (call, over_http) = (median(call), median(over_http));
        report.figure(format!("awooop.call by pgbench, synchronous_commit {value}"), call, "tps");
        report.figure(format!("the same over HTTP, synchronous_commit {value}"), over_http, "requests/s");
        report.at_least(format!("ratio, synchronous_commit {value}"), over_http / call, "", 0.5);
        report.figure(format!("gateway CPU a request, synchronous_commit {value}"), median(cpu), "µs");
        report.figure(format!("p99 at the client, synchronous_commit {value}"), median(p99), "ms");
    }
    Ok(report)
}

/// One script for each project, because pgbench's variables are numbers and a key is none.
fn call_scripts(keys: &[String]) -> Vec<String> {
    keys.iter()
        .enumerate()
        .map(|(n, key)| {
            format!(
                "{CHOOSE_USER}select status, body from awooop.call('bench-{}', '{key}', 'build_envelope',
    '{{\"agent_id\":\"agent\",\"channel_type\":\"telegram\",\"channel_user_id\":\"' || :u::text ||
    '\",\"channel_chat_id\":\"chat\",\"display_name\":\"name\"}}',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01');\n",
                n + 1
            )
        })
        .collect()
}

/// Numbers the rounds, so that a new subject of one round is new in the next as well.
static NEXT_ROUND: AtomicUsize = AtomicUsize::new(1);

fn request(keys: &[String], round: usize, client: usize, turn: usize) -> String {
    // A stride that is prime to both counts visits projects and subjects evenly.
    let mixed = turn.wrapping_mul(8).wrapping_add(client).wrapping_mul(2_654_435_761) >> 7;
    let project = mixed % PROJECTS;
    let user = if mixed % 9973 < 100 {
        round * 100_000_000 + turn * 8 + client
    } else {
        mixed / PROJECTS % fixture::SUBJECTS_A_PROJECT + 1
    };
    let body = format!(
        "{{\"agent_id\":\"agent\",\"channel_type\":\"telegram\",\"channel_user_id\":\"{user}\",\
         \"channel_chat_id\":\"chat\",\"display_name\":\"name\"}}"
    );
    format!(
        "POST /v1/platform/envelopes HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {}\r\n\
         X-Project-Id: bench-{}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n{body}",
        keys[project],
        project + 1,
        body.len()
    )
}

/// A gateway of the benchmark's own; stopped when dropped.
pub struct Gateway {
    process: Child,
    pub address: String,
}

impl Gateway {
    pub fn start(place: &Place, uri: &str) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let log = std::fs::File::create(place.scratch.join("gateway.log"))?;
        let process = Command::new(&place.gateway)
            .env("AWOOOP_DATABASE_URL", uri)
            .env("AWOOOP_LISTEN", &address)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("cannot start the gateway")?;
        let gateway = Gateway { process, address };
        let deadline = Instant::now() + Duration::from_secs(20);
        while http::get(&gateway.address, "/readyz").is_none_or(|status| status != 200) {
            if Instant::now() > deadline {
                bail!("the gateway did not become ready");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(gateway)
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// CPU time the process has used, user and system (proc(5): fields 14 and 15 of stat, in ticks of 10 ms).
    fn cpu(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let (_, fields) = stat.rsplit_once(')').context("no command name in stat")?;
        let ticks: u64 = fields.split_whitespace().skip(11).take(2).filter_map(|f| f.parse::<u64>().ok()).sum();
        Ok(Duration::from_millis(ticks * 10))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
