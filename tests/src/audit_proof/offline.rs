//! The gateway's verifier, as an outsider runs it: files, public keys, no database.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

use super::stage::{EARLY, ROWS, Stage, found, place};
use crate::harness::server::environment;
use crate::harness::unique;

/// What an outsider keeps: a directory with checkpoints, a public key and an early export.
pub(super) struct Outside {
    directory: PathBuf,
    pub(super) key: String,
}

impl Outside {
    pub(super) fn of(stage: &mut Stage) -> Self {
        let directory = std::env::temp_dir().join(unique("awooop-outside"));
        fs::create_dir_all(&directory).unwrap();
        let outside = Self { directory, key: stage.keyring().audit_public_keys()[0].2.clone() };
        outside.keep("early", &stage.held[0]);
        outside.keep("late", &stage.held[1]);
        outside.keep("export", &stage.exported.join("\n"));
        outside
    }

    pub(super) fn keep(&self, name: &str, text: &str) -> String {
        let file = self.directory.join(name);
        fs::write(&file, text).unwrap();
        file.display().to_string()
    }

    pub(super) fn file(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    /// Verifies the log as it is now against these checkpoints; what was found.
    fn verify(&self, stage: &mut Stage, checkpoints: &[&str], earlier: bool) -> Vec<(String, u64)> {
        let now = self.keep("now", &stage.export().join("\n"));
        let mut arguments = vec!["audit", "verify", "--export", &now, "--public-key", &self.key];
        let checkpoints: Vec<String> = checkpoints.iter().map(|name| self.file(name)).collect();
        for checkpoint in &checkpoints {
            arguments.extend(["--checkpoint", checkpoint]);
        }
        let export = self.file("export");
        if earlier {
            arguments.extend(["--earlier", &export]);
        }
        let output = gateway(&arguments);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        let findings: Vec<(String, u64)> = report["findings"].as_array().unwrap().iter().map(place).collect();
        assert_eq!(
            (output.status.code(), report["ok"].as_bool()),
            (Some(i32::from(!findings.is_empty())), Some(findings.is_empty()))
        );
        findings
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

pub(super) fn gateway(arguments: &[&str]) -> Output {
    Command::new(environment("AWOOOP_TEST_GATEWAY")).args(arguments).output().expect("the gateway runs")
}

#[test]
fn an_honest_log_verifies_and_may_have_grown() {
    let mut stage = Stage::new();
    let outside = Outside::of(&mut stage);
    assert_eq!(outside.verify(&mut stage, &["early", "late"], true), []);
    stage.write(30);
    stage.checkpoint();
    assert_eq!(outside.verify(&mut stage, &["early", "late"], true), []);
}

#[test]
fn a_thorough_change_lies_between_two_checkpoints_and_an_earlier_export_names_the_row() {
    // Each is carried out on the rows, and the database then made to agree.
    let rows = |stage: &mut Stage| (stage.project.clone(), stage.id(33), stage.id(40));
    type Attack = fn(&str, &str, &str) -> String;
    let attacks: [(Attack, &[(&str, u64)]); 4] = [
        (
            |p, a, _| {
                format!("update awooop.audit_log set action = 'forged' where project_id = '{p}' and audit_id = '{a}'")
            },
            &[("row_altered", 33)],
        ),
        (
            |p, a, _| {
                format!(
                    "delete from awooop.audit_log where project_id = '{p}' and audit_id = '{a}';
                     delete from awooop.audit_leaf where project_id = '{p}' and audit_id = '{a}'"
                )
            },
            &[("row_missing", 33)],
        ),
        (
            |p, a, _| {
                format!(
                    "create table public.copy as select * from awooop.audit_log where project_id = '{p}' and audit_id = '{a}';
                     update public.copy set audit_id = gen_random_uuid();
                     insert into awooop.audit_log select * from public.copy;
                     update awooop.audit_leaf set leaf_index = leaf_index + 2000 where project_id = '{p}' and leaf_index >= 33;
                     insert into awooop.audit_leaf select project_id, 33, audit_id, recorded_at, sha256('') from public.copy"
                )
            },
            &[("row_inserted", 33)],
        ),
        (
            |p, a, b| {
                format!(
                    "update awooop.audit_leaf set leaf_index = 1000 where project_id = '{p}' and audit_id = '{a}';
                     update awooop.audit_leaf set leaf_index = 33 where project_id = '{p}' and audit_id = '{b}';
                     update awooop.audit_leaf set leaf_index = 40 where project_id = '{p}' and audit_id = '{a}'"
                )
            },
            &[("row_moved", 40), ("row_moved", 33)],
        ),
    ];
    for (attack, named) in attacks {
        let mut stage = Stage::new();
        let outside = Outside::of(&mut stage);
        let (project, one, other) = rows(&mut stage);
        stage.as_attacker(&attack(&project, &one, &other));
        stage.cover_up();
        stage.write(3);
        stage.checkpoint();
        assert_eq!(stage.findings(None), [], "the database sees nothing");
        assert_eq!(
            outside.verify(&mut stage, &["early", "late"], false),
            found("checkpoint_differs", EARLY),
            "{named:?}"
        );
        let named: Vec<(String, u64)> = named.iter().map(|(kind, place)| ((*kind).to_owned(), *place)).collect();
        assert_eq!(outside.verify(&mut stage, &["early"], true), named);
    }
}

#[test]
fn a_rolled_back_log_is_smaller_than_its_checkpoint() {
    let mut stage = Stage::new();
    let outside = Outside::of(&mut stage);
    let project = stage.project.clone();
    stage.as_attacker(&format!(
        "delete from awooop.audit_log a using awooop.audit_leaf l
             where l.project_id = '{project}' and a.project_id = '{project}' and a.audit_id = l.audit_id and l.leaf_index >= {EARLY};
         delete from awooop.audit_leaf where project_id = '{project}' and leaf_index >= {EARLY};"
    ));
    stage.cover_up();
    assert_eq!(outside.verify(&mut stage, &["early", "late"], false), found("rolled_back", ROWS));
}

#[test]
fn a_proof_is_checked_without_the_rest_of_the_log() {
    let mut stage = Stage::new();
    let outside = Outside::of(&mut stage);
    let id = stage.id(33);
    let proof = stage.actor.call(&format!("select awooop.audit_proof('{id}', from_size => {EARLY})"));
    let check = |proof: &str, checkpoints: &[&str]| {
        let file = outside.keep("proof", proof);
        let mut arguments = vec!["audit", "verify-proof", "--proof", &file, "--public-key", &outside.key];
        let checkpoints: Vec<String> = checkpoints.iter().map(|name| outside.file(name)).collect();
        for checkpoint in &checkpoints {
            arguments.extend(["--checkpoint", checkpoint]);
        }
        let output = gateway(&arguments);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, document) = check(&proof.to_string(), &["early", "late"]);
    assert_eq!(code, Some(0));
    assert!(document.contains(&id), "{document}");
    assert_eq!(check(&proof.to_string(), &["late"]).0, Some(1), "the older checkpoint is missing");
    assert_eq!(check(&proof.to_string().replace("agent_created", "agent_deleted"), &["early", "late"]).0, Some(1));
    assert_eq!(check("{}", &["early", "late"]).0, Some(2));
}

#[test]
fn a_keyring_is_made_rotated_and_listed_without_its_secrets() {
    let directory = std::env::temp_dir().join(unique("awooop-keyring"));
    fs::create_dir_all(&directory).unwrap();
    let file = directory.join("keyring.json").display().to_string();
    let run = |arguments: &[&str]| {
        let mut all = vec!["keyring"];
        all.extend_from_slice(arguments);
        all.extend(["--file", &file]);
        let output = gateway(&all);
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    assert!(run(&["create", "--name", "awooop.example"]).0);
    assert!(!run(&["create", "--name", "awooop.example"]).0, "an existing one is not overwritten");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let before = run(&["public"]).1;
    assert!(run(&["add", "--id", "audit-2", "--use", "audit"]).0);
    assert!(run(&["current", "--id", "audit-2"]).0);
    assert!(run(&["add", "--id", "contract-2", "--use", "contract"]).0);
    assert!(!run(&["current", "--id", "audit-1"]).0, "it is retired for good");
    let (_, listed) = run(&["list"]);
    assert_eq!(
        listed,
        "audit-1\taudit\tretired\ncontract-1\tcontract\tcurrent\napproval-1\tapproval\tcurrent\n\
         audit-2\taudit\tcurrent\n\
         contract-2\tcontract\tstandby\n"
    );
    let public = run(&["public"]).1;
    assert!(public.starts_with(&before) && public.lines().count() == 2, "{public}");
    let secrets = fs::read_to_string(&file).unwrap();
    let secrets: Value = serde_json::from_str(&secrets).unwrap();
    for at in 1..5 {
        let secret = secrets["keys"][at]["secret"].as_str().unwrap();
        assert!(!public.contains(secret) && !listed.contains(secret));
    }
    fs::remove_dir_all(directory).unwrap();
}
