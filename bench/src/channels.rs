//! Channels: from a webhook to a committed event, beside the bare insert of the same row by the same number of clients; and how
//! messages leave, at the rate that the channel's contract says, each chat's in order.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::{Value, json};

use crate::fixture::{self, PASSWORD};
use crate::gateway::Gateway;
use crate::place::Place;
use crate::report::{Report, median};
use crate::{Effort, http, pgbench};

const PROJECT: &str = "talk";
const ROLE: &str = "bench_talker";
const CHANNEL: &str = "bot";
const TOKEN: &str = "12345:benchmark";
/// As few as the other benchmarks have, and as many connections as Telegram opens to a webhook that asks for no other number
/// (core.telegram.org/bots/api#setwebhook).
const CLIENTS: [usize; 2] = [8, 40];
const CHATS: usize = 1000;
const MESSAGES: usize = 10_000;
/// Messages a second, as the contract has it.
const RATE: u64 = 400;
/// Much longer than the messages take at their rate.
const PATIENCE: Duration = Duration::from_secs(180);

/// The row that an event is, as a webhook that does nothing else would write it.
const BARE: &str = "insert into bench.event (project_id, event_id, received_at, channel, channel_type, external_id, kind,
        channel_user_id, channel_chat_id, channel_message_id, platform_subject_id, occurred_at, trace_id, body, outcome,
        retain_until)
    values ('talk', gen_random_uuid(), clock_timestamp(), 'bot', 'telegram', gen_random_uuid()::text, 'message', '42', '-100',
            '7', 'talk-telegram-42', clock_timestamp(), '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
            '{\"update_id\": 1, \"message\": {\"message_id\": 7, \"date\": 1, \"text\": \"somebody says something to others\",
              \"chat\": {\"id\": -100, \"type\": \"supergroup\", \"title\": \"Shop\"},
              \"from\": {\"id\": 42, \"is_bot\": false, \"first_name\": \"Ann\"}}}', 'not_spoken_to',
            clock_timestamp() + interval '90 days');\n";

pub fn run(place: &Place, effort: &Effort) -> Result<Report> {
    let mut admin = prepare(place)?;
    let secret = secret(&mut admin)?;
    let mut report = Report::default();
    incoming(place, effort, &secret, &mut report)?;
    outgoing(place, &mut admin, &mut report)?;
    Ok(report)
}

/// Updates over HTTP, of which nobody's agent hears and of which each becomes a run, beside the bare insert.
fn incoming(place: &Place, effort: &Effort, secret: &str, report: &mut Report) -> Result<()> {
    let gateway = Gateway::start(place, &place.uri_of("awooop_gateway", PASSWORD)?)?;
    let scripts = pgbench::scripts(place, "event", &[BARE.to_owned()])?;
    let uri = place.uri_of(ROLE, PASSWORD)?;
    for clients in CLIENTS {
        let (mut bare, mut mirrored, mut p99) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..effort.rounds {
            bare.push(pgbench::tps_of(place, &uri, &scripts, true, effort.seconds, clients)?);
            let group = |client, turn| update(secret, client, turn, -100);
            let load = http::load_of(&gateway.address, effort.seconds, clients, group)?;
            mirrored.push(load.requests_a_second);
            p99.push(load.p99_ms);
        }
        let (bare, mirrored) = (median(bare), median(mirrored));
        report.figure(format!("bare insert by pgbench, {clients} clients"), bare, "tps");
        report.figure(format!("webhook to committed event, {clients} clients"), mirrored, "updates/s");
        report.at_least(format!("ratio, {clients} clients"), mirrored / bare, "", 0.5);
        report.figure(format!("p99 at the client, {clients} clients"), median(p99), "ms");
    }
    let heard: Vec<f64> = (0..effort.rounds)
        .map(|_| {
            let alone = |client, turn| update(secret, client, turn, 0);
            Ok(http::load(&gateway.address, effort.seconds, alone)?.requests_a_second)
        })
        .collect::<Result<_>>()?;
    report.figure("webhook to committed event and run, 8 clients", median(heard), "updates/s");
    Ok(())
}

