//! The demo's contracts: written by one person, signed by two others, then active. Without one an agent cannot run.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::chapter;
use super::shell::{Call, Shell};

/// Who signs, with the variables that hold their keys.
const SIGNERS: [(&str, &str); 2] = [("mei.lin", "MEI_KEY"), ("jun.chen", "JUN_KEY")];

/// Makes the run contract and the agent's contract active, unless an earlier demo has.
pub fn sign(shell: &mut Shell, agent: &str) -> Result<()> {
    chapter("An agent runs only under a contract: Kai writes two, Mei and Jun sign them");
    let are_active = activated(shell, &["support-answer", agent])?;
    let keys = shell.psql(
        "begin;\n\
         select awooop.enter_project('ewoooc');\n\
         -- Made by the operator, so that these are three people: keys that one of them made would count as that one's hand.\n\
         select awooop.create_api_key('kai', '{contracts:read,contracts:write,contracts:activate}', \
         principal_id => 'kai.wu', expires_in_seconds => 86400);\n\
         select awooop.create_api_key('mei', '{contracts:read,contracts:sign}', principal_id => 'mei.lin', \
         expires_in_seconds => 86400);\n\
         select awooop.create_api_key('jun', '{contracts:read,contracts:sign}', principal_id => 'jun.chen', \
         expires_in_seconds => 86400);\n\
         commit;",
    )?;
    let mut keys = keys.iter().filter_map(|value| value["api_key"].as_str());
    for name in ["KAI_KEY", SIGNERS[0].1, SIGNERS[1].1] {
        shell.export(name, keys.next().context("create_api_key returned no key")?);
    }
    println!();
    if are_active {
        println!("# They are active since an earlier demo: see awooop.active_contracts.\n");
        return Ok(());
    }
    activate(shell, "run", &run_contract())?;
    activate(shell, "agent", &agent_contract(agent))
}

/// Whether contracts of these names are active.
pub fn activated(shell: &Shell, names: &[&str]) -> Result<bool> {
    let sql = format!(
        "select count(distinct name) from awooop.active_contracts where project_id = 'ewoooc' and name = any('{{{}}}')",
        names.join(",")
    );
    Ok(shell.hidden(&sql)? == names.len().to_string())
}

/// The active document of the kind and name that `document` has, as it was written.
pub fn active_document(shell: &Shell, document: &Value) -> Result<Option<Value>> {
    let (kind, name) = (document["kind"].as_str().unwrap_or_default(), document["name"].as_str().unwrap_or_default());
    let sql = format!(
        "select r.document from awooop.active_contracts a join awooop.contract_revisions r using (project_id, revision_id)
         where a.project_id = 'ewoooc' and a.kind = '{kind}' and a.name = '{name}'"
    );
    let found = shell.hidden(&sql)?;
    if found.is_empty() { Ok(None) } else { serde_json::from_str(&found).map(Some).context("the document is not JSON") }
}

/// The same steps as [`activate`], out of sight.
pub fn activate_quietly(shell: &Shell, document: &Value) -> Result<()> {
    let ask = |key: &str, operation: &str, arguments: Value| -> Result<Value> {
        let arguments = arguments.to_string().replace('\'', "''");
        let key = shell.variable(key)?;
        let body =
            shell.hidden(&format!("select body from awooop.call('ewoooc', '{key}', '{operation}', '{arguments}')"))?;
        let body: Value = serde_json::from_str(&body)?;
        ensure!(body["code"].is_null(), "{operation} was refused: {body}");
        Ok(body)
    };
    let drafted = ask("KAI_KEY", "draft_contract", json!({"kind": document["kind"], "document": document}))?;
    let revision = json!({"revision_id": drafted["revision_id"]});
    ask("KAI_KEY", "publish_contract", revision.clone())?;
    for (_, key) in SIGNERS {
        ask(key, "sign_contract", revision.clone())?;
    }
    ask("KAI_KEY", "activate_contract", revision).map(drop)
}

fn activate(shell: &Shell, kind: &str, document: &Value) -> Result<()> {
    let post = |path: &str, key: &str, body: Value, expected: u16| {
        shell.curl(&Call { method: "POST", path, key, body: Some(body), ..Call::default() }, expected)
    };
    let drafted = post("/v1/platform/contracts", "KAI_KEY", json!({"kind": kind, "document": document}), 201)?;
    let revision = drafted["revision_id"].as_str().context("the draft has no revision_id")?;
    let at = |step: &str| format!("/v1/platform/contracts/revisions/{revision}/{step}");
    post(&at("publish"), "KAI_KEY", json!({}), 200)?;
    for (_, key) in SIGNERS {
        // Each signs the document of the digest that they have seen.
        post(&at("sign"), key, json!({"digest": drafted["digest"]}), 200)?;
    }
    let active = post(&at("activate"), "KAI_KEY", json!({}), 200)?;
    ensure!(active["state"] == "active", "the contract is not active");
    Ok(())
}

fn run_contract() -> Value {
    json!({
        "kind": "run", "contract_version": 1, "name": "support-answer",
        "input_schema": {
            "type": "object", "required": ["text"], "properties": {"text": {"type": "string", "maxLength": 4000}}
        },
        "output_schema": {
            "type": "object", "required": ["reply"], "properties": {"reply": {"type": "string", "maxLength": 4000}},
            "additionalProperties": false
        },
        "deadline_seconds": 600
    })
}

fn agent_contract(name: &str) -> Value {
    json!({
        "kind": "agent", "contract_version": 1, "name": name,
        "purpose": "Answers customers' questions about their orders. Changes no order.",
        "model": {"provider": "anthropic", "name": "claude-sonnet-4-5", "max_output_tokens": 1024},
        "autonomy": "read_only", "run_contract": "support-answer"
    })
}
