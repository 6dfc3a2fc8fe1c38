//! From a message to an answer: a clerk of the shop writes to its bot, and an agent behind HTTP answers. First in shadow, beside the
//! legacy path; then in suggest, where somebody reads the answer first; then in active, where a tool call takes a manager's word,
//! who gives it in the chat.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::contracts::{activate_quietly, active_document};
use super::crew::Crew;
use super::shell::{Call, Shell};
use super::{chapter, now, update_id};

const AGENT: &str = "clerk";
const CHANNEL: &str = "clerk-bot";
/// Who asks, in a chat of their own, and who decides, in the managers' group.
const CLERK: i64 = 51_000_042;
const MANAGER: u64 = 51_000_007;
const MANAGERS: i64 = -1_009_000_001;
const TOOLS: [&str; 3] = ["list_products__shop", "list_orders__shop", "sales_summary__shop"];
/// What was done in the bot's chats.
const BOT_LOG: Call = Call { method: "GET", path: "$BOT_API/log", key: "", headers: &[], secrets: &[], body: None };
/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Plays it.
pub fn show(shell: &mut Shell, crew: &Crew) -> Result<()> {
    set_up(shell, crew)?;
    in_shadow(shell)?;
    in_suggest(shell)?;
    in_active(shell)
}

fn set_up(shell: &mut Shell, crew: &Crew) -> Result<()> {
    chapter(
        "A bot of the shop, and an agent behind HTTP that listens there: a contract of the channel, one of the agent, one of its runs",
    );
    shell.psql(&format!(
        "begin;\n\
         select awooop.enter_project('ewoooc');\n\
         select awooop.create_agent(agent_id => '{AGENT}', display_name => 'EwoooC 店員');\n\
         -- The policy wants two of security to sign.\n\
         select awooop.grant_principal_role('mei.lin', 'security');\n\
         select awooop.grant_principal_role('jun.chen', 'security');\n\
         -- A person of the channel who may decide as a manager.\n\
         select awooop.upsert_platform_subject('telegram', '{MANAGER}', display_name => '王店長');\n\
         select awooop.grant_subject_role('ewoooc:telegram:{MANAGER}', 'manager');\n\
         commit;"
    ))?;
    for document in [run_contract(), agent_contract(&crew.agent_url()?), channel_contract()] {
        if active_document(shell, &document)? == Some(document.clone()) {
            println!("# The {} contract {} is active since an earlier demo.", document["kind"], document["name"]);
        } else {
            println!("# Written by Kai, signed by Mei and Jun, and active:\n{document:#}");
            activate_quietly(shell, &document)?;
        }
    }
    println!();
    let keys = shell.psql(&format!(
        "begin;\n\
         select awooop.enter_project('ewoooc');\n\
         -- What the bot's webhook is called with; it brings events of this channel, and does nothing else.\n\
         select awooop.create_api_key('telegram', '{{channels:ingest}}', channel => '{CHANNEL}', expires_in_seconds => 86400);\n\
         select awooop.create_api_key('desk', '{{runs:read,runs:write,conversations:read,approvals:decide}}', \
         principal_id => 'mei.lin', expires_in_seconds => 86400);\n\
         commit;"
    ))?;
    let mut keys = keys.iter().filter_map(|value| value["api_key"].as_str());
    for name in ["BOT_SECRET", "DESK_KEY"] {
        shell.export(name, keys.next().context("create_api_key returned no key")?);
    }
    shell.export("BOT_API", &crew.bot_api_url()?);
    println!();
    chapter("The agent gets the tools that it needs");
    for tool in TOOLS {
        let path = format!("/v1/platform/mcp/grants/{AGENT}/{tool}");
        let grant = Call { method: "PUT", path: &path, key: "TOOLS_KEY", body: Some(json!({})), ..Call::default() };
        shell.curl(&grant, 200)?;
    }
    Ok(())
}

