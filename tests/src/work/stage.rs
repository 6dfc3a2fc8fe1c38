//! A project whose agent is behind HTTP, and a gateway that executes it.

use serde_json::{Value, json};

use crate::channels::stage::WORKS;
use crate::contracts::stage::Office;
use crate::harness::answer::eventually;
use crate::harness::contracts::{activate, agent_contract};
use crate::harness::gateway::HttpGateway;
use crate::harness::listener::{Listener, Post};
use crate::harness::platform::{PASSWORD, platform_config};
use crate::harness::quiet::text;
use crate::harness::server::uri_for;
use crate::mcp_gateway::stage::Secrets;

/// What the agent is shown by whoever posts to it.
pub const TOKEN: &str = "green-heron/9+loud.lantern-17";

pub struct Shop {
    pub office: Office,
    pub agent: Listener,
    pub secrets: Secrets,
    /// Creates runs, and looks at them.
    pub maker: String,
}

/// A run contract whose output is an answer.
pub fn run_contract(more: Value) -> Value {
    let mut contract = json!({
        "kind": "run", "contract_version": 1, "name": "answer", "input_schema": {},
        "output_schema": {"type": "object", "required": ["answer"], "properties": {"answer": {"type": "string"}},
                          "additionalProperties": false},
        "retry": {"max_attempts": 3, "first_delay_seconds": 1}
    });
    for (name, value) in more.as_object().expect("members") {
        contract[name] = value.clone();
    }
    contract
}

impl Shop {
    /// Whose agent answers so.
    pub fn new(answer: impl Fn(&Value) -> Option<(u16, Value)> + Send + Sync + 'static) -> Self {
        Self::with(json!({}), answer)
    }

    /// With this in the run contract.
    pub fn with(more: Value, answer: impl Fn(&Value) -> Option<(u16, Value)> + Send + Sync + 'static) -> Self {
        let mut office = Office::alone();
        let project = office.project.clone();
        office.sql(&format!("select awooop.set_credential_namespaces('{project}', '{{shop}}')"));
        office.sql("select awooop.allow_private_host('127.0.0.1', 'tests')");
        let secrets = Secrets::new();
        secrets.put_at("shop/agent", TOKEN);
        Self::of(office, secrets, more, json!({"credential": "k8s://shop/agent/token", "timeout_seconds": 5}), answer)
    }

    /// Another project beside that one, whose agent asks for no credential.
    pub fn beside(first: &mut Self, answer: impl Fn(&Value) -> Option<(u16, Value)> + Send + Sync + 'static) -> Self {
        let office = Office::in_database(&first.office.database());
        Self::of(office, Secrets::new(), json!({}), json!({"timeout_seconds": 5}), answer)
    }

    fn of(
        mut office: Office,
        secrets: Secrets,
        more: Value,
        mut endpoint: Value,
        answer: impl Fn(&Value) -> Option<(u16, Value)> + Send + Sync + 'static,
    ) -> Self {
        let project = office.project.clone();
        let agent = Listener::start(move |post: &Post| {
            let asked = serde_json::from_str(&post.body).expect("JSON");
            answer(&asked).map(|(status, body)| (status, body.to_string()))
        });
        activate(&mut office.admin, &project, &run_contract(more));
        let mut contract = agent_contract("agent");
        contract["run_contract"] = "answer".into();
        endpoint["url"] = format!("{}/agent", agent.url).into();
        contract["endpoint"] = endpoint;
        activate(&mut office.admin, &project, &contract);
        let maker = office.key("maker", &format!("{WORKS},approvals:read"));
        Self { office, agent, secrets, maker }
    }

    /// A gateway that executes agents.
    pub fn worker(&mut self, settings: &[(&str, &str)]) -> HttpGateway {
        platform_config("awooop_worker", None);
        let database = self.office.database();
        let url = uri_for("awooop_worker", PASSWORD, &database);
        let own = [
            ("WORKER", "true"),
            ("WORKER_DATABASE_URL", url.as_str()),
            ("SECRETS_DIR", self.secrets.path()),
            ("POLL_MS", "20"),
        ];
        HttpGateway::start(&database, &[&own, settings].concat())
    }

    /// A new run; its id.
    #[track_caller]
    pub fn create(&mut self, words: &str) -> String {
        let maker = self.maker.clone();
        let envelope = json!({"agent_id": "agent", "channel_type": "telegram", "channel_user_id": "7"});
        let envelope = self.office.does(&maker, "build_envelope", envelope);
        let run = self.office.does(&maker, "create_run", json!({"envelope": envelope, "input": {"text": words}}));
        text(&run["run_id"])
    }

    #[track_caller]
    pub fn run(&mut self, id: &str) -> Value {
        let maker = self.maker.clone();
        self.office.does(&maker, "get_run", json!({"run_id": id}))
    }

    /// Waits until the run is in that state.
    #[track_caller]
    pub fn wait(&mut self, id: &str, state: &str) -> Value {
        eventually(&format!("the state {state}"), || self.run(id)["state"] == state);
        self.run(id)
    }

    /// What the agent was asked, in order.
    pub fn asked(&self) -> Vec<Value> {
        self.agent.posts().iter().map(|post| serde_json::from_str(&post.body).expect("JSON")).collect()
    }
}
