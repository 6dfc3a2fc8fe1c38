//! MCP servers, their tools, who may call them, and the calls.

use super::{CREDENTIAL, CURSOR, ID, NAME, PAGE};
use crate::argument::{Argument, Kind};
use crate::name::NameRule;
use crate::operation::{Operation, result};
use crate::scope::Scope;
use crate::server_message::MAX_QUESTIONS;

/// A whole answer of a server to `tools/list`.
const DEFINITIONS: Kind = Kind::Json { max_bytes: 900 * 1024 };
/// A result as the server gave it.
const RESULT: Kind = Kind::Json { max_bytes: 900 * 1024 };
const SECONDS: Kind = Kind::Integer { min: 1, max: 315_360_000 };

const SERVER_ID: Argument = Argument::required("server_id", ID, "The server.");
const TOOL: Argument = Argument::required("tool", ID, "The tool, as {tool}__{provider}.");
const AGENT_ID: Argument = Argument::required("agent_id", ID, "The agent.");
const REASON: Argument =
    Argument::optional("reason", Kind::Text { rule: NameRule::Line, max: 500 }, "null", "Why; kept redacted.");
const ENABLED: Argument = Argument::required("enabled", Kind::Boolean, "Whether it may be called.");
const ARGUMENTS: Argument =
    Argument::optional("arguments", Kind::Object, "{}", "The arguments of the call, an object.");
const CALL_ID: Argument = Argument::required("call_id", Kind::Uuid, "The call.");
const LEASE: Argument =
    Argument::optional("lease", CREDENTIAL, "null", "The lease of the run that the call is made in.");

fn transports() -> Vec<&'static str> {
    vec!["http", "local"]
}

fn placements() -> Vec<&'static str> {
    vec!["bearer", "basic", "header", "query", "environment"]
}

/// What a server says; what is too long of it is cut, but for a question.
const MESSAGE: Kind = Kind::Json { max_bytes: 64 * 1024 };
/// What a server asks of the caller; longer ones are none.
const QUESTIONS: Kind = Kind::Json { max_bytes: MAX_QUESTIONS };

fn messages() -> Vec<&'static str> {
    vec!["progress", "log", "question"]
}

