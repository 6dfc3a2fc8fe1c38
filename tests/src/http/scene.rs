//! What most of these tests begin with: a project, a gateway before its database, and a caller who may do everything.

use serde_json::{Value, json};

use super::client::Caller;
use crate::harness::gateway::HttpGateway;
use crate::harness::quiet::{EVERY_SCOPE, text};
use crate::harness::{OwnServer, Project, Session, contracts, own_database, unique};

/// A gateway, a project behind it, and a caller with every scope.
pub struct Scene {
    pub gateway: HttpGateway,
    pub project: Project,
    pub caller: Caller,
}

impl Scene {
    /// In the database that tests share, which no maintenance serves.
    pub fn new() -> Self {
        Self::of(Project::new(), &[])
    }

    /// The same with settings of the gateway.
    pub fn with(settings: &[(&str, &str)]) -> Self {
        Self::of(Project::new(), settings)
    }

    /// In a database of its own, where nobody else's requests count.
    pub fn alone(settings: &[(&str, &str)]) -> Self {
        Self::of(Project::in_database(&own_database().0), settings)
    }

    fn of(project: Project, settings: &[(&str, &str)]) -> Self {
        let gateway = HttpGateway::start(&project.database, settings);
        let caller = Caller::new(&gateway, &key(&mut project.admin(), &project.id, EVERY_SCOPE));
        Self { gateway, project, caller }
    }

    /// Another caller, with these scopes.
    pub fn caller_with(&self, scopes: &str) -> Caller {
        self.caller.with_key(&key(&mut self.project.admin(), &self.project.id, scopes))
    }

    /// What the database holds of the project.
    pub fn books(&self) -> Vec<String> {
        books(&mut self.project.admin(), &self.project.id)
    }
}

/// A new API key of a project.
pub fn key(admin: &mut Session, project: &str, scopes: &str) -> String {
    let sql = format!("select awooop.create_api_key('test', string_to_array('{scopes}', ','))");
    text(&admin.within(project, &sql)["api_key"])
}

/// A project with an agent on a test's own server, and a key with every scope.
pub fn project_on(server: &OwnServer) -> (String, String) {
    let (project, mut admin) = (unique("p"), server.superuser());
    admin.run(&format!("select awooop.create_project('{project}', migration_mode => 'active')"));
    contracts::add_agent(&mut admin, &project, "agent");
    let key = key(&mut admin, &project, EVERY_SCOPE);
    (project, key)
}

/// A message of the channel user `user`.
pub fn message(user: &str) -> Value {
    json!({"agent_id": "agent", "channel_type": "telegram", "channel_user_id": user})
}

/// The envelope of a message of the channel user `7`.
#[track_caller]
pub fn envelope(caller: &Caller) -> Value {
    caller.call("build_envelope", message("7")).expect(200)
}

/// The id of a new run.
#[track_caller]
pub fn new_run(caller: &Caller) -> String {
    text(&caller.call("create_run", json!({"envelope": envelope(caller)})).expect(201)["run_id"])
}

/// A new run that a worker has claimed: its id and lease.
#[track_caller]
pub fn claimed_run(caller: &Caller) -> (String, String) {
    let run = new_run(caller);
    let claim = caller.call("claim_runs", json!({"worker_id": "w"})).expect(200)["runs"][0].clone();
    assert_eq!(claim["run_id"], run);
    (run, text(&claim["lease"]))
}

/// Rows and contents of every table that belongs to projects.
pub fn books(admin: &mut Session, project: &str) -> Vec<String> {
    let statements = admin
        .rows(&format!(
            "select format('select %L || count(*) || coalesce(md5(string_agg(x::text, '','' order by x::text)), '''')
                            from awooop.%I x where project_id = %L', relname || ': ', relname, '{project}')
             from pg_class c
             where relnamespace = 'awooop'::regnamespace and relkind in ('r', 'p') and not relispartition
               and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'project_id')
               -- The server seals the log's rows whenever it comes round.
               and relname not in ('audit_checkpoint', 'audit_head', 'audit_leaf', 'audit_node', 'audit_pending')
             order by relname"
        ))
        .expect("the catalogue answers");
    assert!(statements.len() > 8, "{statements:?}");
    statements.into_iter().flatten().flatten().map(|sql| admin.value(&sql)).collect()
}
