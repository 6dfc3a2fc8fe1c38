//! Sessions of the older protocol: each is its maker's. Whoever else learns a session's id finds no such session.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;

/// The sessions that are open.
pub struct Sessions {
    manager: Arc<LocalSessionManager>,
    most: usize,
    makers: Mutex<HashMap<String, Maker>>,
}

/// Whose a session is.
struct Maker {
    digest: [u8; 32],
    project: String,
}

impl Sessions {
    /// At most so many.
    pub fn new(manager: Arc<LocalSessionManager>, most: usize) -> Sessions {
        Sessions { manager, most, makers: Mutex::default() }
    }

    /// Whether there is room for another of this project: none has more than a quarter of all.
    pub async fn has_room(&self, project: &str) -> bool {
        let open = self.manager.sessions.read().await;
        let makers = self.makers();
        let own =
            makers.iter().filter(|(id, maker)| maker.project == project && open.contains_key(id.as_str())).count();
        open.len() < self.most && own < (self.most / 4).max(1)
    }

    /// Says whose a session is that has just begun.
    pub async fn bind(&self, id: &str, digest: [u8; 32], project: &str) {
        let open = self.manager.sessions.read().await;
        let mut makers = self.makers();
        makers.retain(|id, _| open.contains_key(id.as_str()));
        makers.insert(id.to_owned(), Maker { digest, project: project.to_owned() });
    }

    /// Whether a session is whoever's who shows this.
    pub fn is_of(&self, id: &str, caller: [u8; 32]) -> bool {
        self.makers().get(id).is_some_and(|maker| maker.digest == caller)
    }

    fn makers(&self) -> MutexGuard<'_, HashMap<String, Maker>> {
        self.makers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
