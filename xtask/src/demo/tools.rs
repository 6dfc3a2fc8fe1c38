//! The shop's tools: an MCP server behind the gateway, what the agent gets of it, and the nine ways to be denied.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::chapter;
use super::contracts::{activate_quietly, activated};
use super::shell::{Call, Shell};
use super::shop::Shop;

const MCP: &str = "/v1/mcp";
const VERSION: &str = "2026-07-28";
/// Contracts of tools, of the agent that names them, and the policy.
const CONTRACTS: [&str; 6] = [
    "list_orders__shop",
    "list_products__shop",
    "sales_summary__shop",
    "find_customer__shop",
    "support-agent",
    "default",
];

/// Plays it.
pub fn show(shell: &mut Shell, shop: &Shop, agent: &str) -> Result<()> {
    set_up(shell, shop, agent)?;
    chapter(
        "The agent speaks MCP to the gateway: it sees the tools that it may call, as their contracts describe them",
    );
    let listed = mcp(shell, "AGENT_KEY", "tools/list", json!({}), None)?;
    ensure!(
        listed["tools"].as_array().is_some_and(|tools| tools.len() == 3),
        "the agent sees other tools than it was granted"
    );
    chapter(
        "A call: five gates, then the shop's server, which is shown a token that neither the agent nor the database has",
    );
    let orders = call(shell, "AGENT_KEY", "list_orders__shop", json!({"limit": 2}), json!({}))?;
    ensure!(orders["isError"] != true, "the call was denied");
    denials(shell, shop, agent)
}

fn set_up(shell: &mut Shell, shop: &Shop, agent: &str) -> Result<()> {
    chapter("The shop has an MCP server; an administrator makes it known, and the gateway asks it for its tools");
    let url = shop.url()?;
    let keys = shell.psql(&format!(
        "select awooop.set_credential_namespaces('ewoooc', '{{ewoooc}}');\n\
         -- It runs on this machine, which is a private network: an operator has to allow that.\n\
         select awooop.allow_private_host('127.0.0.1', 'the demo''s shop');\n\
         begin;\n\
         select awooop.enter_project('ewoooc');\n\
         select awooop.create_api_key('tools', '{{tools:admin,tools:read,budgets:write}}', expires_in_seconds => 86400);\n\
         -- This one speaks for one agent, and for no other.\n\
         select awooop.create_api_key('agent', '{{tools:call,tools:read}}', agent_id => '{agent}', expires_in_seconds => 86400);\n\
         select awooop.create_api_key('any agent', '{{tools:call}}', expires_in_seconds => 86400);\n\
         commit;"
    ))?;
    let mut keys = keys.iter().filter_map(|value| value["api_key"].as_str());
    for name in ["TOOLS_KEY", "AGENT_KEY", "ANY_KEY"] {
        shell.export(name, keys.next().context("create_api_key returned no key")?);
    }
    println!();
    let server = json!({
        "address": url, "title": "The shop", "credential_reference": "k8s://ewoooc/shop/token", "credential_placement": "bearer"
    });
    admin(shell, "PUT", "/v1/platform/mcp/servers/shop", server)?;
    let imported = admin(shell, "POST", "/v1/mcp/shop/import", json!({}))?;
    if activated(shell, &CONTRACTS)? {
        println!("# Their contracts are active since an earlier demo.\n");
    } else {
        println!("# People read what the server says, write a contract for each tool, and sign it, as above.\n");
        for tool in imported["tools"].as_array().context("the import has no tools")? {
            activate_quietly(shell, &reviewed(&tool["proposal"]))?;
        }
        activate_quietly(shell, &agent_contract(agent))?;
        activate_quietly(shell, &policy())?;
    }
    chapter("A grant says which agent may call which tool, with which arguments, and how often");
    let grants = [
        (
            "list_orders__shop",
            json!({"constraints": {"type": "object", "properties": {"limit": {"type": "integer", "maximum": 50}}}}),
        ),
        ("list_products__shop", json!({"rate_count": 1, "rate_window_seconds": 2})),
        ("sales_summary__shop", json!({})),
    ];
    for (tool, terms) in grants {
        admin(shell, "PUT", &format!("/v1/platform/mcp/grants/{agent}/{tool}"), terms)?;
    }
    // An earlier demo granted it.
    shell.hidden(&format!(
        "begin; select awooop.enter_project('ewoooc');
         select awooop.mcp_revoke_grant('{agent}', 'find_customer__shop')
         where exists (select from awooop.mcp_grant where project_id = 'ewoooc' and agent_id = '{agent}'
                       and tool = 'find_customer__shop' and revoked_at is null);
         commit;"
    ))?;
    Ok(())
}

