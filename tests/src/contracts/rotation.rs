//! The platform's own keys: rotation, loss, and signatures that are too old. On a server of the test's own, whose keyring
//! it may change.

use awooop_contracts::revision::{ExportedContract, Purpose, Signature};
use awooop_policy::keyring::{Keyring, Use};
use serde_json::{Value, json};

use super::stage::{Office, agent, policy};
use crate::harness::answer::eventually;
use crate::harness::quiet::{claims, text};
use crate::harness::{Options, OwnServer, Session};

fn run_of_bot(admin: &mut Session, project: &str) -> Value {
    let envelope = admin.within(project, "select awooop.build_envelope('bot', 'telegram', '7')");
    admin.within(project, &format!("select awooop.create_run('{envelope}')"))
}

/// Replaces the server's keyring, as `awooop-gateway keyring` does.
fn change(server: &OwnServer, change: impl FnOnce(&mut Keyring)) {
    let mut keyring = server.read_keyring();
    change(&mut keyring);
    server.write_keyring(&keyring.reveal());
}

#[test]
fn a_revision_whose_key_was_rotated_out_is_active_still_but_not_activated_until_it_is_signed_anew() {
    let server = OwnServer::start(&Options::default());
    let mut office = Office::on(&server);
    let (ann, bob, eve, project) = (office.ann.clone(), office.bob.clone(), office.eve.clone(), office.project.clone());
    let before = office.activated(&agent("bot", "One."));
    let waiting = json!({"revision_id": office.signed(&agent("bot", "Two."))});
    change(&server, |keyring| {
        keyring.add("contract-2", Use::Contract).unwrap();
        keyring.make_current("contract-2").unwrap();
    });
    // What is in force stays in force, in sessions that see it for the first time, too.
    assert_eq!(run_of_bot(&mut server.superuser(), &project)["state"], "pending");
    let verified = office.does(&ann, "verify_contract", json!({"revision_id": before}));
    assert_eq!((&verified["ok"], &verified["signatures"][0]["key_state"]), (&json!(true), &json!("retired")));
    let refusal = office.ask(&ann, "activate_contract", waiting.clone()).unwrap().body;
    assert_eq!((&refusal["code"], &refusal["reason"]), (&json!("E-CONTRACT-008"), &json!("retired_key")));
    assert_eq!(office.code(&bob, "sign_contract", waiting.clone()), "E-CONTRACT-008");
    let digest = office.does(&ann, "get_contract", waiting.clone())["digest"].clone();
    let anew = office.does(&ann, "publish_contract", waiting.clone());
    assert_eq!((&anew["number"], &anew["digest"]), (&json!(2), &digest), "the same bytes under the same number");
    // Approvals made with the old key do not count either: their signers sign again.
    let refusal = office.ask(&ann, "activate_contract", waiting.clone()).unwrap().body;
    assert_eq!(refusal["discounted"], json!(["retired_key", "retired_key"]));
    for key in [&bob, &eve] {
        office.does(key, "sign_contract", waiting.clone());
    }
    assert_eq!(office.does(&ann, "activate_contract", waiting)["state"], "active");
    assert_eq!(office.audited("contract_signed_anew"), "1");
}

