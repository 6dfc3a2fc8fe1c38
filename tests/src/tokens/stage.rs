//! A project that believes an issuer, the issuer with its key, and the gateway's login, which is the attacker's as well.

use serde_json::{Value, json};

use crate::harness::issuer::{AUDIENCE, Signer, claims, courier, key_set, store};
use crate::harness::platform_logins::{Gateway, Reply, gateway_login_in};
use crate::harness::{Actor, Project, Session, literal, unique};

/// What the issuer of a stage may give.
pub const CEILING: &str = "agents:write,audit:read,runs:read,tools:call,tools:read";
/// What its tokens ask for, some of which nobody knows or it may not give.
pub const SCOPE: &str = "openid runs:read tools:read keys:admin subjects:admin";

pub struct Stage {
    pub project: Project,
    pub actor: Actor,
    pub admin: Session,
    pub gateway: Gateway,
    pub courier: String,
    pub signer: Signer,
    pub issuer: String,
}

impl Stage {
    /// A project whose administrator has registered the issuer; a courier has brought its key.
    pub fn new() -> Self {
        Self::of(Project::new(), "ES256")
    }

    pub fn of(project: Project, algorithm: &'static str) -> Self {
        let (actor, mut admin) = (project.actor(), project.admin());
        let mut stage = Self {
            gateway: gateway_login_in(&project.database),
            courier: courier(&mut admin),
            signer: Signer::new(algorithm),
            issuer: format!("https://{}.idp.example", unique("i").replace('_', "-")),
            project,
            actor,
            admin,
        };
        stage.register("");
        stage.publish();
        stage
    }

    /// SQL that registers the issuer; `rest` are further arguments, beginning with a comma.
    pub fn registering(&self, scopes: &str, rest: &str) -> String {
        let (issuer, jwks_uri) = (literal(&self.issuer), literal(&format!("{}/keys", self.issuer)));
        format!(
            "select awooop.set_token_issuer({issuer}, {jwks_uri}, '{AUDIENCE}', string_to_array('{scopes}', ','){rest})"
        )
    }

    /// Registers the issuer as the project's administrator.
    #[track_caller]
    pub fn register(&mut self, rest: &str) -> Value {
        let registered = self.actor.call(&self.registering(CEILING, rest));
        assert_eq!(registered["issuer"], self.issuer.as_str(), "{registered}");
        registered
    }

    /// Registers the issuer over HTTP, with an API key, and answers with the status and what came of it.
    #[track_caller]
    pub fn register_with(&mut self, key: &str, scopes: &[&str]) -> (i32, Value) {
        let arguments = json!({
            "issuer": self.issuer, "jwks_uri": format!("{}/keys", self.issuer), "audience": AUDIENCE, "scopes": scopes
        });
        let reply = self.ask(key, "set_token_issuer", &arguments);
        (reply.status, reply.body)
    }

    /// An API key of the principal, made by the project's administrator.
    #[track_caller]
    pub fn key(&mut self, principal: &str, scopes: &str, rest: &str) -> String {
        let made = self.actor.call(&format!(
            "select awooop.create_api_key('k', string_to_array('{scopes}', ','), principal_id => '{principal}'{rest})"
        ));
        made["api_key"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    }

    /// Brings the issuer's key set, with its key alone.
    #[track_caller]
    pub fn publish(&mut self) -> Value {
        let set = key_set(&[&self.signer]);
        self.bring(&set)
    }

    /// Brings a key set of the issuer.
    #[track_caller]
    pub fn bring(&mut self, set: &str) -> Value {
        self.gateway.0.json(&store(&self.courier, &self.project.id, &self.issuer, set))
    }

    pub fn claims(&self) -> Value {
        claims(&self.issuer, SCOPE)
    }

    /// The claims with one of them changed.
    pub fn with(&self, name: &str, value: Value) -> Value {
        let mut claims = self.claims();
        claims[name] = value;
        claims
    }

    /// A good token.
    pub fn token(&self) -> String {
        self.signer.token(&self.claims())
    }

    #[track_caller]
    pub fn ask(&mut self, token: &str, operation: &str, arguments: &Value) -> Reply {
        self.gateway.call(&self.project.id, token, operation, &arguments.to_string())
    }

    /// Who a credential is taken for.
    #[track_caller]
    pub fn whoami(&mut self, token: &str) -> Value {
        let reply = self.ask(token, "whoami", &json!({}));
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body
    }

    /// A token that must not be believed. Not counted, or those after it would be told to wait.
    #[track_caller]
    pub fn refused(&mut self, token: &str, why: &str) {
        self.gateway.0.run("begin");
        let reply = self.ask(token, "whoami", &json!({}));
        self.gateway.0.run("rollback");
        assert_eq!((reply.status, &reply.body["code"]), (401, &json!("E-AUTH-001")), "{why}: {}", reply.body);
    }
}
