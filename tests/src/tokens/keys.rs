//! Where keys come from: a courier brings whole sets; what is not in the latest verifies nothing, and the gateway's login without
//! a courier's credential can plant none.

use serde_json::{Value, json};

use super::stage::Stage;
use crate::harness::issuer::{Signer, courier, key_set, store};
use crate::harness::{at_once, literal, unique};

/// The stored ids of the stage's issuer.
fn stored(stage: &mut Stage) -> Value {
    let listed = stage.actor.call("select awooop.list_token_issuers()");
    listed["items"][0]["keys"].clone()
}

#[test]
fn a_key_that_was_rotated_away_verifies_nothing_from_then_on() {
    let mut stage = Stage::new();
    let old = stage.token();
    stage.whoami(&old);
    let next = Signer::new("ES384");
    let both = key_set(&[&stage.signer, &next]);
    assert_eq!(stage.bring(&both), json!({"keys": 2, "changed": true}));
    stage.whoami(&old);
    assert_eq!(stage.bring(&both), json!({"keys": 2, "changed": false}));
    let alone = key_set(&[&next]);
    stage.bring(&alone);
    stage.refused(&old, "a token that this session had proven");
    let fresh = next.token(&stage.claims());
    stage.whoami(&fresh);
    assert_eq!(stored(&mut stage), json!([next.kid]));
    // The same id for another key is another key.
    let imposter = Signer::under("ES384", &next.kid);
    let set = key_set(&[&imposter]);
    stage.bring(&set);
    stage.refused(&fresh, "a token of the key that had this id");
    assert_eq!(stage.bring(r#"{"keys": []}"#), json!({"keys": 0, "changed": true}));
    stage.refused(&imposter.token(&stage.claims()), "an issuer without keys");
    let changes = stage.admin.rows(&format!(
        "select principal_id, door, facts::text from awooop.audit_log
         where project_id = '{}' and action = 'token_issuer_keys_changed' order by audit_id",
        stage.project.id
    ));
    let changes = changes.unwrap();
    assert_eq!(changes.len(), 5, "each change is on record, and what changed nothing is not");
    assert!(changes.iter().all(|row| row[0].as_deref().is_some_and(|who| who.starts_with("courier:courier_"))));
    assert!(changes.iter().all(|row| row[1].as_deref() == Some("platform")));
}

#[test]
fn a_key_set_that_nobody_has_fetched_for_a_day_verifies_nothing() {
    let mut stage = Stage::new();
    let age = |stage: &mut Stage, hours: f64| {
        // A change of a column that sessions go by, so that they forget what they know.
        stage.admin.run(&format!(
            "update awooop.token_issuer set audience = audience,
                    keys_fetched_at = clock_timestamp() - {hours} * interval '1 hour' where issuer = '{}'",
            stage.issuer
        ));
    };
    let token = stage.token();
    stage.whoami(&token);
    age(&mut stage, 23.9);
    stage.whoami(&token);
    age(&mut stage, 24.1);
    stage.refused(&token, "keys of yesterday");
    stage.publish();
    stage.whoami(&token);
    // What a session has proven ends with the keys it was proven by, whoever tells it.
    age(&mut stage, 24.0 - 2.0 / 3600.0);
    stage.whoami(&token);
    crate::harness::answer::eventually("the end of the keys", || stage.ask(&token, "whoami", &json!({})).status == 401);
    stage.admin.run(&format!(
        "update awooop.token_issuer set keys_fetched_at = null, audience = audience where issuer = '{}'",
        stage.issuer
    ));
    stage.refused(&token, "keys of nobody knows when");
}

#[test]
fn fetching_the_same_set_again_lets_it_last_longer_and_no_session_forgets_anything() {
    let mut stage = Stage::new();
    let before = stage.actor.call("select awooop.list_token_issuers()")["items"][0].clone();
    assert_eq!(stage.publish(), json!({"keys": 1, "changed": false}));
    let after = stage.actor.call("select awooop.list_token_issuers()")["items"][0].clone();
    assert!(after["keys_fetched_at"].as_str() > before["keys_fetched_at"].as_str(), "{before} {after}");
    assert_eq!(after["updated_at"], before["updated_at"]);
}

#[test]
fn a_set_that_is_unfit_is_refused_whole_and_leaves_what_was_there() {
    let mut stage = Stage::new();
    let public = stage.signer.jwk();
    let with = |name: &str, value: Value| {
        let mut key = public.clone();
        key[name] = value;
        key
    };
    let many: Vec<Value> = (0..17).map(|n| with("kid", json!(n.to_string()))).collect();
    for (keys, reason) in [
        (json!([public, with("d", json!("AA"))]), "shows_a_secret"),
        (json!([public, {"kty": "oct", "kid": "s", "k": "AA"}]), "shows_a_secret"),
        (json!([public, public]), "same_id_twice"),
        (json!(many), "too_many"),
        (json!({"kid": "k"}), "not_a_set"),
        (json!(["AA"]), "not_a_set"),
    ] {
        let set = json!({"keys": keys}).to_string();
        let failure = stage.gateway.0.failure(&store(&stage.courier, &stage.project.id, &stage.issuer, &set));
        assert_eq!(failure.code(), "E-ISSUER-004");
        let detail: Value = serde_json::from_str(&failure.detail).unwrap();
        assert_eq!(detail["reason"], reason);
    }
    for set in ["", "<html>", "{\"keys\": [], \"keys\": []}"] {
        let sql = store(&stage.courier, &stage.project.id, &stage.issuer, set);
        assert_eq!(stage.gateway.0.code(&sql), "E-ISSUER-004");
    }
    stage.whoami(&stage.token());
    // What cannot verify a signature is passed over.
    let weak = json!({"kty": "RSA", "kid": "weak", "n": "_".repeat(171), "e": "AQAB"});
    let set = json!({"keys": [weak, with("use", json!("enc")), with("alg", json!("none")), public]}).to_string();
    assert_eq!(stage.bring(&set), json!({"keys": 1, "changed": false}));
}

#[test]
fn whoever_has_no_couriers_credential_plants_no_key_and_learns_nothing() {
    let mut stage = Stage::new();
    let planted = Signer::new("ES256");
    let (set, project, issuer) = (key_set(&[&planted]), stage.project.id.clone(), stage.issuer.clone());
    let good = stage.courier.clone();
    let other = courier(&mut stage.admin);
    let (id, secret) = good.strip_prefix("awi_").unwrap().split_once('.').unwrap();
    let others_secret = other.split_once('.').unwrap().1;
    let key =
        stage.actor.call("select awooop.create_api_key('k', '{keys:admin}')")["api_key"].as_str().unwrap().to_owned();
    let revoked = {
        let name = unique("gone");
        let made = stage.admin.json(&format!("select awooop.create_issuer_courier('{name}')"));
        stage.admin.run(&format!("select awooop.revoke_issuer_courier('{name}', 'it was seen in a log')"));
        made["courier"].as_str().unwrap().to_owned()
    };
    let mut answers = std::collections::BTreeSet::new();
    for courier in [
        "",
        "awi_",
        id,
        &revoked,
        &format!("awi_{id}.{others_secret}"),
        &format!("awi_{}.{secret}", "A".repeat(16)),
        &format!("awi_{id}.{}", "A".repeat(43)),
        &format!("{good}x"),
        &good.to_lowercase(),
        &key,
        &stage.token(),
        &"x".repeat(100_000),
    ] {
        // What it is asked to store must not show in the answer either.
        for (project, issuer, set) in
            [(&*project, &*issuer, &*set), ("no-such-project", "x", &set), (&project, &issuer, "no set"), ("", "", "")]
        {
            answers.insert(stage.gateway.0.value(&store(courier, project, issuer, set)));
        }
        answers.insert(stage.gateway.0.value(&format!("select awooop.issuers_to_fetch({})", literal(courier))));
    }
    answers.insert(stage.gateway.0.value("select awooop.issuers_to_fetch(null)"));
    answers.insert(stage.gateway.0.value("select awooop.store_issuer_keys(null, null, null, null)"));
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| answer.contains("E-ISSUER-005")), "{answers:?}");
    stage.refused(&planted.token(&stage.claims()), "a planted key");
    stage.whoami(&stage.token());
    // The login itself has no other way.
    for sql in [
        "insert into awooop.token_issuer_key (project_id, issuer, kid, jwk) values ('p', 'i', 'k', '{}')",
        "select * from awooop.token_issuer_key",
        "select * from awooop.token_issuer",
        "select * from awooop.issuer_courier",
        "select * from awooop.issuer_key_sources()",
        "select awooop.create_issuer_courier('mine')",
        "select awooop.revoke_issuer_courier('mine')",
        "select awooop.set_token_issuer('https://evil.example', 'https://evil.example', 'urn:a:b', '{}')",
    ] {
        assert_eq!(stage.gateway.0.code(sql), "42501", "{sql}");
    }
}

