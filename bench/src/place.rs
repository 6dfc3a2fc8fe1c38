//! Where the server, its programs and the gateway are.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result};
use postgres::{Client, Config, NoTls};

/// What `cargo xtask bench` prepared.
pub struct Place {
    pub uri: String,
    pub programs: PathBuf,
    pub gateway: PathBuf,
    pub scratch: PathBuf,
}

impl Place {
    pub fn from_environment() -> Result<Self> {
        let get =
            |name: &str| std::env::var(name).with_context(|| format!("{name} is not set: run `cargo xtask bench`"));
        let scratch = PathBuf::from(get("AWOOOP_BENCH_STATE")?);
        std::fs::create_dir_all(&scratch)?;
        Ok(Self {
            uri: get("AWOOOP_BENCH_URI")?,
            programs: get("AWOOOP_BENCH_BIN")?.into(),
            gateway: get("AWOOOP_BENCH_GATEWAY")?.into(),
            scratch,
        })
    }

    /// A superuser's session.
    pub fn superuser(&self) -> Result<Client> {
        Ok(Config::from_str(&self.uri)?.connect(NoTls)?)
    }

    /// A session of another login.
    pub fn login(&self, role: &str, password: &str) -> Result<Client> {
        Ok(Config::from_str(&self.uri)?.user(role).password(password).connect(NoTls)?)
    }

    /// The URI of another login.
    pub fn uri_of(&self, role: &str, password: &str) -> Result<String> {
        let (_, host) = self.uri.rsplit_once('@').context("AWOOOP_BENCH_URI has no user")?;
        Ok(format!("postgresql://{role}:{password}@{host}"))
    }
}
