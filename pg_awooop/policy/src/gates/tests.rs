use awooop_contracts::model::{AgentContract, PolicyContract, ToolContract};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::mode::MigrationMode;

const TOOL: &str = "note__shop";
const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

fn tool(side_effects: &str) -> ToolContract {
    let contract = json!({
        "kind": "tool", "contract_version": 1, "name": TOOL, "description": "Notes.", "upstream_digest": DIGEST,
        "input_schema": {"type": "object"}, "side_effects": side_effects, "risk": "low", "max_argument_bytes": 100
    });
    serde_json::from_value(contract).unwrap()
}

fn agent(access: &str) -> AgentContract {
    let contract = json!({
        "kind": "agent", "contract_version": 1, "name": "bot", "purpose": "Notes.", "autonomy": "act",
        "model": {"provider": "anthropic", "name": "claude", "max_output_tokens": 10},
        "tools": {TOOL: {"access": access, "max_calls_per_run": 3}}, "limits": {"max_tool_calls": 5, "max_parallel_tool_calls": 2}
    });
    serde_json::from_value(contract).unwrap()
}

fn policy(decision: Value) -> PolicyContract {
    let contract = json!({
        "kind": "policy", "contract_version": 1, "name": "default",
        "activation": {"default": {"approvers": 2, "roles": ["security"]}},
        "calls": {"low": decision, "medium": {"decision": "allow"}, "high": {"decision": "deny"}, "critical": {"decision": "deny"}}
    });
    serde_json::from_value(contract).unwrap()
}

fn rate(what: &'static str) -> RateFacts {
    RateFacts { what, reason: what, key: what.to_owned(), count: 5, window_seconds: 60, retry_after_seconds: None }
}

/// A call that all gates let through.
fn open<'a>(agent: &'a AgentContract, tool: &'a ToolContract, policy: &'a PolicyContract) -> Facts<'a> {
    Facts {
        project: Some(ProjectFacts { mode: MigrationMode::Active, suspended: false }),
        agent: AgentFacts { id: Some("bot"), of_key: None, enabled: Some(true), contract: Found::Active(agent) },
        tool_name: TOOL,
        server: Some(ServerFacts { enabled: true }),
        tool: Some(ToolFacts { upstream_name: "note", digest: DIGEST, enabled: true, gone: false }),
        tool_contract: Found::Active(tool),
        grant: Some(GrantFacts { expired: false }),
        policy: Some(policy),
        arguments: ArgumentFacts { bytes: 10, errors: Vec::new(), grant_errors: Vec::new() },
        run: Some(RunFacts { mode: MigrationMode::Active, calls: 0, calls_of_tool: 0, under_way: 0 }),
        budget: BudgetFacts::Free,
        rates: vec![rate("project"), rate("agent")],
        refusals: rate("refusals"),
        approval: Approval::None,
        credential_is_own: Some(true),
    }
}

