//! What a person can set about channels and the work that the gateway does by itself.

use clap::Args;

use crate::config::DatabaseUrl;

/// Settings of the worker and of the sender of messages, with their defaults.
#[derive(Args, Clone)]
pub struct WorkerSettings {
    /// Execute agents behind HTTP, and send messages of channels, while serving HTTP.
    #[arg(long, env = "AWOOOP_WORKER", global = true)]
    pub worker: bool,

    /// Where to connect for that, as the role awooop_worker.
    #[arg(
        long,
        env = "AWOOOP_WORKER_DATABASE_URL",
        default_value = "postgres://awooop_worker@127.0.0.1:5432/awooop",
        value_name = "URL",
        hide_env_values = true,
        global = true
    )]
    pub worker_database_url: DatabaseUrl,

    /// Database connections for that.
    #[arg(long, env = "AWOOOP_WORKER_POOL_SIZE", default_value_t = 4, value_name = "N", global = true)]
    pub worker_pool_size: usize,

    /// What this process is called where it claims something; its host's name and process id where not given.
    #[arg(long, env = "AWOOOP_WORKER_ID", value_name = "ID", global = true)]
    pub worker_id: Option<String>,

    /// Runs that are executed at once; one project gets three quarters of them at most.
    #[arg(long, env = "AWOOOP_MAX_RUNS", default_value_t = 32, value_name = "N", global = true)]
    pub max_runs: usize,

    /// Messages that are on their way at once; one project gets three quarters of them at most.
    #[arg(long, env = "AWOOOP_MAX_SENDING", default_value_t = 64, value_name = "N", global = true)]
    pub max_sending: usize,

    /// How long to wait before asking again where there was nothing to do, in milliseconds.
    #[arg(long, env = "AWOOOP_POLL_MS", default_value_t = 250, value_name = "MS", global = true)]
    pub poll_ms: u64,

    /// Where Telegram's Bot API is: its own, or a local server of it.
    #[arg(
        long,
        env = "AWOOOP_TELEGRAM_API_URL",
        default_value = "https://api.telegram.org",
        value_name = "URL",
        global = true
    )]
    pub telegram_api_url: String,
}

impl WorkerSettings {
    /// What this process is called.
    pub fn id(&self) -> String {
        let usable = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
        let id = self.worker_id.clone().unwrap_or_else(|| {
            let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
            format!("{}-{}", host.unwrap_or_default(), std::process::id())
        });
        let id: String = id.chars().map(usable).skip_while(|c| !c.is_ascii_alphanumeric()).take(64).collect();
        if id.is_empty() { "gateway".to_owned() } else { id }
    }
}
