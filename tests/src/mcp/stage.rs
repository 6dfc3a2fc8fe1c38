//! A shop with an MCP server: tools that were imported, reviewed and granted; an agent who calls, and people who decide.

use awooop_contracts::digest;
use serde_json::{Value, json};

use crate::contracts::stage::Office;
use crate::harness::contracts::{activate, agent_contract};
use crate::harness::platform_logins::Reply;
use crate::harness::quiet::{Claim, claims, text};

/// Reads; low risk.
pub const LOOK_UP: &str = "look_up__shop";
/// Changes something that can be undone; low risk.
pub const NOTE: &str = "note__shop";
/// Of medium risk: somebody has to agree. Costs something.
pub const REFUND: &str = "refund__shop";
/// Nothing can undo it; critical, which the policy denies.
pub const ERASE: &str = "erase__shop";

pub const ALL: [&str; 4] = [LOOK_UP, NOTE, REFUND, ERASE];

pub const CALLS: &str = "tools:call,tools:read,runs:read,approvals:read,budgets:read,audit:read";
pub const ADMINISTERS: &str = "tools:admin,tools:read,keys:admin,budgets:write,budgets:read,audit:read";
pub const DECIDES: &str = "approvals:decide,approvals:read";
pub const WORKS: &str =
    "runs:write,runs:work,runs:read,envelope:write,budgets:spend,approvals:read,tools:call,tools:read";

/// What the server says of a tool.
pub fn definition(upstream: &str) -> Value {
    json!({
        "name": upstream, "description": format!("Does {upstream} in the shop."),
        "inputSchema": {
            "type": "object", "required": ["order"], "additionalProperties": false,
            "properties": {
                "order": {"type": "string", "maxLength": 40}, "amount": {"type": "integer"}, "note": {"type": "string"},
                "table": {"type": "string"}
            }
        },
        "annotations": {"readOnlyHint": upstream == "look_up"}
    })
}

