//! Brings the key sets of access tokens' issuers into the database: asks which there are, fetches each, and hands it over. Decides
//! nothing about what it brings: the database takes a set or refuses it, and verifies tokens by what it took.
//!
//! Handing over takes a courier's credential, which an operator makes (`create_issuer_courier`). It is read from its file
//! each time, so that another one takes its place without a restart. A failure leaves what was there; the next round tries
//! again.

mod courier;
mod fetch;
pub mod settings;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use tokio::time::sleep;
use tracing::{error, info, warn};

use self::fetch::Fetcher;
use crate::gateway::Gateway;
use crate::pool::{Failure, Statement};
use crate::problem;

/// Sets that are fetched at once: a slow issuer must not keep the others waiting.
const AT_ONCE: usize = 8;
/// How long to wait after a round that did not come to the end, if that is less than usual.
const AFTER_A_FAILURE: Duration = Duration::from_secs(10);

const SOURCES: &str = "select awooop.issuers_to_fetch($1)::text";
const STORE: &str = "select awooop.store_issuer_keys($1, $2, $3, $4, $5)::text";

/// Where the keys of one project's issuer are.
#[derive(Deserialize)]
struct Source {
    project_id: String,
    issuer: String,
    jwks_uri: String,
    private_host_allowed: bool,
}

/// What the database answers; a problem has a code instead.
#[derive(Deserialize)]
struct Reply<T> {
    code: Option<String>,
    #[serde(flatten)]
    answer: Option<T>,
}

#[derive(Deserialize)]
struct Sources {
    issuers: Vec<Source>,
}

#[derive(Deserialize)]
struct Stored {
    keys: u64,
    changed: bool,
}

/// Why a round, or a part of it, came to nothing: the code to log.
struct Stopped(String);

/// Goes round for ever, where a courier's credential is set; otherwise returns at once.
pub async fn keep_current(gateway: Arc<Gateway>) {
    let Some(file) = gateway.settings.issuers.issuer_courier_file.clone() else { return };
    let fetcher = match Fetcher::new() {
        Ok(fetcher) => fetcher,
        Err(cause) => {
            error!(%cause, "no key set of any issuer can be fetched");
            return;
        }
    };
    let usual = Duration::from_secs(gateway.settings.issuers.issuer_reload_seconds);
    loop {
        let pause = match round(&gateway, &fetcher, &file).await {
            Ok(()) => usual,
            Err(Stopped(code)) => {
                warn!(code, "the issuers of access tokens could not be asked for; their keys of before stay");
                usual.min(AFTER_A_FAILURE)
            }
        };
        sleep(pause).await;
    }
}

async fn round(gateway: &Gateway, fetcher: &Fetcher, file: &Path) -> Result<(), Stopped> {
    let courier = courier::read(file).await.map_err(|why| Stopped(why.to_owned()))?;
    let asked: Sources = ask(gateway, sqlx::query(SOURCES).bind(courier.expose_secret())).await?;
    // One set for all projects that believe the issuer.
    let mut sets: BTreeMap<(String, bool), Vec<Source>> = BTreeMap::new();
    for source in asked.issuers {
        sets.entry((source.jwks_uri.clone(), source.private_host_allowed)).or_default().push(source);
    }
    let fetched = futures_util::stream::iter(sets).map(|((uri, private), sources)| async move {
        let set = fetcher.fetch(&uri, private).await;
        (set, sources)
    });
    let mut fetched = std::pin::pin!(fetched.buffer_unordered(AT_ONCE));
    while let Some((set, sources)) = fetched.next().await {
        for source in sources {
            let Source { project_id: project, issuer, .. } = &source;
            match &set {
                Ok(set) => match store(gateway, &courier, &source, set).await {
                    Ok(Stored { keys, changed: true }) => info!(project, issuer, keys, "an issuer's keys have changed"),
                    Ok(_) => {}
                    Err(Stopped(code)) => warn!(project, issuer, code, "an issuer's key set was not taken"),
                },
                Err(why) => warn!(project, issuer, why = why.as_str(), "an issuer's key set cannot be fetched"),
            }
        }
    }
    Ok(())
}

async fn store(gateway: &Gateway, courier: &SecretString, source: &Source, set: &str) -> Result<Stored, Stopped> {
    let statement = sqlx::query(STORE)
        .bind(courier.expose_secret())
        .bind(&source.project_id)
        .bind(&source.issuer)
        .bind(set)
        .bind(&source.jwks_uri);
    ask(gateway, statement).await
}

/// Runs a statement that answers with one document.
async fn ask<T: DeserializeOwned>(gateway: &Gateway, statement: Statement<'_>) -> Result<T, Stopped> {
    let code = |failure: &Failure| Stopped(problem::of_failure(failure, None).code.entry().code.to_owned());
    let row = gateway.control.fetch_one(statement).await.map_err(|failure| code(&failure))?;
    let text: String = row.try_get(0).map_err(|cause| code(&Failure::Statement(cause)))?;
    let unreadable = || Stopped("unreadable".to_owned());
    let reply: Reply<T> = serde_json::from_str(&text).map_err(|_| unreadable())?;
    match reply {
        Reply { code: Some(code), .. } => Err(Stopped(code)),
        Reply { answer, .. } => answer.ok_or_else(unreadable),
    }
}
