//! A project with people who write, sign and activate contracts, each with an API key.

use awooop_contracts::Kind;
use serde_json::{Value, json};

use crate::harness::contracts::agent_contract;
use crate::harness::platform_logins::{Gateway, Reply, gateway_login_in};
use crate::harness::quiet::{superuser_in, text};
use crate::harness::{OwnServer, Project, Session, literal, own_database, unique};

/// The scopes of somebody who writes and activates, and of somebody who signs.
pub const WRITES: &str = "contracts:write,contracts:read,contracts:activate";
pub const SIGNS: &str = "contracts:sign,contracts:read";

pub struct Office {
    pub project: String,
    pub admin: Session,
    pub gateway: Gateway,
    /// Writes, publishes and activates.
    pub ann: String,
    /// Sign.
    pub bob: String,
    pub eve: String,
}

impl Office {
    /// In a new project of the shared quiet database, whose agent `agent` can run.
    pub fn new() -> Self {
        let project = Project::new();
        Self::of(&project.id, project.admin(), gateway_login_in(&project.database))
    }

    /// The same in a database where nobody else is, for a test that takes locks of whole tables: who activates at that
    /// moment takes them in another order.
    pub fn alone() -> Self {
        Self::in_database(&own_database().0)
    }

    /// In a new project of that database.
    pub fn in_database(database: &str) -> Self {
        let project = Project::in_database(database);
        Self::of(&project.id, project.admin(), gateway_login_in(database))
    }

    /// In a new project on a server of the test's own.
    pub fn on(server: &OwnServer) -> Self {
        let project = server.tenant(&unique("tenant"), "active", crate::harness::quiet::EVERY_SCOPE);
        Self::of(&project, server.superuser(), Gateway(server.connect("awooop_gateway")))
    }

    /// The same project, over new connections to the server.
    pub fn again(office: &Self, server: &OwnServer) -> Self {
        Self::of(&office.project, server.superuser(), Gateway(server.connect("awooop_gateway")))
    }

    fn of(project: &str, admin: Session, gateway: Gateway) -> Self {
        let mut office = Self {
            project: project.to_owned(),
            admin,
            gateway,
            ann: String::new(),
            bob: String::new(),
            eve: String::new(),
        };
        office.ann = office.key("ann", WRITES);
        office.bob = office.key("bob", SIGNS);
        office.eve = office.key("eve", SIGNS);
        office
    }

    /// Another superuser's session in the same database.
    pub fn admin_again(&mut self) -> Session {
        superuser_in(&self.admin.value("select current_database()"))
    }

    /// A new key of somebody, made by an operator.
    pub fn key(&mut self, principal: &str, scopes: &str) -> String {
        let sql = format!(
            "select awooop.create_api_key('k', string_to_array('{scopes}', ','), principal_id => '{principal}')"
        );
        text(&self.admin.within(&self.project, &sql)["api_key"])
    }

    /// What the gateway would answer.
    pub fn ask(&mut self, key: &str, operation: &str, arguments: Value) -> Result<Reply, String> {
        self.gateway
            .try_call(&self.project, key, operation, &arguments.to_string())
            .map_err(|failure| format!("{} {}", failure.code(), failure.detail))
    }

    /// The answer to what must be done.
    #[track_caller]
    pub fn does(&mut self, key: &str, operation: &str, arguments: Value) -> Value {
        match self.ask(key, operation, arguments.clone()) {
            Ok(reply) if reply.status < 300 => reply.body,
            other => panic!("{operation} {arguments}: {other:?}"),
        }
    }

    /// The code with which it is refused, or fails.
    #[track_caller]
    pub fn code(&mut self, key: &str, operation: &str, arguments: Value) -> String {
        match self.ask(key, operation, arguments.clone()) {
            Ok(reply) if reply.status < 300 => panic!("{operation} {arguments} succeeded: {}", reply.body),
            Ok(reply) => text(&reply.body["code"]),
            Err(failure) => failure.split(' ').next().unwrap_or_default().to_owned(),
        }
    }

    /// A draft of Ann's; its id.
    #[track_caller]
    pub fn drafted(&mut self, document: &Value) -> Value {
        let ann = self.ann.clone();
        let arguments = json!({"kind": document["kind"], "document": document});
        self.does(&ann, "draft_contract", arguments)["revision_id"].clone()
    }

    /// Published by Ann; its id.
    #[track_caller]
    pub fn published(&mut self, document: &Value) -> Value {
        let (ann, id) = (self.ann.clone(), self.drafted(document));
        self.does(&ann, "publish_contract", json!({"revision_id": id}));
        id
    }

    /// Published, and signed by Bob and Eve; its id.
    #[track_caller]
    pub fn signed(&mut self, document: &Value) -> Value {
        let id = self.published(document);
        for key in [self.bob.clone(), self.eve.clone()] {
            self.does(&key, "sign_contract", json!({"revision_id": id}));
        }
        id
    }

    /// Activated as well; its id.
    #[track_caller]
    pub fn activated(&mut self, document: &Value) -> Value {
        let (ann, id) = (self.ann.clone(), self.signed(document));
        self.does(&ann, "activate_contract", json!({"revision_id": id}));
        id
    }

    /// The revision's state.
    #[track_caller]
    pub fn state(&mut self, id: &Value) -> String {
        let ann = self.ann.clone();
        text(&self.does(&ann, "get_contract", json!({"revision_id": id}))["state"])
    }

    /// The database that the project is in.
    pub fn database(&mut self) -> String {
        self.sql("select current_database()")
    }

    /// A value of SQL as a superuser.
    pub fn sql(&mut self, sql: &str) -> String {
        self.admin.value(sql)
    }

    /// How many audit rows there are of an action in the project.
    pub fn audited(&mut self, action: &str) -> String {
        let project = literal(&self.project);
        self.sql(&format!("select count(*) from awooop.audit_log where project_id = {project} and action = '{action}'"))
    }
}

/// The smallest contract of an agent, which says what it is for.
pub fn agent(name: &str, purpose: &str) -> Value {
    let mut contract = agent_contract(name);
    contract["purpose"] = purpose.into();
    contract
}

/// The contract of that kind that uses everything, under another name.
pub fn full(kind: Kind, name: &str) -> Value {
    let mut contract: Value = serde_json::from_str(kind.full_example()).expect("the example is JSON");
    contract["name"] = name.into();
    contract
}

/// A policy that asks for so many signatures in one of these roles.
pub fn policy(approvers: u64, roles: &[&str]) -> Value {
    let rule = json!({"decision": "allow"});
    let strict = json!({"decision": "deny"});
    json!({
        "kind": "policy", "contract_version": 1, "name": "default",
        "activation": {"default": {"approvers": approvers, "roles": roles}},
        "calls": {"low": rule, "medium": rule, "high": strict, "critical": strict}
    })
}

/// A run contract that asks for a text and an answer.
pub fn run_contract(name: &str) -> Value {
    json!({
        "kind": "run", "contract_version": 1, "name": name,
        "input_schema": {
            "type": "object", "required": ["text"], "properties": {"text": {"type": "string", "maxLength": 20}}
        },
        "output_schema": {
            "type": "object", "required": ["answer"], "properties": {"answer": {"type": "string"}}
        }
    })
}
