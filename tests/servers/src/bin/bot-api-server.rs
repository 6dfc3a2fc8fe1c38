//! A server that answers as Telegram's Bot API: `bot-api-server --listen 127.0.0.1:0 --token 123:abc`.

use std::io;

use awooop_mcp_servers::bot_api::{BotApi, Limits, serve};
use awooop_mcp_servers::serve::Listen;
use clap::Parser;

/// A Bot API with chats of its own, at /bot{token}/{method}
#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    listen: Listen,

    /// The token that it takes.
    #[arg(long)]
    token: String,

    /// Messages in any second before it asks for a pause; 0 for as many as come.
    #[arg(long, default_value_t = 0)]
    per_second: usize,

    /// The same of one chat.
    #[arg(long, default_value_t = 0)]
    chat_per_second: usize,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let cli = Cli::parse();
    let limits = Limits { per_second: cli.per_second, chat_per_second: cli.chat_per_second };
    serve(cli.listen, BotApi::new(cli.token, limits)).await
}
