//! A tool that answers at once: `echo-server --listen 127.0.0.1:0`.

use std::io;

use awooop_mcp_servers::echo::Front;
use awooop_mcp_servers::serve::{self, Listen};
use clap::Parser;

/// One tool that answers with its argument, at /mcp
#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    listen: Listen,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    serve::serve(Cli::parse().listen, Front::new()).await
}
