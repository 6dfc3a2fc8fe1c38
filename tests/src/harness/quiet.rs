//! Projects in a database that no maintenance worker serves: what a test makes stale stays stale until the test says
//! otherwise.

use std::sync::OnceLock;

use serde_json::Value;

use super::answer::{Failure, literal};
use super::server::{config_for, connect, superuser_config};
use super::{Session, contracts, own_database, unique};

/// What a login needs to do everything a tenant can.
pub const EVERY_SCOPE: &str = "agents:write,anomalies:write,approvals:decide,approvals:read,audit:read,budgets:read,budgets:spend,\
                               budgets:write,channels:ingest,contracts:activate,contracts:read,contracts:sign,\
                               contracts:write,conversations:read,conversations:write,envelope:write,keys:admin,messages:send,\
                               messages:write,principals:admin,redaction:admin,runs:read,runs:work,\
                               runs:write,subjects:admin,subjects:write,tools:admin,tools:call,tools:read";

/// The database that the tests of this process share.
pub fn quiet_database() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| own_database().0)
}

/// A superuser's session in `database`.
pub fn superuser_in(database: &str) -> Session {
    Session::new(connect(superuser_config().dbname(database)))
}

/// A project with the agent `agent` and a login that has every scope in it.
#[derive(Clone)]
pub struct Project {
    pub id: String,
    pub database: String,
    pub role: String,
}

impl Project {
    /// A project in mode `active` in the quiet database.
    pub fn new() -> Self {
        Self::in_database(quiet_database())
    }

    /// A project in mode `active` in `database`.
    pub fn in_database(database: &str) -> Self {
        let (id, role, mut admin) = (unique("q"), unique("member"), superuser_in(database));
        admin.run(&format!("create role {role} login password 'secret'"));
        Self::make(&mut admin, &id, database, &role)
    }

    /// One more project for the same login.
    pub fn another(&self, admin: &mut Session) -> Self {
        Self::make(admin, &unique("q"), &self.database, &self.role)
    }

    fn make(admin: &mut Session, id: &str, database: &str, role: &str) -> Self {
        admin.run(&format!("select awooop.create_project('{id}', migration_mode => 'active')"));
        admin.run(&format!("select awooop.bind_role('{role}', '{id}', string_to_array('{EVERY_SCOPE}', ','))"));
        contracts::add_agent(admin, id, "agent");
        Self { id: id.to_owned(), database: database.to_owned(), role: role.to_owned() }
    }

    /// A superuser's session in the project's database.
    pub fn admin(&self) -> Session {
        superuser_in(&self.database)
    }

    /// A session of the project's login.
    pub fn actor(&self) -> Actor {
        let config = config_for(&self.role, "secret", Some(&self.database));
        Actor { session: Session::new(connect(&config)), project: self.id.clone() }
    }
}

/// Somebody who acts in one project, one transaction a call.
pub struct Actor {
    pub session: Session,
    pub project: String,
}

impl Actor {
    /// The JSON value of SQL that must succeed (a refusal is a value too).
    #[track_caller]
    pub fn call(&mut self, sql: &str) -> Value {
        self.session.within(&self.project, sql)
    }

    /// The same for what may raise a fault.
    pub fn attempt(&mut self, sql: &str) -> Result<Value, Failure> {
        self.session.try_within(&self.project, sql)
    }

    /// The code with which SQL is refused, or fails.
    #[track_caller]
    pub fn code(&mut self, sql: &str) -> String {
        match self.attempt(sql) {
            Ok(refusal) => match refusal["code"].as_str() {
                Some(code) => code.to_owned(),
                None => panic!("{sql}\nsucceeded with {refusal}"),
            },
            Err(failure) => failure.code(),
        }
    }

    /// An envelope of the channel user `7`.
    #[track_caller]
    pub fn envelope(&mut self) -> Value {
        self.call("select awooop.build_envelope('agent', 'telegram', '7')")
    }

    /// A new run with further arguments such as `, priority => 9`.
    #[track_caller]
    pub fn create(&mut self, options: &str) -> Value {
        let envelope = literal(&self.envelope().to_string());
        self.call(&format!("select awooop.create_run({envelope}{options})"))
    }

    /// The id of a new run.
    #[track_caller]
    pub fn create_id(&mut self, options: &str) -> String {
        text(&self.create(options)["run_id"])
    }

    /// `n` new runs, made in one transaction.
    #[track_caller]
    pub fn create_many(&mut self, n: usize, options: &str) {
        let envelope = literal(&self.envelope().to_string());
        self.call(&format!("select count(awooop.create_run({envelope}{options})) from generate_series(1, {n})"));
    }

    /// Claims at most `n` runs.
    #[track_caller]
    pub fn claim(&mut self, worker: &str, n: usize) -> Vec<Claim> {
        claims(&self.call(&format!("select awooop.claim_runs('{worker}', {n})")))
    }

    /// Claims the one run there is.
    #[track_caller]
    pub fn claim_one(&mut self, worker: &str) -> Claim {
        match self.claim(worker, 1).pop() {
            Some(claim) => claim,
            None => panic!("there was nothing to claim in {}", self.project),
        }
    }

    /// The run as get_run shows it.
    #[track_caller]
    pub fn show(&mut self, run: &str) -> Value {
        self.call(&format!("select awooop.get_run('{run}')"))
    }

    /// The run's state.
    #[track_caller]
    pub fn state(&mut self, run: &str) -> String {
        text(&self.show(run)["state"])
    }

    /// Hands back what is stale in this project.
    #[track_caller]
    pub fn reap(&mut self) -> Value {
        self.call("select awooop.reap_stale_runs()")
    }
}

/// A run somebody claimed.
#[derive(Clone, Debug)]
pub struct Claim {
    pub run: String,
    pub lease: String,
    pub json: Value,
}

impl Claim {
    /// SQL of a leased operation on this run; `rest` are further arguments, beginning with a comma.
    pub fn sql(&self, operation: &str, rest: &str) -> String {
        format!("select awooop.{operation}('{}', '{}'{rest})", self.run, self.lease)
    }
}

/// The claims in an answer of claim_runs.
#[track_caller]
pub fn claims(answer: &Value) -> Vec<Claim> {
    let Some(runs) = answer["runs"].as_array() else { panic!("no claim: {answer}") };
    let claim = |run: &Value| Claim { run: text(&run["run_id"]), lease: text(&run["lease"]), json: run.clone() };
    runs.iter().map(claim).collect()
}

/// A JSON value that must be a text.
#[track_caller]
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => panic!("not a text: {other}"),
    }
}

/// Lets the lease of a run expire; only a superuser can.
pub fn expire(admin: &mut Session, run: &str) {
    admin.run(&format!(
        "update awooop.run_lease set expires_at = clock_timestamp() - interval '1 second' where run_id = '{run}'"
    ));
}

/// Sets the deadline of a run, in milliseconds from now; only a superuser can.
pub fn set_deadline(admin: &mut Session, run: &str, milliseconds: i32) {
    admin.run(&format!(
        "begin;
         update awooop.run_state set deadline_at = clock_timestamp() + {milliseconds} * interval '1 millisecond'
         where run_id = '{run}';
         update awooop.run_ready q set deadline_at = s.deadline_at from awooop.run_state s
         where q.run_id = '{run}' and s.run_id = '{run}';
         commit;"
    ));
}
