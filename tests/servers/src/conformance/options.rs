//! How the server can be made to differ from one that pleases the suite. Nothing of it is on by default.

use std::time::Duration;

use clap::{ArgGroup, Args};

use super::secrets::Place;
use crate::header_value::Header;

/// What is different.
#[derive(Args, Clone, Default)]
#[command(group(ArgGroup::new("lifecycle").args(["sessions_only", "stateless_only", "current_only"])))]
pub struct Options {
    /// Answer 401 to requests over HTTP that do not have this header.
    #[arg(long, value_name = "NAME=VALUE")]
    pub require_header: Option<Header>,

    /// Let tools echo_secret_*, resources secret://… and the prompt echo_secret show the credential that came with the
    /// request, in disguise. Where it comes: bearer, header:NAME, query:NAME or env:NAME.
    #[arg(long, value_name = "PLACE")]
    pub echo_credential: Option<Place>,

    /// Let every call of a tool take so much longer.
    #[arg(long, value_name = "MS")]
    pub slow: Option<u64>,

    /// Have tools that make trouble: sleep, flaky, big, big_number, add_tool, remove_tool, touch_resource; and count,
    /// was_cancelled, which tell what came of it.
    #[arg(long)]
    pub trouble: bool,

    /// List so many tools, resources and prompts at once, and the rest on further pages.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub page: Option<u16>,

    /// Answer stateless requests with JSON, where nothing has to be sent before the result.
    #[arg(long)]
    pub json: bool,

    /// Be a server from before 2026-07-28: answer 400 to stateless requests.
    #[arg(long)]
    pub sessions_only: bool,

    /// Be a server of 2026-07-28 and later alone: answer 400 to requests of before, `initialize` among them.
    #[arg(long)]
    pub current_only: bool,

    /// Give no session to anybody.
    #[arg(long)]
    pub stateless_only: bool,
}

impl Options {
    /// Takes the time that every call takes longer.
    pub async fn pause(&self) {
        // Even a sleep of no time at all takes a turn of the timer, which is a millisecond.
        if let Some(longer) = self.slow {
            tokio::time::sleep(Duration::from_millis(longer)).await;
        }
    }
}
