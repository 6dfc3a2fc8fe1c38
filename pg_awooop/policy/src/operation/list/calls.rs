//! Calls of tools: which there are, what the gates say to one, how it begins, what is said of it meanwhile, and how it ends.

use super::tools::{AGENT_ID, TOOL};
use super::{CREDENTIAL, CURSOR, ID, PAGE};
use crate::argument::{Argument, Kind};
use crate::name::NameRule;
use crate::operation::{Operation, result};
use crate::scope::Scope;
use crate::server_message::MAX_QUESTIONS;

/// A result as the server gave it.
const RESULT: Kind = Kind::Json { max_bytes: 900 * 1024 };
/// What a server says; what is too long of it is cut, but for a question.
const MESSAGE: Kind = Kind::Json { max_bytes: 64 * 1024 };
/// What a server asks of the caller; longer ones are none.
const QUESTIONS: Kind = Kind::Json { max_bytes: MAX_QUESTIONS };

const ARGUMENTS: Argument =
    Argument::optional("arguments", Kind::Object, "{}", "The arguments of the call, an object.");
const CALL_ID: Argument = Argument::required("call_id", Kind::Uuid, "The call.");
const LEASE: Argument =
    Argument::optional("lease", CREDENTIAL, "null", "The lease of the run that the call is made in.");
const HELD: Argument = Argument::required("lease", CREDENTIAL, "The lease that mcp_begin_call gave, or the run's.");
const TICKET: Argument = Argument::required("ticket", CREDENTIAL, "The ticket that mcp_begin_call gave.");

fn messages() -> Vec<&'static str> {
    vec!["progress", "log", "question"]
}

