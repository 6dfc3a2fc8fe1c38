//! Approvals: asked for, decided, looked at.

use super::budgets::AMOUNT;
use super::{CREDENTIAL, CURSOR, DOCUMENT, ID, PAGE};
use crate::approval::{RequestState, TokenMode};
use crate::argument::{Argument, Kind};
use crate::name::NameRule;
use crate::operation::{Operation, result};
use crate::scope::Scope;
use awooop_contracts::model::tool::Risk;

const APPROVAL_ID: Argument = Argument::required("approval_id", Kind::Uuid, "The request for approval.");
const DIGEST: Argument = Argument::optional(
    "digest",
    Kind::Text { rule: NameRule::Line, max: 64 },
    "null",
    "The digest of the request that the caller has seen; another one is refused.",
);
const REASON: Argument =
    Argument::optional("reason", Kind::Text { rule: NameRule::Line, max: 500 }, "null", "Why; kept redacted.");

fn states() -> Vec<&'static str> {
    RequestState::ALL.iter().map(|state| state.as_str()).collect()
}

fn risks() -> Vec<&'static str> {
    Risk::ALL.iter().map(|risk| risk.as_str()).collect()
}

fn modes() -> Vec<&'static str> {
    TokenMode::ALL.iter().map(|mode| mode.as_str()).collect()
}

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "request_approval",
        scope: Some(Scope::RunsWork),
        method: "POST",
        path: "/v1/platform/runs/{run_id}/approvals",
        summary: "Ask whether a call may be made",
        description: "What the tool's contract, the agent's, the policy and the mode say of the call: it is `allowed`, or denied, \
                      or people must approve it (`waiting`): then the run gives up its lease and waits. Once it is approved \
                      a worker claims the run again and asks again for the same step: `approved`, with the token. In the \
                      mode suggest the request is a proposal.",
        status: 201,
        arguments: &[
            Argument::required("run_id", Kind::Uuid, "The run."),
            Argument::required("lease", CREDENTIAL, "The lease that claim_runs gave for this run."),
            Argument::required(
                "step_key",
                Kind::Text { rule: NameRule::Line, max: 128 },
                "Names the step within the run, the same in every attempt; one step is one call.",
            ),
            Argument::required("tool", ID, "The tool, as its contract is named."),
            Argument::optional("arguments", DOCUMENT, "{}", "The arguments of the call, an object."),
            Argument::optional("estimated_tokens", AMOUNT, "null", "What the call may use, for whoever decides."),
            Argument::optional(
                "estimated_micro_usd",
                AMOUNT,
                "null",
                "What it may cost, in millionths of a US dollar.",
            ),
        ],
        result: result::approval_answer,
    },
    Operation {
        name: "issue_approval",
        scope: Some(Scope::ApprovalsDecide),
        method: "POST",
        path: "/v1/platform/approvals/{approval_id}/approve",
        summary: "Approve a request",
        description: "Counts for the caller's own hand, once, in a role that the policy names; never for who asked or created the \
                      run. With enough of them the run goes on, and the token that stands for the call comes back.",
        status: 200,
        arguments: &[APPROVAL_ID, DIGEST, REASON],
        result: result::decided_approval,
    },
    Operation {
        name: "reject_approval",
        scope: Some(Scope::ApprovalsDecide),
        method: "POST",
        path: "/v1/platform/approvals/{approval_id}/reject",
        summary: "Reject a request",
        description: "One who may approve it is enough: the request ends, and its run is cancelled.",
        status: 200,
        arguments: &[APPROVAL_ID, DIGEST, REASON],
        result: result::decided_approval,
    },
    Operation {
        name: "approval_status",
        scope: Some(Scope::ApprovalsRead),
        method: "GET",
        path: "/v1/platform/approvals/{approval_id}",
        summary: "Look at a request",
        description: "What will happen in plain words, the arguments (redacted for all but who created the run and its worker), who \
                      decided what, and what became of it: the outcome of a call that was begun and never reported on is \
                      `unknown`. With `arguments`, how they differ from those that were asked about.",
        status: 200,
        arguments: &[
            APPROVAL_ID,
            Argument::optional("arguments", Kind::Object, "null", "Arguments to compare with those of the request."),
            Argument::optional(
                "lease",
                CREDENTIAL,
                "null",
                "The run's lease: with it comes the token, once it is approved.",
            ),
        ],
        result: result::approval_with_token,
    },
    Operation {
        name: "list_approvals",
        scope: Some(Scope::ApprovalsRead),
        method: "GET",
        path: "/v1/platform/approvals",
        summary: "List requests",
        description: "The newest first, with how long each has waited.",
        status: 200,
        arguments: &[
            Argument::optional("state", Kind::Word(states), "null", "Only those in this state."),
            Argument::optional("agent_id", ID, "null", "Only those of this agent."),
            Argument::optional("tool", ID, "null", "Only those for this tool."),
            Argument::optional("risk", Kind::Word(risks), "null", "Only those of this risk."),
            Argument::optional("mode", Kind::Word(modes), "null", "execute or suggest."),
            Argument::optional("run_id", Kind::Uuid, "null", "Only those of this run."),
            CURSOR,
            PAGE,
        ],
        result: result::approvals,
    },
    Operation {
        name: "approval_metrics",
        scope: Some(Scope::ApprovalsRead),
        method: "GET",
        path: "/v1/platform/approvals/metrics",
        summary: "Approvals as Prometheus reads them",
        description: "Requests by state, the longest wait, and uses of tokens that had been used, in the text format.",
        status: 200,
        arguments: &[],
        result: result::budget_metrics,
    },
];
