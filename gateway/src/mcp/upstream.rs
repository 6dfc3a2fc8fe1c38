//! The servers that calls go to: connections to them, how many calls are under way at once, and which of them rest because they
//! do not answer. Where a server is and what it is shown comes from the database with each call; this module only goes there.

pub mod address;
mod breaker;
mod connection;
mod fault;
mod http;
mod listener;
mod local;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::breaker::Breaker;
pub use self::breaker::Trial;
pub use self::connection::{Connection, Lane, Profile};
pub use self::fault::Fault;
use self::http::Clients;
pub use self::listener::{Event, Owner, Watched};
pub use self::local::Programs;
use super::secret::{Store, Use};

/// Where a server is, as the database says it with a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct Server {
    /// Its name in the project.
    pub server_id: String,
    /// Streamable HTTP, or started by the gateway.
    pub transport: Transport,
    /// A URL, or the name of a local server.
    pub address: String,
    /// Whether an operator has allowed a host in a private network.
    pub private_host_allowed: bool,
    /// Calls under way at once.
    pub max_concurrency: usize,
    /// A longer answer is not read to its end.
    pub max_response_bytes: usize,
}

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Streamable HTTP.
    Http,
    /// Standard input and output.
    Local,
}

/// What all connections share.
pub struct Upstreams {
    clients: Clients,
    secrets: Store,
    programs: Programs,
    servers: Mutex<HashMap<(String, String), Arc<State>>>,
}

/// What is known of one server.
struct State {
    breaker: Arc<Breaker>,
    max_concurrency: usize,
    room: Arc<Semaphore>,
}

/// The right to send a call: a place among those under way, and the breaker's leave.
pub struct Leave {
    state: Arc<State>,
    _place: OwnedSemaphorePermit,
}

impl Leave {
    /// For one attempt; nothing while the server rests.
    pub fn attempt(&self) -> Option<Trial<'_>> {
        self.state.breaker.admit()
    }
}

impl Upstreams {
    /// Connects to nothing yet.
    pub fn new(secrets: Store, programs: Programs) -> Result<Upstreams, reqwest::Error> {
        Ok(Upstreams { clients: Clients::new()?, secrets, programs, servers: Mutex::default() })
    }

    /// Waits for a place among the calls to a server, for so long.
    pub async fn leave(&self, project: &str, server: &Server, patience: Duration) -> Option<Leave> {
        let state = self.state(project, server);
        let place = tokio::time::timeout(patience, Arc::clone(&state.room).acquire_owned()).await.ok()?.ok()?;
        Some(Leave { state, _place: place })
    }

    fn state(&self, project: &str, server: &Server) -> Arc<State> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (project.to_owned(), server.server_id.clone());
        let known = servers.get(&key);
        if let Some(state) = known.filter(|state| state.max_concurrency == server.max_concurrency) {
            return Arc::clone(state);
        }
        // Another limit holds from now on: those under way count against the one they began under. What is known of the server stays.
        let breaker = known.map(|state| Arc::clone(&state.breaker)).unwrap_or_default();
        let room = Arc::new(Semaphore::new(server.max_concurrency.max(1)));
        let state = Arc::new(State { breaker, max_concurrency: server.max_concurrency, room });
        servers.insert(key, Arc::clone(&state));
        state
    }

    /// The value of a call's credential, as it is now.
    pub async fn secret(&self, used: &Use) -> Result<secrecy::SecretString, super::secret::Unresolved> {
        self.secrets.read(&used.reference).await
    }
}
