//! `cargo xtask demo`: a tenant's day on a private server, every call shown as it can be pasted, with its answer.
//!
//! The input is a Telegram update in the shape the Bot API documents, from a customer of the shop `ewoooc`. Every run
//! of the demo is a new update: its id and date are those of the moment, so it works on the server of an earlier one.

mod chat;
mod contracts;
mod crew;
mod pretty;
mod process;
mod shell;
mod shop;
mod tools;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use self::crew::Crew;
use self::shell::{Call, Shell};
use self::shop::Shop;
use crate::gateway::{self, Gateway};
use crate::place::Place;
use crate::progress::Steps;
use crate::server::{Durability, Server};
use crate::toolchain;
use crate::tree::Major;

const SERVER: &str = "demo";
const UPDATE: &str = include_str!("../demo/telegram_update.json");
/// What in it is of the moment.
const UPDATE_ID: &str = "\"update_id\": 728194031";
const UPDATE_DATE: &str = "\"date\": 1763790123";
const AGENT: &str = "support-agent";

/// Installs, builds and starts what is missing, then plays the day.
pub fn run(place: &Place) -> Result<()> {
    let mut steps = Steps::new(5);
    steps.step("looking for what has to be installed", toolchain::packages)?;
    let server = steps
        .step("building the extension for PostgreSQL 15 (about 3 minutes the first time), starting a server", || {
            Server::start(place, SERVER, Major::Pg15, Durability::Full)
        })?;
    let gateway = Gateway::of(server.clone());
    let program = steps.step("building the gateway (about 2 minutes the first time), starting it", || {
        let program = gateway::build(place)?;
        gateway.start(place, &program)?;
        Ok(program)
    })?;
    let (shop, crew) = (Shop::of(&server), Crew::of(&server));
    let about =
        "building the shop's tools, an agent and a Bot API (about a minute the first time), starting them and a worker";
    steps.step(about, || {
        Crew::build(place)?;
        shop.start(place)?;
        crew.start(place, &program, &gateway.url()?)
    })?;
    steps.step("a tenant's day", || {
        let mut shell = Shell::new(server.clone());
        println!();
        day(&mut shell, &gateway.url()?)?;
        tools::show(&mut shell, &shop, AGENT)?;
        chat::show(&mut shell, &crew)
    })?;
    farewell(&gateway.url()?, &server)
}

/// Stops what the demo left running.
pub fn stop(place: &Place) -> Result<()> {
    let server = Server::new(place, SERVER, Major::Pg15)?;
    Crew::of(&server).stop()?;
    Shop::of(&server).stop()?;
    Gateway::of(server.clone()).stop()?;
    server.stop()?;
    eprintln!("the demo's servers and gateway are stopped; their data stays in {}", server.dir.display());
    Ok(())
}

fn day(shell: &mut Shell, url: &str) -> Result<()> {
    let text = update_of_this_moment()?;
    let update: Value = serde_json::from_str(&text).context("the demo's update is not JSON")?;
    chapter("The operator sets up two tenants");
    set_up(shell)?;
    chapter("A channel gets a key, a worker gets another; the other tenant has one of its own");
    let keys = shell.psql(
        "begin;\n\
         select awooop.enter_project('ewoooc');\n\
         select awooop.create_agent(agent_id => 'support-agent', display_name => 'EwoooC 客服');\n\
         select awooop.create_api_key(name => 'telegram channel', scopes => '{envelope:write,runs:write,runs:read}', \
         expires_in_seconds => 86400);\n\
         select awooop.create_api_key(name => 'worker', scopes => '{runs:work,runs:read}', \
         expires_in_seconds => 86400);\n\
         commit;\n\
         begin;\n\
         select awooop.enter_project('other');\n\
         select awooop.create_api_key(name => 'curious neighbour', scopes => '{runs:read}', \
         expires_in_seconds => 86400);\n\
         commit;",
    )?;
    let mut keys = keys.iter().filter_map(|value| value["api_key"].as_str());
    shell.export("URL", url);
    for name in ["CHANNEL_KEY", "WORKER_KEY", "OTHER_KEY"] {
        shell.export(name, keys.next().context("create_api_key returned no key")?);
    }
    shell.export("WRONG_KEY", "awk_ewoooc.nosuchkey.nosuchsecret");
    println!();
    contracts::sign(shell, AGENT)?;

    chapter("A customer writes to the shop's Telegram bot; the channel turns the update into an envelope");
    println!("{text}");
    let run_id = channel(shell, &update)?;
    worker(shell, &run_id)?;
    others(shell, &run_id)?;
    chapter("The same in psql, in one transaction");
    in_psql(shell, &update)
}