fn outcomes() -> Vec<&'static str> {
    vec!["succeeded", "failed", "timed_out", "cancelled", "not_sent", "unresolved"]
}

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "mcp_list_tools",
        scope: Some(Scope::ToolsCall),
        method: "GET",
        path: "/v1/platform/mcp/tools",
        summary: "List the tools that an agent may call",
        description: "As MCP lists tools, by name: descriptions and schemas are those of the contracts. What gates 1 to 3 would deny \
                      whatever the arguments is not there. `features` names the tools that stand for servers' resources, prompts and \
                      completion.",
        status: 200,
        arguments: &[
            Argument::optional("agent_id", ID, "null", "The agent; the key's own where the key is bound to one."),
            Argument::optional("server_id", ID, "null", "Only those of this server."),
            CURSOR,
            PAGE,
        ],
        result: result::mcp_tools,
    },
    Operation {
        name: "mcp_begin_call",
        scope: Some(Scope::ToolsCall),
        method: "POST",
        path: "/v1/platform/mcp/calls",
        summary: "Ask whether a tool may be called, and begin the call",
        description: "The five gates, in order: a denial is a problem `E-MCP-GATE-001` to `008`. `allowed` says where the tool is, and \
                      by which reference its credential; `waiting` that people must approve the call: begin it again with \
                      `request_state`; `replayed` that it was made before. A call outside of a run makes one.",
        status: 200,
        arguments: &[
            TOOL,
            ARGUMENTS,
            Argument::optional(
                "agent_id",
                ID,
                "null",
                "Whose call it is; the key's own agent where it is bound to one.",
            ),
            Argument::optional(
                "envelope",
                Kind::Object,
                "null",
                "On whose behalf, as build_envelope returned it. The caller itself on the channel mcp where it is not given.",
            ),
            Argument::optional("run_id", Kind::Uuid, "null", "The run that the call is made in, with its lease."),
            LEASE,
            Argument::optional(
                "step_key",
                Kind::Text { rule: NameRule::Line, max: 128 },
                "null",
                "Names the call within its run, the same in every attempt.",
            ),
            Argument::optional(
                "call_key",
                Kind::Text { rule: NameRule::Line, max: 128 },
                "null",
                "Outside of a run: the same key is the same call.",
            ),
            Argument::optional(
                "request_state",
                Kind::Text { rule: NameRule::Line, max: 64 * 1024 },
                "null",
                "Of the answer before: goes on with that call.",
            ),
            Argument::optional(
                "ask",
                Kind::Boolean,
                "true",
                "Whether people are asked where the call needs an approval; else that is a denial.",
            ),
        ],
        result: result::mcp_begun,
    },
    Operation {
        name: "mcp_suspend_call",
        scope: Some(Scope::ToolsCall),
        method: "POST",
        path: "/v1/platform/mcp/calls/{call_id}/suspend",
        summary: "Say that the server asked something back",
        description: "The call goes on with begin_call and the `request_state` that comes back, which keeps the server's own. What was asked \
                      comes back as the caller may see it, if the tool's contract lets its server ask that (`E-MCP-022`).",
        status: 200,
        arguments: &[
            CALL_ID,
            HELD,
            TICKET,
            Argument::optional(
                "upstream_state",
                Kind::Text { rule: NameRule::Free, max: 32 * 1024 },
                "null",
                "What the server wants to have back.",
            ),
            Argument::optional(
                "questions",
                QUESTIONS,
                "null",
                "What it asked: the object `inputRequests` of its answer.",
            ),
        ],
        result: result::mcp_suspended,
    },
    Operation {
        name: "mcp_relay",
        scope: Some(Scope::ToolsCall),
        method: "POST",
        path: "/v1/platform/mcp/calls/{call_id}/relay",
        summary: "Pass on what the server says while a call is under way",
        description: "Redacts and bounds it, for the caller to see. A question counts as one of `mcp_suspend_call` does, and takes the same \
                      leave; there are at most 1,000 reports and lines of a log in a call (`E-MCP-024`).",
        status: 200,
        arguments: &[
            CALL_ID,
            HELD,
            TICKET,
            Argument::required("kind", Kind::Word(messages), "What it is."),
            Argument::required(
                "message",
                MESSAGE,
                "progress: `progress`, `total`, `message`. log: `level`, `logger`, `data`. question: `method`, `params`.",
            ),
        ],
        result: result::mcp_relayed,
    },
    Operation {
        name: "mcp_finish_call",
        scope: Some(Scope::ToolsCall),
        method: "POST",
        path: "/v1/platform/mcp/calls/{call_id}/finish",
        summary: "Say how a call ended",
        description: "Redacts the result and bounds it, settles its reservation, and ends the run that was made for it. What comes back is \
                      what the agent may see, for a tool an object with `content`, for a method of the protocol its result. `not_sent` and `unresolved` (`E-MCP-GATE-009`) give the reservation back.",
        status: 200,
        arguments: &[
            CALL_ID,
            HELD,
            TICKET,
            Argument::required("outcome", Kind::Word(outcomes), "How it ended."),
            Argument::optional("result", RESULT, "null", "The result as the server gave it."),
            Argument::optional(
                "micro_usd",
                Kind::Integer { min: 0, max: 1_000_000_000_000_000 },
                "null",
                "What it cost, where that is not what the contract says; takes the scope budgets:spend.",
            ),
        ],
        result: result::mcp_finished,
    },
    Operation {
        name: "mcp_explain",
        scope: Some(Scope::ToolsRead),
        method: "GET",
        path: "/v1/platform/mcp/explain",
        summary: "What each gate would say to a call",
        description: "Every check with its verdict and why, by the function that decides calls, and without any effect.",
        status: 200,
        arguments: &[AGENT_ID, TOOL, ARGUMENTS],
        result: result::mcp_explained,
    },
    Operation {
        name: "mcp_list_calls",
        scope: Some(Scope::ToolsRead),
        method: "GET",
        path: "/v1/platform/mcp/calls",
        summary: "List calls",
        description: "The newest first, redacted, each with what its decision was based on. Denied calls are in the audit log.",
        status: 200,
        arguments: &[
            Argument::optional("agent_id", ID, "null", "Only those of this agent."),
            Argument::optional("tool", ID, "null", "Only those of this tool."),
            Argument::optional("run_id", Kind::Uuid, "null", "Only those of this run."),
            CURSOR,
            PAGE,
        ],
        result: result::mcp_calls,
    },
];
