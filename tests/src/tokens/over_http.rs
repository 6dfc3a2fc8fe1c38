//! A real issuer on this machine, a real gateway that fetches its keys, and clients with its tokens.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::harness::answer::eventually;
use crate::harness::gateway::HttpGateway;
use crate::harness::issuer::{AUDIENCE, Signer, claims, courier, key_set};
use crate::harness::{Actor, Project, Session, literal, own_database, unique};
use crate::http::client::{Caller, Reply};

/// A server of key sets. It answers every request with what it was told last.
struct Idp {
    url: String,
    answer: Arc<Mutex<String>>,
}

impl Idp {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let answer: Arc<Mutex<String>> = Arc::default();
        let shared = Arc::clone(&answer);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answer = shared.lock().expect("the answer").clone();
                let _ = Self::serve(stream, &answer);
            }
        });
        Self { url, answer }
    }

    fn serve(mut stream: TcpStream, answer: &str) -> std::io::Result<()> {
        let mut head = BufReader::new(stream.try_clone()?).lines();
        while head.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
        stream.write_all(answer.as_bytes())
    }

    /// What it answers from now on.
    fn answers(&self, status: &str, body: &str) {
        let length = body.len();
        *self.answer.lock().expect("the answer") =
            format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    }

    fn publishes(&self, signers: &[&Signer]) {
        self.answers("200 OK", &key_set(signers));
    }

    fn token(&self, signer: &Signer, project: &str) -> String {
        let mut claims = claims(&self.url, "runs:read runs:write");
        claims["project_id"] = json!(project);
        signer.token(&claims)
    }
}

struct Stage {
    idp: Idp,
    gateway: HttpGateway,
    project: String,
    actor: Actor,
    admin: Session,
    courier: String,
    courier_file: PathBuf,
}

impl Stage {
    /// A project that believes an issuer on this machine, and a gateway that looks for its keys every second.
    fn new() -> Self {
        let (database, mut admin) = own_database();
        let project = Project::in_database(&database);
        let courier = courier(&mut admin);
        let courier_file = std::env::temp_dir().join(unique("courier"));
        fs::write(&courier_file, format!("{courier}\n")).expect("a file");
        let file = courier_file.to_string_lossy().into_owned();
        let settings = [("ISSUER_COURIER_FILE", file.as_str()), ("ISSUER_RELOAD_SECONDS", "1")];
        let gateway = HttpGateway::start(&database, &settings);
        let (idp, mut actor) = (Idp::start(), project.actor());
        let (issuer, keys) = (literal(&idp.url), literal(&format!("{}/keys", idp.url)));
        let registered =
            actor.call(&format!("select awooop.set_token_issuer({issuer}, {keys}, '{AUDIENCE}', '{{runs:read}}')"));
        assert_eq!(registered["issuer"], idp.url, "{registered}");
        Self { idp, gateway, project: project.id, actor, admin, courier, courier_file }
    }

    fn allow(&mut self) {
        self.admin.run("select awooop.allow_private_host('127.0.0.1', 'the issuer of a test')");
    }

    fn ask(&self, signer: &Signer, operation: &str) -> Reply {
        Caller::new(&self.gateway, &self.idp.token(signer, &self.project)).call(operation, json!({}))
    }

    /// Whether the signer's tokens are good. Where they are not, who asks often is told to wait.
    fn believes(&self, signer: &Signer) -> bool {
        match self.ask(signer, "whoami").status {
            200 => true,
            401 | 429 => false,
            other => panic!("{other}"),
        }
    }

    /// Whether the log has a line with this member.
    fn has_logged(&self, member: &str, value: &str) -> bool {
        self.gateway.lines().iter().any(|line| line[member] == value)
    }

    fn stored(&mut self) -> Value {
        self.actor.call("select awooop.list_token_issuers()")["items"][0]["keys"].clone()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.courier_file);
    }
}