fn set_up(shell: &Shell) -> Result<()> {
    if shell.hidden("select count(*) from awooop.projects where project_id in ('ewoooc', 'other')")? == "2" {
        println!("# They are there from an earlier demo.\n");
        // An interrupted one may have left another mode, and nobody is to be asked about its messages now.
        shell.hidden("select awooop.set_project_mode('ewoooc', 'active')")?;
        // A run that an interrupted demo left behind would be claimed in place of today's.
        shell.hidden(
            "begin;\n\
             select awooop.enter_project('ewoooc');\n\
             select awooop.cancel_run(run_id => (item ->> 'run_id')::uuid, reason => 'left by an interrupted demo')\n\
             from unnest(array['pending', 'running']) state,\n\
                  jsonb_array_elements(awooop.list_runs(state => state, page_size => 200) -> 'items') item;\n\
             commit;",
        )?;
        return Ok(());
    }
    shell
        .psql(
            "select awooop.create_project('ewoooc', display_name => 'EwoooC');\n\
         -- From the legacy path to this platform, one step at a time.\n\
         select awooop.set_project_mode('ewoooc', 'shadow');\n\
         select awooop.set_project_mode('ewoooc', 'suggest');\n\
         select awooop.set_project_mode('ewoooc', 'active');\n\
         select awooop.create_project('other', display_name => 'Another shop', migration_mode => 'shadow');",
        )
        .map(drop)
}

/// The channel adapter's part: an update becomes an envelope and a run.
fn channel(shell: &Shell, update: &Value) -> Result<String> {
    let message = &update["message"];
    let envelope = shell.curl(
        &Call {
            method: "POST",
            path: "/v1/platform/envelopes",
            key: "CHANNEL_KEY",
            body: Some(json!({
                "agent_id": AGENT,
                "channel_type": "telegram",
                "channel_user_id": message["from"]["id"].to_string(),
                "channel_chat_id": message["chat"]["id"].to_string(),
                "display_name": sender(message),
                "extra_tags": {"language": message["from"]["language_code"]},
            })),
            ..Call::default()
        },
        200,
    )?;

    chapter("The envelope becomes a run; Telegram delivers the update again, and it is the same run");
    let idempotency = format!("Idempotency-Key: telegram-update-{}", update["update_id"]);
    let create = Call {
        method: "POST",
        path: "/v1/platform/runs",
        key: "CHANNEL_KEY",
        headers: &[&idempotency],
        body: Some(json!({
            "envelope": envelope,
            "input": {"message_id": message["message_id"], "text": message["text"]},
            "tags": {"source": "demo"},
        })),
        ..Call::default()
    };
    let first = shell.curl(&create, 201)?;
    let second = shell.curl(&create, 200)?;
    ensure!(first["run_id"] == second["run_id"], "a repeated request made a second run");
    Ok(first["run_id"].as_str().context("the run has no run_id")?.to_owned())
}

/// The worker's part: claim, record what was done, keep the lease, complete.
fn worker(shell: &Shell, run_id: &str) -> Result<()> {
    let post = |path: &str, body: Value| {
        let call = Call {
            method: "POST",
            path: &path.replace("{run_id}", run_id),
            key: "WORKER_KEY",
            body: Some(body),
            ..Call::default()
        };
        shell.curl(&call, 200)
    };
    chapter("A worker claims the run and gets a lease");
    let claimed =
        post("/v1/platform/runs/claim", json!({"worker_id": "demo-worker", "max_runs": 1, "lease_seconds": 60}))?;
    let claimed = &claimed["runs"][0];
    ensure!(claimed["run_id"] == run_id, "the worker claimed another run than the one just created");
    let lease = claimed["lease"].as_str().context("the claim has no lease")?;

    chapter("It records each step; a step that is recorded is never done twice");
    let lookup = json!({
        "lease": lease, "step_key": "look_up_order", "kind": "tool",
        "request": {"order": "EW-88160382"},
        "result": {"order": "EW-88160382", "carrier": "黑貓宅急便", "state": "in_transit", "eta": "週五"},
    });
    let reply = "陳小姐您好，耳機已交由黑貓宅急便配送，預計週五送達；若仍想改為超商取貨，請回覆「改超商」。";
    post("/v1/platform/runs/{run_id}/steps", lookup.clone())?;
    let draft = json!({
        "lease": lease, "step_key": "draft_reply", "kind": "llm",
        "request": {"prompt": "answer the customer, politely, in Traditional Chinese"},
        "result": {"text": reply},
    });
    post("/v1/platform/runs/{run_id}/steps", draft)?;
    println!("# The worker crashes and comes back to its first step: the recorded result, not a second look-up.");
    let replayed = post("/v1/platform/runs/{run_id}/steps", lookup)?;
    ensure!(replayed["outcome"] == "replayed", "a recorded step was not replayed");

    chapter(
        "What the model returned is read by the run contract's schema, and mended where that can be done in one way only",
    );
    let raw = format!("Here is the answer:\n```json\n{{'reply': '{reply}',}}\n```");
    let judged = post("/v1/platform/runs/{run_id}/output", json!({"lease": lease, "raw": raw}))?;
    ensure!(judged["document"]["reply"] == reply, "the output was not read as what it says");

    chapter("It keeps its lease, and completes the run");
    post("/v1/platform/runs/{run_id}/heartbeat", json!({"lease": lease, "lease_seconds": 60}))?;
    post("/v1/platform/runs/{run_id}/complete", json!({"lease": lease, "result": {"reply": reply}})).map(drop)
}

