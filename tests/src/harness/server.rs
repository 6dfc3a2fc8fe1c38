//! The server under test, from the environment that `cargo xtask test` sets.
//!
//! AWOOOP_TEST_URI (superuser, database `awooop`), AWOOOP_TEST_PG (15, 16, 18), AWOOOP_TEST_BIN (PostgreSQL's
//! programs), AWOOOP_TEST_GATEWAY (the gateway's binary), AWOOOP_TEST_RUN_AS (the user that may run servers, empty
//! when that is us), AWOOOP_TEST_STATE (a directory that user may write).

use std::str::FromStr;
use std::sync::Mutex;

use postgres::{Client, Config, NoTls};

use super::Session;
use super::tenant::unique;

/// The value of one of the variables above.
pub fn environment(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run these through `cargo xtask test`"))
}

/// How a superuser reaches the shared database.
pub fn superuser_config() -> Config {
    Config::from_str(&environment("AWOOOP_TEST_URI")).unwrap()
}

/// Connects with `config`.
pub fn connect(config: &Config) -> Client {
    config.connect(NoTls).unwrap_or_else(|error| panic!("cannot connect: {error:?}"))
}

/// A superuser's session in the shared database.
pub fn superuser() -> Session {
    Session::new(connect(&superuser_config()))
}

/// How the login `role` reaches `database` (the shared one when not given).
pub fn config_for(role: &str, password: &str, database: Option<&str>) -> Config {
    let mut config = superuser_config();
    config.user(role).password(password);
    if let Some(database) = database {
        config.dbname(database);
    }
    config
}

/// A session of the login `role` in the shared database.
pub fn connect_as(role: &str, password: &str) -> Session {
    Session::new(connect(&config_for(role, password, None)))
}

/// The connection URI of the login `role`.
pub fn uri_for(role: &str, password: &str, database: &str) -> String {
    let uri = environment("AWOOOP_TEST_URI");
    let (_, after) = uri.rsplit_once('@').unwrap();
    let (host, _) = after.split_once('/').unwrap_or((after, ""));
    format!("postgresql://{role}:{password}@{host}/{database}")
}

/// Installs and migrates the extension. One at a time: creating it touches the cluster's roles, and PostgreSQL lets two
/// that alter one role collide.
pub fn install(session: &mut Session) {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = INSTALLING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    session.run("create extension pg_awooop; select awooop.migrate();");
}

/// A database of the test's own, with the extension installed and migrated, and a superuser's session in it.
pub fn own_database() -> (String, Session) {
    // Copying a template fails while another copy is made.
    static COPYING: Mutex<()> = Mutex::new(());
    const TEMPLATE: &str = "awooop_test_template";
    let name = unique("db");
    let mut admin = superuser();
    {
        let _one_at_a_time = COPYING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if admin.value("select count(*)::text from pg_database where datname = 'awooop_test_template'") == "0" {
            admin.run(&format!("create database {TEMPLATE} encoding 'UTF8' template template0"));
            let mut config = superuser_config();
            let mut template = Session::new(connect(config.dbname(TEMPLATE)));
            install(&mut template);
        }
        admin.run(&format!("create database {name} template {TEMPLATE}"));
    }
    let mut config = superuser_config();
    (name.clone(), Session::new(connect(config.dbname(&name))))
}
