//! What is remembered of conversations, what is counted, and what runs in shadow come to beside the legacy path.

mod anomalies;
mod sessions;
mod shadow;

use serde_json::json;

use crate::contracts::stage::Office;
use crate::harness::contracts::activate;

/// The project's contract, which shares sessions and counters with the legacy path or does not.
fn shares(office: &mut Office, does: bool) {
    let project = office.project.clone();
    let contract = json!({
        "kind": "project", "contract_version": 1, "name": project, "migration_mode": "active",
        "owners": [{"principal_id": "ann", "responsibility": "accountable"}],
        "migration_aids": {"legacy_session_keys": does, "legacy_counters": does}
    });
    activate(&mut office.admin, &project, &contract);
}
