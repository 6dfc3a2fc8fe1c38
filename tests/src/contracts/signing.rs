//! Whose signatures count: distinct hands, in the roles of the policy, never an author's, never twice, and only while the
//! credential and the key that made them are good.

use serde_json::json;

use super::stage::{Office, SIGNS, WRITES, agent, policy};
use crate::harness::quiet::text;

#[test]
fn two_distinct_hands_must_sign_before_anything_becomes_active() {
    let mut office = Office::new();
    let (ann, bob, eve) = (office.ann.clone(), office.bob.clone(), office.eve.clone());
    let id = json!({"revision_id": office.published(&agent("bot", "Answers."))});
    let refusal = office.ask(&ann, "activate_contract", id.clone()).unwrap().body;
    assert_eq!(
        (&refusal["code"], &refusal["counted"], &refusal["needed"]),
        (&json!("E-CONTRACT-005"), &json!(0), &json!(2))
    );
    office.does(&bob, "sign_contract", id.clone());
    assert_eq!(office.code(&ann, "activate_contract", id.clone()), "E-CONTRACT-005");
    // Another credential of the same person counts as that person.
    let bobs_other = office.key("bob", SIGNS);
    assert_eq!(office.code(&bobs_other, "sign_contract", id.clone()), "E-CONTRACT-007");
    assert_eq!(office.code(&bob, "sign_contract", id.clone()), "E-CONTRACT-007");
    assert_eq!(office.code(&ann, "activate_contract", id.clone()), "E-CONTRACT-005");
    assert_eq!(office.does(&eve, "sign_contract", id.clone())["approvals"]["counted"], 2);
    assert_eq!(office.does(&ann, "activate_contract", id.clone())["state"], "active");
    assert_eq!(office.does(&ann, "activate_contract", id)["state"], "active", "once more changes nothing");
    assert_eq!(office.audited("contract_activated"), "2", "the harness activated one");
}

#[test]
fn nobody_who_wrote_the_draft_may_sign_it() {
    let mut office = Office::new();
    let id = office.drafted(&agent("bot", "One."));
    let (cat, cat_signs) = (office.key("cat", WRITES), office.key("cat", SIGNS));
    office.does(&cat, "edit_contract", json!({"revision_id": id, "document": agent("bot", "Two.")}));
    let ann_signs = office.key("ann", SIGNS);
    // Whoever publishes it has not written it.
    let bob_publishes = office.key("bob", WRITES);
    office.does(&bob_publishes, "publish_contract", json!({"revision_id": id}));
    for author in [ann_signs, cat_signs] {
        assert_eq!(office.code(&author, "sign_contract", json!({"revision_id": id})), "E-CONTRACT-006");
    }
    let bob = office.bob.clone();
    assert_eq!(office.does(&bob, "sign_contract", json!({"revision_id": id}))["approvals"]["counted"], 1);
}

#[test]
fn nobody_becomes_several_hands_by_making_keys() {
    let mut office = Office::new();
    let bob = office.bob.clone();
    let mallory = office.key("mallory", &format!("{WRITES},{SIGNS},keys:admin"));
    // Mallory brings two services into being, and one of them a third.
    let made = |office: &mut Office, maker: &str, principal: &str, scopes: &str| {
        let scopes: Vec<&str> = scopes.split(',').collect();
        let arguments = json!({"name": "k", "scopes": scopes, "principal_id": principal});
        text(&office.does(maker, "create_api_key", arguments)["api_key"])
    };
    let first = made(&mut office, &mallory, "svc.one", &format!("{SIGNS},keys:admin"));
    let second = made(&mut office, &mallory, "svc.two", SIGNS);
    let third = made(&mut office, &first, "svc.three", SIGNS);
    let anonymous =
        text(&office.does(&mallory, "create_api_key", json!({"name": "k", "scopes": ["contracts:sign"]}))["api_key"]);
    // Of what Mallory wrote, none of them is another hand.
    let own = office.does(&mallory, "draft_contract", json!({"kind": "agent", "document": agent("own", "Mine.")}));
    let own = json!({"revision_id": own["revision_id"]});
    office.does(&mallory, "publish_contract", own.clone());
    for puppet in [&first, &second, &third, &anonymous] {
        assert_eq!(office.code(puppet, "sign_contract", own.clone()), "E-CONTRACT-006");
    }
    // Of what Ann wrote, all of them are one.
    let anns = json!({"revision_id": office.published(&agent("bot", "Answers."))});
    assert_eq!(office.does(&second, "sign_contract", anns.clone())["approvals"]["counted"], 1);
    for puppet in [&first, &third, &anonymous, &mallory] {
        assert_eq!(office.code(puppet, "sign_contract", anns.clone()), "E-CONTRACT-007");
    }
    assert_eq!(office.code(&mallory, "activate_contract", anns.clone()), "E-CONTRACT-005");
    office.does(&bob, "sign_contract", anns.clone());
    assert_eq!(office.does(&mallory, "activate_contract", anns)["state"], "active");
}