/// Something that is wrong with a call.
type Defect = (&'static str, u8, ErrorCode, fn(&mut Facts));

/// Every defect, in the order in which they are to be told.
const DEFECTS: &[Defect] = &[
    ("unknown", 1, ErrorCode::GateTenant, |f| f.project = None),
    ("suspended", 1, ErrorCode::GateTenant, |f| {
        f.project = f.project.map(|p| ProjectFacts { suspended: true, ..p });
    }),
    ("legacy", 1, ErrorCode::GateTenant, |f| {
        f.project = f.project.map(|p| ProjectFacts { mode: MigrationMode::LegacyAwoooiDefault, ..p });
    }),
    ("missing", 2, ErrorCode::GateAgent, |f| f.agent.id = None),
    ("key_of_another_agent", 2, ErrorCode::GateAgent, |f| f.agent.of_key = Some("other")),
    ("unknown", 2, ErrorCode::GateAgent, |f| f.agent.enabled = None),
    ("disabled", 2, ErrorCode::GateAgent, |f| f.agent.enabled = f.agent.enabled.map(|_| false)),
    ("no_active_contract", 2, ErrorCode::GateAgent, |f| f.agent.contract = Found::None),
    ("contract_not_proven", 2, ErrorCode::GateAgent, |f| f.agent.contract = Found::Unproven),
    ("refusals", 4, ErrorCode::GateRate, |f| f.refusals.retry_after_seconds = Some(7)),
    ("unknown", 3, ErrorCode::GateTool, |f| f.server = None),
    ("unknown", 3, ErrorCode::GateTool, |f| f.tool = None),
    ("no_active_contract", 3, ErrorCode::GateTool, |f| f.tool_contract = Found::None),
    ("contract_not_proven", 3, ErrorCode::GateTool, |f| f.tool_contract = Found::Unproven),
    ("server_disabled", 3, ErrorCode::GateTool, |f| f.server = f.server.map(|_| ServerFacts { enabled: false })),
    ("disabled", 3, ErrorCode::GateTool, |f| f.tool = f.tool.map(|t| ToolFacts { enabled: false, ..t })),
    ("gone", 3, ErrorCode::GateTool, |f| f.tool = f.tool.map(|t| ToolFacts { gone: true, ..t })),
    ("drifted", 3, ErrorCode::GateTool, |f| f.tool = f.tool.map(|t| ToolFacts { digest: "sha256:1", ..t })),
    ("drifted", 3, ErrorCode::GateTool, |f| f.tool = f.tool.map(|t| ToolFacts { upstream_name: "other", ..t })),
    ("not_granted", 3, ErrorCode::GateGrant, |f| f.grant = None),
    ("grant_expired", 3, ErrorCode::GateGrant, |f| f.grant = f.grant.map(|_| GrantFacts { expired: true })),
    ("too_large", 3, ErrorCode::GateArguments, |f| f.arguments.bytes = 101),
    ("tool_schema", 3, ErrorCode::GateArguments, |f| f.arguments.errors = vec![json!({"pointer": "/a"})]),
    ("grant", 3, ErrorCode::GateArguments, |f| f.arguments.grant_errors = vec![json!({"pointer": "/a"})]),
    ("no_room", 4, ErrorCode::GateBudget, |f| f.budget = BudgetFacts::Refused(ErrorCode::BudgetPaused.into())),
    ("max_tool_calls", 4, ErrorCode::GateRate, |f| f.run = f.run.map(|r| RunFacts { calls: 5, ..r })),
    ("max_calls_per_run", 4, ErrorCode::GateRate, |f| f.run = f.run.map(|r| RunFacts { calls_of_tool: 3, ..r })),
    ("max_parallel_tool_calls", 4, ErrorCode::GateRate, |f| f.run = f.run.map(|r| RunFacts { under_way: 2, ..r })),
    ("project", 4, ErrorCode::GateRate, |f| f.rates[0].retry_after_seconds = Some(7)),
    ("agent", 4, ErrorCode::GateRate, |f| f.rates[1].retry_after_seconds = Some(7)),
    ("used", 5, ErrorCode::GateApproval, |f| f.approval = Approval::Bad("used")),
    ("namespace_of_another", 5, ErrorCode::GateCredential, |f| f.credential_is_own = Some(false)),
];

fn said(facts: &Facts) -> Option<(&'static str, u8, ErrorCode)> {
    judge(facts).denial().map(|check| (check.reason, check.gate, check.code))
}

#[test]
fn a_call_with_nothing_against_it_goes_through() {
    let (agent, tool, policy) = (agent("write"), tool("reversible"), policy(json!({"decision": "allow"})));
    let judgement = judge(&open(&agent, &tool, &policy));
    assert_eq!(judgement.denial(), None);
    assert!(!judgement.asks());
    assert!(judgement.checks.iter().all(|check| check.verdict == Verdict::Pass), "{judgement:?}");
    assert_eq!(judgement.need, Some(Need::Nothing));
}

#[test]
fn every_single_defect_is_denied_with_its_gate_code_and_reason() {
    let (agent, tool, policy) = (agent("write"), tool("reversible"), policy(json!({"decision": "allow"})));
    for (reason, gate, code, defect) in DEFECTS {
        let mut facts = open(&agent, &tool, &policy);
        defect(&mut facts);
        assert_eq!(said(&facts), Some((*reason, *gate, *code)));
    }
}

#[test]
fn what_the_agents_contract_the_mode_or_the_policy_deny_is_denied_at_gate_three() {
    let allow = policy(json!({"decision": "allow"}));
    let deny = policy(json!({"decision": "deny"}));
    let (reads, writes, reader) = (agent("read"), agent("write"), tool("none"));
    let writer = tool("reversible");
    let grant = |reason| Some((reason, 3, ErrorCode::GateGrant));
    assert_eq!(said(&open(&reads, &writer, &allow)), grant("tool_wanted_for_reading"));
    assert_eq!(said(&open(&writes, &writer, &deny)), grant("policy"));
    let mut facts = open(&writes, &writer, &allow);
    facts.tool_name = "other__shop";
    assert_eq!(said(&facts), grant("tool_not_in_agent_contract"));
    // In shadow a tool that only reads may be called.
    let mut facts = open(&writes, &writer, &allow);
    facts.project = Some(ProjectFacts { mode: MigrationMode::Shadow, suspended: false });
    assert_eq!(said(&facts), grant("shadow"));
    facts.tool_contract = Found::Active(&reader);
    assert_eq!(said(&facts), None);
    // A run goes on in the mode that it was created in.
    let mut facts = open(&writes, &writer, &allow);
    facts.run = facts.run.map(|run| RunFacts { mode: MigrationMode::Shadow, ..run });
    assert_eq!(said(&facts), grant("shadow"));
}

#[test]
fn a_call_that_people_decide_about_asks_and_one_that_they_approved_goes_through() {
    let (agent, tool) = (agent("write"), tool("reversible"));
    let asks = policy(json!({"decision": "approve", "approvers": 2, "roles": ["lead"]}));
    let mut facts = open(&agent, &tool, &asks);
    let judgement = judge(&facts);
    assert!(judgement.asks() && matches!(&judgement.need, Some(Need::Approval(terms)) if terms.approvers == 2));
    facts.approval = Approval::Given;
    assert!(!judge(&facts).asks() && judge(&facts).denial().is_none());
    // An approval opens no other gate.
    facts.grant = None;
    assert_eq!(said(&facts), Some(("not_granted", 3, ErrorCode::GateGrant)));
}

#[test]
fn a_denial_tells_the_caller_what_is_wrong_and_the_log_only_how_much() {
    let (agent, tool, policy) = (agent("write"), tool("reversible"), policy(json!({"decision": "allow"})));
    let mut facts = open(&agent, &tool, &policy);
    facts.arguments.errors = vec![json!({"pointer": "/the-secret-name"})];
    let problem = judge(&facts).denial().unwrap().problem();
    assert_eq!(problem.to_document()["errors"][0]["pointer"], "/the-secret-name");
    assert_eq!(problem.facts["errors"], json!({"count": 1}));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// The model: the first of the defects in the list above, whatever else is wrong.
    #[test]
    fn the_first_denial_wins(wrong in prop::collection::vec(any::<bool>(), DEFECTS.len()), rare in 0usize..DEFECTS.len()) {
        let (agent, tool, policy) = (agent("write"), tool("reversible"), policy(json!({"decision": "allow"})));
        let mut facts = open(&agent, &tool, &policy);
        // Not only calls with everything wrong: what comes before `rare` is right.
        let chosen: Vec<&Defect> =
            DEFECTS.iter().enumerate().filter(|(n, _)| *n >= rare && wrong[*n]).map(|(_, defect)| defect).collect();
        for (.., defect) in &chosen {
            defect(&mut facts);
        }
        let judgement = judge(&facts);
        match chosen.first() {
            None => prop_assert_eq!(judgement.denial(), None),
            Some((_, gate, code, _)) => {
                // Of two defects of one check the later may have overwritten the earlier; gate and code are the check's.
                let denial = judgement.denial();
                prop_assert_eq!(denial.map(|check| (check.gate, check.code)), Some((*gate, *code)));
                prop_assert_eq!(judgement.need, None);
            }
        }
        let gates: Vec<u8> = judgement.checks.iter().map(|check| check.gate).filter(|gate| *gate != 4).collect();
        prop_assert!(gates.is_sorted(), "{gates:?}");
    }
}

#[test]
fn what_somebody_was_faster_to_take_is_a_denial_of_its_gate() {
    for (cause, code, reason) in [
        (ErrorCode::BudgetExceeded, ErrorCode::GateBudget, "no_room"),
        (ErrorCode::BudgetKilled, ErrorCode::GateBudget, "no_room"),
        (ErrorCode::TokenReplayed, ErrorCode::GateApproval, "not_good"),
        (ErrorCode::ApprovalEnded, ErrorCode::GateApproval, "not_good"),
        (ErrorCode::ApprovalCapacity, ErrorCode::GateApproval, "too_many_waiting"),
    ] {
        let denied = late(Problem::from(cause).with("left", 200)).to_document();
        assert_eq!((&denied["code"], &denied["cause"]), (&code.entry().code.into(), &cause.entry().code.into()));
        assert_eq!((&denied["reason"], &denied["left"]), (&reason.into(), &200.into()));
    }
    // A rate says it itself, and what is no gate's stays what it is.
    for cause in [ErrorCode::GateRate, ErrorCode::RunLease] {
        assert_eq!(late(cause.into()).to_document(), Problem::from(cause).to_document());
    }
}
