//! Everything that goes on by itself, in the server and in the gateway, and what each may see of more than one project.

use std::collections::BTreeSet;

use super::texts;
use crate::harness::superuser;

/// What a loop asks for over all projects, the columns that it gets, and which loop that is. A loop then binds one project for each
/// thing that it does, and row-level security, which holds the owner too, keeps it there.
const LOOPS: [(&str, &str, &str); 18] = [
    ("audit_projects", "project_id", "what audit tables are checked and archived for, by administrators"),
    ("bindings_of_missing_roles", "project_id role_name", "what the doctor says of logins that are gone"),
    ("due_approvals", "project_id approval_id", "maintenance: requests that nobody has decided in time"),
    ("due_feedback", "project_id run_id", "maintenance: telling people that it goes on"),
    ("due_messages", "project_id message_id", "maintenance: messages that were not sent in time"),
    ("due_reservations", "project_id escrow_id", "maintenance: reservations that nobody has settled"),
    ("due_runs", "project_id run_id", "maintenance: leases and deadlines that are over"),
    ("expired_conversations", "project_id event_id message_id", "maintenance: retention of what was said"),
    ("expired_runs", "project_id run_id", "maintenance: retention of runs"),
    ("expired_sessions", "project_id session_key", "maintenance: sessions whose time is over"),
    ("expired_shadow_cases", "project_id message_key", "maintenance: retention of comparisons"),
    (
        "issuer_key_sources",
        "project_id issuer jwks_uri host registered_at fetched_at",
        "the gateway: which key sets to fetch",
    ),
    ("next_endpoint_project", "", "the gateway's worker: whose runs it executes next"),
    ("next_ready_project", "", "workers of the platform: whose runs they claim next"),
    ("next_sending_project", "", "the gateway's sender: whose messages it sends next"),
    ("projects_with_expired_counters", "project_id", "maintenance: counters out of their window"),
    ("spending_projects", "project_id", "maintenance: what the platform's ceiling takes back"),
    ("unsealed_projects", "project_id waiting_since", "maintenance: audit rows to seal"),
];

#[test]
fn every_loop_sees_ids_of_more_than_one_project_and_nothing_else() {
    let mut admin = superuser();
    let mut expected: BTreeSet<[String; 2]> =
        LOOPS.iter().map(|(name, columns, _)| [name, columns].map(|text| (*text).to_owned())).collect();
    for row in texts(
        &mut admin,
        "select p.proname::text,
                coalesce((select string_agg(n.name, ' ' order by n.at)
                          from unnest(p.proargnames, p.proargmodes) with ordinality as n (name, mode, at)
                          where n.mode = 't'), '')
         from pg_proc p where p.pronamespace = 'awooop'::regnamespace and p.proowner = 'awooop_scheduler'::regrole",
    ) {
        let found: [String; 2] = row.try_into().expect("two columns");
        assert!(expected.remove(&found), "{found:?} is new, or hands out more than it did: list it with its loop");
    }
    assert!(expected.is_empty(), "gone: {expected:?}");
    // Nobody else can look over all projects: the owner itself is held by the policies.
    let free = "select count(*) from pg_roles where rolname like 'awooop%' and (rolbypassrls or rolsuper)";
    assert_eq!(admin.value(free), "0");
}

#[test]
fn a_task_of_the_gateway_is_on_the_list() {
    let tasks: BTreeSet<(String, usize)> = [
        // A connection each, and what is read of a body while it is answered.
        ("serve.rs", 1),
        // The operations; issuers' key sets; the end of the work when told to stop.
        ("start.rs", 3),
        // The sender and the worker.
        ("work.rs", 2),
        // Lines of the log; what is left of a connection whose request was given up.
        ("log.rs", 1),
        ("pool.rs", 2),
        // A message each, of one project.
        ("channels/sender.rs", 1),
        // Updates that go together, of one channel.
        ("channels/gather.rs", 1),
        // A run each, of one project.
        ("worker.rs", 1),
    ]
    .map(|(file, n)| (file.to_owned(), n))
    .into();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/src");
    let mut found = BTreeSet::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the gateway's sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a source");
            // What only tests begin is none of the gateway's.
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            let n = text.matches(".spawn(").count() + text.matches("tokio::spawn(").count();
            let name = path.strip_prefix(&root).expect("below").to_string_lossy().into_owned();
            // What MCP's connections need is of one caller: the sessions' own, which `mcp_gateway` is about.
            if n > 0 && !name.starts_with("mcp") {
                found.insert((name, n));
            }
        }
    }
    assert_eq!(found, tasks, "a task that goes on by itself works in one project's context: list it");
}