#[test]
fn a_signature_of_a_revoked_expired_or_rotated_credential_does_not_count() {
    for end in ["revoke", "expire", "rotate"] {
        let mut office = Office::new();
        let (ann, eve) = (office.ann.clone(), office.eve.clone());
        let signed = office.signed(&agent("bot", "Answers."));
        let id = json!({"revision_id": signed});
        let key_id = office.eve.split('.').nth(1).unwrap().to_owned();
        let (project, sql) = (
            office.project.clone(),
            match end {
                "revoke" => format!("select awooop.revoke_api_key('{key_id}')"),
                "rotate" => format!("select awooop.rotate_api_key('{key_id}')"),
                _ => format!(
                    "update awooop.api_keys set expires_at = clock_timestamp() where key_id = '{key_id}' returning '1'"
                ),
            },
        );
        let answer = office.admin.within(&project, &sql);
        let refusal = office.ask(&ann, "activate_contract", id.clone()).unwrap().body;
        assert_eq!(
            (&refusal["code"], &refusal["discounted"]),
            (&json!("E-CONTRACT-005"), &json!(["credential"])),
            "{end}"
        );
        assert_eq!(office.code(&eve, "sign_contract", id.clone()), "E-AUTH-001", "{end}");
        // With a good credential the same person signs again.
        let again = if end == "rotate" { text(&answer["api_key"]) } else { office.key("eve", SIGNS) };
        assert_eq!(office.does(&again, "sign_contract", id.clone())["approvals"]["counted"], 2, "{end}");
        assert_eq!(office.does(&ann, "activate_contract", id)["state"], "active");
    }
}

#[test]
fn a_signature_is_for_the_document_that_was_seen() {
    let mut office = Office::new();
    let bob = office.bob.clone();
    let id = office.published(&agent("bot", "Answers."));
    let other = json!({"revision_id": id, "digest": format!("sha256:{}", "0".repeat(64))});
    assert_eq!(office.code(&bob, "sign_contract", other), "E-CONTRACT-012");
    let digest = office.does(&bob, "get_contract", json!({"revision_id": id}))["digest"].clone();
    office.does(&bob, "sign_contract", json!({"revision_id": id, "digest": digest}));
}