fn in_shadow(shell: &Shell) -> Result<()> {
    chapter(
        "In shadow: a message becomes a run, a worker posts it to the agent, and what it would have said is recorded",
    );
    mode(shell, "shadow")?;
    let said = says(shell, "店裡現在有什麼？")?;
    let run = ended(shell, &said)?;
    ensure!(run["mode"] == "shadow", "the run is not in shadow");
    let recorded = messages(shell, &said.run_id)?;
    ensure!(recorded["items"][0]["state"] == "recorded", "the answer was not recorded");
    println!("# Nothing has reached the chat.");
    ensure!(bot_log(shell)? == json!([]), "something was sent from shadow");
    chapter("The legacy path tells what it answered to the same message, and the two are compared");
    let outcome = json!({"message_key": format!("{CHANNEL}:{}", said.update_id), "outcome": run["result"]});
    let compared = desk(shell, "POST", "/v1/platform/shadow/legacy-outcomes", Some(outcome))?;
    ensure!(compared["agrees"] == true, "equal answers do not agree");
    let report = desk(shell, "GET", &format!("/v1/platform/shadow/report?agent_id={AGENT}"), None)?;
    ensure!(report["total"]["agreed"].as_u64() > Some(0), "the report knows of no agreement");
    Ok(())
}

fn in_suggest(shell: &Shell) -> Result<()> {
    chapter("In suggest: the answer waits until somebody lets it go");
    mode(shell, "suggest")?;
    let said = says(shell, "最近的訂單是哪一筆？")?;
    ended(shell, &said)?;
    let held = messages(shell, &said.run_id)?;
    let held = &held["items"][0];
    ensure!(held["state"] == "held", "the answer is not held");
    let message = held["message_id"].as_str().context("the message has no message_id")?;
    desk(shell, "POST", &format!("/v1/platform/messages/{message}/decide"), Some(json!({"decision": "send"})))?;
    until_sent(shell, message)?;
    println!("# And it is in the chat.");
    let log = bot_log(shell)?;
    ensure!(is_in(&log[0], CLERK), "the answer has not reached the chat");
    Ok(())
}

fn in_active(shell: &Shell) -> Result<()> {
    chapter(
        "In active: the agent wants to call a tool that takes a manager's word; the run waits, and the managers are asked in their chat",
    );
    mode(shell, "active")?;
    let said = says(shell, "2026-01 的業績如何？")?;
    let question = until(shell, "the managers are asked", |shell| {
        Ok(shell
            .peek(&BOT_LOG)?
            .as_array()
            .and_then(|log| log.iter().find(|done| is_in(done, MANAGERS) && done["buttons"].is_array()).cloned()))
    })?;
    bot_log(shell)?;
    desk(shell, "GET", &format!("/v1/platform/runs/{}", said.run_id), None)?;
    chapter(
        "The manager presses the button; the worker claims the run again, the call goes through, and the answer is sent",
    );
    let update_id = update_id()?;
    let button = &question["buttons"][0][0];
    webhook(
        shell,
        &json!({"update_id": update_id, "callback_query": {
            "id": update_id.to_string(), "chat_instance": "1", "data": button["callback_data"],
            "from": {"id": MANAGER, "is_bot": false, "first_name": "店長", "last_name": "王", "language_code": "zh-hant"},
            "message": {"message_id": question["message_id"], "date": 1,
                        "chat": {"id": MANAGERS, "type": "supergroup", "title": "店長群"}}
        }}),
    )?;
    ended(shell, &said)?;
    let answers = messages(shell, &said.run_id)?;
    let answer = answers["items"].as_array().and_then(|all| all.iter().find(|one| one["purpose"] == "answer"));
    until_sent(shell, answer.and_then(|answer| answer["message_id"].as_str()).context("there is no answer")?)?;
    let log = bot_log(shell)?;
    let told = log
        .as_array()
        .is_some_and(|log| log.iter().any(|done| is_in(done, CLERK) && done["text"].to_string().contains("營業額")));
    ensure!(told, "the answer has not reached the chat");
    chapter("What happened, step by step: the call of the tool is the run's, under the approval");
    desk(shell, "GET", &format!("/v1/platform/runs/{}/steps", said.run_id), None).map(drop)
}

/// A message that became a run.
struct Said {
    update_id: u64,
    run_id: String,
}

/// The clerk writes to the bot, and Telegram brings it.
fn says(shell: &Shell, text: &str) -> Result<Said> {
    let update_id = update_id()?;
    let taken_in = webhook(
        shell,
        &json!({"update_id": update_id, "message": {
            "message_id": update_id, "date": now()?.as_secs(), "text": text,
            "chat": {"id": CLERK, "type": "private", "first_name": "小安"},
            "from": {"id": CLERK, "is_bot": false, "first_name": "小安", "language_code": "zh-hant"}
        }}),
    )?;
    let run_id = taken_in["run_id"].as_str().context("no run came of the message")?.to_owned();
    Ok(Said { update_id, run_id })
}

