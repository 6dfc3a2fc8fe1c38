//! Adds headers to requests: `header-proxy --upstream http://127.0.0.1:8080 --header 'Authorization=Bearer …'`.

use std::io;

use awooop_mcp_servers::header_value::Header;
use awooop_mcp_servers::proxy::{Proxy, Upstream};
use awooop_mcp_servers::serve::{self, Listen};
use clap::Parser;
use hyper::header::HeaderValue;

/// A reverse proxy that adds headers to every request
#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    listen: Listen,

    /// Where requests go; they keep their path.
    #[arg(long, value_name = "http://HOST:PORT")]
    upstream: Upstream,

    /// A header to set; may be given again.
    #[arg(long = "header", value_name = "NAME=VALUE")]
    headers: Vec<Header>,

    /// The Host to set; otherwise it stays as the client sent it.
    #[arg(long)]
    host: Option<HeaderValue>,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let cli = Cli::parse();
    serve::serve(cli.listen, Proxy::new(cli.upstream, cli.headers, cli.host)).await
}
