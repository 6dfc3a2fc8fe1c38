//! Each operation through both doors: refused without its scope, in a suspended project and when switched off, once on
//! record each time; and let through with its scope.

use awooop_policy::argument::{Argument, Kind};
use awooop_policy::name::NameRule;
use awooop_policy::operation::{OPERATIONS, Operation};
use awooop_policy::scope::Scope;
use serde_json::{Map, Value, json};

use crate::harness::platform::{PASSWORD, call_code, platform_config};
use crate::harness::server::{config_for, connect};
use crate::harness::{Session, literal, own_database, unique};

/// Operations that are not tested here, each with its reason. It may only shrink, and it is empty.
const NOT_TESTED: [(&str, &str); 0] = [];

/// One value that the argument admits.
fn value(argument: &Argument) -> Value {
    match argument.kind {
        Kind::Text { rule: NameRule::Id, .. } => json!("agent"),
        Kind::Text { .. } => json!("x"),
        Kind::Word(words) => json!(words()[0]),
        Kind::Uuid => json!("018f0000-0000-7000-8000-000000000000"),
        Kind::Time => json!("2026-01-31T08:00:00Z"),
        Kind::Integer { min, .. } => json!(min),
        Kind::Boolean => json!(true),
        Kind::Tags | Kind::Counts | Kind::Object | Kind::Json { .. } | Kind::Document { .. } => json!({}),
        _ => json!([]),
    }
}

fn required(operation: &Operation) -> Map<String, Value> {
    operation.arguments.iter().filter(|a| a.required).map(|a| (a.name.to_owned(), value(a))).collect()
}

fn sql(operation: &Operation) -> String {
    let named: Vec<String> = required(operation)
        .iter()
        .map(|(name, value)| match value {
            Value::String(text) => format!("{name} => {}", literal(text)),
            Value::Array(_) => format!("{name} => '{{}}'"),
            other => format!("{name} => {}", literal(&other.to_string())),
        })
        .collect();
    format!("select awooop.{}({})", operation.name, named.join(", "))
}

/// A database with a project, and both doors of it.
struct Stage {
    admin: Session,
    gateway: Session,
    database: String,
    project: String,
}

impl Stage {
    fn new() -> Self {
        let (database, mut admin) = own_database();
        let project = unique("p");
        admin.run(&format!("select awooop.create_project('{project}', migration_mode => 'active')"));
        let gateway = Session::new(connect(&platform_config("awooop_gateway", Some(&database))));
        Self { admin, gateway, database, project }
    }

    /// A bound login and a key with these scopes.
    fn credentials(&mut self, scopes: &[&str]) -> (Session, String) {
        let (role, project) = (unique("caller"), self.project.clone());
        let list = format!("string_to_array({}, ',')", literal(&scopes.join(",")));
        self.admin.run(&format!("create role {role} login password '{PASSWORD}'"));
        self.admin.run(&format!("select awooop.bind_role('{role}', '{project}', {list})"));
        let key = self.admin.within(&project, &format!("select awooop.create_api_key('k', {list})"));
        let session = Session::new(connect(&config_for(&role, PASSWORD, Some(&self.database))));
        (session, key["api_key"].as_str().unwrap_or_default().to_owned())
    }

    /// The codes that SQL and the gateway get, as refusals or faults; empty for success.
    fn ask(&mut self, operation: &Operation, session: &mut Session, key: &str) -> [String; 2] {
        let over_sql = match session.try_within(&self.project, &sql(operation)) {
            Ok(answer) => answer["code"].as_str().unwrap_or_default().to_owned(),
            Err(failure) => failure.code(),
        };
        let arguments = Value::Object(required(operation)).to_string();
        let over_http = call_code(&mut self.gateway, &self.project, key, operation.name, &arguments);
        [over_sql, over_http]
    }

    /// Committed refusals of the operation with this code, by door.
    fn refusals(&mut self, operation: &Operation, code: &str) -> [String; 2] {
        ["sql", "http"].map(|door| {
            self.admin.value(&format!(
                "select count(*) from awooop.audit_log where project_id = '{}' and action = '{}' and code = '{code}'
                 and decision = 'refused' and door = '{door}'",
                self.project, operation.name
            ))
        })
    }

