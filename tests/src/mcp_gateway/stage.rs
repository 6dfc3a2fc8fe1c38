//! A desk with one MCP server behind a gateway: tools imported over the gateway, reviewed, and granted to an agent.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::client::Client;
use crate::contracts::stage::Office;
use crate::harness::contracts::{activate, agent_contract};
use crate::harness::gateway::HttpGateway;
use crate::harness::quiet::{Claim, claims, text};
use crate::harness::server::environment;
use crate::harness::{OwnServer, unique};
use crate::mcp::stage::{ADMINISTERS, DECIDES, WORKS, policy};

pub const SERVER: &str = "desk";
/// What the server is shown, where a test wants it to be shown something. No pattern takes it for a secret: only who knows it can
/// hide it.
pub const SECRET: &str = "blue-heron/7+quiet.lantern-42";

/// An MCP server, or another program of the tests, that ends with this.
pub struct Fixture {
    child: Child,
    /// `http://127.0.0.1:port`.
    pub origin: String,
    /// Where an MCP server is.
    pub url: String,
}

impl Fixture {
    /// A program of tests/servers on a free port.
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        Self::at("127.0.0.1:0", program, arguments)
    }

    /// The same on this port.
    pub fn at(address: &str, program: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(self::program(program));
        command.args(["--listen", address]).args(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a program of tests/servers");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let origin = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("it says {line}")).to_owned();
        Self { child, url: format!("{origin}/mcp"), origin }
    }

    /// Kills it in the middle of whatever it does.
    pub fn kill9(&mut self) {
        self.child.kill().expect("a running program");
        self.child.wait().expect("a child");
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Directories as Kubernetes mounts them; gone when dropped.
pub struct Secrets(PathBuf);

impl Secrets {
    pub fn new() -> Self {
        let root = std::env::temp_dir().join(unique("secrets"));
        fs::create_dir_all(&root).expect("a directory");
        Self(root)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().expect("a path that is text")
    }

    /// Puts a value where `k8s://desk/api/token` leads.
    pub fn put(&self, value: &str) {
        self.put_at("desk/api", value);
    }

    /// The same for the token of another secret, as a mount does it: a new directory, and one link that is turned.
    pub fn put_at(&self, secret: &str, value: &str) {
        let mount = self.0.join(secret);
        let version = mount.join(unique("..v"));
        fs::create_dir_all(&version).expect("a directory");
        fs::write(version.join("token"), value).expect("a file");
        let turned = mount.join("..data_tmp");
        std::os::unix::fs::symlink(version.file_name().expect("a name"), &turned).expect("a link");
        fs::rename(&turned, mount.join("..data")).expect("the link is turned");
        let _ = std::os::unix::fs::symlink("..data/token", mount.join("token"));
    }

    pub fn remove(&self) {
        let _ = fs::remove_file(self.0.join("desk/api/token"));
    }
}

impl Drop for Secrets {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The file of programs that a gateway may start, with one in it, `notes`; gone when dropped.
pub struct Programs(PathBuf);

impl Programs {
    pub fn new(notes: &Value) -> Self {
        let path = std::env::temp_dir().join(unique("programs"));
        fs::write(&path, json!({"notes": notes}).to_string()).expect("a file");
        Self(path)
    }

    /// A desk's server is the program.
    pub fn setup(&self) -> Setup<'_> {
        Setup {
            gateway: vec![("LOCAL_SERVERS", self.0.to_str().expect("a path that is text"))],
            registration: json!({"address": "notes", "transport": "local"}),
            ..Setup::default()
        }
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A program of tests/servers.
pub fn program(name: &str) -> PathBuf {
    Path::new(&environment("AWOOOP_TEST_SERVERS")).join(name)
}

/// What a desk is made of.
pub struct Setup<'a> {
    /// Of the conformance server.
    pub server: Vec<&'a str>,
    /// Placement and name of the credential, where the server is shown one.
    pub credential: Option<(&'a str, Option<&'a str>)>,
    /// Further settings of the gateway.
    pub gateway: Vec<(&'a str, &'a str)>,
    /// Further arguments of `mcp_register_server`.
    pub registration: Value,
    /// What the review makes of a tool's proposal.
    pub review: fn(&mut Value),
    /// Tools of a second server, which are never called.
    pub annex: usize,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self { server: vec![], credential: None, gateway: vec![], registration: json!({}), review: |_| {}, annex: 0 }
    }
}

pub struct Desk {
    pub office: Office,
    pub server: Fixture,
    pub gateway: HttpGateway,
    pub secrets: Secrets,
    /// Registers, imports and grants.
    pub admin: String,
    /// Calls in the agent's name: the key is bound to it.
    pub agent: String,
    /// Decides.
    pub clerk: String,
    /// What the import said of each tool.
    pub imported: Value,
}

impl Desk {
    pub fn new() -> Self {
        Self::with(Setup::default())
    }

    /// With a server that makes trouble when it is told to.
    pub fn troubled() -> Self {
        Self::with(Setup { server: vec!["--trouble"], ..Setup::default() })
    }

    pub fn with(setup: Setup) -> Self {
        Self::of(Office::new(), Fixture::start("conformance-server", &setup.server), setup)
    }

    pub fn of(mut office: Office, server: Fixture, setup: Setup) -> Self {
        let database = office.database();
        Self::behind(office, server, setup, |settings| HttpGateway::start(&database, settings))
    }

    /// On a database server of the test's own.
    pub fn on(server: &OwnServer, setup: Setup) -> Self {
        let fixture = Fixture::start("conformance-server", &setup.server);
        Self::behind(Office::on(server), fixture, setup, |settings| HttpGateway::start_on(server, settings))
    }

    fn behind(
        mut office: Office,
        server: Fixture,
        setup: Setup,
        start: impl FnOnce(&[(&str, &str)]) -> HttpGateway,
    ) -> Self {
        let project = office.project.clone();
        let secrets = Secrets::new();
        secrets.put(SECRET);
        let mut settings = vec![("SECRETS_DIR", secrets.path()), ("LIST_SECONDS", "1"), ("LOG", "debug")];
        settings.extend(setup.gateway.iter().copied());
        let gateway = start(&settings);
        office.sql(&format!("select awooop.set_credential_namespaces('{project}', '{{desk}}')"));
        office.sql("select awooop.allow_private_host('127.0.0.1', 'tests')");
        let mut desk = Self {
            admin: office.key("admin", ADMINISTERS),
            agent: String::new(),
            clerk: office.key("clerk", DECIDES),
            imported: Value::Null,
            office,
            server,
            gateway,
            secrets,
        };
        desk.office.admin.within(&project, "select awooop.grant_principal_role('clerk', 'clerk')");
        let key = "select awooop.create_api_key('bot', '{tools:call,tools:read}', principal_id => 'bot', agent_id => 'agent')";
        desk.agent = text(&desk.office.admin.within(&project, key)["api_key"]);
        let mut registration = json!({"server_id": SERVER, "address": desk.server.url});
        if let Some((placement, name)) = setup.credential {
            registration["credential_reference"] = "k8s://desk/api/token".into();
            registration["credential_placement"] = placement.into();
            registration["credential_name"] = name.into();
        }
        for (name, value) in setup.registration.as_object().expect("an object") {
            registration[name] = value.clone();
        }
        let admin = desk.admin.clone();
        desk.office.does(&admin, "mcp_register_server", registration);
        desk.imported = desk.import();
        if setup.annex > 0 {
            desk.open_annex(setup.annex);
        }
        desk.review(setup.review);
        desk
    }

    /// Has the gateway ask the server for its tools.
    #[track_caller]
    pub fn import(&self) -> Value {
        let reply = self.client(&self.admin).post(&format!("/v1/mcp/{SERVER}/import"), &json!({}), &[]);
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()
    }

    /// Registers a second server, whose tools are reviewed with those of the first.
    fn open_annex(&mut self, tools: usize) {
        let admin = self.admin.clone();
        let opened = json!({"type": "object", "properties": {"open": {"type": "boolean"}}, "required": ["open"]});
        let definition =
            |n| json!({"name": format!("drawer_{n}"), "inputSchema": {"type": "object"}, "outputSchema": opened});
        let definitions: Vec<Value> = (0..tools).map(definition).collect();
        let annex = json!({"server_id": "annex", "address": "http://127.0.0.1:9/mcp"});
        self.office.does(&admin, "mcp_register_server", annex);
        let definitions = json!({"server_id": "annex", "tools": definitions});
        let more = self.office.does(&admin, "mcp_import_tools", definitions);
        let all = self.imported["tools"].as_array_mut().expect("tools");
        all.extend(more["tools"].as_array().expect("tools").clone());
    }

    /// Reviews what was imported, and grants it all to the agent.
    fn review(&mut self, review: fn(&mut Value)) {
        let project = self.office.project.clone();
        let mut agent = agent_contract("agent");
        agent["tools"] = json!({});
        for tool in self.imported["tools"].as_array().expect("tools").clone() {
            let mut contract = tool["proposal"].clone();
            contract["risk"] = "low".into();
            if contract["side_effects"] == "irreversible" {
                contract["side_effects"] = "reversible".into();
            }
            contract["may_ask"] = json!(["elicitation", "sampling", "roots"]);
            review(&mut contract);
            activate(&mut self.office.admin, &project, &contract);
            let access = if contract["side_effects"] == "none" { "read" } else { "write" };
            agent["tools"][tool["tool"].as_str().expect("a name")] = json!({"access": access});
        }
        activate(&mut self.office.admin, &project, &agent);
        // From here on activations take what it says.
        activate(&mut self.office.admin, &project, &policy());
        let admin = self.admin.clone();
        for tool in agent["tools"].as_object().expect("tools").keys() {
            self.office.does(&admin, "mcp_grant_tool", json!({"agent_id": "agent", "tool": tool}));
        }
    }

    /// A run of the agent's that a worker holds.
    pub fn run(&mut self) -> Claim {
        let worker = self.office.key("worker", WORKS);
        let envelope = json!({"agent_id": "agent", "channel_type": "telegram", "channel_user_id": "7"});
        let envelope = self.office.does(&worker, "build_envelope", envelope);
        self.office.does(&worker, "create_run", json!({"envelope": envelope}));
        let claimed = json!({"worker_id": "w", "max_runs": 1, "lease_seconds": 600});
        claims(&self.office.does(&worker, "claim_runs", claimed)).pop().expect("a run")
    }

    /// Somebody with a key.
    pub fn client(&self, key: &str) -> Client {
        Client::new(&self.gateway.address, key)
    }

    /// The agent, at the server's own address, in the current revision.
    pub fn bot(&self) -> Client {
        self.client(&self.agent).at(&format!("/v1/mcp/{SERVER}"))
    }

    /// The newest calls, as the books have them.
    #[track_caller]
    pub fn calls(&mut self) -> Vec<Value> {
        let admin = self.admin.clone();
        self.office.does(&admin, "mcp_list_calls", json!({}))["items"].as_array().expect("calls").clone()
    }
}
