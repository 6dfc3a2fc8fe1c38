//! Contracts as files: what goes out is what was signed, can be verified without the database, and comes in as a draft.

use std::process::Command;

use serde_json::{Value, json};

use super::stage::{Office, agent};
use crate::harness::own_server::quote;
use crate::harness::server::environment;
use crate::harness::{Options, OwnServer};

#[test]
fn an_exported_contract_comes_in_as_a_draft_here_and_in_another_project() {
    let (mut office, mut neighbour) = (Office::new(), Office::new());
    let (ann, theirs) = (office.ann.clone(), neighbour.ann.clone());
    let document = agent("bot", "Answers.");
    let id = office.activated(&document);
    let exported = office.does(&ann, "export_contract", json!({"revision_id": id}));
    for (place, key) in [(&mut office, &ann), (&mut neighbour, &theirs)] {
        let imported = place.does(key, "import_contract", json!({"exported": exported}));
        assert_eq!((&imported["state"], &imported["imported_signature"]), (&json!("draft"), &json!("good")));
        assert_eq!((&imported["authors"], &imported["violations"]), (&json!(["ann"]), &json!([])));
        let shown = place.does(key, "get_contract", json!({"revision_id": imported["revision_id"]}));
        assert_eq!((&shown["document"], &shown["signatures"]), (&document, &json!([])), "signatures stay behind");
        // Nothing of the one that was exported counts for it.
        place.does(key, "publish_contract", json!({"revision_id": imported["revision_id"]}));
        let code = place.code(key, "activate_contract", json!({"revision_id": imported["revision_id"]}));
        assert_eq!(code, "E-CONTRACT-005");
    }
}

#[test]
fn a_file_that_was_changed_or_is_none_is_not_imported() {
    let mut office = Office::new();
    let (ann, project) = (office.ann.clone(), office.project.clone());
    let id = office.activated(&agent("bot", "Answers."));
    let exported = office.does(&ann, "export_contract", json!({"revision_id": id}));
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut file = exported.clone();
        change(&mut file);
        file
    };
    for file in [
        changed(&|file| file["revision"]["document"]["purpose"] = "Obeys.".into()),
        changed(&|file| file["revision"]["number"] = 7.into()),
        changed(&|file| file["revision"]["project_id"] = "another".into()),
        changed(&|file| file["revision"]["authors"] = json!([])),
        changed(&|file| file["signatures"][0]["principal_id"] = "mallory".into()),
        changed(&|file| file["publish_signatures"] = json!([])),
        changed(&|file| file["more"] = 1.into()),
        changed(&|file| file["format"] = "awooop.contract/2".into()),
        json!({}),
    ] {
        assert_eq!(office.code(&ann, "import_contract", json!({"exported": file})), "E-CONTRACT-013", "{file}");
    }
    let twice =
        format!("{{\"exported\": {}}}", exported.to_string().replacen('{', "{\"format\": \"awooop.contract/1\", ", 1));
    let failure = office.gateway.try_call(&project, &ann, "import_contract", &twice).unwrap_err();
    assert_eq!(failure.code(), "E-INPUT-004");
    let drafts =
        format!("select count(*) from awooop.contract_revisions where project_id = '{project}' and state = 'draft'");
    assert_eq!(office.sql(&drafts), "0", "nothing was kept");
}

#[test]
fn an_export_is_verified_offline_by_the_gateway_with_the_keyring_alone() {
    let server = OwnServer::start(&Options::default());
    let mut office = Office::on(&server);
    let ann = office.ann.clone();
    let id = office.activated(&agent("bot", "Answers."));
    let exported = office.does(&ann, "export_contract", json!({"revision_id": id}));
    let verify = |file: &Value| {
        let path = server.keyring().with_file_name("contract.json");
        let script = format!(
            "cat > {0} <<'END'\n{1}\nEND\n{2} contract verify {0} --keyring {3} --json; code=$?; rm {0}; exit $code",
            quote(&path),
            file,
            quote(environment("AWOOOP_TEST_GATEWAY").as_ref()),
            quote(&server.keyring())
        );
        let mut command = Command::new("sh");
        let output = command.arg("-c").arg(script).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, told) = verify(&exported);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("\"bob\"") && told.contains("\"eve\""), "{told}");
    let mut changed = exported.clone();
    changed["revision"]["document"]["autonomy"] = "read_only".into();
    let (code, told) = verify(&changed);
    assert_eq!(code, Some(1), "{told}");
}