    #[track_caller]
    fn refused_once(&mut self, operation: &Operation, session: &mut Session, key: &str, code: &str) {
        assert_eq!(self.refusals(operation, code), ["0", "0"], "{}", operation.name);
        assert_eq!(self.ask(operation, session, key), [code, code], "{}", operation.name);
        assert_eq!(self.refusals(operation, code), ["1", "1"], "{}: on record", operation.name);
    }
}

fn every_scope_but(scope: Option<Scope>) -> Vec<&'static str> {
    Scope::ALL.into_iter().filter(|other| Some(*other) != scope).map(Scope::as_str).collect()
}

#[test]
fn an_operation_is_refused_without_its_scope_and_let_through_with_it_alone() {
    let mut stage = Stage::new();
    for operation in OPERATIONS {
        if NOT_TESTED.iter().any(|(name, _)| *name == operation.name) {
            continue;
        }
        let Some(scope) = operation.scope else { continue };
        let (mut session, key) = stage.credentials(&every_scope_but(Some(scope)));
        stage.refused_once(operation, &mut session, &key, "E-AUTH-003");
        let (mut session, key) = stage.credentials(&[scope.as_str()]);
        for code in stage.ask(operation, &mut session, &key) {
            let refused = code.starts_with("E-AUTH") || code.starts_with("E-TENANT-00") && code != "E-TENANT-002";
            assert!(!refused, "{} with its scope: {code}", operation.name);
        }
    }
}

#[test]
fn an_operation_without_a_scope_still_takes_a_credential() {
    let mut stage = Stage::new();
    let open: Vec<&Operation> = OPERATIONS.iter().filter(|operation| operation.scope.is_none()).collect();
    assert_eq!(open.iter().map(|operation| operation.name).collect::<Vec<_>>(), ["whoami"]);
    for operation in open {
        let (mut session, key) = stage.credentials(&[]);
        assert_eq!(stage.ask(operation, &mut session, &key), ["", ""]);
        assert_eq!(session.code(&sql(operation)), "E-TENANT-001");
        let project = stage.project.clone();
        assert_eq!(call_code(&mut stage.gateway, &project, "", operation.name, "{}"), "E-AUTH-001");
    }
}

#[test]
fn every_operation_of_a_suspended_project_is_refused() {
    let mut stage = Stage::new();
    let (mut session, key) = stage.credentials(&every_scope_but(None));
    let project = stage.project.clone();
    stage.admin.run(&format!("select awooop.suspend_project('{project}')"));
    for operation in OPERATIONS {
        match operation.name {
            // It tells what the first gate would say.
            "mcp_explain" => assert_eq!(stage.refusals(operation, "E-MCP-GATE-001"), ["0", "0"]),
            "mcp_begin_call" => stage.refused_once(operation, &mut session, &key, "E-MCP-GATE-001"),
            // What has become of a message is worth knowing, of whoever has its lease.
            "mark_message" => stage.refused_once(operation, &mut session, &key, "E-CHANNEL-006"),
            _ => stage.refused_once(operation, &mut session, &key, "E-TENANT-005"),
        }
    }
    stage.admin.run(&format!("select awooop.suspend_project('{project}', suspended => false)"));
    assert_eq!(stage.ask(&OPERATIONS[0], &mut session, &key), ["", ""]);
}

#[test]
fn an_operation_that_is_switched_off_is_refused_and_no_other() {
    let mut stage = Stage::new();
    let (mut session, key) = stage.credentials(&every_scope_but(None));
    for (n, operation) in OPERATIONS.iter().enumerate() {
        stage.admin.run(&format!("select awooop.set_operation('{}', false, 'test')", operation.name));
        stage.refused_once(operation, &mut session, &key, "E-OP-002");
        let next = &OPERATIONS[(n + 1) % OPERATIONS.len()];
        for code in stage.ask(next, &mut session, &key) {
            assert_ne!(code, "E-OP-002", "{} when {} is off", next.name, operation.name);
        }
        stage.admin.run(&format!("select awooop.set_operation('{}', true)", operation.name));
        for code in stage.ask(operation, &mut session, &key) {
            assert_ne!(code, "E-OP-002", "{}", operation.name);
        }
    }
}