#[test]
fn a_courier_is_told_of_every_issuer_and_brings_keys_to_those_alone() {
    let (mut stage, mut neighbour) = (Stage::new(), Stage::new());
    let list = format!("select awooop.issuers_to_fetch({})", literal(&stage.courier));
    let told = |stage: &mut Stage| stage.gateway.0.json(&list)["issuers"].as_array().unwrap().clone();
    let all = told(&mut stage);
    for one in [&stage, &neighbour] {
        let found = all.iter().find(|source| source["issuer"] == one.issuer.as_str()).unwrap();
        assert_eq!(
            (&found["project_id"], &found["jwks_uri"]),
            (&json!(one.project.id), &json!(format!("{}/keys", one.issuer)))
        );
        assert!(found["fetched_at"].is_string() && found["private_host_allowed"] == false);
    }
    let host = stage.issuer.strip_prefix("https://").unwrap().to_owned();
    stage.admin.run(&format!("select awooop.allow_private_host('{host}', 'a test')"));
    let found = told(&mut stage).into_iter().find(|source| source["issuer"] == stage.issuer.as_str()).unwrap();
    assert_eq!(found["private_host_allowed"], true);
    let set = key_set(&[&stage.signer]);
    for (project, issuer) in [
        (&neighbour.project.id, &stage.issuer),
        (&stage.project.id, &neighbour.issuer),
        (&stage.project.id, &"https://nobody.example".to_owned()),
        (&"no-such-project".to_owned(), &stage.issuer),
        (&"not:a:project".to_owned(), &stage.issuer),
    ] {
        assert_eq!(stage.gateway.0.code(&store(&stage.courier, project, issuer, &set)), "E-ISSUER-001");
    }
    // A set from where the keys were before is none.
    let [courier, project, issuer, set] =
        [&stage.courier, &stage.project.id, &stage.issuer, &set].map(|text| literal(text));
    let from = |uri: &str| format!("select awooop.store_issuer_keys({courier}, {project}, {issuer}, {set}, '{uri}')");
    assert_eq!(stage.gateway.0.code(&from("https://old.example/keys")), "E-ISSUER-001");
    assert_eq!(stage.gateway.0.json(&from(&format!("{}/keys", stage.issuer)))["keys"], 1);
    neighbour.whoami(&neighbour.token());
}