#[test]
fn a_rotation_ends_when_what_is_in_force_was_signed_anew() {
    let server = OwnServer::start(&Options::default());
    let mut office = Office::on(&server);
    let (ann, project) = (office.ann.clone(), office.project.clone());
    let id = office.activated(&agent("bot", "One."));
    let mut warm = server.superuser();
    run_of_bot(&mut warm, &project);
    let held = claims(&warm.within(&project, "select awooop.claim_runs('w')")).pop().unwrap();
    run_of_bot(&mut warm, &project);
    change(&server, |keyring| {
        keyring.add("contract-2", Use::Contract).unwrap();
        keyring.make_current("contract-2").unwrap();
    });
    let both = server.read_keyring().reveal();
    // The old key removed too early: nobody can vouch, in sessions that had seen it neither; nothing that waits is lost.
    let without_the_old = |text: &str| {
        let mut keyring: Value = serde_json::from_str(text).unwrap();
        keyring["keys"].as_array_mut().unwrap().retain(|key| key["id"] != "contract-1");
        keyring.to_string()
    };
    server.write_keyring(&without_the_old(&both));
    // A worker keeps its lease: for want of a key nothing is lost, and nothing goes on.
    assert_eq!(warm.within(&project, &held.sql("heartbeat", ""))["held"].as_array().map(Vec::len), Some(1));
    assert_eq!(warm.within(&project, &held.sql("record_step", ", 's'"))["code"], "E-AGENT-005");
    for session in [&mut warm, &mut server.superuser()] {
        assert_eq!(run_of_bot(session, &project)["reason"], "unknown_key");
        assert_eq!(session.within(&project, "select awooop.claim_runs('w', 10)")["runs"], json!([]));
    }
    let waiting = format!(
        "select state || attempts from awooop.run_state where project_id = '{project}' and run_id <> '{}'",
        held.run
    );
    assert_eq!(office.sql(&waiting), "pending0");
    // With both, publication and activation are signed anew; then the old one can go.
    server.write_keyring(&both);
    office.does(&ann, "publish_contract", json!({"revision_id": id}));
    assert_eq!(office.audited("contract_signed_anew"), "2");
    server.write_keyring(&without_the_old(&both));
    office.sql(&format!("update awooop.run_state set available_at = now() where project_id = '{project}'"));
    office.sql(&format!("update awooop.run_ready set available_at = now() where project_id = '{project}'"));
    for session in [&mut warm, &mut server.superuser()] {
        assert_eq!(run_of_bot(session, &project)["state"], "pending");
    }
    assert_eq!(warm.within(&project, "select awooop.claim_runs('w', 10)")["runs"].as_array().map(Vec::len), Some(3));
    assert_eq!(warm.within(&project, &held.sql("record_step", ", 's'"))["outcome"], "recorded");
}

#[test]
fn without_a_key_nothing_is_published_signed_or_run_and_doctor_says_so() {
    let server = OwnServer::start(&Options::default());
    let mut office = Office::on(&server);
    let (ann, bob, project) = (office.ann.clone(), office.bob.clone(), office.project.clone());
    office.activated(&agent("bot", "One."));
    let draft = json!({"revision_id": office.drafted(&agent("bot", "Two."))});
    let published = json!({"revision_id": office.published(&agent("bot", "Three."))});
    run_of_bot(&mut server.superuser(), &project);
    let whole = server.read_keyring().reveal();
    // No current contract key: nothing new is signed, and what was signed holds.
    change(&server, |keyring| keyring.retire("contract-1").unwrap());
    assert_eq!(office.code(&ann, "publish_contract", draft.clone()), "E-CONTRACT-004");
    let told = "select finding || remedy from awooop.doctor() where finding like '%contract%'";
    let found = office.sql(told);
    assert!(found.contains("no current contract key") && found.contains("keyring add"), "{found}");
    assert_eq!(run_of_bot(&mut server.superuser(), &project)["state"], "pending");
    // No keyring at all: nobody can say what is in force, so nothing is.
    let file = server.keyring().display().to_string();
    server.shell(&format!("mv {file} {file}.away"));
    assert_eq!(office.code(&ann, "publish_contract", draft), "E-CONTRACT-004");
    assert_eq!(office.code(&bob, "sign_contract", published), "E-CONTRACT-008");
    let mut fresh = server.superuser();
    let refusal = run_of_bot(&mut fresh, &project);
    assert_eq!((&refusal["code"], &refusal["reason"]), (&json!("E-CONTRACT-008"), &json!("unknown_key")));
    // Runs that wait are not given out, and wait on.
    assert_eq!(fresh.within(&project, "select awooop.claim_runs('w', 10)")["runs"], json!([]));
    server.write_keyring(&whole);
    let mut fresh = server.superuser();
    let claimed = fresh.within(&project, "select awooop.claim_runs('w', 10)");
    assert_eq!(claimed["runs"].as_array().map(Vec::len), Some(2));
    eventually("doctor is content", || office.sql(told).is_empty());
}