pub fn pinned(definition: &Value) -> String {
    let hex: String = digest(definition).expect("a digest").iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// The contract of a tool as it was reviewed.
pub fn contract(tool: &str) -> Value {
    let (upstream, _) = tool.split_once("__").expect("a tool's name");
    let (side_effects, risk, cost) = match tool {
        LOOK_UP => ("none", "low", 0),
        NOTE => ("reversible", "low", 0),
        REFUND => ("reversible", "medium", 500),
        _ => ("irreversible", "critical", 0),
    };
    let definition = definition(upstream);
    json!({
        "kind": "tool", "contract_version": 1, "name": tool, "title": "A tool of the shop", "description": "As reviewed.",
        "upstream_digest": pinned(&definition), "input_schema": definition["inputSchema"], "side_effects": side_effects,
        "risk": risk, "call_cost_micro_usd": cost, "max_argument_bytes": 2000, "sensitive_arguments": ["/note"],
        "credential": {"reference": "k8s://shop/api/token", "placement": "bearer"}
    })
}

/// The agent that wants them all.
pub fn agent() -> Value {
    let mut contract = agent_contract("agent");
    contract["tools"] = json!({
        LOOK_UP: {"access": "read"}, NOTE: {"access": "write"}, REFUND: {"access": "write"}, ERASE: {"access": "write"}
    });
    contract
}

/// Medium risk takes somebody, critical risk is denied.
pub fn policy() -> Value {
    json!({
        "kind": "policy", "contract_version": 1, "name": "default",
        "activation": {"default": {"approvers": 2, "roles": ["security"]}},
        "calls": {
            "low": {"decision": "allow"}, "medium": {"decision": "approve", "approvers": 1, "roles": ["clerk"]},
            "high": {"decision": "approve", "approvers": 2, "roles": ["lead"]}, "critical": {"decision": "deny"}
        }
    })
}

pub struct Shop {
    pub office: Office,
    /// Registers, imports and grants.
    pub admin: String,
    /// Calls in the agent's name.
    pub agent: String,
    /// Works runs.
    pub worker: String,
    /// Decides.
    pub clerk: String,
}

impl Shop {
    pub fn new() -> Self {
        Self::under(&policy())
    }

    pub fn under(policy: &Value) -> Self {
        Self::of(Office::new(), policy, contract)
    }

    /// In a database of its own, for a test that switches guards off.
    pub fn alone() -> Self {
        Self::of(Office::alone(), &policy(), contract)
    }

    /// With other contracts of its tools.
    pub fn with(contract: impl Fn(&str) -> Value) -> Self {
        Self::of(Office::new(), &policy(), contract)
    }

    pub fn of(mut office: Office, policy: &Value, contract: impl Fn(&str) -> Value) -> Self {
        let project = office.project.clone();
        office.sql(&format!("select awooop.set_credential_namespaces('{project}', '{{shop}}')"));
        for tool in ALL {
            activate(&mut office.admin, &project, &contract(tool));
        }
        activate(&mut office.admin, &project, &agent());
        activate(&mut office.admin, &project, policy);
        let mut shop = Self {
            admin: office.key("admin", ADMINISTERS),
            agent: office.key("bot", CALLS),
            worker: office.key("worker", WORKS),
            clerk: office.key("clerk", DECIDES),
            office,
        };
        shop.office.admin.within(&project, "select awooop.grant_principal_role('clerk', 'clerk')");
        let admin = shop.admin.clone();
        shop.does(&admin, "mcp_register_server", json!({"server_id": "shop", "address": "https://shop.example/mcp"}));
        shop.import(&ALL.map(|tool| definition(tool.split_once("__").expect("a name").0)));
        for tool in ALL {
            shop.does(&admin, "mcp_grant_tool", json!({"agent_id": "agent", "tool": tool}));
        }
        shop
    }

    pub fn ask(&mut self, key: &str, operation: &str, arguments: Value) -> Result<Reply, String> {
        self.office.ask(key, operation, arguments)
    }

    #[track_caller]
    pub fn does(&mut self, key: &str, operation: &str, arguments: Value) -> Value {
        self.office.does(key, operation, arguments)
    }

    #[track_caller]
    pub fn code(&mut self, key: &str, operation: &str, arguments: Value) -> String {
        self.office.code(key, operation, arguments)
    }

    /// Takes in what the server says of its tools now.
    #[track_caller]
    pub fn import(&mut self, definitions: &[Value]) -> Value {
        let admin = self.admin.clone();
        self.does(&admin, "mcp_import_tools", json!({"server_id": "shop", "tools": definitions}))
    }

    /// A call of the agent's outside of a run.
    pub fn wanted(tool: &str, arguments: Value) -> Value {
        json!({"tool": tool, "arguments": arguments, "agent_id": "agent"})
    }

    /// Begins a call that must be allowed.
    #[track_caller]
    pub fn begin(&mut self, tool: &str, arguments: Value) -> Value {
        let agent = self.agent.clone();
        let begun = self.does(&agent, "mcp_begin_call", Self::wanted(tool, arguments));
        assert_eq!(begun["verdict"], "allowed", "{begun}");
        begun
    }

    /// The problem with which a call is denied.
    #[track_caller]
    pub fn denied(&mut self, wanted: Value) -> Value {
        let agent = self.agent.clone();
        let reply = self.ask(&agent, "mcp_begin_call", wanted).expect("a refusal, not a fault");
        assert!(reply.status >= 400, "{}", reply.body);
        reply.body
    }

    /// Ends a call.
    #[track_caller]
    pub fn finish(&mut self, begun: &Value, outcome: &str, result: Value) -> Value {
        let agent = self.agent.clone();
        self.does(&agent, "mcp_finish_call", Self::ended(begun, outcome, result))
    }

    pub fn ended(begun: &Value, outcome: &str, result: Value) -> Value {
        json!({"call_id": begun["call_id"], "lease": begun["lease"], "ticket": begun["ticket"], "outcome": outcome, "result": result})
    }

    #[track_caller]
    pub fn run(&mut self, id: &Value) -> Value {
        let agent = self.agent.clone();
        self.does(&agent, "get_run", json!({"run_id": id}))
    }

    #[track_caller]
    pub fn approve(&mut self, approval: &Value) {
        let clerk = self.clerk.clone();
        self.does(&clerk, "issue_approval", json!({"approval_id": approval["approval_id"]}));
    }

    /// Makes another contract the active one; where there is a policy, its signers are the office's people.
    pub fn activate(&mut self, document: &Value) {
        self.office.admin.within(&self.office.project.clone(), "select awooop.grant_principal_role('bob', 'security')");
        self.office.admin.within(&self.office.project.clone(), "select awooop.grant_principal_role('eve', 'security')");
        let (ann, id) = (self.office.ann.clone(), self.office.signed(document));
        self.does(&ann, "activate_contract", json!({"revision_id": id}));
    }

    /// An edit of an approval's row by a superuser who has switched the guards off, in a database of its own.
    pub fn edit_approval(&mut self, approval: &Value, set: &str) {
        self.office.admin.run(&format!(
            "begin;
             alter table awooop.approval_request disable trigger user;
             update awooop.approval_request set {set} where approval_id = '{}';
             alter table awooop.approval_request enable always trigger approval_immutable;
             alter table awooop.approval_request enable always trigger approval_ended;
             alter table awooop.approval_request enable always trigger approval_kept;
             alter table awooop.approval_request enable always trigger approval_truncate;
             commit;",
            text(&approval["approval_id"])
        ));
    }

    /// What the audit log has of an action, oldest first.
    pub fn audited(&mut self, action: &str) -> Vec<Value> {
        let project = self.office.project.clone();
        let rows = self.office.sql(&format!(
            "select coalesce(json_agg(json_build_object('decision', decision, 'code', code, 'agent_id', agent_id,
                                                        'run_id', run_id, 'facts', facts) order by recorded_at, audit_id), '[]')
             from awooop.audit_log where project_id = '{project}' and action = '{action}'"
        ));
        serde_json::from_str(&rows).expect("JSON")
    }

    /// None of the project's rows about calls and runs has the word in it.
    #[track_caller]
    pub fn assert_kept_nowhere(&mut self, word: &str) {
        let project = self.office.project.clone();
        for table in ["mcp_call", "run_state", "audit_log", "step_journal"] {
            let found = self.office.sql(&format!(
                "select count(*) from awooop.{table} t where project_id = '{project}' and t::text like '%{word}%'"
            ));
            assert_eq!(found, "0", "{table}");
        }
    }

    pub fn state(&mut self, run_id: &Value) -> String {
        text(&self.run(run_id)["state"])
    }
}

