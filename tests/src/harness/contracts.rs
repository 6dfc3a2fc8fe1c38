//! Active contracts for tests that are about something else: an agent without one cannot run.

use serde_json::{Value, json};

use super::{Session, literal};

/// The smallest contract of an agent.
pub fn agent_contract(name: &str) -> Value {
    json!({
        "kind": "agent", "contract_version": 1, "name": name, "purpose": "Answers questions.", "autonomy": "act",
        "model": {"provider": "anthropic", "name": "claude-sonnet-4-5", "max_output_tokens": 1024}
    })
}

/// Registers the agent and makes the smallest contract of it active.
#[track_caller]
pub fn add_agent(admin: &mut Session, project: &str, name: &str) {
    admin.within(project, &format!("select awooop.create_agent({})", literal(name)));
    activate(admin, project, &agent_contract(name));
}

/// Makes a contract the active one, before the project has a policy: drafted and published by the superuser `admin`,
/// signed by two hands who leave afterwards, so that the project's keys and principals are the test's own. Returns the
/// revision's id.
#[track_caller]
pub fn activate(admin: &mut Session, project: &str, document: &Value) -> String {
    let (kind, document) = (document["kind"].as_str().expect("a kind"), literal(&document.to_string()));
    let project = literal(project);
    admin.run(&format!(
        "do $activate$
         declare
             revision text;
             hand text;
             answer record;
         begin
             perform awooop.enter_project({project});
             revision := awooop.draft_contract('{kind}', {document}) ->> 'revision_id';
             perform awooop.publish_contract(revision::uuid);
             foreach hand in array array['left.hand', 'right.hand'] loop
                 select c.* into answer from awooop.call({project},
                     awooop.create_api_key('hand', array['contracts:sign'], principal_id => hand) ->> 'api_key',
                     'sign_contract', json_build_object('revision_id', revision)::text) c;
                 assert answer.status = 200, answer.body;
             end loop;
             assert awooop.activate_contract(revision::uuid) ->> 'state' = 'active', 'it was not activated';
             delete from awooop.api_keys where project_id = {project} and principal_id like '%.hand';
             delete from awooop.principals where project_id = {project} and principal_id like '%.hand';
         end
         $activate$"
    ));
    admin.value(&format!(
        "select revision_id from awooop.active_contracts where project_id = {project} and kind = '{kind}'
         order by since desc limit 1"
    ))
}

/// Who does something in [`every_operation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// Writes contracts, and may do everything else.
    Owner,
    /// Two others, who sign.
    Left,
    Right,
}

/// Uses every operation on contracts and principals once at least, and leaves the agent `name` able to run. `does` carries
/// an operation out and returns its answer.
pub fn every_operation(name: &str, mut does: impl FnMut(Hand, &str, Value) -> Value) {
    use Hand::{Left, Owner, Right};
    let document = agent_contract(name);
    let checked = does(Owner, "validate_contract", json!({"kind": "agent", "document": {"kind": "agent"}}));
    assert_eq!(checked["valid"], false);
    let drafted = does(Owner, "draft_contract", json!({"kind": "agent", "document": {"kind": "agent", "name": name}}));
    let (id, digest) = (&drafted["revision_id"], &drafted["digest"]);
    assert_ne!(drafted["violations"], json!([]));
    let edited = does(Owner, "edit_contract", json!({"revision_id": id, "document": document, "digest": digest}));
    assert_eq!(edited["violations"], json!([]));
    let revision = json!({"revision_id": id});
    assert_eq!(does(Owner, "publish_contract", revision.clone())["number"], 1);
    let roles = does(Owner, "list_principals", json!({}))["items"].clone();
    let mut others = roles.as_array().expect("principals").iter().filter(|one| one["roles"] == json!([]));
    let signer = others.next_back().expect("a principal")["principal_id"].clone();
    for (operation, expected) in [("grant_principal_role", json!(["auditor"])), ("revoke_principal_role", json!([]))] {
        let answer = does(Left, operation, json!({"principal_id": signer, "role": "auditor"}));
        assert_eq!(answer["roles"], expected);
    }
    for (hand, counted) in [(Left, 1), (Right, 2)] {
        let signed = does(hand, "sign_contract", json!({"revision_id": id, "digest": edited["digest"]}));
        assert_eq!(signed["approvals"], json!({"counted": counted, "needed": 2, "roles": null}));
    }
    assert_eq!(does(Owner, "activate_contract", revision.clone())["state"], "active");
    let contract = json!({"kind": "agent", "name": name});
    assert_eq!(does(Owner, "active_contract", contract.clone())["document"], document);
    assert_eq!(does(Owner, "get_contract", revision.clone())["signatures"].as_array().map(Vec::len), Some(4));
    assert_eq!(does(Owner, "verify_contract", revision.clone())["ok"], true);
    let exported = does(Owner, "export_contract", revision.clone());
    let imported = does(Owner, "import_contract", json!({"exported": exported}));
    assert_eq!((&imported["imported_signature"], &imported["state"]), (&json!("good"), &json!("draft")));
    let again = json!({"revision_id": imported["revision_id"]});
    assert_eq!(does(Owner, "diff_contracts", again.clone())["patch"], json!([]));
    assert_eq!(does(Owner, "publish_contract", again.clone())["number"], 2);
    let mut reason = again;
    reason["reason"] = "a copy".into();
    assert_eq!(does(Owner, "revoke_contract", reason)["state"], "revoked");
    let other = does(Owner, "draft_contract", json!({"kind": "agent", "document": document}));
    let discarded = does(Owner, "discard_contract", json!({"revision_id": other["revision_id"]}));
    assert_eq!(discarded["discarded"], true);
    assert_eq!(does(Owner, "contract_history", contract)["items"].as_array().map(Vec::len), Some(2));
    let listed = does(Owner, "list_contracts", json!({"kind": "agent", "page_size": 200}))["items"].to_string();
    assert!(listed.contains(&id.to_string()), "{listed}");
}
