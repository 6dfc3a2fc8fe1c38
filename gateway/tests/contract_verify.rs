//! `awooop-gateway contract verify` as its users run it: files and a keyring, no database.

#![allow(clippy::unwrap_used, reason = "clippy takes the functions that tests share for something else")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use awooop_contracts::Kind;
use awooop_contracts::revision::{ExportedContract, MAX_EXPORT_BYTES, Purpose, Revision, Signature};
use awooop_policy::keyring::{Keyring, Use};
use serde_json::{Value, json};

/// A directory with a keyring and a file that was exported.
struct Stage {
    directory: PathBuf,
    keyring: Keyring,
    exported: String,
}

/// Exit code, standard output and standard error.
type Outcome = (Option<i32>, String, String);

impl Stage {
    fn new(name: &str) -> Self {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let keyring = Keyring::create("awooop.test").unwrap();
        let exported = serde_json::to_string_pretty(&exported(&keyring)).unwrap();
        let stage = Self { directory, keyring, exported };
        stage.keep("export.json", &stage.exported);
        stage.keep_keyring("keyring.json", &stage.keyring);
        stage
    }

    fn keep(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.directory.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn keep_keyring(&self, name: &str, keyring: &Keyring) -> String {
        let path = self.keep(name, keyring.reveal());
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        path
    }

    fn path(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    fn verify(&self, file: &str, keyring: &str, more: &[&str]) -> Outcome {
        let (file, keyring) = (self.path(file), self.path(keyring));
        let outcome = gateway(&[&[file.as_str(), "--keyring", &keyring], more].concat(), b"");
        self.assert_no_secret(&outcome);
        outcome
    }

    fn assert_no_secret(&self, (_, output, errors): &Outcome) {
        let keyring: Value = serde_json::from_str(&self.keyring.reveal()).unwrap();
        for key in keyring["keys"].as_array().unwrap() {
            let secret = key["secret"].as_str().unwrap_or("no secret");
            assert!(!output.contains(secret) && !errors.contains(secret));
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn gateway(arguments: &[&str], input: &[u8]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_awooop-gateway"));
    command.args(["contract", "verify"]).args(arguments).env_remove("AWOOOP_KEYRING_FILE");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    // A refused file is not read to its end.
    let _ = process.stdin.take().unwrap().write_all(input);
    let output = process.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn exported(keyring: &Keyring) -> ExportedContract {
    let document: Value = serde_json::from_str(Kind::Agent.full_example()).unwrap();
    let revision = Revision {
        project_id: "ewoooc".into(),
        kind: Kind::Agent,
        name: document["name"].as_str().unwrap().into(),
        revision_id: "018f0000-0000-7000-8000-000000000001".into(),
        number: 3,
        authors: vec!["ada".into()],
        published_by: "ada".into(),
        published_at: "2027-01-02T03:04:05.000006Z".into(),
        document,
    };
    let signed = [(Purpose::Publish, "ada"), (Purpose::Approve, "barbara"), (Purpose::Approve, "edsger")];
    let signatures = signed.map(|(purpose, principal)| {
        let signer = keyring.contract_signer().unwrap();
        let mut signature = Signature {
            signature_id: format!("{}-{principal}", purpose.as_str()),
            purpose,
            principal_id: principal.into(),
            credential: format!("role:{principal}"),
            signed_at: "2027-01-03T03:04:05.000006Z".into(),
            key_id: signer.key_id(),
            mac: String::new(),
        };
        let mac = signer.sign(signature.statement(&revision).unwrap().as_bytes());
        signature.mac = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        signature
    });
    ExportedContract::new(revision, signatures.into())
}

#[test]
fn what_the_platform_exported_is_proven() {
    let stage = Stage::new("good");
    let (code, output, errors) = stage.verify("export.json", "keyring.json", &[]);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{output}");
    for told in
        ["proven: ", "agent \"", "revision 3", "by \"barbara\"", "the key \"awooop.test/contract-1\"", "approved: 2"]
    {
        assert!(output.contains(told), "{told}: {output}");
    }
    let (code, output, _) = stage.verify("export.json", "keyring.json", &["--json"]);
    let report: Value = serde_json::from_str(&output).unwrap();
    assert_eq!((code, &report["proven"], &report["reason"]), (Some(0), &json!(true), &Value::Null));
    assert_eq!((&report["approving_principals"], &report["number"]), (&json!(2), &json!(3)));
    let keyring = stage.path("keyring.json");
    assert_eq!(gateway(&["-", "--keyring", &keyring], stage.exported.as_bytes()).0, Some(0));
    // However it is written.
    let compact = serde_json::from_str::<Value>(&stage.exported).unwrap().to_string();
    assert_eq!(gateway(&["-", "--keyring", &keyring], compact.as_bytes()).0, Some(0));
}

#[test]
fn a_changed_file_is_not_proven_and_says_so_before_anything_else() {
    let stage = Stage::new("changed");
    for (from, to) in [
        ("\"number\": 3", "\"number\": 4"),
        ("\"ewoooc\"", "\"ewoooD\""),
        ("\"barbara\"", "\"Barbara\""),
        ("\"approve-edsger\"", "\"approve-ed\""),
        ("2027-01-02", "2027-01-01"),
    ] {
        assert!(stage.exported.contains(from), "{from}");
        stage.keep("changed.json", stage.exported.replace(from, to));
        let (code, output, _) = stage.verify("changed.json", "keyring.json", &[]);
        assert!(code == Some(1) && output.starts_with("not proven: a signature does not fit"), "{output}");
        let (code, output, _) = stage.verify("changed.json", "keyring.json", &["--json"]);
        let report: Value = serde_json::from_str(&output).unwrap();
        assert_eq!((code, &report["proven"], &report["reason"]), (Some(1), &json!(false), &json!("forged")));
    }
}

#[test]
fn another_keyring_proves_nothing() {
    let stage = Stage::new("another");
    stage.keep_keyring("other.json", &Keyring::create("awooop.test").unwrap());
    assert_eq!(stage.verify("export.json", "other.json", &[]).0, Some(1));
    let mut renamed = Keyring::create("awooop.test").unwrap();
    renamed = Keyring::parse(&renamed.reveal().replace("contract-1", "contract-7")).unwrap();
    stage.keep_keyring("other.json", &renamed);
    let (code, output, _) = stage.verify("export.json", "other.json", &[]);
    assert!(code == Some(1) && output.contains("not in this keyring"), "{output}");
}

#[test]
fn a_retired_key_still_proves_and_is_told_of() {
    let mut stage = Stage::new("retired");
    stage.keyring.add("contract-2", Use::Contract).unwrap();
    stage.keyring.make_current("contract-2").unwrap();
    stage.keep_keyring("keyring.json", &stage.keyring);
    let (code, output, _) = stage.verify("export.json", "keyring.json", &[]);
    assert!(code == Some(0) && output.contains("note: the key \"awooop.test/contract-1\" is retired"), "{output}");
    let (_, output, _) = stage.verify("export.json", "keyring.json", &["--json"]);
    assert_eq!(serde_json::from_str::<Value>(&output).unwrap()["retired_keys"], json!(["awooop.test/contract-1"]));
}

#[test]
fn what_is_no_export_is_told_from_what_is_not_proven() {
    let stage = Stage::new("none");
    let twice = stage.exported.replacen("\"number\": 3", "\"number\": 3, \"number\": 3", 1);
    let inexact = stage.exported.replacen("\"number\": 3", "\"number\": 9007199254740993", 1);
    let huge = format!("{}{}", stage.exported, " ".repeat(MAX_EXPORT_BYTES));
    // Cut amid a character by the limit.
    let odd = format!(" {}", "é".repeat(MAX_EXPORT_BYTES));
    for (text, why) in [
        (twice.as_bytes(), "each member once"),
        (inexact.as_bytes(), "2^53"),
        (huge.as_bytes(), "a longer text"),
        (odd.as_bytes(), "a longer text"),
        (b"proven", "one JSON value"),
        (b"", "one JSON value"),
        (b"{}", "export_contract"),
        (b"[1]", "export_contract"),
        (b"\xff", "UTF-8"),
    ] {
        stage.keep("none.json", text);
        let (code, output, errors) = stage.verify("none.json", "keyring.json", &[]);
        assert_eq!((code, output.as_str()), (Some(2), ""));
        assert!(errors.contains("no exported contract") && errors.contains(why), "{why}: {errors}");
    }
    assert_eq!(stage.verify("absent.json", "keyring.json", &[]).0, Some(2));
    assert_eq!(stage.verify(".", "keyring.json", &[]).0, Some(2));
}

#[test]
fn a_keyring_that_anybody_could_have_read_or_written_is_refused() {
    let stage = Stage::new("keyring");
    for (mode, expected) in [(0o600, 0), (0o400, 0), (0o640, 0), (0o644, 2), (0o604, 2), (0o620, 2), (0o602, 2)] {
        fs::set_permissions(stage.path("keyring.json"), PermissionsExt::from_mode(mode)).unwrap();
        let (code, output, errors) = stage.verify("export.json", "keyring.json", &[]);
        assert_eq!(code, Some(expected), "{mode:o}: {errors}");
        assert!(code == Some(0) || errors.contains("the keyring is refused") && output.is_empty());
    }
    assert_eq!(stage.verify("export.json", "absent.json", &[]).0, Some(2));
    stage.keep("broken.json", stage.keyring.reveal().replace("HS256", "none"));
    fs::set_permissions(stage.path("broken.json"), PermissionsExt::from_mode(0o600)).unwrap();
    let (code, _, errors) = stage.verify("export.json", "broken.json", &[]);
    assert!(code == Some(2) && errors.contains("algorithm"), "{errors}");
}

#[test]
fn what_a_file_says_cannot_steer_the_terminal() {
    let stage = Stage::new("terminal");
    let mut file: Value = serde_json::from_str(&stage.exported).unwrap();
    let hostile = "\u{1b}[2J\r\nproven: all is well \u{202e}\u{9b}";
    for member in ["name", "project_id", "published_by", "published_at", "revision_id"] {
        file["revision"][member] = hostile.into();
    }
    file["revision"]["authors"] = json!([hostile]);
    file["revision"]["document"][hostile] = 1.into();
    file["signatures"][0]["principal_id"] = hostile.into();
    file["signatures"][1]["key_id"] = hostile.into();
    stage.keep("hostile.json", file.to_string());
    let (code, output, _) = stage.verify("hostile.json", "keyring.json", &[]);
    assert_eq!(code, Some(1));
    assert!(output.chars().all(|character| character == '\n' || !character.is_control() && character != '\u{202e}'));
    assert!(output.lines().all(|line| !line.starts_with("proven")), "{output}");
}