/// Every gate, shut.
fn denials(shell: &Shell, shop: &Shop, agent: &str) -> Result<()> {
    let denied = |shell: &Shell, key: &str, tool: &str, arguments: Value, more: Value, code: &str| -> Result<()> {
        let result = call(shell, key, tool, arguments, more)?;
        let text = result["content"][0]["text"].as_str().unwrap_or_default();
        ensure!(result["isError"] == true && text.starts_with(code), "the call was not denied with {code}: {text}");
        Ok(())
    };
    let orders = ("list_orders__shop", json!({"limit": 2}));
    chapter("Gate 1: the project. While it is suspended, nobody calls anything");
    shell.psql("select awooop.suspend_project('ewoooc', reason => 'the demo');")?;
    denied(shell, "AGENT_KEY", orders.0, orders.1.clone(), json!({}), "E-MCP-GATE-001")?;
    shell.psql("select awooop.suspend_project('ewoooc', suspended => false);")?;
    chapter("Gate 2: the agent. A key that is not bound to one has to name one that may run");
    denied(shell, "ANY_KEY", orders.0, orders.1.clone(), json!({"agent_id": "nobody"}), "E-MCP-GATE-002")?;
    chapter("Gate 3: the tool. One that nobody reviewed does not exist; one that was not granted is not the agent's");
    denied(shell, "AGENT_KEY", "delete_orders__shop", json!({}), json!({}), "E-MCP-GATE-003")?;
    denied(shell, "AGENT_KEY", "find_customer__shop", json!({"name": "陳雅"}), json!({}), "E-MCP-GATE-004")?;
    println!("# Arguments that the tool's schema, or the grant's, does not take.");
    denied(shell, "AGENT_KEY", orders.0, json!({"limit": 99}), json!({}), "E-MCP-GATE-005")?;
    chapter("Gate 4: money, and how often. The summary costs a dollar, and the agent has fifty cents a day");
    let budget = |micro_usd: u64| {
        let limit = json!({"level": "agent", "period": "day", "target": agent, "hard_micro_usd": micro_usd});
        admin(shell, "PUT", "/v1/platform/budget/limits", limit)
    };
    budget(500_000)?;
    let summary = json!({"from": "2026-01-01", "to": "2026-01-31", "by": "month"});
    denied(shell, "AGENT_KEY", "sales_summary__shop", summary.clone(), json!({}), "E-MCP-GATE-006")?;
    budget(1_000_000_000)?;
    println!("# One list of products in two seconds; the second is one too many.");
    call(shell, "AGENT_KEY", "list_products__shop", json!({"limit": 1}), json!({}))?;
    denied(shell, "AGENT_KEY", "list_products__shop", json!({"limit": 1}), json!({}), "E-MCP-GATE-007")?;
    chapter("Gate 5: people, and the credential. The summary takes somebody's approval; here nobody is asked");
    denied(shell, "AGENT_KEY", "sales_summary__shop", summary, json!({"ask": false}), "E-MCP-GATE-008")?;
    println!("# The token is gone from where its reference leads: found out when it is needed, and nothing is sent.");
    shop.unmount()?;
    let outcome = denied(shell, "AGENT_KEY", orders.0, orders.1, json!({}), "E-MCP-GATE-009");
    shop.mount()?;
    outcome?;
    chapter("With a grant the agent looks a customer up; who that is, it does not see");
    admin(shell, "PUT", &format!("/v1/platform/mcp/grants/{agent}/find_customer__shop"), json!({}))?;
    let found = call(shell, "AGENT_KEY", "find_customer__shop", json!({"name": "陳雅", "limit": 1}), json!({}))?;
    ensure!(found.to_string().contains("[REDACTED:"), "a customer's data is shown");
    chapter("Before anybody calls: every gate's verdict, and why; a table in psql");
    shell
        .psql(&format!(
            "begin;\nselect awooop.enter_project('ewoooc');\n\
             select gate, name, verdict, reason from awooop.mcp_explain_table('{agent}', 'sales_summary__shop',
    '{{\"from\": \"2026-01-01\", \"to\": \"2026-01-31\", \"by\": \"month\"}}');\ncommit;"
        ))
        .map(drop)
}