fn outcomes() -> Vec<&'static str> {
    vec!["succeeded", "failed", "timed_out", "cancelled", "not_sent", "unresolved"]
}

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "mcp_register_server",
        scope: Some(Scope::ToolsAdmin),
        method: "PUT",
        path: "/v1/platform/mcp/servers/{server_id}",
        summary: "Make an MCP server known, or change it",
        description: "Its tools are `{tool}__{server_id}`. Nothing of it can be called before its tools are imported, their contracts \
                      are active and agents have grants.",
        status: 200,
        arguments: &[
            Argument::required(
                "server_id",
                ID,
                "Its name, which is a part of its tools' names: at most 24 characters.",
            ),
            Argument::required(
                "address",
                Kind::Text { rule: NameRule::Line, max: 2000 },
                "An http or https URL; with the transport `local` the name of a server that the gateway starts.",
            ),
            Argument::optional(
                "transport",
                Kind::Word(transports),
                "\"http\"",
                "http (Streamable HTTP) or local (stdio).",
            ),
            Argument::optional("title", NAME, "null", "A name for people to read."),
            Argument::optional(
                "credential_reference",
                Kind::Text { rule: NameRule::Line, max: 400 },
                "null",
                "k8s://namespace/secret/key of what the server is shown, unless a tool's contract names another.",
            ),
            Argument::optional("credential_placement", Kind::Word(placements), "null", "Where its value goes."),
            Argument::optional(
                "credential_name",
                Kind::Text { rule: NameRule::Id, max: 64 },
                "null",
                "The header, query parameter or environment variable, where the placement is one of those.",
            ),
            Argument::optional(
                "max_concurrency",
                Kind::Integer { min: 1, max: 1000 },
                "16",
                "Calls under way at once, for each gateway.",
            ),
            Argument::optional(
                "max_response_bytes",
                Kind::Integer { min: 1024, max: 900 * 1024 },
                "524288",
                "A longer answer is not read to its end, and the call fails.",
            ),
        ],
        result: result::mcp_server,
    },
    Operation {
        name: "mcp_switch_server",
        scope: Some(Scope::ToolsAdmin),
        method: "PUT",
        path: "/v1/platform/mcp/servers/{server_id}/switch",
        summary: "Switch an MCP server off or on",
        description: "While it is off, every call of its tools is denied.",
        status: 200,
        arguments: &[SERVER_ID, ENABLED, REASON],
        result: result::mcp_server,
    },
    Operation {
        name: "mcp_list_servers",
        scope: Some(Scope::ToolsRead),
        method: "GET",
        path: "/v1/platform/mcp/servers",
        summary: "List MCP servers",
        description: "By name; credentials as references.",
        status: 200,
        arguments: &[],
        result: result::mcp_servers,
    },
    Operation {
        name: "mcp_upstream",
        scope: Some(Scope::ToolsAdmin),
        method: "GET",
        path: "/v1/platform/mcp/servers/{server_id}/upstream",
        summary: "Where an MCP server is, for importing its tools",
        description: "What the gateway needs to ask the server for its tools. Audited.",
        status: 200,
        arguments: &[SERVER_ID],
        result: result::mcp_upstream,
    },
    Operation {
        name: "mcp_import_tools",
        scope: Some(Scope::ToolsAdmin),
        method: "POST",
        path: "/v1/platform/mcp/servers/{server_id}/tools",
        summary: "Take in what a server answered to tools/list",
        description: "Pins the digest of each definition. What differs from the one that the tool's active contract names has drifted: \
                      it cannot be called until a contract with the new digest is active, and `changes` says what is different. \
                      `proposal` is a contract to begin with. With the server's capabilities, its resources, prompts and completion are \
                      taken in as tools `mcp-resources__{server_id}`, `mcp-prompts__{server_id}` and `mcp-completion__{server_id}`.",
        status: 200,
        arguments: &[
            SERVER_ID,
            Argument::required(
                "tools",
                DEFINITIONS,
                "The list `tools` of the answer, all pages; or an object with that list as `tools`, and with `capabilities` as the server \
                 gave them.",
            ),
        ],
        result: result::mcp_import,
    },
    Operation {
        name: "mcp_list_registry",
        scope: Some(Scope::ToolsRead),
        method: "GET",
        path: "/v1/platform/mcp/registry",
        summary: "List the tools of MCP servers",
        description: "Each with its state: `callable`, `new` (no active contract), `drifted`, `gone`, `disabled`; and what changed.",
        status: 200,
        arguments: &[Argument::optional("server_id", ID, "null", "Only those of this server."), CURSOR, PAGE],
        result: result::mcp_registry,
    },
    Operation {
        name: "mcp_switch_tool",
        scope: Some(Scope::ToolsAdmin),
        method: "PUT",
        path: "/v1/platform/mcp/tools/{tool}/switch",
        summary: "Switch a tool off or on",
        description: "While it is off, every call of it is denied.",
        status: 200,
        arguments: &[TOOL, ENABLED, REASON],
        result: result::mcp_registered_tool,
    },
    Operation {
        name: "mcp_grant_tool",
        scope: Some(Scope::ToolsAdmin),
        method: "PUT",
        path: "/v1/platform/mcp/grants/{agent_id}/{tool}",
        summary: "Grant a tool to an agent",
        description: "Takes the place of an earlier grant. The agent's contract must name the tool as well: a grant alone opens nothing.",
        status: 200,
        arguments: &[
            AGENT_ID,
            TOOL,
            Argument::optional(
                "constraints",
                Kind::Object,
                "null",
                "A JSON Schema that the arguments must satisfy besides the tool's own.",
            ),
            Argument::optional(
                "rate_count",
                Kind::Integer { min: 1, max: 1_000_000 },
                "null",
                "How many calls there may be in any window.",
            ),
            Argument::optional(
                "rate_window_seconds",
                Kind::Integer { min: 1, max: 86_400 },
                "null",
                "The length of that window.",
            ),
            Argument::optional(
                "expires_in_seconds",
                SECONDS,
                "null",
                "How long it holds; for good where it is not given.",
            ),
            REASON,
        ],
        result: result::mcp_grant,
    },
    Operation {
        name: "mcp_revoke_grant",
        scope: Some(Scope::ToolsAdmin),
        method: "POST",
        path: "/v1/platform/mcp/grants/{agent_id}/{tool}/revoke",
        summary: "Revoke a grant",
        description: "Holds for every call that begins after it.",
        status: 200,
        arguments: &[AGENT_ID, TOOL, REASON],
        result: result::mcp_grant,
    },
    Operation {
        name: "mcp_list_grants",
        scope: Some(Scope::ToolsRead),
        method: "GET",
        path: "/v1/platform/mcp/grants",
        summary: "List grants",
        description: "The newest first, revoked ones among them.",
        status: 200,
        arguments: &[
            Argument::optional("agent_id", ID, "null", "Only those of this agent."),
            Argument::optional("tool", ID, "null", "Only those of this tool."),
            CURSOR,
            PAGE,
        ],
        result: result::mcp_grants,
    },
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
            Argument::required("lease", CREDENTIAL, "The lease that mcp_begin_call gave, or the run's."),
            Argument::required("ticket", CREDENTIAL, "The ticket that mcp_begin_call gave."),
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
            Argument::required("lease", CREDENTIAL, "The lease that mcp_begin_call gave, or the run's."),
            Argument::required("ticket", CREDENTIAL, "The ticket that mcp_begin_call gave."),
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
            Argument::required("lease", CREDENTIAL, "The lease that mcp_begin_call gave, or the run's."),
            Argument::required("ticket", CREDENTIAL, "The ticket that mcp_begin_call gave."),
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
