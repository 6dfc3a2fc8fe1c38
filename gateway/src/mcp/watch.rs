//! Tells clients that the list of their tools has changed. The list is what the database says it is, so it is looked at every so
//! often; a grant that was revoked, a tool that drifted and a contract that became active all show there.

use std::sync::Arc;
use std::time::Duration;

use rmcp::service::SubscriptionContext;
use rmcp::{Peer, RoleServer};
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use super::agent::Core;
use super::presented::Presented;

/// Pages that are looked at.
const MOST_PAGES: usize = 50;

/// Watches for a session of the older protocol, until it ends.
pub fn session(core: Arc<Core>, caller: Presented, peer: Peer<RoleServer>) {
    tokio::spawn(async move {
        let mut before = fingerprint(&core, &caller).await;
        loop {
            sleep(Duration::from_secs(core.list_seconds.max(1))).await;
            if peer.is_transport_closed() {
                return;
            }
            let now = fingerprint(&core, &caller).await;
            if now.is_some() && now != before {
                before = now;
                if peer.notify_tool_list_changed().await.is_err() {
                    return;
                }
            }
        }
    });
}

/// Watches for a subscription of the current protocol, until it is cancelled.
pub async fn subscription(core: &Core, caller: &Presented, context: &SubscriptionContext) {
    let mut before = fingerprint(core, caller).await;
    loop {
        tokio::select! {
            () = context.cancelled() => return,
            () = sleep(Duration::from_secs(core.list_seconds.max(1))) => {}
        }
        let now = fingerprint(core, caller).await;
        if now.is_some() && now != before {
            before = now;
            if context.sink().notify_tool_list_changed().await.is_err() {
                return;
            }
        }
    }
}

/// Of the whole list; nothing while it cannot be had, which is no change.
async fn fingerprint(core: &Core, caller: &Presented) -> Option<[u8; 32]> {
    let mut digest = Sha256::new();
    let mut cursor: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let page = core.list(caller, cursor.as_deref()).await.ok()?;
        for tool in &page.items {
            digest.update(tool.to_string());
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Some(digest.finalize().into())
}
