//! Whose hand a subject is, and that nobody becomes somebody else's subjects by registering an issuer again.

use serde_json::json;

use super::stage::{CEILING, Stage};
use crate::harness::contracts::agent_contract;
use crate::harness::platform::login_in;
use crate::harness::{Session, literal};

/// Whose hand a principal is.
fn hand(stage: &mut Stage, principal: &str) -> String {
    let listed = stage.actor.call("select awooop.list_principals()");
    let found = listed["items"].as_array().unwrap().iter().find(|one| one["principal_id"] == principal).cloned();
    found.unwrap_or_else(|| panic!("{principal} is not there: {listed}"))["hand"].as_str().unwrap().to_owned()
}

fn subject(stage: &Stage, name: &str) -> (String, String) {
    let token = stage.signer.token(&stage.with("sub", json!(name)));
    (token, format!("token:{}#{name}", stage.issuer))
}

fn operator(stage: &Stage) -> Session {
    login_in(Some(&stage.project.database), &["awooop_operator"]).1
}

fn remove(stage: &Stage) -> String {
    format!("select awooop.remove_token_issuer({})", literal(&stage.issuer))
}

#[test]
fn subjects_are_the_hand_of_who_registered_their_issuer_or_their_own_under_an_operator() {
    let mut stage = Stage::new();
    let registrar = stage.actor.call("select awooop.whoami()")["principal_id"].as_str().unwrap().to_owned();
    for name in ["ada", "bob"] {
        let (token, principal) = subject(&stage, name);
        assert_eq!(stage.whoami(&token)["principal_id"], principal);
        assert_eq!(hand(&mut stage, &principal), registrar);
    }
    let mut operator = operator(&stage);
    operator.within(&stage.project.id, &stage.registering(CEILING, ""));
    let (token, principal) = subject(&stage, "carol");
    stage.whoami(&token);
    assert_eq!(hand(&mut stage, &principal), principal);
    // Whose hand somebody is never changes.
    let (token, principal) = subject(&stage, "ada");
    stage.whoami(&token);
    assert_eq!(hand(&mut stage, &principal), registrar);
}

#[test]
fn who_may_register_issuers_does_not_become_the_subjects_of_somebody_elses() {
    let mut stage = Stage::new();
    let (ada, _) = subject(&stage, "ada");
    stage.whoami(&ada);
    let thief = stage.key("thief", "keys:admin,runs:read,tools:read", "");
    let (status, refused) = stage.register_with(&thief, &["runs:read"]);
    assert_eq!((status, &refused["code"]), (403, &json!("E-ISSUER-002")));
    let recorded = stage.admin.value(&format!(
        "select count(*) from awooop.audit_log where project_id = '{}' and code = 'E-ISSUER-002' and principal_id = 'thief'",
        stage.project.id
    ));
    assert_eq!(recorded, "1");
    // Removed, which is only taking away, and registered again with a key set of the thief's own.
    let arguments = json!({"issuer": stage.issuer});
    assert_eq!(stage.ask(&thief, "remove_token_issuer", &arguments).status, 200);
    assert_eq!(stage.register_with(&thief, &["runs:read"]).0, 200);
    stage.publish();
    stage.refused(&ada, "ada, as whoever registered the issuer again");
    let (mallory, principal) = subject(&stage, "mallory");
    stage.whoami(&mallory);
    assert_eq!(hand(&mut stage, &principal), hand(&mut stage, "thief"));
    // Nobody but an operator gives ada back, and mallory stays the thief's hand.
    let mut operator = operator(&stage);
    operator.within(&stage.project.id, &stage.registering(CEILING, ""));
    stage.whoami(&ada);
    assert_eq!(hand(&mut stage, &principal), hand(&mut stage, "thief"));
    let again = stage.register_with(&thief, &["runs:read"]);
    assert_eq!(again.1["code"], "E-ISSUER-002", "what an operator registered an operator changes");
    let registering = stage.registering(CEILING, "");
    assert_eq!(stage.actor.code(&registering), "E-ISSUER-002");
}

#[test]
fn an_administrator_who_registers_an_issuer_signs_nothing_by_its_subjects() {
    let mut stage = Stage::new();
    let registering = stage.registering("contracts:sign,contracts:read", "");
    stage.actor.call(&registering);
    let revision = draft(&mut stage);
    for name in ["ada", "bob"] {
        let mut claims = stage.with("sub", json!(name));
        claims["scope"] = json!("contracts:sign");
        let token = stage.signer.token(&claims);
        let refused = stage.ask(&token, "sign_contract", &json!({"revision_id": revision}));
        assert_eq!(refused.body["code"], "E-CONTRACT-006", "{}", refused.body);
    }
}

#[test]
fn people_of_an_operators_issuer_sign_and_count_while_it_may_let_them() {
    let mut stage = Stage::new();
    let mut operator = operator(&stage);
    stage.actor.call(&remove(&stage));
    operator.within(&stage.project.id, &stage.registering("contracts:sign,contracts:read", ""));
    stage.publish();
    let revision = draft(&mut stage);
    let arguments = json!({"revision_id": revision});
    let sign = |stage: &mut Stage, name: &str| {
        let mut claims = stage.with("sub", json!(name));
        claims["scope"] = json!("contracts:sign");
        let token = stage.signer.token(&claims);
        stage.ask(&token, "sign_contract", &arguments).body
    };
    assert_eq!(sign(&mut stage, "ada")["approvals"]["counted"], 1);
    assert_eq!(sign(&mut stage, "ada")["code"], "E-CONTRACT-007");
    assert_eq!(sign(&mut stage, "bob")["approvals"]["counted"], 2);
    let stored = stage.admin.value(&format!(
        "select string_agg(distinct credential, ' ') from awooop.contract_signatures
         where revision_id = '{revision}' and purpose = 'approve'"
    ));
    assert_eq!(stored, format!("issuer:{}", stage.issuer));
    let activate = format!("select awooop.activate_contract('{revision}')");
    operator.within(&stage.project.id, &stage.registering("contracts:read", ""));
    assert_eq!(stage.actor.code(&activate), "E-CONTRACT-005");
    operator.within(&stage.project.id, &stage.registering("contracts:sign", ""));
    assert_eq!(stage.actor.call(&activate)["state"], "active");
}

/// A published revision of another agent's contract, by the project's administrator.
fn draft(stage: &mut Stage) -> String {
    let name = "signed-by-tokens";
    stage.actor.call(&format!("select awooop.create_agent('{name}')"));
    let document = literal(&agent_contract(name).to_string());
    let drafted = stage.actor.call(&format!("select awooop.draft_contract('agent', {document})"));
    let revision = drafted["revision_id"].as_str().unwrap().to_owned();
    stage.actor.call(&format!("select awooop.publish_contract('{revision}')"));
    revision
}
