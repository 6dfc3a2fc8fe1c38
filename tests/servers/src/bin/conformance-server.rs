//! The server of the public conformance suite: `conformance-server --listen 127.0.0.1:0`, or `--stdio`.

use std::io;
use std::sync::Arc;

use awooop_mcp_servers::conformance::{Conformance, Front, Options, Shared};
use awooop_mcp_servers::serve::{self, Listen};
use clap::Parser;
use rmcp::ServiceExt;
use rmcp::transport::stdio_pipes;

/// The server of the public conformance suite, at /mcp
#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    listen: Listen,

    /// Speak over standard input and output instead of HTTP.
    #[arg(long, conflicts_with_all = ["listen", "detached"])]
    stdio: bool,

    #[command(flatten)]
    options: Options,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let cli = Cli::parse();
    if !cli.stdio {
        return serve::serve(cli.listen, Front::new(cli.options)).await;
    }
    let server = Conformance::new(Arc::new(Shared::new(cli.options)));
    let running = server.serve(stdio_pipes()).await.map_err(io::Error::other)?;
    running.waiting().await.map(drop).map_err(io::Error::other)
}
