//! The server of the public conformance suite: `conformance-server --listen 127.0.0.1:0`.

use std::io;

use awooop_mcp_servers::conformance::{Front, Options};
use awooop_mcp_servers::serve::{self, Listen};
use clap::Parser;

/// The server of the public conformance suite, at /mcp
#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    options: Options,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let cli = Cli::parse();
    serve::serve(cli.listen, Front::new(&cli.options)).await
}