/// An update that nobody has brought yet: in a group that nobody listens to, or, without one, in a chat of the sender's own.
fn update(secret: &str, client: usize, turn: usize, group: i64) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    static FIRST: LazyLock<u64> = LazyLock::new(now);
    let (update, user) = (NEXT.fetch_add(1, Ordering::Relaxed), turn * CLIENTS[1] + client + 1);
    // A server that has been measured before has seen others.
    let (update, now) = (*FIRST % 20_000 * 100_000 + update, now());
    let chat = match group {
        0 => format!("{{\"id\":{user},\"type\":\"private\",\"first_name\":\"Ann\"}}"),
        group => format!("{{\"id\":{group},\"type\":\"supergroup\",\"title\":\"Shop\"}}"),
    };
    // In the group the same people talk; each of the others has a rate of their own.
    let user = if group == 0 { user } else { user % 100 + 1 };
    let body = format!(
        "{{\"update_id\":{update},\"message\":{{\"message_id\":{update},\"date\":{now},\"text\":\"somebody says something to \
         others\",\"chat\":{chat},\"from\":{{\"id\":{user},\"is_bot\":false,\"first_name\":\"Ann\"}}}}}}"
    );
    format!(
        "POST /v1/channels/telegram/{PROJECT}/webhook HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n\
         X-Telegram-Bot-Api-Secret-Token: {secret}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Seconds since 1970.
fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Messages to many chats, sent at the channel's rate to a server that answers as the Bot API does.
fn outgoing(place: &Place, admin: &mut Client, report: &mut Report) -> Result<()> {
    // What the runs of before have to say is no part of it.
    admin.batch_execute("delete from awooop.run_ready where project_id = 'talk'")?;
    for batch in 0..MESSAGES / CHATS {
        let mut transaction = admin.transaction()?;
        transaction.execute("select awooop.enter_project($1)", &[&PROJECT])?;
        transaction.execute(
            "select count(awooop.queue_message($1, chat::text, format('%s of %s', $2::text, chat)))
             from generate_series(100001, 100000 + $3) chat",
            &[&CHANNEL, &batch.to_string(), &i32::try_from(CHATS)?],
        )?;
        transaction.commit()?;
    }
    let api = BotApi::start()?;
    let secrets = place.scratch.join("secrets");
    fs::create_dir_all(secrets.join("talk/telegram"))?;
    fs::write(secrets.join("talk/telegram/token"), TOKEN)?;
    let mut sender = Command::new(&place.gateway)
        .arg("worker")
        .env("AWOOOP_DATABASE_URL", place.uri_of("awooop_gateway", PASSWORD)?)
        .env("AWOOOP_WORKER_DATABASE_URL", place.uri_of("awooop_worker", PASSWORD)?)
        .env("AWOOOP_SECRETS_DIR", &secrets)
        .env("AWOOOP_TELEGRAM_API_URL", &api.url)
        .env("AWOOOP_MAX_SENDING", "512")
        .env("AWOOOP_POLL_MS", "20")
        .stdout(Stdio::null())
        .stderr(fs::File::create(place.scratch.join("sender.log"))?)
        .spawn()
        .context("cannot start the sender")?;
    let outcome = sent(admin, &api);
    let _ = sender.kill();
    let _ = sender.wait();
    let (log, elapsed) = outcome?;
    let mut chats: BTreeMap<&str, usize> = BTreeMap::new();
    let mut out_of_order = 0;
    for done in &log {
        let (chat, text) = (done["chat_id"].as_str().unwrap_or_default(), done["text"].as_str().unwrap_or_default());
        let next = chats.entry(chat).or_default();
        out_of_order += usize::from(text != format!("{next} of {chat}"));
        *next += 1;
    }
    report.figure("messages sent", log.len() as f64, "");
    report.figure("chats", chats.len() as f64, "");
    report.below(
        "messages out of order, lost or repeated",
        (out_of_order + MESSAGES.abs_diff(log.len())) as f64,
        "",
        1.0,
    );
    let rate = log.len() as f64 / elapsed.as_secs_f64();
    report.figure("configured rate", RATE as f64, "messages/s");
    report.figure("messages left at", rate, "messages/s");
    report.at_least("ratio to the configured rate", rate / RATE as f64, "", 0.9);
    // What the clocks of two processes add.
    report.below("ratio to the configured rate, at most", rate / RATE as f64, "", 1.02);
    Ok(())
}

/// What reached the chats, and how long that took.
fn sent(admin: &mut Client, api: &BotApi) -> Result<(Vec<Value>, Duration)> {
    let begun = Instant::now();
    let mut first = None;
    loop {
        let waiting: i64 =
            admin.query_one("select coalesce(sum(queued), 0)::int8 from awooop.outbound_chat", &[])?.get(0);
        if first.is_none() && waiting < i64::try_from(MESSAGES)? {
            first = Some(Instant::now());
        }
        if waiting == 0 {
            break;
        }
        ensure!(begun.elapsed() < PATIENCE, "the messages do not leave: {waiting} wait");
        sleep(Duration::from_millis(20));
    }
    let elapsed = first.unwrap_or(begun).elapsed();
    let log = api.log()?;
    Ok((log.into_iter().filter(|done| done["what"] == "sent").collect(), elapsed))
}

struct BotApi {
    process: Child,
    url: String,
}

impl BotApi {
    fn start() -> Result<Self> {
        let echo =
            std::env::var("AWOOOP_BENCH_ECHO").context("AWOOOP_BENCH_ECHO is not set: run `cargo xtask bench`")?;
        let program = std::path::PathBuf::from(echo).with_file_name("bot-api-server");
        let mut command = Command::new(program);
        command.args(["--listen", "127.0.0.1:0", "--token", TOKEN]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().context("cannot start the Bot API of the tests")?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("no output")?).read_line(&mut line)?;
        let url = line.trim().strip_prefix("listening on ").context("it says something else")?.to_owned();
        Ok(Self { process, url })
    }

    fn log(&self) -> Result<Vec<Value>> {
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        let mut answer = agent.get(format!("{}/log", self.url)).call()?;
        let text = answer.body_mut().with_config().limit(1 << 30).read_to_string()?;
        Ok(serde_json::from_str(&text)?)
    }
}

impl Drop for BotApi {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The channel's secret.
fn secret(admin: &mut Client) -> Result<String> {
    static KEYS: AtomicUsize = AtomicUsize::new(0);
    let mut transaction = admin.transaction()?;
    transaction.execute("select awooop.enter_project($1)", &[&PROJECT])?;
    let name = format!("bot {}", KEYS.fetch_add(1, Ordering::Relaxed));
    let made = "select awooop.create_api_key($1, '{channels:ingest}', channel => $2) ->> 'api_key'";
    let secret = transaction.query_one(made, &[&name, &CHANNEL])?.get(0);
    transaction.commit()?;
    Ok(secret)
}

/// A project with a channel whose agent hears what is said to it alone, and the table of the bare insert.
fn prepare(place: &Place) -> Result<Client> {
    let mut admin = fixture::prepare(place)?;
    admin.batch_execute(&format!(
        "do $$ begin
             if not exists (select from pg_roles where rolname = '{ROLE}') then
                 create role {ROLE} login;
             end if;
         end $$;
         alter role {ROLE} password '{PASSWORD}';
         alter role awooop_worker password '{PASSWORD}';
         grant usage on schema bench to {ROLE};
         drop table if exists bench.event;
         create table bench.event (like awooop.conversation_event including defaults);
         alter table bench.event add primary key (project_id, event_id, received_at);
         create index on bench.event (project_id, channel, channel_chat_id, event_id);
         create index on bench.event (retain_until);
         grant insert on bench.event to {ROLE};"
    ))?;
    if admin.query_opt("select from awooop.projects where project_id = $1", &[&PROJECT])?.is_none() {
        admin.execute("select awooop.create_project($1, migration_mode => 'active')", &[&PROJECT])?;
        let mut transaction = admin.transaction()?;
        transaction.execute("select awooop.enter_project($1)", &[&PROJECT])?;
        transaction.execute("select awooop.create_agent('agent')", &[])?;
        transaction.commit()?;
    }
    fixture::agent(&mut admin, PROJECT)?;
    let channel = json!({
        "kind": "channel", "contract_version": 1, "name": CHANNEL, "channel_type": "telegram",
        "inbound": {"secret": "k8s://talk/telegram/secret", "verification": "header_token"},
        "listener": {"agent": "agent", "groups": "when_mentioned"},
        // Nobody answers the runs of before, and nobody is to be told so.
        "feedback": {"max_messages": 0},
        "outbound": {
            "identity": "@bench_bot", "credential": "k8s://talk/telegram/token",
            "rate": {"count": RATE, "window_seconds": 1}, "chat_rate": {"count": 20, "window_seconds": 1}
        }
    });
    fixture::activate(&mut admin, PROJECT, &channel)?;
    Ok(admin)
}
