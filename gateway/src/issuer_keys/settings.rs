//! What a person can set about issuers of access tokens.

use std::path::PathBuf;

use clap::Args;

/// Settings of fetching issuers' keys, with their defaults.
#[derive(Args, Clone)]
pub struct IssuerSettings {
    /// File with the credential (awi_…) of create_issuer_courier: the key sets of access tokens' issuers are then fetched
    /// and kept current. Read each time.
    #[arg(long, env = "AWOOOP_ISSUER_COURIER_FILE", value_name = "FILE", global = true)]
    pub issuer_courier_file: Option<PathBuf>,

    /// How often to fetch the key sets of access tokens' issuers, in seconds.
    #[arg(
        long,
        env = "AWOOOP_ISSUER_RELOAD_SECONDS",
        default_value_t = 300,
        value_parser = clap::value_parser!(u64).range(1..=43_200),
        value_name = "S",
        global = true
    )]
    pub issuer_reload_seconds: u64,
}