/// Arguments that the tools take.
pub fn order(order: &str) -> Value {
    json!({"order": order})
}

/// A result with one text.
pub fn said(text: &str) -> Value {
    json!({"content": [{"type": "text", "text": text}]})
}

/// A run of the agent's that the worker holds.
#[track_caller]
pub fn run(shop: &mut Shop) -> Claim {
    let worker = shop.worker.clone();
    let envelope = json!({"agent_id": "agent", "channel_type": "telegram", "channel_user_id": "7"});
    let envelope = shop.does(&worker, "build_envelope", envelope);
    shop.does(&worker, "create_run", json!({"envelope": envelope}));
    claim(shop)
}

#[track_caller]
pub fn claim(shop: &mut Shop) -> Claim {
    let worker = shop.worker.clone();
    let answer = shop.does(&worker, "claim_runs", json!({"worker_id": "w", "max_runs": 1, "lease_seconds": 600}));
    claims(&answer).pop().unwrap_or_else(|| panic!("nothing to claim: {answer}"))
}

pub fn within(run: &Claim, step_key: &str, tool: &str, arguments: Value) -> Value {
    json!({"run_id": run.run, "lease": run.lease, "step_key": step_key, "tool": tool, "arguments": arguments})
}

pub fn ended(begun: &Value, run: &Claim, outcome: &str, result: Value) -> Value {
    json!({"call_id": begun["call_id"], "lease": run.lease, "ticket": begun["ticket"], "outcome": outcome, "result": result})
}

/// Lets the lease of a run expire, and the platform see that.
pub fn reaped(shop: &mut Shop, run_id: &Value) {
    let project = shop.office.project.clone();
    shop.office.sql(&format!(
        "update awooop.run_lease set expires_at = clock_timestamp() - interval '1 second'
         where project_id = '{project}' and run_id = '{}' returning epoch",
        text(run_id)
    ));
    shop.office.sql("select awooop.reap_stale_runs()");
}
