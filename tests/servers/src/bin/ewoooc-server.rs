//! The example tenant's shop: `ewoooc-server --listen 127.0.0.1:0 --database shop.sqlite`.

use std::io;
use std::path::PathBuf;

use awooop_mcp_servers::ewoooc::{Ewoooc, Front, sample};
use awooop_mcp_servers::header_value::Header;
use awooop_mcp_servers::serve::{self, Listen};
use clap::Parser;

/// The example tenant's shop, at /mcp
#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    listen: Listen,

    /// The sample; made on the first start.
    #[arg(long, value_name = "FILE.sqlite")]
    database: PathBuf,

    /// Answer 401 to requests that do not have this header.
    #[arg(long, value_name = "NAME=VALUE")]
    require_header: Option<Header>,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let cli = Cli::parse();
    let shop = Ewoooc::over(&cli.database, sample::REALISTIC)?;
    serve::serve(cli.listen, Front::new(shop, cli.require_header)).await
}
