//! Two other libraries of signed tokens: they verify ours, and we verify theirs. `cargo xtask test` fetches them and names their
//! directory in `AWOOOP_TOKEN_LIBRARIES`.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use super::*;

/// Reads a task, verifies its token as a library's users would, and signs the same claims again. An answer is one line.
const PYTHON: &str = "
import base64, json, sys
import jwt
task = json.load(sys.stdin)
key = base64.b64decode(task['key'])
try:
    claims = jwt.decode(task['token'], key, algorithms=['HS256'], audience=task['aud'], issuer=task['iss'])
    again = jwt.encode(claims, key, algorithm='HS256', headers={'kid': task['kid']})
    print(json.dumps({'claims': claims, 'token': again}))
except jwt.InvalidTokenError as error:
    print(json.dumps({'refused': type(error).__name__}))
";
const JAVASCRIPT: &str = "
import { readFileSync } from 'node:fs';
const { jwtVerify, SignJWT, errors } = await import(process.env.LIBRARY);
const task = JSON.parse(readFileSync(0, 'utf8'));
const key = Buffer.from(task.key, 'base64');
try {
    const { payload } = await jwtVerify(task.token, key, { algorithms: ['HS256'], audience: task.aud, issuer: task.iss });
    const token = await new SignJWT(payload).setProtectedHeader({ alg: 'HS256', kid: task.kid }).sign(key);
    console.log(JSON.stringify({ claims: payload, token }));
} catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    console.log(JSON.stringify({ refused: error.code }));
}
";

#[derive(Clone, Copy, Debug)]
enum Library {
    PyJwt,
    Jose,
}

impl Library {
    fn program(self) -> Command {
        let root = std::env::var_os("AWOOOP_TOKEN_LIBRARIES").expect("AWOOOP_TOKEN_LIBRARIES is not set");
        let root = PathBuf::from(root);
        match self {
            Self::PyJwt => {
                let mut python = Command::new("python3");
                python.args(["-B", "-c", PYTHON]).env("PYTHONPATH", root.join("pyjwt-2.15.1"));
                python
            }
            Self::Jose => {
                let mut node = Command::new("node");
                node.args(["--input-type=module", "--eval", JAVASCRIPT]);
                node.env("LIBRARY", root.join("jose-6.2.18/dist/webapi/index.js"));
                node
            }
        }
    }

    /// What it says of a token.
    fn asked(self, keyring: &Keyring, token: &str) -> Value {
        use base64::Engine as _;
        let signer = keyring.approval_signer().unwrap();
        let key = base64::engine::general_purpose::STANDARD.encode(signer.secret());
        let task = json!({
            "token": token, "key": key, "kid": signer.id, "iss": "awooop.test", "aud": "awooop.test/tools"
        });
        let mut child = self.program().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(task.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{self:?} failed");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

#[test]
#[ignore = "cargo xtask test fetches the libraries"]
fn others_verify_our_tokens_and_we_verify_theirs() {
    let keyring = keyring();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed();
    let grant = Grant { from: now - 10, until: now + 900, ..grant() };
    let issued = issue(&keyring, &grant, &binding()).unwrap().unwrap();
    let ours = serde_json::to_value(&issued.claims).unwrap();
    let good = [Library::PyJwt, Library::Jose].map(|library| {
        let answer = library.asked(&keyring, &issued.token);
        assert_eq!(answer["claims"], ours, "{library:?}");
        let theirs = answer["token"].as_str().unwrap().to_owned();
        let claims =
            verify(&keyring, &theirs, &binding(), now).unwrap_or_else(|problem| panic!("{library:?}: {problem:?}"));
        assert_eq!(serde_json::to_value(claims).unwrap(), ours, "{library:?}");
        theirs
    });
    // Each other's as well; and what we refuse, they do.
    assert_eq!(Library::PyJwt.asked(&keyring, &good[1])["claims"], ours);
    assert_eq!(Library::Jose.asked(&keyring, &good[0])["claims"], ours);
    let over =
        issue(&keyring, &Grant { from: now - 900, until: now - 60, ..grant }, &binding()).unwrap().unwrap().token;
    let other_key = issue(&self::keyring(), &grant, &binding()).unwrap().unwrap().token;
    let mut changed = issued.token.clone();
    changed.truncate(changed.len() - 4);
    changed.push_str("AAAA");
    let none = format!("eyJhbGciOiJub25lIn0.{}.", issued.token.split('.').nth(1).unwrap());
    for token in [over, other_key, changed, none] {
        assert!(verify(&keyring, &token, &binding(), now).is_err(), "{token}");
        for library in [Library::PyJwt, Library::Jose] {
            let answer = library.asked(&keyring, &token);
            assert!(answer["refused"].is_string(), "{library:?} takes {token}: {answer}");
        }
    }
}
