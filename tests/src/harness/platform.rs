//! The roles of the platform as sessions: the gateway's login, the worker's, an operator, an auditor, a login with
//! nothing, and tenants whom a careless DBA granted tables.

use std::sync::OnceLock;

use postgres::Config;
use serde_json::Value;

use super::answer::Failure;
use super::quiet::superuser_in;
use super::server::{config_for, connect};
use super::{Session, own_database, superuser, unique};

/// The password of every login of the tests.
pub const PASSWORD: &str = "secret";

/// How awooop_gateway or awooop_worker reaches `database` (the shared one when not given). Their password is set once
/// a process, under a lock of the cluster: two processes changing a role at once are an internal error.
pub fn platform_config(role: &str, database: Option<&str>) -> Config {
    static SET: OnceLock<()> = OnceLock::new();
    SET.get_or_init(|| {
        superuser().run(&format!(
            "begin; select pg_advisory_xact_lock(hashtext('awooop tests: passwords'));
             alter role awooop_gateway password '{PASSWORD}'; alter role awooop_worker password '{PASSWORD}'; commit"
        ));
    });
    config_for(role, PASSWORD, database)
}

/// The gateway's login, stolen.
pub fn gateway() -> Session {
    Session::new(connect(&platform_config("awooop_gateway", None)))
}

/// The platform worker's login in `database`.
pub fn worker_in(database: &str) -> Session {
    Session::new(connect(&platform_config("awooop_worker", Some(database))))
}

/// A new login that is a member of `groups`.
pub fn login(groups: &[&str]) -> (String, Session) {
    login_in(None, groups)
}

/// A new login that is a member of `groups`, in `database`.
pub fn login_in(database: Option<&str>, groups: &[&str]) -> (String, Session) {
    let (role, mut admin) = (unique("login"), superuser());
    admin.run(&format!("create role {role} login password '{PASSWORD}'"));
    for group in groups {
        admin.run(&format!("grant {group} to {role}"));
    }
    let session = Session::new(connect(&config_for(&role, PASSWORD, database)));
    (role, session)
}

/// The database where a DBA was careless: members of the first role may read every table, those of the second may
/// write them too.
pub struct Careless {
    pub database: String,
    pub readers: String,
    pub writers: String,
}

/// Made once a process: grants on tables are global, and the catalogue suite must not see them.
pub fn careless() -> &'static Careless {
    static MADE: OnceLock<Careless> = OnceLock::new();
    MADE.get_or_init(|| {
        let (database, mut admin) = own_database();
        let (readers, writers) = (unique("readers"), unique("writers"));
        admin.run(&format!(
            "create role {readers}; create role {writers} in role {readers};
             grant select on all tables in schema awooop to {readers};
             grant insert, update, delete on all tables in schema awooop to {writers};
             create schema playground; grant all on schema playground to public;"
        ));
        Careless { database, readers, writers }
    })
}

/// A tenant of a project of its own in the careless database, and a superuser there.
pub fn careless_tenant(group: &str) -> (super::Project, super::Actor, Session) {
    let here = careless();
    let project = super::Project::in_database(&here.database);
    let mut admin = superuser_in(&here.database);
    admin.run(&format!("grant {group} to {}", project.role));
    let actor = project.actor();
    (project, actor, admin)
}

/// `awooop.call` as the gateway sends it, its parameters bound: status and body.
pub fn call(
    session: &mut Session,
    project: &str,
    credential: &str,
    operation: &str,
    arguments: &str,
) -> Result<(i32, Value), Failure> {
    let sql = "select status, body from awooop.call($1, $2, $3, $4, null)";
    match session.0.query_one(sql, &[&project, &credential, &operation, &arguments]) {
        Ok(row) => {
            let body: String = row.get(1);
            Ok((row.get(0), serde_json::from_str(&body).expect("the body is JSON")))
        }
        Err(error) => Err(Failure::from(&error)),
    }
}

/// The code that `awooop.call` answers with, as a refusal or as a fault; empty for success.
pub fn call_code(session: &mut Session, project: &str, credential: &str, operation: &str, arguments: &str) -> String {
    match call(session, project, credential, operation, arguments) {
        Ok((status, body)) if status >= 400 => body["code"].as_str().unwrap_or_default().to_owned(),
        Ok(_) => String::new(),
        Err(failure) => failure.code(),
    }
}