#[test]
fn keys_are_rotated_without_a_restart_and_the_project_is_the_tokens_own() {
    let mut stage = Stage::new();
    stage.allow();
    let (first, second) = (Signer::new("ES256"), Signer::new("RS256"));
    stage.idp.publishes(&[&first]);
    eventually("the first key", || stage.believes(&first));
    // No header names the project: the token does.
    let me = stage.ask(&first, "whoami").expect(200);
    assert_eq!((&me["project_id"], &me["scopes"]), (&json!(stage.project), &json!(["runs:read"])));
    assert_eq!(me["principal_id"], format!("token:{}#ada", stage.idp.url));
    assert_eq!(stage.ask(&first, "list_runs").status, 200);
    assert_eq!(stage.ask(&first, "list_audit").problem(), (403, "E-AUTH-003".to_owned()));
    assert_eq!(stage.ask(&second, "whoami").problem(), (401, "E-AUTH-001".to_owned()));
    stage.idp.publishes(&[&first, &second]);
    eventually("the second key", || stage.believes(&second));
    assert!(stage.believes(&first));
    stage.idp.publishes(&[&second]);
    eventually("the end of the first key", || !stage.believes(&first));
    assert!(stage.believes(&second));
    assert_eq!(stage.stored(), json!([second.kid]));
    let secret = stage.courier.rsplit('.').next().unwrap_or_default().to_owned();
    let log = stage.gateway.log();
    assert!(!log.contains(&secret), "the courier's credential is in the log");
    assert!(!log.contains("eyJ"), "a token is in the log");
}

#[test]
fn an_issuer_that_fails_leaves_its_keys_and_what_it_said_is_not_logged() {
    let mut stage = Stage::new();
    stage.allow();
    let signer = Signer::new("EdDSA");
    stage.idp.publishes(&[&signer]);
    eventually("the key", || stage.believes(&signer));
    let marker = "said-by-the-issuer";
    stage.idp.answers("500 Internal Server Error", marker);
    eventually("the log's line", || stage.has_logged("why", "it answered with another status than 200"));
    stage.idp.answers("200 OK", &format!("{{\"keys\": \"{marker}\"}}"));
    eventually("the refusal of what is no set", || stage.has_logged("code", "E-ISSUER-004"));
    stage.idp.answers("200 OK", &marker.repeat(10_000));
    eventually("the end of what is too long", || stage.has_logged("why", "its answer is too long"));
    assert!(!stage.gateway.log().contains(marker), "{}", stage.gateway.log());
    assert_eq!((stage.believes(&signer), stage.stored()), (true, json!([signer.kid])));
}

#[test]
fn an_issuer_on_a_private_host_that_nobody_has_allowed_is_not_asked() {
    let mut stage = Stage::new();
    let signer = Signer::new("ES256");
    stage.idp.publishes(&[&signer]);
    eventually("the log's line", || stage.has_logged("why", "its address is not one that may be asked"));
    assert_eq!((stage.believes(&signer), stage.stored()), (false, json!([])));
    stage.allow();
    eventually("the key", || stage.believes(&signer));
}

#[test]
fn a_courier_that_was_revoked_brings_nothing_and_its_successor_does_without_a_restart() {
    let mut stage = Stage::new();
    stage.allow();
    let signer = Signer::new("ES256");
    stage.idp.publishes(&[&signer]);
    eventually("the key", || stage.believes(&signer));
    let revoke = "select awooop.revoke_issuer_courier(name) from awooop.issuer_courier where revoked_at is null";
    stage.admin.run(revoke);
    eventually("the refusal", || stage.has_logged("code", "E-ISSUER-005"));
    let next = Signer::new("ES256");
    stage.idp.publishes(&[&next]);
    let courier = courier(&mut stage.admin);
    fs::write(&stage.courier_file, &courier).expect("a file");
    eventually("the next key", || stage.believes(&next));
    assert!(!stage.believes(&signer));
}
