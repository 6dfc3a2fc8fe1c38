//! Attacks, each run as the role the attacker would have; a superuser only prepares them and looks at what they left.

mod careless_writer;
mod context;
mod directory;
mod foreign_ids;
mod gateway;
mod impersonation;
mod input;
mod leaks;
mod leases;
mod plans;
mod roles;
mod shadowing;
mod starvation;
mod state_machine;
mod surroundings;
mod timing;
mod unloaded;
mod worker_process;

use crate::harness::platform::{careless, careless_tenant};
use crate::harness::server::environment;
use crate::harness::{Actor, Claim, Session, literal};
use crate::harness::{approvals, channels, issuer, tools};

/// Every table with a project.
const TENANT_TABLES: [&str; 45] = [
    "projects",
    "principals",
    "role_bindings",
    "api_keys",
    "agents",
    "platform_subjects",
    "audit_log",
    "run_state",
    "run_ready",
    "run_lease",
    "step_journal",
    "redaction_family",
    "redaction_rule",
    "budget_control",
    "budget_limit",
    "budget_switch",
    "budget_price",
    "budget_counter",
    "budget_counter_lane",
    "budget_escrow",
    "budget_reservation",
    "budget_ledger",
    "approval_request",
    "approval_decision",
    "approval_use",
    "mcp_server",
    "mcp_tool",
    "mcp_grant",
    "mcp_call",
    "mcp_rate",
    "mcp_rate_hit",
    "token_issuer",
    "token_issuer_key",
    "conversation_seen",
    "conversation_event",
    "channel_run",
    "outbound_channel",
    "outbound_chat",
    "outbound_message",
    "channel_button",
    "channel_press",
    "conversation_session",
    "anomaly_counter",
    "anomaly_event",
    "shadow_case",
];

/// Settings that make every plan that can be parallel so.
fn force_parallel() -> String {
    let debug = if environment("AWOOOP_TEST_PG") == "15" { "force_parallel_mode" } else { "debug_parallel_query" };
    format!(
        "set {debug} = on; set parallel_setup_cost = 0; set parallel_tuple_cost = 0;
         set min_parallel_table_scan_size = 0; set min_parallel_index_scan_size = 0"
    )
}

/// Two tenants where a DBA granted every table: only row-level security stands between them.
struct Neighbours {
    /// The attacker, who owns rows too.
    thief: Actor,
    /// The other one, with rows in every table; `SECRET` is in those that take text.
    victim: Actor,
    admin: Session,
}

/// What nobody but the victim may see.
const SECRET: &str = "s3cr3t-marker";

impl Neighbours {
    /// The thief may read every table.
    fn readers() -> Self {
        Self::of(&careless().readers)
    }

    /// The thief may write every table as well.
    fn writers() -> Self {
        Self::of(&careless().writers)
    }

    fn of(group: &str) -> Self {
        let (_, mut thief, _) = careless_tenant(group);
        let (_, mut victim, mut admin) = careless_tenant(&careless().readers);
        for actor in [&mut thief, &mut victim] {
            let run =
                actor.create_id(&format!(", input => '{{\"secret\": \"{SECRET}\"}}', idempotency_key => '{SECRET}'"));
            let claim = actor.claim_one(SECRET);
            assert_eq!(claim.run, run);
            actor.call(&claim.sql("record_step", &format!(", '{SECRET}', '\"{SECRET}\"'")));
            actor.create(&format!(", tags => '{{\"secret\": \"{SECRET}\"}}'"));
            actor.call(&format!("select awooop.create_api_key('{SECRET}', '{{}}')"));
            actor.call("select awooop.set_redaction_family('email', 'allow')");
            actor.call(&format!("select awooop.set_redaction_rule('r', 'secret', '{SECRET}')"));
            issuer::register_one(&mut admin, actor, SECRET);
            tools::call_one(&mut admin, actor, SECRET);
            channels::converse(&mut admin, actor, SECRET);
            spend(actor, &claim);
            approvals::use_one(&mut admin, actor, SECRET);
            channels::press_all(&mut admin, &actor.project);
        }
        Self { thief, victim, admin }
    }

    /// Opens the thief's transaction in its own project.
    fn enter(&mut self) -> &mut Session {
        let project = self.thief.project.clone();
        self.thief.session.run(&format!("begin; select awooop.enter_project('{project}')"));
        &mut self.thief.session
    }
}

/// Puts rows into every table of budgets.
fn spend(actor: &mut Actor, claim: &Claim) {
    for sql in [
        "select awooop.set_budget('project', 'day', hard_tokens => 1000000)".to_owned(),
        format!("select awooop.switch_budget('agent', 'paused', '{SECRET}', '{SECRET}')"),
        format!("select awooop.set_price('{SECRET}', 1, 1)"),
    ] {
        actor.call(&sql);
    }
    for (run, lease) in [(None, String::new()), (Some(&claim.run), format!(", lease => '{}'", claim.lease))] {
        let mut envelope = actor.envelope();
        envelope["run_id"] = run.map(String::as_str).into();
        let envelope = literal(&envelope.to_string());
        let reserved = actor.call(&format!(
            "select awooop.reserve_budget({envelope}, tokens => 5, idempotency_key => '{SECRET}'{lease})"
        ));
        assert_eq!(reserved["created"], true, "{reserved}");
    }
}
