//! Many at once: activations, signatures and publications of one contract, by real concurrent clients.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::stage::{Office, agent};
use crate::harness::at_once;
use crate::harness::platform_logins::gateway_login_in;
use crate::harness::quiet::{superuser_in, text};

/// Codes and states of an answer.
fn outcome(body: &Value) -> String {
    text(if body["code"].is_string() { &body["code"] } else { &body["state"] })
}

#[test]
fn of_activations_at_once_one_revision_is_active_at_every_instant() {
    const REVISIONS: usize = 6;
    const CLIENTS: usize = 8;
    let mut office = Office::new();
    let database = office.sql("select current_database()");
    let (project, ann) = (office.project.clone(), office.ann.clone());
    office.activated(&agent("bot", "Zero."));
    let ids: Vec<Value> = (0..REVISIONS).map(|n| office.signed(&agent("bot", &format!("Number {n}.")))).collect();
    let done = AtomicBool::new(false);
    let (answers, looks) = std::thread::scope(|scope| {
        // Somebody who looks all the time: at every instant exactly one is active, and the pointer says the same.
        let watcher = scope.spawn(|| {
            let mut session = superuser_in(&database);
            let look = format!(
                "select (select count(*) from awooop.contract_revisions
                         where project_id = '{project}' and name = 'bot' and state = 'active')
                     || ' ' || (select count(*) from awooop.active_contracts a
                                join awooop.contract_revisions r using (project_id, revision_id)
                                where a.project_id = '{project}' and a.name = 'bot' and r.state = 'active')"
            );
            let mut looks = 0;
            while !done.load(Ordering::Relaxed) {
                assert_eq!(session.value(&look), "1 1");
                looks += 1;
            }
            looks
        });
        let answers = at_once(
            CLIENTS,
            |_| gateway_login_in(&database),
            |client, gateway| {
                // Everybody activates everything, in an order of their own.
                (0..REVISIONS)
                    .map(|n| {
                        let id = &ids[(n * 5 + client) % REVISIONS];
                        let arguments = json!({"revision_id": id}).to_string();
                        match gateway.try_call(&project, &ann, "activate_contract", &arguments) {
                            Ok(reply) => outcome(&reply.body),
                            Err(failure) => failure.code(),
                        }
                    })
                    .collect::<Vec<_>>()
            },
        );
        done.store(true, Ordering::Relaxed);
        (answers, watcher.join().expect("the watcher saw what it expected"))
    });
    assert!(looks > 0);
    let flat: Vec<&String> = answers.iter().flatten().collect();
    assert!(flat.iter().all(|answer| ["active", "E-CONTRACT-003"].contains(&answer.as_str())), "{flat:?}");
    // The newest one stays; of the others each was active for a while or passed over, and none is left waiting.
    assert_eq!(office.state(&ids[REVISIONS - 1]), "active");
    for id in &ids[..REVISIONS - 1] {
        assert_eq!(office.state(id), "superseded");
    }
    let lives = format!(
        "select count(*) from awooop.contract_revisions a
         join awooop.contract_revisions b on b.project_id = a.project_id and b.name = a.name and b.number > a.number
         where a.project_id = '{project}' and a.name = 'bot' and a.activated_at >= b.activated_at"
    );
    assert_eq!(office.sql(&lives), "0", "an older one came after a newer");
}

#[test]
fn of_many_signatures_of_one_hand_at_once_one_is_kept() {
    let mut office = Office::new();
    let database = office.sql("select current_database()");
    let project = office.project.clone();
    let id = office.published(&agent("bot", "Answers."));
    let keys: Vec<String> = (0..6).map(|_| office.key("bob", super::stage::SIGNS)).collect();
    let arguments = json!({"revision_id": id}).to_string();
    let answers = at_once(
        keys.len(),
        |_| gateway_login_in(&database),
        |n, gateway| outcome(&gateway.call(&project, &keys[n], "sign_contract", &arguments).body),
    );
    assert_eq!(answers.iter().filter(|answer| *answer == "published").count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| *answer == "E-CONTRACT-007").count(), 5, "{answers:?}");
}

#[test]
fn numbers_have_neither_gaps_nor_twins_however_many_publish_at_once() {
    let mut office = Office::new();
    let database = office.sql("select current_database()");
    let (project, ann) = (office.project.clone(), office.ann.clone());
    let drafts: Vec<Value> = (0..12).map(|n| office.drafted(&agent("bot", &format!("Number {n}.")))).collect();
    let mut numbers = at_once(
        drafts.len(),
        |_| gateway_login_in(&database),
        |n, gateway| {
            let arguments = json!({"revision_id": drafts[n]}).to_string();
            gateway.call(&project, &ann, "publish_contract", &arguments).body["number"].as_i64().unwrap()
        },
    );
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
}

#[test]
fn nobody_who_drafts_publishes_or_signs_keeps_a_contract_from_being_revoked() {
    let mut office = Office::new();
    let (project, database, ann) =
        (office.project.clone(), office.sql("select current_database()"), office.ann.clone());
    let in_force = office.activated(&agent("bot", "One."));
    let waiting = office.published(&agent("bot", "Two."));
    let draft = office.drafted(&agent("bot", "Three."));
    let role = crate::harness::unique("idle");
    office.admin.run(&format!("create role {role} login"));
    office.admin.run(&format!(
        "select awooop.bind_role('{role}', '{project}', '{{contracts:write,contracts:sign,contracts:activate}}')"
    ));
    for (held, id) in [
        ("sign_contract", &waiting),
        ("publish_contract", &draft),
        ("publish_contract", &in_force),
        ("activate_contract", &in_force),
    ] {
        let mut idle = superuser_in(&database);
        idle.run(&format!("set session authorization {role}"));
        idle.run(&format!("begin; select awooop.enter_project('{project}'); select awooop.{held}('{}')", text(id)));
        office.gateway.0.run("set lock_timeout = '5s'");
        for target in [&waiting, &in_force] {
            let revoke = json!({"revision_id": target}).to_string();
            office.gateway.0.run("begin");
            let revoked = office.gateway.call(&project, &ann, "revoke_contract", &revoke);
            assert_eq!(revoked.body["state"], "revoked", "{held}: {:?}", revoked.body);
            office.gateway.0.run("rollback");
        }
        idle.run("rollback");
    }
}

#[test]
fn a_revocation_and_an_activation_at_once_leave_no_revoked_revision_active() {
    for _ in 0..5 {
        let mut office = Office::new();
        let database = office.sql("select current_database()");
        let (project, ann) = (office.project.clone(), office.ann.clone());
        let id = office.signed(&agent("bot", "Answers."));
        let arguments = json!({"revision_id": id}).to_string();
        at_once(
            2,
            |_| gateway_login_in(&database),
            |n, gateway| {
                let operation = ["activate_contract", "revoke_contract"][n];
                let _ = gateway.try_call(&project, &ann, operation, &arguments);
            },
        );
        assert_eq!(office.state(&id), "revoked");
        let pointers =
            format!("select count(*) from awooop.active_contracts where project_id = '{project}' and name = 'bot'");
        assert_eq!(office.sql(&pointers), "0");
    }
}