#[test]
fn only_what_is_published_can_be_signed_or_activated() {
    let mut office = Office::new();
    let (ann, bob) = (office.ann.clone(), office.bob.clone());
    let draft = json!({"revision_id": office.drafted(&agent("bot", "One."))});
    assert_eq!(office.code(&bob, "sign_contract", draft.clone()), "E-CONTRACT-003");
    assert_eq!(office.code(&ann, "activate_contract", draft.clone()), "E-CONTRACT-003");
    assert_eq!(office.code(&ann, "revoke_contract", draft.clone()), "E-CONTRACT-003");
    assert_eq!(office.code(&ann, "verify_contract", draft.clone()), "E-CONTRACT-003");
    assert_eq!(office.code(&ann, "export_contract", draft), "E-CONTRACT-003");
    let revoked = json!({"revision_id": office.signed(&agent("bot", "Two."))});
    office.does(&ann, "revoke_contract", revoked.clone());
    assert_eq!(office.code(&bob, "sign_contract", revoked.clone()), "E-CONTRACT-003");
    assert_eq!(office.code(&ann, "activate_contract", revoked.clone()), "E-CONTRACT-003");
    assert_eq!(office.code(&ann, "publish_contract", revoked.clone()), "E-CONTRACT-003");
    assert_eq!(office.does(&ann, "revoke_contract", revoked)["state"], "revoked", "once more changes nothing");
}

#[test]
fn an_older_revision_never_comes_after_a_newer_one() {
    let mut office = Office::new();
    let ann = office.ann.clone();
    let first = office.activated(&agent("bot", "One."));
    let second = office.signed(&agent("bot", "Two."));
    let third = office.activated(&agent("bot", "Three."));
    assert_eq!(office.state(&first), "superseded");
    assert_eq!(office.state(&second), "superseded", "what was signed and passed over must not come back");
    for old in [&first, &second] {
        assert_eq!(office.code(&ann, "activate_contract", json!({"revision_id": old})), "E-CONTRACT-003");
    }
    office.does(&ann, "revoke_contract", json!({"revision_id": third}));
    for old in [&first, &second] {
        assert_eq!(office.code(&ann, "activate_contract", json!({"revision_id": old})), "E-CONTRACT-003");
    }
    assert_eq!(office.code(&ann, "active_contract", json!({"kind": "agent", "name": "bot"})), "E-CONTRACT-002");
    let fourth = office.activated(&agent("bot", "One."));
    assert_eq!(office.state(&fourth), "active", "its document can be drafted anew");
}

/// Gives a role as an operator does.
fn grant(office: &mut Office, principal: &str, role: &str) {
    let project = office.project.clone();
    office.admin.within(&project, &format!("select awooop.grant_principal_role('{principal}', '{role}')"));
}

#[test]
fn the_active_policy_says_how_many_must_sign_and_in_which_roles() {
    let mut office = Office::new();
    let (ann, bob, eve) = (office.ann.clone(), office.bob.clone(), office.eve.clone());
    office.activated(&policy(3, &["security", "owner"]));
    let id = json!({"revision_id": office.published(&agent("bot", "Answers."))});
    let refusal = office.ask(&bob, "sign_contract", id.clone()).unwrap().body;
    assert_eq!((&refusal["code"], &refusal["roles"]), (&json!("E-CONTRACT-009"), &json!(["security", "owner"])));
    grant(&mut office, "bob", "security");
    grant(&mut office, "eve", "owner");
    office.does(&bob, "sign_contract", id.clone());
    let counted = office.does(&eve, "sign_contract", id.clone())["approvals"].clone();
    assert_eq!(counted, json!({"counted": 2, "needed": 3, "roles": ["security", "owner"]}));
    assert_eq!(office.code(&ann, "activate_contract", id.clone()), "E-CONTRACT-005");
    let dan = office.key("dan", SIGNS);
    grant(&mut office, "dan", "security");
    office.does(&dan, "sign_contract", id.clone());
    // A role that was taken away takes its signature with it.
    let project = office.project.clone();
    office.admin.within(&project, "select awooop.revoke_principal_role('dan', 'security')");
    let refusal = office.ask(&ann, "activate_contract", id.clone()).unwrap().body;
    assert_eq!((&refusal["counted"], &refusal["discounted"]), (&json!(2), &json!(["role"])));
    grant(&mut office, "dan", "owner");
    assert_eq!(office.does(&ann, "activate_contract", id)["state"], "active");
}

