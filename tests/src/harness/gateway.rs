//! A gateway of the test's own: the real program, on a free port of the loopback address, killed when dropped.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::answer::eventually;
use super::platform::{PASSWORD, platform_config};
use super::server::{environment, uri_for};
use super::tenant::unique;
use super::{OwnServer, Session};

/// A running gateway, and what it has written to its standard error.
pub struct HttpGateway {
    child: Mutex<Child>,
    log: PathBuf,
    /// `127.0.0.1:port`.
    pub address: String,
}

impl HttpGateway {
    /// A gateway of `database` on the shared server, ready for requests. Settings are those of `--help`, without AWOOOP_.
    pub fn start(database: &str, settings: &[(&str, &str)]) -> Self {
        // Sets the login's password.
        platform_config("awooop_gateway", None);
        Self::ready(&uri_for("awooop_gateway", PASSWORD, database), settings)
    }

    /// A gateway of a test's own server, ready for requests.
    pub fn start_on(server: &OwnServer, settings: &[(&str, &str)]) -> Self {
        Self::ready(&gateway_uri(server), settings)
    }

    fn ready(uri: &str, settings: &[(&str, &str)]) -> Self {
        let gateway = Self::launch(uri, settings);
        eventually("the gateway's readiness", || gateway.is_ready());
        gateway
    }

    /// A gateway that listens, whatever it makes of its database.
    pub fn launch(uri: &str, settings: &[(&str, &str)]) -> Self {
        let log = std::env::temp_dir().join(format!("{}.log", unique("gateway")));
        // One with faults in it, where a test wants a protection taken out.
        let faults = settings.iter().any(|(name, _)| *name == "FAULT");
        let mut command = if faults { program_of("AWOOOP_TEST_GATEWAY_FAULTS", uri) } else { program(uri) };
        command.env("AWOOOP_LISTEN", "127.0.0.1:0").env("AWOOOP_WORKERS", "2").env("AWOOOP_POOL_SIZE", "4");
        command.envs(settings.iter().map(|(name, value)| (format!("AWOOOP_{name}"), *value)));
        let stderr = File::create(&log).expect("a log file");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn().expect("a gateway");
        let mut gateway = Self { child: Mutex::new(child), log, address: String::new() };
        eventually("the gateway's listening", || {
            assert!(gateway.child().try_wait().expect("a child").is_none(), "the gateway ended at once");
            let said = gateway.lines().into_iter().find_map(|line| line["address"].as_str().map(str::to_owned));
            gateway.address = said.unwrap_or_default();
            !gateway.address.is_empty()
        });
        gateway
    }

    fn is_ready(&self) -> bool {
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        agent.get(format!("http://{}/readyz", self.address)).call().is_ok()
    }

    /// What it has logged up to now.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The whole lines of its log; each must be a JSON object.
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        let log = self.log();
        let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let line = |text: &str| match serde_json::from_str(text) {
            Ok(object @ Value::Object(_)) => object,
            _ => panic!("a line of the log is no JSON object: {text}"),
        };
        whole.lines().map(line).collect()
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        let pid = self.child().id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().expect("kill runs");
        assert!(sent.success(), "no gateway to send {name} to");
    }

    /// Kills it in the middle of whatever it does.
    pub fn kill9(&self) {
        let mut child = self.child();
        child.kill().expect("a running gateway");
        child.wait().expect("a child");
    }

    /// Whether it has ended by itself, and how.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.child().try_wait().expect("a child")
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for HttpGateway {
    fn drop(&mut self) {
        let mut child = self.child();
        let _ = child.kill();
        let _ = child.wait();
        drop(child);
        if std::thread::panicking() {
            let log = self.log();
            let last: Vec<&str> = log.lines().rev().take(15).collect();
            eprintln!("the gateway's log ends, newest first:\n{}", last.join("\n"));
        }
        let _ = fs::remove_file(&self.log);
    }
}

/// The gateway's program, told where its database is and nothing else that the environment may hold.
pub fn program(uri: &str) -> Command {
    program_of("AWOOOP_TEST_GATEWAY", uri)
}

fn program_of(name: &str, uri: &str) -> Command {
    let mut command = Command::new(environment(name));
    command.env_clear().env("AWOOOP_DATABASE_URL", uri);
    command
}

/// How a gateway reaches the test's own server.
pub fn gateway_uri(server: &OwnServer) -> String {
    server.superuser().run(&format!("alter role awooop_gateway password '{PASSWORD}'"));
    server.uri("awooop_gateway", PASSWORD)
}

/// Waits until `n` statements of gateways wait for a lock in the database of `admin`.
#[track_caller]
pub fn waiting_for_a_lock(admin: &mut Session, n: usize) {
    let sql = "select count(*)::text from pg_stat_activity where datname = current_database()
               and application_name = 'awooop-gateway' and state = 'active' and wait_event_type = 'Lock'";
    eventually("the wait for a lock", || admin.value(sql) == n.to_string());
}