#[test]
fn couriers_have_names_and_only_an_operator_makes_and_ends_them() {
    let mut stage = Stage::new();
    let name = unique("door");
    let create = format!("select awooop.create_issuer_courier('{name}', 'the gateway in the cellar')");
    let revoke = format!("select awooop.revoke_issuer_courier('{name}')");
    for sql in [&create, &revoke] {
        assert_eq!(stage.actor.session.code(sql), "42501");
    }
    let made = stage.admin.json(&create);
    assert_eq!(stage.admin.code(&create), "E-ISSUER-006");
    let list = format!("select awooop.issuers_to_fetch({})", literal(made["courier"].as_str().unwrap()));
    assert!(stage.gateway.0.json(&list)["issuers"].is_array());
    assert_eq!(stage.admin.json(&revoke)["courier_id"], made["courier_id"]);
    assert_eq!(stage.gateway.0.json(&list)["code"], "E-ISSUER-005");
    assert_eq!(stage.admin.code(&revoke), "E-ISSUER-007");
    for bad in ["''", "null", "'a b'", "'a:b'"] {
        let code = stage.admin.code(&format!("select awooop.create_issuer_courier({bad})"));
        assert!(matches!(code.as_str(), "E-INPUT-001" | "E-INPUT-008"), "{bad}: {code}");
    }
    // A name that is free again.
    stage.admin.run(&create);
}

#[test]
fn two_who_bring_a_set_at_once_leave_one_of_them_whole() {
    let stage = Stage::new();
    let signers: Vec<Signer> = (0..8).map(|_| Signer::new("EdDSA")).collect();
    let kids: Vec<String> = signers.iter().map(|signer| signer.kid.clone()).collect();
    let sets: Vec<String> = (0..4)
        .map(|n| {
            let set = key_set(&[&signers[2 * n], &signers[2 * n + 1]]);
            store(&stage.courier, &stage.project.id, &stage.issuer, &set)
        })
        .collect();
    let database = stage.project.database.clone();
    let answers: Vec<Value> = at_once(
        4,
        |_| crate::harness::platform_logins::gateway_login_in(&database),
        |n, gateway: &mut crate::harness::platform_logins::Gateway| gateway.0.json(&sets[n]),
    );
    assert!(answers.iter().all(|answer| answer["keys"] == 2), "{answers:?}");
    let mut stage = stage;
    let left = super::keys::stored(&mut stage);
    let whole = (0..4).any(|n| {
        let mut pair = [kids[2 * n].as_str(), kids[2 * n + 1].as_str()];
        pair.sort_unstable();
        left == json!(pair)
    });
    assert!(whole, "{left}");
}
