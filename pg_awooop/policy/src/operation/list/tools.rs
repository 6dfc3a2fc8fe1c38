//! MCP servers, their tools, and who may call them.

use super::{CURSOR, ID, NAME, PAGE};
use crate::argument::{Argument, Kind};
use crate::name::NameRule;
use crate::operation::{Operation, result};
use crate::scope::Scope;

/// A whole answer of a server to `tools/list`.
const DEFINITIONS: Kind = Kind::Json { max_bytes: 900 * 1024 };
const SECONDS: Kind = Kind::Integer { min: 1, max: 315_360_000 };

const SERVER_ID: Argument = Argument::required("server_id", ID, "The server.");
pub(super) const TOOL: Argument = Argument::required("tool", ID, "The tool, as {tool}__{provider}.");
pub(super) const AGENT_ID: Argument = Argument::required("agent_id", ID, "The agent.");
const REASON: Argument =
    Argument::optional("reason", Kind::Text { rule: NameRule::Line, max: 500 }, "null", "Why; kept redacted.");
const ENABLED: Argument = Argument::required("enabled", Kind::Boolean, "Whether it may be called.");

fn transports() -> Vec<&'static str> {
    vec!["http", "local"]
}

fn placements() -> Vec<&'static str> {
    vec!["bearer", "basic", "header", "query", "environment"]
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
];
