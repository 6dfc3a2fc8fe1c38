//! What a tool's call takes through the gateway: every gate on, in front of a server that only echoes, beside the same call
//! without anything between, and beside other gateways where somebody has started them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Effort;
use crate::fixture;
use crate::gateway::Gateway;
use crate::place::Place;
use crate::report::{Report, median};

const PROJECT: &str = "through";
const SERVER: &str = "live";
const CURRENT: &str = "2026-07-28";
/// Calls at once.
const AT_ONCE: [usize; 2] = [1, 8];
/// Added at most, at one call at once: milliseconds.
const MOST_ADDED_MS: f64 = 1.5;
/// CPU added at most, for one call: milliseconds.
const MOST_CPU_MS: f64 = 1.0;

/// Where a call goes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    name: String,
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    tool: String,
    /// Whether it takes calls without a session, in the current revision.
    #[serde(default)]
    stateless: bool,
    /// Processes whose CPU is counted, with all that they have started.
    #[serde(default)]
    pids: Vec<u32>,
}

pub fn run(place: &Place, effort: &Effort, report: &mut Report) -> Result<()> {
    let echo = Echo::start()?;
    let (gateway, key) = prepare(place, &echo)?;
    let directory: String = place.superuser()?.query_one("show data_directory", &[])?.get(0);
    let postmaster = std::fs::read_to_string(format!("{directory}/postmaster.pid"))?;
    let postmaster =
        postmaster.lines().next().and_then(|line| line.parse().ok()).context("postmaster.pid has no number")?;
    let direct = Target {
        name: "nothing between".into(),
        url: echo.url.clone(),
        headers: BTreeMap::new(),
        tool: "echo".into(),
        stateless: true,
        pids: vec![],
    };
    let ours = Target {
        name: "AwoooP".into(),
        url: format!("http://{}/v1/mcp/{SERVER}", gateway.address),
        headers: BTreeMap::from([("authorization".into(), format!("Bearer {key}"))]),
        tool: "echo".into(),
        stateless: true,
        pids: vec![gateway.id(), postmaster],
    };
    let mut targets = vec![direct, ours];
    if let Ok(file) = std::env::var("AWOOOP_BENCH_MCP_PEERS") {
        let text = std::fs::read_to_string(&file).with_context(|| format!("AWOOOP_BENCH_MCP_PEERS: {file}"))?;
        targets.extend(
            serde_json::from_str::<Vec<Target>>(&text).context("AWOOOP_BENCH_MCP_PEERS is no list of gateways")?,
        );
    }
    for clients in AT_ONCE {
        // Turn about, so that what else goes on hits all of them.
        let mut figures: Vec<[Vec<f64>; 3]> = targets.iter().map(|_| Default::default()).collect();
        for _ in 0..effort.rounds {
            for (target, all) in targets.iter().zip(&mut figures) {
                let load = load(target, clients, effort.seconds)?;
                all.iter_mut().zip([load.median_ms, load.p99_ms, load.cpu_ms]).for_each(|(all, one)| all.push(one));
            }
        }
        let figures: Vec<[f64; 3]> = figures.into_iter().map(|all| all.map(median)).collect();
        let bare = figures.first().map_or(0.0, |figures| figures[0]);
        for (target, [middle, p99, cpu]) in targets.iter().zip(figures) {
            let name = |what: &str| format!("c={clients}, {}: {what}", target.name);
            report.figure(name("median"), middle, "ms");
            report.figure(name("99th percentile"), p99, "ms");
            match target.name.as_str() {
                "AwoooP" if clients == 1 => report.below(name("added, median"), middle - bare, "ms", MOST_ADDED_MS),
                "nothing between" => {}
                _ => report.figure(name("added, median"), middle - bare, "ms"),
            }
            match target.name.as_str() {
                "AwoooP" => report.below(name("CPU of gateway and database, a call"), cpu, "ms", MOST_CPU_MS),
                _ if !target.pids.is_empty() => report.figure(name("CPU, a call"), cpu, "ms"),
                _ => {}
            }
        }
    }
    Ok(())
}

struct Load {
    median_ms: f64,
    p99_ms: f64,
    cpu_ms: f64,
}

