//! Sessions of the older protocol: each is its maker's. Whoever else learns a session's id finds no such session.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;

/// The sessions that are open.
pub struct Sessions {
    manager: Arc<LocalSessionManager>,
    most: usize,
    makers: Mutex<HashMap<String, [u8; 32]>>,
}

impl Sessions {
    /// At most so many.
    pub fn new(manager: Arc<LocalSessionManager>, most: usize) -> Sessions {
        Sessions { manager, most, makers: Mutex::default() }
    }

    /// Whether there is room for another.
    pub async fn has_room(&self) -> bool {
        self.manager.sessions.read().await.len() < self.most
    }

    /// Says whose a session is that has just begun.
    pub async fn bind(&self, id: &str, maker: [u8; 32]) {
        let open = self.manager.sessions.read().await;
        let mut makers = self.makers();
        makers.retain(|id, _| open.contains_key(id.as_str()));
        makers.insert(id.to_owned(), maker);
    }

    /// Whether a session is whoever's who shows this.
    pub fn is_of(&self, id: &str, caller: [u8; 32]) -> bool {
        self.makers().get(id).is_some_and(|maker| *maker == caller)
    }

    fn makers(&self) -> MutexGuard<'_, HashMap<String, [u8; 32]>> {
        self.makers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