fn webhook(shell: &Shell, update: &Value) -> Result<Value> {
    let call = Call {
        method: "POST",
        path: "/v1/channels/telegram/ewoooc/webhook",
        secrets: &["X-Telegram-Bot-Api-Secret-Token: $BOT_SECRET"],
        body: Some(update.clone()),
        ..Call::default()
    };
    shell.curl(&call, 200)
}

/// The run once it has completed.
fn ended(shell: &Shell, said: &Said) -> Result<Value> {
    until(shell, "the run is completed", |shell| {
        let state = shell.hidden(&format!("select state from awooop.run_state where run_id = '{}'", said.run_id))?;
        match state.as_str() {
            "completed" => Ok(Some(())),
            "failed" | "cancelled" | "timed_out" => bail!("the run ended as {state}"),
            _ => Ok(None),
        }
    })?;
    desk(shell, "GET", &format!("/v1/platform/runs/{}", said.run_id), None)
}

fn until_sent(shell: &Shell, message: &str) -> Result<()> {
    until(shell, "the message is sent", |shell| {
        let sql = format!("select state from awooop.outbound_message where message_id = '{message}'");
        Ok((shell.hidden(&sql)? == "sent").then_some(()))
    })
}

/// What `look` finds, once it does.
fn until<T>(shell: &Shell, what: &str, look: impl Fn(&Shell) -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look(shell)? {
            return Ok(found);
        }
        ensure!(Instant::now() < deadline, "{what}: not within {} seconds", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn mode(shell: &Shell, mode: &str) -> Result<()> {
    shell.psql(&format!("select awooop.set_project_mode('ewoooc', '{mode}');")).map(drop)
}

fn messages(shell: &Shell, run_id: &str) -> Result<Value> {
    desk(shell, "GET", &format!("/v1/platform/messages?run_id={run_id}"), None)
}

fn desk(shell: &Shell, method: &str, path: &str, body: Option<Value>) -> Result<Value> {
    shell.curl(&Call { method, path, key: "DESK_KEY", body, ..Call::default() }, 200)
}

/// What the Bot API did in its chats, in sight.
fn bot_log(shell: &Shell) -> Result<Value> {
    shell.curl(&BOT_LOG, 200)
}

/// Whether something was done in that chat.
fn is_in(done: &Value, chat: i64) -> bool {
    done["chat_id"].as_str() == Some(chat.to_string().as_str())
}

fn run_contract() -> Value {
    json!({
        "kind": "run", "contract_version": 1, "name": "clerk-answer",
        "input_schema": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "maxLength": 4000}}},
        "output_schema": {
            "type": "object", "required": ["answer"], "properties": {"answer": {"type": "string", "maxLength": 4000}},
            "additionalProperties": false
        },
        "deadline_seconds": 600
    })
}

fn agent_contract(url: &str) -> Value {
    let read = json!({"access": "read"});
    let tools: serde_json::Map<String, Value> = TOOLS.iter().map(|tool| ((*tool).to_owned(), read.clone())).collect();
    json!({
        "kind": "agent", "contract_version": 1, "name": AGENT,
        "purpose": "Answers what the shop's people ask about its goods, orders and sales. Changes nothing.",
        "model": {"provider": "anthropic", "name": "claude-sonnet-4-5", "max_output_tokens": 1024},
        "autonomy": "read_only", "run_contract": "clerk-answer", "tools": tools,
        "endpoint": {"url": url, "credential": "k8s://ewoooc/clerk/token", "timeout_seconds": 30}
    })
}

fn channel_contract() -> Value {
    json!({
        "kind": "channel", "contract_version": 1, "name": CHANNEL, "channel_type": "telegram",
        "locale": "zh-TW", "inbound": {"secret": "k8s://ewoooc/telegram/webhook-secret", "verification": "header_token"},
        "listener": {"agent": AGENT},
        "outbound": {"identity": "@ewoooc_clerk_bot", "credential": "k8s://ewoooc/telegram/bot-token"},
        "approvals": {"channel_chat_id": MANAGERS.to_string(), "roles": ["manager"]}
    })
}