/// A call of a tool over MCP; `more` is what the protocol has no place for.
fn call(shell: &Shell, key: &str, tool: &str, arguments: Value, more: Value) -> Result<Value> {
    let mut params = json!({"name": tool, "arguments": arguments});
    if more != json!({}) {
        params["_meta"]["io.awooop/call"] = more;
    }
    mcp(shell, key, "tools/call", params, Some(tool))
}

fn mcp(shell: &Shell, key: &str, method: &str, mut params: Value, name: Option<&str>) -> Result<Value> {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = VERSION.into();
    params["_meta"]["io.modelcontextprotocol/clientInfo"] = json!({"name": "demo", "version": "1"});
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    let mut headers = vec![
        "Accept: application/json, text/event-stream".to_owned(),
        format!("MCP-Protocol-Version: {VERSION}"),
        format!("Mcp-Method: {method}"),
    ];
    headers.extend(name.map(|name| format!("Mcp-Name: {name}")));
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let answer = shell
        .curl(&Call { method: "POST", path: MCP, key, headers: &headers, body: Some(body), ..Call::default() }, 200)?;
    ensure!(answer["error"].is_null(), "{method} failed: {}", answer["error"]);
    Ok(answer["result"].clone())
}

fn admin(shell: &Shell, method: &str, path: &str, body: Value) -> Result<Value> {
    shell.curl(&Call { method, path, key: "TOOLS_KEY", body: Some(body), ..Call::default() }, 200)
}

/// What the review made of a proposal.
fn reviewed(proposal: &Value) -> Value {
    let mut contract = proposal.clone();
    let name = contract["name"].as_str().unwrap_or_default().to_owned();
    contract["side_effects"] = "none".into();
    contract["risk"] = if name == "sales_summary__shop" { "medium".into() } else { "low".into() };
    if name == "sales_summary__shop" {
        contract["call_cost_micro_usd"] = 1_000_000.into();
    }
    if name == "find_customer__shop" {
        contract["sensitive_results"] = json!(["/customers"]);
    }
    contract
}

fn agent_contract(name: &str) -> Value {
    let read = json!({"access": "read"});
    json!({
        "kind": "agent", "contract_version": 1, "name": name,
        "purpose": "Answers customers' questions about their orders. Changes no order.",
        "model": {"provider": "anthropic", "name": "claude-sonnet-4-5", "max_output_tokens": 1024},
        "autonomy": "read_only", "run_contract": "support-answer",
        "tools": {
            "list_orders__shop": read, "list_products__shop": read, "sales_summary__shop": read, "find_customer__shop": read
        }
    })
}

/// Medium risk takes somebody's approval.
fn policy() -> Value {
    json!({
        "kind": "policy", "contract_version": 1, "name": "default",
        "activation": {"default": {"approvers": 2, "roles": ["security"]}},
        "calls": {
            "low": {"decision": "allow"}, "medium": {"decision": "approve", "approvers": 1, "roles": ["manager"]},
            "high": {"decision": "deny"}, "critical": {"decision": "deny"}
        }
    })
}