/// What each key sees of it.
fn others(shell: &Shell, run_id: &str) -> Result<()> {
    let path = format!("/v1/platform/runs/{run_id}");
    let get = |path: &str, key: &str, expected: u16| {
        shell.curl(&Call { method: "GET", path, key, ..Call::default() }, expected)
    };
    chapter("The tenant reads the run, its journal, and its latest runs");
    get(&path, "CHANNEL_KEY", 200)?;
    get(&format!("{path}/steps"), "WORKER_KEY", 200)?;
    get("/v1/platform/runs?state=completed&page_size=2", "CHANNEL_KEY", 200)?;
    chapter("To another tenant the run does not exist; without a valid key nothing does");
    get(&path, "OTHER_KEY", 404)?;
    get(&path, "WRONG_KEY", 401).map(drop)
}

fn in_psql(shell: &Shell, update: &Value) -> Result<()> {
    let user = &update["message"]["from"]["id"];
    let results = shell.psql(&format!(
        "begin;\n\
         select awooop.enter_project('ewoooc');\n\
         select awooop.build_envelope(agent_id => '{AGENT}', channel_type => 'telegram', channel_user_id => '{user}') \
         as envelope \\gset\n\
         select awooop.create_run(envelope => :'envelope', input => '{{\"text\": \"可以改成超商取貨嗎？\"}}') \
         ->> 'run_id' as run_id \\gset\n\
         select awooop.claim_runs(worker_id => 'psql') #>> '{{runs,0,lease}}' as lease \\gset\n\
         select awooop.record_step(run_id => :'run_id', lease => :'lease', step_key => 'answer', result => '\"可以\"');\n\
         select awooop.complete_run(run_id => :'run_id', lease => :'lease', result => '{{\"reply\": \"可以，已為您更改。\"}}');\n\
         commit;",
    ))?;
    ensure!(results.last().is_some_and(|run| run["state"] == "completed"), "the run did not end as completed");
    Ok(())
}

fn farewell(url: &str, server: &Server) -> Result<()> {
    println!("Look around:");
    println!("  API documentation  {url}/docs   (as OpenAPI 3.1: {url}/openapi.json)");
    println!("  metrics            {url}/metrics");
    println!("  psql               cargo xtask db psql --name {SERVER}");
    println!("                     try: select * from awooop.run_state;  select awooop.doctor();");
    println!("  logs               {}", server.log().display());
    println!("                     {}", Gateway::of(server.clone()).log().display());
    println!("                     {}", Crew::of(server).log().display());
    println!("  stop               cargo xtask demo --stop");
    Ok(())
}

fn chapter(title: &str) {
    println!("== {title}\n");
}

fn sender(message: &Value) -> String {
    let part = |name: &str| message["from"][name].as_str().unwrap_or_default();
    format!("{}{}", part("last_name"), part("first_name"))
}

/// The update's text from the file, as if it had come in now.
fn update_of_this_moment() -> Result<String> {
    Ok(UPDATE
        .replace(UPDATE_ID, &format!("\"update_id\": {}", update_id()?))
        .replace(UPDATE_DATE, &format!("\"date\": {}", now()?.as_secs())))
}

/// The id of an update of this moment: Telegram counts updates up; tenths of a second since 2025 do, too, and fit its 32 bits for
/// years.
fn update_id() -> Result<u64> {
    let tenths = now()?.as_millis().saturating_sub(1_735_689_600_000) / 100;
    Ok(u64::try_from(tenths)?)
}

fn now() -> Result<Duration> {
    SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_update_names_a_sender_and_is_new_every_time() {
        let update: Value = serde_json::from_str(&update_of_this_moment().unwrap()).unwrap();
        assert_eq!(sender(&update["message"]), "陳雅婷");
        let file: Value = serde_json::from_str(UPDATE).unwrap();
        assert_ne!(update["update_id"], file["update_id"]);
        assert_ne!(update["message"]["date"], file["message"]["date"]);
    }

    #[test]
    fn the_entity_of_the_update_is_where_telegram_counts_it() {
        let update: Value = serde_json::from_str(UPDATE).unwrap();
        let text: Vec<u16> = update["message"]["text"].as_str().unwrap().encode_utf16().collect();
        let entity = &update["message"]["entities"][0];
        let offset = usize::try_from(entity["offset"].as_u64().unwrap()).unwrap();
        let length = usize::try_from(entity["length"].as_u64().unwrap()).unwrap();
        assert_eq!(String::from_utf16(&text[offset..offset + length]).unwrap(), "#查詢訂單");
    }
}