#[test]
fn a_weaker_policy_needs_the_signatures_of_the_one_in_force() {
    let mut office = Office::new();
    let ann = office.ann.clone();
    let strict = office.activated(&policy(3, &["security"]));
    for (principal, role) in [("bob", "security"), ("eve", "security")] {
        grant(&mut office, principal, role);
    }
    let weak = json!({"revision_id": office.signed(&policy(1, &["anybody"]))});
    assert_eq!(office.code(&ann, "activate_contract", weak.clone()), "E-CONTRACT-005");
    // Revoking the strict one does not make the weak one easier.
    office.does(&ann, "revoke_contract", json!({"revision_id": strict}));
    assert_eq!(office.code(&ann, "activate_contract", weak.clone()), "E-CONTRACT-005");
    let dan = office.key("dan", SIGNS);
    grant(&mut office, "dan", "security");
    office.does(&dan, "sign_contract", weak.clone());
    assert_eq!(office.does(&ann, "activate_contract", weak)["state"], "active");
}

#[test]
fn nobody_gives_a_role_to_their_own_hand() {
    let mut office = Office::new();
    let admin = office.key("admin", "principals:admin,keys:admin,contracts:sign");
    let other = office.key("other", "principals:admin");
    let role = |principal: &str| json!({"principal_id": principal, "role": "security"});
    assert_eq!(office.code(&admin, "grant_principal_role", role("admin")), "E-PRINCIPAL-002");
    office.does(&admin, "create_api_key", json!({"name": "k", "scopes": ["contracts:sign"], "principal_id": "puppet"}));
    assert_eq!(office.code(&admin, "grant_principal_role", role("puppet")), "E-PRINCIPAL-002");
    assert_eq!(office.code(&admin, "grant_principal_role", role("nobody")), "E-PRINCIPAL-001");
    assert_eq!(office.does(&other, "grant_principal_role", role("admin"))["roles"], json!(["security"]));
    assert_eq!(office.does(&other, "grant_principal_role", role("admin"))["roles"], json!(["security"]));
    let listed = office.does(&admin, "list_principals", json!({}));
    let puppet = listed["items"].as_array().unwrap().iter().find(|one| one["principal_id"] == "puppet").unwrap();
    assert_eq!(puppet["hand"], "admin");
}

#[test]
fn logins_of_the_database_sign_as_well_as_keys() {
    let mut office = Office::new();
    let (project, ann, bob) = (office.project.clone(), office.ann.clone(), office.bob.clone());
    let role = crate::harness::unique("signer");
    office.admin.run(&format!("create role {role} login"));
    office.admin.run(&format!("select awooop.bind_role('{role}', '{project}', array['contracts:sign'])"));
    let id = json!({"revision_id": office.published(&agent("bot", "Answers."))});
    let mut session = crate::harness::quiet::superuser_in(&office.sql("select current_database()"));
    session.run(&format!("set session authorization {role}"));
    let signed = session.within(
        &project,
        &format!("select awooop.sign_contract({})", crate::harness::literal(&text(&id["revision_id"]))),
    );
    assert_eq!(signed["approvals"]["counted"], 1, "{signed}");
    office.does(&bob, "sign_contract", id.clone());
    // Who cannot log in any more, or belongs to nobody, has no say.
    for (end, undo) in [
        (format!("alter role {role} nologin"), format!("alter role {role} login")),
        (format!("alter role {role} valid until '2001-01-01'"), format!("alter role {role} valid until 'infinity'")),
        (format!("grant awooop_auditor to {role}"), format!("revoke awooop_auditor from {role}")),
        (format!("select awooop.unbind_role('{role}', '{project}')"), String::new()),
    ] {
        office.admin.run(&end);
        assert_eq!(office.code(&ann, "activate_contract", id.clone()), "E-CONTRACT-005", "{end}");
        office.admin.run(&undo);
    }
}

