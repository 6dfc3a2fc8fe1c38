//! A shop whose agent may look up, and with approval refund and delete; people who decide; and a worker who asks.

use serde_json::{Value, json};

use crate::contracts::stage::Office;
use crate::harness::contracts::{activate, agent_contract};
use crate::harness::literal;
use crate::harness::platform_logins::Reply;
use crate::harness::quiet::{Claim, claims, text};

pub const REFUND: &str = "refund__shop";
pub const ERASE: &str = "erase__shop";
pub const NOTE: &str = "note__shop";
pub const LOOK_UP: &str = "look_up__shop";

/// A tool's contract.
pub fn tool(name: &str, side_effects: &str, risk: &str) -> Value {
    json!({
        "kind": "tool", "contract_version": 1, "name": name, "title": "A tool of the shop",
        "description": "Does something in the shop.", "upstream_digest": format!("sha256:{}", "0".repeat(64)),
        "input_schema": {
            "type": "object", "required": ["order"],
            "properties": {
                "order": {"type": "string", "maxLength": 40}, "amount": {"type": "integer"}, "note": {"type": "string"},
                "customer": {"type": "object"}
            },
            "additionalProperties": false
        },
        "side_effects": side_effects, "risk": risk, "sensitive_arguments": ["/customer/name"]
    })
}

/// The agent that may use all of them.
pub fn agent(autonomy: &str) -> Value {
    let mut contract = agent_contract("agent");
    contract["autonomy"] = autonomy.into();
    contract["tools"] = json!({
        REFUND: {"access": "write"}, ERASE: {"access": "write"}, NOTE: {"access": "write"}, LOOK_UP: {"access": "read"}
    });
    contract
}

/// Medium risk takes one of the clerks, high risk two leads.
pub fn policy() -> Value {
    json!({
        "kind": "policy", "contract_version": 1, "name": "default",
        "activation": {"default": {"approvers": 2, "roles": ["security"]}},
        "calls": {
            "low": {"decision": "allow"}, "medium": {"decision": "approve", "approvers": 1, "roles": ["clerk", "lead"]},
            "high": {"decision": "approve", "approvers": 2, "roles": ["lead"]}, "critical": {"decision": "deny"}
        }
    })
}

/// Who works: creates runs, claims and records.
pub const WORKS: &str = "runs:write,runs:work,runs:read,envelope:write,budgets:spend,approvals:read";
pub const DECIDES: &str = "approvals:decide,approvals:read";

pub struct Desk {
    pub office: Office,
    /// Creates the runs.
    pub maker: String,
    /// The worker.
    pub worker: String,
    /// A clerk, and three leads.
    pub cleo: String,
    pub lea: String,
    pub leo: String,
    pub lux: String,
}

impl Desk {
    pub fn new() -> Self {
        Self::with(Office::new(), &policy())
    }

    /// Under another policy.
    pub fn under(policy: &Value) -> Self {
        Self::with(Office::new(), policy)
    }

    /// In a database of its own, for a test that switches guards off, which locks whole tables.
    pub fn alone() -> Self {
        Self::with(Office::alone(), &policy())
    }

    pub fn with(office: Office, policy: &Value) -> Self {
        Self::of(office, &agent("act"), Some(policy))
    }

    pub fn of(mut office: Office, agent: &Value, policy: Option<&Value>) -> Self {
        let project = office.project.clone();
        for (name, side_effects, risk) in [
            (REFUND, "reversible", "medium"),
            (ERASE, "irreversible", "high"),
            (NOTE, "reversible", "low"),
            (LOOK_UP, "none", "low"),
        ] {
            activate(&mut office.admin, &project, &tool(name, side_effects, risk));
        }
        activate(&mut office.admin, &project, agent);
        if let Some(policy) = policy {
            activate(&mut office.admin, &project, policy);
        }
        let mut desk = Self {
            maker: office.key("maker", WORKS),
            worker: office.key("worker", WORKS),
            cleo: office.key("cleo", DECIDES),
            lea: office.key("lea", DECIDES),
            leo: office.key("leo", DECIDES),
            lux: office.key("lux", DECIDES),
            office,
        };
        desk.role("cleo", "clerk");
        for lead in ["lea", "leo", "lux"] {
            desk.role(lead, "lead");
        }
        desk
    }