/// Calls the tool from so many clients for so long.
fn load(target: &Target, clients: usize, seconds: u64) -> Result<Load> {
    let stop = AtomicBool::new(false);
    let before = cpu_of(&target.pids);
    let measured = std::thread::scope(|scope| {
        let running: Vec<_> = (0..clients).map(|_| scope.spawn(|| one_client(target, &stop))).collect();
        std::thread::sleep(Duration::from_secs(seconds));
        stop.store(true, Ordering::Relaxed);
        let one = |client: std::thread::ScopedJoinHandle<'_, Result<Vec<f64>>>| {
            client.join().ok().context("a client died")?
        };
        running.into_iter().map(one).collect::<Result<Vec<_>>>()
    })?;
    let cpu = cpu_of(&target.pids) - before;
    let mut all = measured.concat();
    all.sort_by(f64::total_cmp);
    let calls = all.len();
    ensure!(calls > 0, "{} answered no call", target.name);
    let at = |share: usize| all.get(calls * share / 100).copied().unwrap_or_default();
    Ok(Load { median_ms: at(50), p99_ms: at(99), cpu_ms: cpu * 1000.0 / calls as f64 })
}

/// Milliseconds of each call of one client.
fn one_client(target: &Target, stop: &AtomicBool) -> Result<Vec<f64>> {
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    let session = if target.stateless { None } else { Some(begun(&agent, target)?) };
    let mut took = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let params = json!({"name": target.tool, "arguments": {"text": format!("hello {}", took.len())}});
        let sent = Instant::now();
        let (answer, _) = posted(&agent, target, session.as_deref(), "tools/call", params)?;
        took.push(sent.elapsed().as_secs_f64() * 1000.0);
        ensure!(answer.contains("hello") && !answer.contains("\"isError\":true"), "{} answered {answer}", target.name);
    }
    Ok(took)
}

/// Begins a session; its id.
fn begun(agent: &ureq::Agent, target: &Target) -> Result<String> {
    let params =
        json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}});
    let (_, session) = posted(agent, target, None, "initialize", params)?;
    let session = session.unwrap_or_default();
    posted(agent, target, Some(&session), "notifications/initialized", json!({}))?;
    Ok(session)
}

fn posted(
    agent: &ureq::Agent,
    target: &Target,
    session: Option<&str>,
    method: &str,
    mut params: Value,
) -> Result<(String, Option<String>)> {
    let mut request = agent
        .post(&target.url)
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    for (name, value) in &target.headers {
        request = request.header(name, value);
    }
    if target.stateless {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": CURRENT, "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"}
        });
        request = request
            .header("mcp-protocol-version", CURRENT)
            .header("mcp-method", method)
            .header("mcp-name", &target.tool);
    } else if method != "initialize" {
        request = request.header("mcp-protocol-version", "2025-06-18");
    }
    if let Some(session) = session.filter(|session| !session.is_empty()) {
        request = request.header("mcp-session-id", session);
    }
    let mut message = json!({"jsonrpc": "2.0", "method": method, "params": params});
    if !method.starts_with("notifications/") {
        message["id"] = 1.into();
    }
    let mut reply = request.send(message.to_string()).with_context(|| target.name.clone())?;
    let session = reply.headers().get("mcp-session-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let mut body = String::new();
    reply.body_mut().as_reader().read_to_string(&mut body)?;
    Ok((body, session))
}

/// Seconds of CPU that processes have used, with those that they have started.
fn cpu_of(pids: &[u32]) -> f64 {
    let mut ticks = 0.0;
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
        let fields: Vec<&str> = rest.split(' ').collect();
        let parent = fields.get(1).and_then(|field| field.parse::<u32>().ok()).unwrap_or_default();
        if pids.contains(&pid) || pids.contains(&parent) {
            ticks +=
                fields.get(11..13).into_iter().flatten().filter_map(|field| field.parse::<f64>().ok()).sum::<f64>();
        }
    }
    // USER_HZ is 100 on every Linux.
    ticks / 100.0
}

/// The server that only echoes; one that was started for this ends with it.
struct Echo {
    process: Option<Child>,
    url: String,
}