#[test]
fn a_key_of_another_installation_vouches_for_nothing() {
    let server = OwnServer::start(&Options::default());
    let mut office = Office::on(&server);
    let project = office.project.clone();
    let id = office.activated(&agent("bot", "One."));
    let ann = office.ann.clone();
    for (name, reason) in [("awooop.test", "bad"), ("another.test", "unknown_key")] {
        server.write_keyring(&Keyring::create(name).unwrap().reveal());
        let refusal = run_of_bot(&mut server.superuser(), &project);
        assert_eq!((&refusal["code"], &refusal["reason"]), (&json!("E-CONTRACT-008"), &json!(reason)), "{name}");
        let verified = office.does(&ann, "verify_contract", json!({"revision_id": id}));
        assert_eq!((&verified["ok"], &verified["published"]), (&json!(false), &json!(reason)), "{name}");
    }
}

#[test]
fn a_signature_that_is_older_than_the_policy_allows_does_not_count() {
    let server = OwnServer::start(&Options::default());
    let mut office = Office::on(&server);
    let (ann, bob, project) = (office.ann.clone(), office.bob.clone(), office.project.clone());
    for principal in ["bob", "eve"] {
        office.admin.within(&project, &format!("select awooop.grant_principal_role('{principal}', 'security')"));
    }
    let mut short = policy(2, &["security"]);
    short["activation"]["signature_days"] = 1.into();
    office.activated(&short);
    let id = office.published(&agent("bot", "Answers."));
    office.does(&bob, "sign_contract", json!({"revision_id": id}));
    // Eve signed the day before yesterday: the test has the platform's key, and signs as the platform would have.
    let exported = office.does(&ann, "export_contract", json!({"revision_id": id}));
    let revision = ExportedContract::from_value(exported).unwrap().revision;
    let (keyring, key_id) = (server.read_keyring(), office.eve.split('.').nth(1).unwrap().to_owned());
    let signer = keyring.contract_signer().unwrap();
    for (hours, discount) in [(23, Value::Null), (25, json!("expired"))] {
        let signed_at = office.sql(&format!(
            "select to_char((now() - interval '{hours} hours') at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        ));
        let mut signature = Signature {
            signature_id: uuid::Uuid::now_v7().to_string(),
            purpose: Purpose::Approve,
            principal_id: "eve".into(),
            credential: format!("key:{key_id}"),
            signed_at: signed_at.clone(),
            key_id: signer.key_id(),
            mac: String::new(),
        };
        signature.mac = hex::encode(signer.sign(signature.statement(&revision).unwrap().as_bytes()));
        office.sql(&format!(
            "begin; alter table awooop.contract_signatures disable trigger append_only;
             delete from awooop.contract_signatures where principal_id = 'eve' and revision_id = '{0}';
             alter table awooop.contract_signatures enable always trigger append_only;
             insert into awooop.contract_signatures values ('{project}', '{0}', '{1}', 'approve', 'eve', '{2}', '{3}', '{4}',
                 decode('{5}', 'hex')); commit",
            text(&id), signature.signature_id, signature.credential, signed_at, signature.key_id, signature.mac
        ));
        let verified = office.does(&ann, "verify_contract", json!({"revision_id": id}));
        let of_eve =
            verified["signatures"].as_array().unwrap().iter().find(|one| one["principal_id"] == "eve").unwrap().clone();
        assert_eq!((&of_eve["verdict"], &of_eve["discounted"]), (&json!("good"), &discount), "{hours} hours");
    }
    assert_eq!(office.code(&ann, "activate_contract", json!({"revision_id": id})), "E-CONTRACT-005");
}