#[test]
fn one_person_with_a_key_and_two_logins_is_one_hand() {
    let mut office = Office::new();
    let (project, bob) = (office.project.clone(), office.bob.clone());
    let id = json!({"revision_id": office.published(&agent("bot", "Answers."))});
    let mut codes = Vec::new();
    for _ in 0..2 {
        let role = crate::harness::unique("signer");
        office.admin.run(&format!("create role {role} login"));
        office.admin.run(&format!(
            "select awooop.bind_role('{role}', '{project}', array['contracts:sign'], principal_id => 'dan')"
        ));
        let mut session = crate::harness::quiet::superuser_in(&office.sql("select current_database()"));
        session.run(&format!("set session authorization {role}"));
        let signed = session.within(&project, &format!("select awooop.sign_contract('{}')", text(&id["revision_id"])));
        codes.push(signed["code"].clone());
    }
    assert_eq!(codes, [json!(null), json!("E-CONTRACT-007")]);
    let dans_key = office.key("dan", SIGNS);
    assert_eq!(office.code(&dans_key, "sign_contract", id.clone()), "E-CONTRACT-007");
    assert_eq!(office.does(&bob, "sign_contract", id)["approvals"]["counted"], 2);
}

#[test]
fn what_an_activation_counts_does_not_change_before_it_commits() {
    let mut office = Office::new();
    let (project, database) = (office.project.clone(), office.sql("select current_database()"));
    let key_id = office.eve.split('.').nth(1).unwrap().to_owned();
    let id = text(&office.signed(&agent("bot", "Answers.")));
    let mut activating = crate::harness::quiet::superuser_in(&database);
    activating
        .run(&format!("begin; select awooop.enter_project('{project}'); select awooop.activate_contract('{id}')"));
    std::thread::scope(|scope| {
        let revoking = scope.spawn(|| {
            let mut session = crate::harness::quiet::superuser_in(&database);
            session.within(&project, &format!("select awooop.revoke_api_key('{key_id}')"))
        });
        let waiting = "select count(*) > 0 from pg_stat_activity where datname = current_database()
                       and wait_event_type = 'Lock' and query like '%revoke_api_key%'";
        crate::harness::answer::eventually("the wait", || office.sql(waiting) == "t");
        activating.run("commit");
        revoking.join().expect("it is revoked");
    });
    let order = format!(
        "select r.activated_at < k.revoked_at from awooop.contract_revisions r, awooop.api_keys k
         where r.revision_id = '{id}' and k.key_id = '{key_id}'"
    );
    assert_eq!(office.sql(&order), "t");
}

#[test]
fn whose_hand_somebody_is_changes_by_no_update() {
    let mut office = Office::new();
    let project = office.project.clone();
    for sql in [
        "update awooop.principals set hand = 'bob' where principal_id = 'ann'",
        "update awooop.principals set created_by = 'bob' where principal_id = 'ann'",
        "update awooop.principals set principal_id = 'zoe' where principal_id = 'ann'",
        "update awooop.api_keys set principal_id = 'bob' where principal_id = 'ann'",
        "update awooop.api_keys set digest = sha256('x') where principal_id = 'ann'",
        "update awooop.api_keys set scopes = '{contracts:sign}' where principal_id = 'ann'",
    ] {
        assert_eq!(office.admin.code(&format!("{sql} and project_id = '{project}'")), "E-AUTH-007", "{sql}");
    }
}

#[test]
fn who_wrote_a_contract_is_its_author_still_after_an_import() {
    let mut office = Office::new();
    let (ann_signs, bob_writes) = (office.key("ann", SIGNS), office.key("bob", WRITES));
    let id = office.published(&agent("bot", "Answers."));
    let exported = office.does(&bob_writes, "export_contract", json!({"revision_id": id}));
    let imported = office.does(&bob_writes, "import_contract", json!({"exported": exported}));
    assert_eq!(imported["authors"], json!(["ann", "bob"]));
    let again = json!({"revision_id": imported["revision_id"]});
    office.does(&bob_writes, "publish_contract", again.clone());
    assert_eq!(office.code(&ann_signs, "sign_contract", again), "E-CONTRACT-006");
}
