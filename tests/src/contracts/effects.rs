//! What the activation of a project's contract and of its policy changes, and what publication refuses for the project's
//! sake.

use serde_json::{Value, json};

use super::stage::{Office, agent, policy};
use crate::harness::platform_logins::Reply;
use crate::harness::quiet::text;

fn project_contract(office: &Office, mode: &str) -> Value {
    json!({
        "kind": "project", "contract_version": 1, "name": office.project, "migration_mode": mode,
        "owners": [{"principal_id": "ann", "responsibility": "accountable"}], "retention": {"run_days": 12}
    })
}

fn project_row(office: &mut Office) -> String {
    let project = office.project.clone();
    office.sql(&format!(
        "select migration_mode || ' ' || retention_days from awooop.projects where project_id = '{project}'"
    ))
}

#[test]
fn a_projects_contract_takes_its_mode_back_and_keeps_it_there() {
    let mut office = Office::new();
    let (ann, project) = (office.ann.clone(), office.project.clone());
    assert_eq!(project_row(&mut office), "active 90");
    let contract = project_contract(&office, "suggest");
    let id = office.activated(&contract);
    assert_eq!(project_row(&mut office), "suggest 12");
    let set = |mode: &str| format!("select awooop.set_project_mode('{project}', '{mode}')");
    let failure = office.admin.failure(&set("active"));
    assert_eq!(failure.code(), "E-CONTRACT-014");
    assert!(failure.detail.contains(&format!("project/{project}")), "{failure:?}");
    office.sql(&set("shadow"));
    assert_eq!(project_row(&mut office), "shadow 12", "an operator may hold it at an earlier mode");
    // A later contract allows more and does not move it: that is the operator's.
    let contract = project_contract(&office, "active");
    office.activated(&contract);
    assert_eq!(project_row(&mut office), "shadow 12");
    office.sql(&set("active"));
    assert_eq!(office.state(&id), "superseded");
    assert_eq!(office.code(&ann, "activate_contract", json!({"revision_id": id})), "E-CONTRACT-003");
}

#[test]
fn a_policy_sets_what_is_redacted_and_nobody_changes_it_alone() {
    let mut office = Office::new();
    let project = office.project.clone();
    let redacts = office.key("red", "redaction:admin");
    office.does(&redacts, "set_redaction_rule", json!({"rule_id": "old", "family": "secret", "shape": "OLD-[0-9]{4}"}));
    let mut strict = policy(2, &["security"]);
    strict["redaction"] = json!({
        "families": {"email": "allow", "ip": "redact"},
        "rules": {"member": {"family": "national_id", "shape": "EW-[0-9]{8}", "keywords": ["EW-"]}}
    });
    let id = office.activated(&strict);
    let text_of = |office: &mut Office| {
        text(
            &office
                .admin
                .within(&project, "select to_json(awooop.redact('a@b.example OLD-1234 EW-12345678 10.1.2.3'))"),
        )
    };
    assert_eq!(text_of(&mut office), "a@b.example OLD-1234 [REDACTED:national_id] [REDACTED:ip]");
    for (operation, arguments) in [
        ("set_redaction_family", json!({"family": "email", "mode": "redact"})),
        ("set_redaction_rule", json!({"rule_id": "new", "family": "secret", "shape": "X-[0-9]{4}"})),
        ("remove_redaction_rule", json!({"rule_id": "member"})),
    ] {
        let Reply { body, .. } = office.ask(&redacts, operation, arguments).unwrap();
        assert_eq!(
            (&body["code"], &body["contract"]),
            (&json!("E-CONTRACT-014"), &json!("policy/default")),
            "{operation}"
        );
    }
    // Revoking it makes nothing easier; the next policy leaves it to single hands again.
    let ann = office.ann.clone();
    office.does(&ann, "revoke_contract", json!({"revision_id": id}));
    let remove = json!({"rule_id": "member"});
    assert_eq!(office.code(&redacts, "remove_redaction_rule", remove.clone()), "E-CONTRACT-014");
    for principal in ["bob", "eve"] {
        office.admin.within(&project, &format!("select awooop.grant_principal_role('{principal}', 'security')"));
    }
    office.activated(&policy(2, &["security"]));
    office.does(&redacts, "remove_redaction_rule", remove);
    assert_eq!(text_of(&mut office), "a@b.example OLD-1234 EW-12345678 [REDACTED:ip]");
}

/// Waits until somebody waits for a lock with a statement that holds this text.
fn until_it_waits(office: &mut Office, text: &str) {
    let waiting = format!(
        "select count(*) > 0 from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock' and query like '%{text}%'"
    );
    crate::harness::answer::eventually("the wait", || office.sql(&waiting) == "t");
}

