//! The shop's clerk, an agent behind HTTP: `clerk-agent --listen 127.0.0.1:0`.

use std::io;

use awooop_mcp_servers::clerk::Clerk;
use awooop_mcp_servers::header_value::Header;
use awooop_mcp_servers::serve::{self, Listen};
use clap::Parser;

/// An agent that answers with the shop's tools, at /agent
#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    listen: Listen,

    /// Answer 401 to requests that do not have this header.
    #[arg(long, value_name = "NAME=VALUE")]
    require_header: Option<Header>,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let cli = Cli::parse();
    serve::serve(cli.listen, Clerk::new(cli.require_header)).await
}