    pub fn role(&mut self, principal: &str, role: &str) {
        let project = self.office.project.clone();
        self.office.admin.within(&project, &format!("select awooop.grant_principal_role('{principal}', '{role}')"));
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

    /// A run of the maker's that the worker holds.
    #[track_caller]
    pub fn run(&mut self) -> Claim {
        self.run_for(3600)
    }

    /// The same that has so many seconds to end.
    #[track_caller]
    pub fn run_for(&mut self, seconds: u64) -> Claim {
        let maker = self.maker.clone();
        let envelope = json!({"agent_id": "agent", "channel_type": "telegram", "channel_user_id": "7"});
        let envelope = self.does(&maker, "build_envelope", envelope);
        let run = self.does(&maker, "create_run", json!({"envelope": envelope, "deadline_seconds": seconds}));
        let claim = self.claim();
        assert_eq!(json!(claim.run), run["run_id"], "another run is waiting to be claimed");
        claim
    }

    /// Ends a run that somebody holds, or that waits.
    pub fn cancel(&mut self, run: &Claim) {
        let maker = self.maker.clone();
        self.does(&maker, "cancel_run", json!({"run_id": run.run}));
    }

    /// Whatever there is to claim.
    #[track_caller]
    pub fn claim(&mut self) -> Claim {
        let worker = self.worker.clone();
        let answer = self.does(&worker, "claim_runs", json!({"worker_id": "w", "max_runs": 1, "lease_seconds": 600}));
        claims(&answer).pop().unwrap_or_else(|| panic!("there was nothing to claim: {answer}"))
    }

    /// What the worker asks.
    pub fn wanted(run: &Claim, tool: &str, arguments: Value) -> Value {
        json!({"run_id": run.run, "lease": run.lease, "step_key": "call", "tool": tool, "arguments": arguments})
    }

    /// Asks for what must need an approval; its id.
    #[track_caller]
    pub fn request(&mut self, run: &Claim, tool: &str, arguments: Value) -> String {
        let worker = self.worker.clone();
        let answer = self.does(&worker, "request_approval", Self::wanted(run, tool, arguments));
        assert_eq!(answer["decision"], "waiting", "{answer}");
        text(&answer["approval"]["approval_id"])
    }

    /// Asks for what must be approved by now: the token.
    #[track_caller]
    pub fn token(&mut self, run: &Claim, tool: &str, arguments: Value) -> String {
        let worker = self.worker.clone();
        let answer = self.does(&worker, "request_approval", Self::wanted(run, tool, arguments));
        assert_eq!(answer["decision"], "approved", "{answer}");
        text(&answer["token"]["token"])
    }

    /// A run whose worker holds the token of an approved refund of this order.
    #[track_caller]
    pub fn approved(&mut self, order: &str) -> (Claim, String, String) {
        let (run, arguments) = (self.run(), refund(order));
        let id = self.request(&run, REFUND, arguments.clone());
        let cleo = self.cleo.clone();
        self.approve(&cleo, &id);
        let run = self.claim();
        let token = self.token(&run, REFUND, arguments);
        (run, id, token)
    }

    #[track_caller]
    pub fn approve(&mut self, key: &str, id: &str) -> Value {
        let key = key.to_owned();
        self.does(&key, "issue_approval", json!({"approval_id": id}))
    }

    #[track_caller]
    pub fn reject(&mut self, key: &str, id: &str) -> Value {
        let key = key.to_owned();
        self.does(&key, "reject_approval", json!({"approval_id": id, "reason": "no"}))
    }

    /// The step in which the token of a refund is used.
    pub fn step(run: &Claim, token: &str, arguments: Value) -> Value {
        json!({
            "run_id": run.run, "lease": run.lease, "step_key": "call", "phase": "started", "kind": "tool",
            "request": arguments, "tool": REFUND, "approval_token": token
        })
    }

    /// The request as anybody who may look sees it.
    #[track_caller]
    pub fn status(&mut self, id: &str) -> Value {
        let cleo = self.cleo.clone();
        self.does(&cleo, "approval_status", json!({"approval_id": id}))
    }

    #[track_caller]
    pub fn state(&mut self, id: &str) -> String {
        text(&self.status(id)["state"])
    }

    #[track_caller]
    pub fn run_state(&mut self, run: &Claim) -> String {
        let worker = self.worker.clone();
        text(&self.does(&worker, "get_run", json!({"run_id": run.run}))["state"])
    }

    /// Moves a request's time so far into the past; only a superuser can, with the triggers off.
    pub fn age(&mut self, id: &str, column: &str, seconds: i64) {
        self.edit(
            &format!("update awooop.approval_request set {column} = {column} - {seconds} * interval '1 second'"),
            id,
        );
    }

    /// An edit of a request's row by a superuser who has switched the guards off.
    pub fn edit(&mut self, update: &str, id: &str) {
        let id = literal(id);
        self.office.admin.run(&format!(
            "begin;
             alter table awooop.approval_request disable trigger user;
             {update} where approval_id = {id};
             alter table awooop.approval_request enable always trigger approval_immutable;
             alter table awooop.approval_request enable always trigger approval_ended;
             alter table awooop.approval_request enable always trigger approval_kept;
             alter table awooop.approval_request enable always trigger approval_truncate;
             commit;"
        ));
    }

    /// The audit rows about a request, oldest first.
    pub fn audited(&mut self, id: &str) -> Vec<String> {
        let project = literal(&self.office.project);
        let sql = format!(
            "select coalesce(string_agg(action, ' ' order by recorded_at, audit_id), '') from awooop.audit_log
             where project_id = {project} and facts ->> 'approval_id' = {}",
            literal(id)
        );
        self.office.sql(&sql).split_whitespace().map(str::to_owned).collect()
    }
}

/// The arguments of a refund.
pub fn refund(order: &str) -> Value {
    json!({"order": order, "amount": 30})
}