#[test]
fn what_a_contract_seals_is_not_slipped_past_while_it_is_being_activated() {
    let mut office = Office::new();
    let (project, database) = (office.project.clone(), office.sql("select current_database()"));
    let mut strict = policy(2, &["security"]);
    strict["redaction"] = json!({"families": {"email": "redact"}});
    let contract = project_contract(&office, "shadow");
    for (document, change, expected) in [
        (strict, "select awooop.set_redaction_family('email', 'allow')".to_owned(), "E-CONTRACT-014"),
        (contract, format!("select awooop.set_project_mode('{project}', 'suggest')"), "E-CONTRACT-014"),
    ] {
        let id = text(&office.signed(&document));
        let mut activating = crate::harness::quiet::superuser_in(&database);
        activating
            .run(&format!("begin; select awooop.enter_project('{project}'); select awooop.activate_contract('{id}')"));
        let code = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let mut session = crate::harness::quiet::superuser_in(&database);
                match session.try_within(&project, &change) {
                    Ok(answer) => answer["code"].as_str().unwrap_or("done").to_owned(),
                    Err(failure) => failure.code(),
                }
            });
            until_it_waits(&mut office, change.split('(').next().unwrap_or_default());
            activating.run("commit");
            waiting.join().expect("an answer")
        });
        assert_eq!(code, expected, "{change}");
        for principal in ["bob", "eve"] {
            office.admin.within(&project, &format!("select awooop.grant_principal_role('{principal}', 'security')"));
        }
    }
}

/// The pointers of what keeps a document from being published.
fn wrong(office: &mut Office, document: &Value) -> Vec<String> {
    let ann = office.ann.clone();
    let checked = office.does(&ann, "validate_contract", json!({"kind": document["kind"], "document": document}));
    let violations = checked["violations"].as_array().unwrap();
    assert_eq!(checked["valid"], violations.is_empty());
    // What validation says, publication does.
    let id = office.drafted(document);
    let publish = office.ask(&ann, "publish_contract", json!({"revision_id": id}));
    assert_eq!(publish.is_ok(), violations.is_empty(), "{publish:?}");
    violations.iter().map(|violation| text(&violation["pointer"])).collect()
}

#[test]
fn a_credential_of_another_namespace_cannot_be_named_until_an_operator_allows_it() {
    let mut office = Office::new();
    let project = office.project.clone();
    let mut contract = agent("bot", "Answers.");
    let mut naming = |office: &mut Office, namespace: &str| {
        contract["model"]["credential"] = format!("k8s://{namespace}/models/key").into();
        wrong(office, &contract)
    };
    assert_eq!(naming(&mut office, "kube-system"), ["/model/credential"]);
    assert_eq!(naming(&mut office, "shared-models"), ["/model/credential"]);
    let allow = |names: &str| format!("select awooop.set_credential_namespaces('{project}', array[{names}]::text[])");
    office.sql(&allow("'shared-models'"));
    assert_eq!(naming(&mut office, "shared-models"), [""; 0]);
    assert_eq!(naming(&mut office, "kube-system"), ["/model/credential"]);
    // What was taken back before the activation is not activated.
    contract["model"]["credential"] = "k8s://shared-models/models/key".into();
    let (ann, id) = (office.ann.clone(), office.signed(&contract));
    office.sql(&allow(""));
    assert_eq!(office.code(&ann, "activate_contract", json!({"revision_id": id})), "E-CONTRACT-001");
    for names in ["'a b'", "null", "''"] {
        assert_eq!(office.admin.code(&allow(names)), "E-INPUT-001", "{names}");
    }
}

#[test]
fn a_contract_is_no_place_for_a_credential() {
    let mut office = Office::new();
    let mut contract = agent("bot", "Answers.");
    // Made up, in the form of one.
    let key = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
    contract["instructions"] = format!("Call the API with the token {key} and answer.").into();
    assert_eq!(wrong(&mut office, &contract), ["/instructions"]);
    let ann = office.ann.clone();
    let told = office.does(&ann, "validate_contract", json!({"kind": "agent", "document": contract}));
    assert!(!told.to_string().contains(&key), "{told}");
    contract["instructions"] = "Never ask for a password. Write to help@shop.example.".into();
    assert_eq!(wrong(&mut office, &contract), [""; 0]);
}

#[test]
fn what_only_the_server_or_the_redactor_can_judge_is_judged_before_publication() {
    let mut office = Office::new();
    let mut zone = project_contract(&office, "active");
    for (name, valid) in [("Asia/Taipei", true), ("UTC", true), ("Atlantis/Poseidonis", false)] {
        zone["time_zone"] = name.into();
        assert_eq!(wrong(&mut office, &zone).is_empty(), valid, "{name}");
    }
    let mut of_another = project_contract(&office, "active");
    of_another["name"] = "another-project".into();
    assert_eq!(wrong(&mut office, &of_another), ["/name"]);
    let mut second = policy(2, &["security"]);
    second["name"] = "second".into();
    assert_eq!(wrong(&mut office, &second), ["/name"]);
    let mut rules = policy(2, &["security"]);
    for shape in ["(", "x*", "(?:[a-z]{1,200}){1,200}"] {
        rules["redaction"] = json!({"rules": {"r": {"family": "secret", "shape": shape}}});
        assert_eq!(wrong(&mut office, &rules), ["/redaction/rules/r/shape"], "{shape}");
    }
    let mut tool = super::stage::full(awooop_contracts::Kind::Tool, "look_up__shop");
    tool.as_object_mut().unwrap().remove("credential");
    tool["input_schema"] = json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/nothing"}}});
    assert_eq!(wrong(&mut office, &tool).len(), 1);
}
