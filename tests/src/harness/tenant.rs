//! Projects and logins of a test's own.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use super::{Session, connect_as, contracts, superuser};

/// A name no other test has.
pub fn unique(stem: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{stem}_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A new project in `mode`, with the agent `agent` and its contract.
pub fn project(mode: &str) -> String {
    let (name, mut admin) = (unique("p"), superuser());
    admin.run(&format!("select awooop.create_project('{name}', migration_mode => '{mode}')"));
    contracts::add_agent(&mut admin, &name, "agent");
    name
}

/// A database login bound to a project of its own (or one that is given).
pub struct Tenant {
    pub project: String,
    pub role: String,
    pub password: &'static str,
    pub session: Session,
}

impl Tenant {
    /// A tenant in a new project in `mode`, with these scopes.
    pub fn new(mode: &str, scopes: &str) -> Self {
        Self::of(&project(mode), scopes)
    }

    /// A tenant of an existing project, with these scopes (comma-separated).
    pub fn of(project: &str, scopes: &str) -> Self {
        let (role, password, mut admin) = (unique("tenant"), "secret", superuser());
        admin.run(&format!("create role {role} login password '{password}'"));
        admin.run(&format!("select awooop.bind_role('{role}', '{project}', string_to_array('{scopes}', ','))"));
        let session = connect_as(&role, password);
        Self { project: project.to_owned(), role, password, session }
    }

    /// Runs `sql` in a transaction bound to the tenant's project.
    #[track_caller]
    pub fn within(&mut self, sql: &str) -> Value {
        self.session.within(&self.project, sql)
    }

    /// An envelope of the channel user `user`, as SQL text.
    #[track_caller]
    pub fn envelope(&mut self, user: &str) -> Value {
        self.within(&format!("select awooop.build_envelope('agent', 'telegram', '{user}')"))
    }

    /// A new run; its JSON.
    #[track_caller]
    pub fn run(&mut self, options: &str) -> Value {
        let envelope = self.envelope("7");
        self.within(&format!("select awooop.create_run('{envelope}'{options})"))
    }
}

/// An API key of `project` with these scopes.
pub fn api_key(project: &str, scopes: &str) -> String {
    let sql = format!("select awooop.create_api_key('test', string_to_array('{scopes}', ','))");
    superuser().within(project, &sql)["api_key"].as_str().unwrap().to_owned()
}
