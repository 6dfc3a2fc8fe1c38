//! Who is told when a list or a resource changes: clients with a session, and stateless ones that listen. Keeps them
//! until they are gone.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::model::{ResourceUpdatedNotificationParam, Tool};
use rmcp::service::{SubscriptionContext, SubscriptionSink};
use rmcp::{Peer, RoleServer};

use crate::speak::{self, Outcome, nothing, tool};

/// The tools of this module.
pub fn tools() -> Vec<Tool> {
    vec![
        tool("test_trigger_tool_change", "Tells that the tools have changed", nothing()),
        tool("test_trigger_prompt_change", "Tells that the prompts have changed", nothing()),
    ]
}

/// Everybody who wants to be told.
#[derive(Default)]
pub struct Changes {
    audience: Mutex<Audience>,
    next: AtomicU64,
}

#[derive(Default)]
struct Audience {
    sessions: Vec<(Peer<RoleServer>, Watched)>,
    listeners: Vec<(u64, SubscriptionSink)>,
}

/// The resources of whose changes a client with a session wants to be told.
#[derive(Clone, Default)]
pub struct Watched(Arc<Mutex<BTreeSet<String>>>);

impl Watched {
    /// From now on.
    pub fn add(&self, uri: String) {
        self.set().insert(uri);
    }

    /// And now no more.
    pub fn remove(&self, uri: &str) {
        self.set().remove(uri);
    }

    fn has(&self, uri: &str) -> bool {
        self.set().contains(uri)
    }

    fn set(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Changes {
    /// What a call comes to, if the tool is of this module.
    pub async fn call(&self, name: &str) -> Option<Outcome> {
        match name {
            "test_trigger_tool_change" => self.tools_changed().await,
            "test_trigger_prompt_change" => self.prompts_changed().await,
            _ => return None,
        }
        Some(speak::text("Told everybody who listens."))
    }

    /// A client with a session.
    pub fn session(&self, peer: Peer<RoleServer>, watched: Watched) {
        let mut audience = self.audience();
        audience.sessions.retain(|(peer, _)| !peer.is_transport_closed());
        audience.sessions.push((peer, watched));
    }

    /// A stateless client, as long as it listens.
    pub async fn listener(&self, subscription: SubscriptionContext) {
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        self.audience().listeners.push((place, subscription.sink().clone()));
        subscription.cancelled().await;
        self.audience().listeners.retain(|(other, _)| *other != place);
    }

    /// The list of tools is another one.
    pub async fn tools_changed(&self) {
        let (sessions, listeners) = self.everybody();
        // Whoever cannot be told is gone, here and below.
        for (session, _) in sessions {
            session.notify_tool_list_changed().await.ok();
        }
        for listener in listeners {
            listener.notify_tool_list_changed().await.ok();
        }
    }

    async fn prompts_changed(&self) {
        let (sessions, listeners) = self.everybody();
        for (session, _) in sessions {
            session.notify_prompt_list_changed().await.ok();
        }
        for listener in listeners {
            listener.notify_prompt_list_changed().await.ok();
        }
    }

    /// A resource is another one.
    pub async fn resource_changed(&self, uri: &str) {
        let (sessions, listeners) = self.everybody();
        for (session, _) in sessions.into_iter().filter(|(_, watched)| watched.has(uri)) {
            session.notify_resource_updated(ResourceUpdatedNotificationParam::new(uri)).await.ok();
        }
        for listener in listeners {
            listener.notify_resource_updated(uri).await.ok();
        }
    }

    fn everybody(&self) -> (Vec<(Peer<RoleServer>, Watched)>, Vec<SubscriptionSink>) {
        let audience = self.audience();
        let sessions = audience.sessions.iter().filter(|(peer, _)| !peer.is_transport_closed()).cloned().collect();
        (sessions, audience.listeners.iter().map(|(_, sink)| sink.clone()).collect())
    }

    fn audience(&self) -> MutexGuard<'_, Audience> {
        self.audience.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