impl Echo {
    /// Other gateways have to be in front of the same one, and want it to be there all the time.
    fn start() -> Result<Self> {
        if let Ok(url) = std::env::var("AWOOOP_BENCH_ECHO_URL") {
            return Ok(Echo { process: None, url });
        }
        let program = std::env::var("AWOOOP_BENCH_ECHO").context("AWOOOP_BENCH_ECHO names no echo server")?;
        let mut command = Command::new(program);
        command.args(["--listen", "127.0.0.1:0"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().context("cannot start the echo server")?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("no output")?).read_line(&mut line)?;
        let url = line.trim().strip_prefix("listening on ").context("the echo server says something else")?;
        let url = format!("{url}/mcp");
        Ok(Echo { process: Some(process), url })
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// A project in which every gate has something to judge, with the echo server imported through a gateway; an agent's key.
fn prepare(place: &Place, echo: &Echo) -> Result<(Gateway, String)> {
    let mut admin = fixture::prepare(place)?;
    if admin.query_opt("select from awooop.projects where project_id = $1", &[&PROJECT])?.is_none() {
        admin.execute("select awooop.create_project($1, migration_mode => 'active')", &[&PROJECT])?;
    }
    admin.execute("select awooop.allow_private_host('127.0.0.1', 'benchmark')", &[])?;
    let gateway = Gateway::start(place, &place.uri_of("awooop_gateway", fixture::PASSWORD)?)?;
    let keys = admin.query_one(
        "select awooop.enter_project($1), awooop.create_api_key('admin', '{tools:admin,tools:read}') ->> 'api_key'",
        &[&PROJECT],
    );
    let key: String = keys?.get(1);
    within(
        &mut admin,
        &format!("select awooop.mcp_register_server('{SERVER}', '{}', max_concurrency => 64)", echo.url),
    )?;
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    let imported = agent
        .post(format!("http://{}/v1/mcp/{SERVER}/import", gateway.address))
        .header("authorization", format!("Bearer {key}"))
        .send("{}");
    let imported: Value = serde_json::from_str(&imported?.body_mut().read_to_string()?)?;
    let rate = json!({"count": 1_000_000, "window_seconds": 3600});
    for tool in imported["tools"].as_array().context("no tools")? {
        let mut contract = tool["proposal"].clone();
        if contract.is_null() {
            continue;
        }
        (contract["risk"], contract["side_effects"], contract["rate"]) =
            ("low".into(), "reversible".into(), rate.clone());
        fixture::activate(&mut admin, PROJECT, &contract)?;
    }
    let name = format!("echo__{SERVER}");
    let contract = json!({
        "kind": "agent", "contract_version": 1, "name": "agent", "purpose": "Is measured.", "autonomy": "act",
        "model": {"provider": "none", "name": "none", "max_output_tokens": 1}, "tools": {name.as_str(): {"access": "write"}}
    });
    fixture::activate(&mut admin, PROJECT, &contract)?;
    let grant = format!(
        "select awooop.mcp_grant_tool('agent', '{name}', rate_count => 1000000, rate_window_seconds => 3600,
             constraints => '{{\"type\": \"object\", \"properties\": {{\"text\": {{\"maxLength\": 100}}}}}}')"
    );
    within(&mut admin, &grant)?;
    within(&mut admin, "select awooop.set_budget('project', 'day', hard_micro_usd => 1000000000000)")?;
    let key = "select awooop.create_api_key('bot', '{tools:call,tools:read}', agent_id => 'agent') ->> 'api_key'";
    let key = within(&mut admin, key)?;
    Ok((gateway, key))
}

/// A text, of a statement within the project.
fn within(admin: &mut postgres::Client, sql: &str) -> Result<String> {
    let mut transaction = admin.transaction()?;
    transaction.execute("select awooop.enter_project($1)", &[&PROJECT])?;
    let row = transaction.query_one(&format!("select ({})::text", sql.trim_start_matches("select ")), &[])?;
    let text: Option<String> = row.get(0);
    transaction.commit()?;
    Ok(text.unwrap_or_default())
}
