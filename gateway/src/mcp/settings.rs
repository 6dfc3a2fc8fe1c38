//! What a person can set about MCP.

use std::path::PathBuf;

use clap::Args;

/// Settings of the MCP side, with their defaults.
#[derive(Args, Clone)]
pub struct McpSettings {
    /// Directory of mounted secrets, {dir}/{namespace}/{secret}/{key}, as Kubernetes mounts them. Read at each call.
    #[arg(long, env = "AWOOOP_SECRETS_DIR", value_name = "DIR", global = true)]
    pub secrets_dir: Option<PathBuf>,

    /// JSON file of MCP servers that the gateway starts itself: {"name": {"command": "/absolute/path", "args": [],
    /// "environment": {}, "directory": null, "projects": ["id"]}}.
    #[arg(long, env = "AWOOOP_LOCAL_SERVERS", value_name = "FILE", global = true)]
    pub local_servers: Option<PathBuf>,

    /// The address that clients use, as https://agents.example.com: the resource that OAuth tokens are for is its /v1/mcp.
    #[arg(long, env = "AWOOOP_PUBLIC_URL", value_name = "URL", global = true)]
    pub public_url: Option<String>,

    /// Issuers of OAuth access tokens that clients are pointed to, separated by commas.
    #[arg(long, env = "AWOOOP_AUTHORIZATION_SERVERS", value_name = "URL", value_delimiter = ',', global = true)]
    pub authorization_servers: Vec<String>,

    /// Names in `Host` under which /v1/mcp may be called besides that of the public URL, separated by commas.
    #[arg(
        long,
        env = "AWOOOP_ALLOWED_HOSTS",
        value_name = "HOST",
        value_delimiter = ',',
        default_value = "localhost,127.0.0.1,::1",
        global = true
    )]
    pub allowed_hosts: Vec<String>,

    /// Origins of browser pages that may call /v1/mcp, as https://app.example.com:443, separated by commas; none by default.
    #[arg(long, env = "AWOOOP_ALLOWED_ORIGINS", value_name = "ORIGIN", value_delimiter = ',', global = true)]
    pub allowed_origins: Vec<String>,

    /// How often the list of tools is looked at for clients that want to hear of changes, in seconds.
    #[arg(long, env = "AWOOOP_LIST_SECONDS", default_value_t = 5, value_name = "S", global = true)]
    pub list_seconds: u64,

    /// Sessions of the older protocol that may be open at once.
    #[arg(long, env = "AWOOOP_MAX_SESSIONS", default_value_t = 1_024, value_name = "N", global = true)]
    pub max_sessions: usize,
}
