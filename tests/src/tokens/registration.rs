//! What can be registered as an issuer, by whom, and that a change holds for every session from its commit on.

use serde_json::{Value, json};

use super::stage::{CEILING, Stage};
use crate::harness::issuer::{AUDIENCE, key_set, store};
use crate::harness::platform::login_in;
use crate::harness::platform_logins::gateway_login_in;
use crate::harness::{literal, unique};

fn set(issuer: &str, jwks_uri: &str, audience: &str) -> String {
    let [issuer, jwks_uri, audience] = [issuer, jwks_uri, audience].map(literal);
    format!("select awooop.set_token_issuer({issuer}, {jwks_uri}, {audience}, '{{runs:read}}')")
}

#[test]
fn what_is_asked_over_an_open_line_is_no_issuer() {
    let mut stage = Stage::new();
    let (issuer, keys) = ("https://idp.example", "https://idp.example/keys");
    for (issuer, jwks_uri, audience) in [
        ("http://idp.example", keys, AUDIENCE),
        ("https://user:secret@idp.example", keys, AUDIENCE),
        ("https://idp.example?a=b", keys, AUDIENCE),
        ("https://idp.example#a", keys, AUDIENCE),
        ("idp.example", keys, AUDIENCE),
        (issuer, "http://idp.example/keys", AUDIENCE),
        (issuer, "http://10.0.0.1/keys", AUDIENCE),
        (issuer, "file:///etc/passwd", AUDIENCE),
        (issuer, "https://user@idp.example/keys", AUDIENCE),
        (issuer, keys, "gateway"),
        (issuer, keys, "https://gateway.example/#a"),
    ] {
        assert_eq!(stage.actor.code(&set(issuer, jwks_uri, audience)), "E-INPUT-001", "{issuer} {jwks_uri} {audience}");
    }
    let local = set("http://127.0.0.1:9000", "http://localhost:9000/keys?v=1", "urn:example:tools");
    assert_eq!(stage.actor.call(&local)["jwks_uri"], "http://localhost:9000/keys?v=1");
}

#[test]
fn an_issuer_gives_no_more_than_who_registered_it_has_and_never_credentials() {
    let mut stage = Stage::new();
    let weak = stage.key("weak", "keys:admin,runs:read", "");
    stage.issuer = "https://weak.example".to_owned();
    for (scopes, status, code) in [
        (vec!["runs:read", "runs:write"], 403, json!("E-AUTH-004")),
        (vec!["keys:admin"], 400, json!("E-INPUT-001")),
        (vec!["*"], 400, json!("E-INPUT-001")),
        (vec!["runs:read"], 200, Value::Null),
    ] {
        let arguments = json!({"issuer": stage.issuer, "jwks_uri": "https://weak.example/keys", "audience": AUDIENCE, "scopes": scopes});
        let (got, found) =
            match stage.gateway.try_call(&stage.project.id, &weak, "set_token_issuer", &arguments.to_string()) {
                Ok(reply) => (reply.status, reply.body["code"].clone()),
                Err(failure) => (400, json!(failure.code())),
            };
        assert_eq!((got, found), (status, code), "{scopes:?}");
    }
    let refused = stage.admin.value(&format!(
        "select count(*) from awooop.audit_log where project_id = '{}' and action = 'set_token_issuer'
         and code = 'E-AUTH-004' and principal_id = 'weak'",
        stage.project.id
    ));
    assert_eq!(refused, "1", "the attempt is on record");
    // An operator administers, and hands out what it does not use itself.
    let (_, mut operator) = login_in(Some(&stage.project.database), &["awooop_operator"]);
    stage.issuer = "https://operator.example".to_owned();
    let registered = operator.within(&stage.project.id, &stage.registering("runs:write,contracts:sign", ""));
    assert_eq!(registered["scopes"], json!(["contracts:sign", "runs:write"]));
    for scope in ["runs:read", "tools:admin", "principals:admin"] {
        let other = stage.key("other", scope, "");
        assert_eq!(stage.register_with(&other, &[]).1["code"], "E-AUTH-003", "{scope}");
    }
}

#[test]
fn an_issuer_that_is_removed_or_changed_is_so_for_every_session_at_once() {
    let mut stage = Stage::new();
    let token = stage.token();
    let mut elsewhere = gateway_login_in(&stage.project.database);
    let project = stage.project.id.clone();
    let mut both = |stage: &mut Stage| -> [(i32, Value); 2] {
        let here = stage.ask(&token, "whoami", &json!({}));
        let there = elsewhere.call(&project, &token, "whoami", "{}");
        [here, there].map(|reply| (reply.status, reply.body["scopes"].clone()))
    };
    let scopes = json!(["runs:read", "tools:read"]);
    let as_before = [(200, scopes.clone()), (200, scopes)];
    assert_eq!(both(&mut stage), as_before);
    let narrower = stage.registering("tools:read", "");
    stage.actor.call(&narrower);
    assert_eq!(both(&mut stage), [(200, json!(["tools:read"])), (200, json!(["tools:read"]))]);
    let of_another_resource = stage.registering(CEILING, "").replace(AUDIENCE, "https://gateway.example/other");
    stage.actor.call(&of_another_resource);
    assert_eq!(both(&mut stage).map(|(status, _)| status), [401, 401]);
    stage.register("");
    assert_eq!(both(&mut stage), as_before);
    let remove = format!("select awooop.remove_token_issuer({}, 'it was sold')", literal(&stage.issuer));
    assert_eq!(stage.actor.call(&remove), json!({"issuer": stage.issuer, "removed": true}));
    assert_eq!(both(&mut stage).map(|(status, _)| status), [401, 401]);
    assert_eq!(stage.actor.code(&remove), "E-ISSUER-001");
    // Registered again it has no keys, until a courier brings some.
    stage.register("");
    assert_eq!(both(&mut stage).map(|(status, _)| status), [401, 401]);
    stage.publish();
    assert_eq!(both(&mut stage), as_before);
    let actions = stage.admin.value(&format!(
        "select string_agg(action, ' ' order by audit_id) from awooop.audit_log
         where project_id = '{project}' and action in ('token_issuer_set', 'token_issuer_removed')"
    ));
    assert_eq!(
        actions,
        "token_issuer_set token_issuer_set token_issuer_set token_issuer_set token_issuer_removed token_issuer_set"
    );
}

#[test]
fn what_is_registered_in_a_transaction_that_is_rolled_back_opens_nothing_after_it() {
    let mut stage = Stage::new();
    let remove = format!("select awooop.remove_token_issuer({})", literal(&stage.issuer));
    stage.actor.call(&remove);
    let token = stage.token();
    stage.refused(&token, "an issuer that was removed");
    // A superuser's session can do all of it in one transaction.
    let (project, bring) =
        (stage.project.id.clone(), store(&stage.courier, &stage.project.id, &stage.issuer, &key_set(&[&stage.signer])));
    let call = format!("select status from awooop.call('{project}', '{token}', 'whoami')");
    let register = stage.registering(CEILING, "");
    stage.admin.run("begin");
    stage.admin.run(&format!("select awooop.enter_project('{project}')"));
    stage.admin.run(&register);
    stage.admin.run(&bring);
    assert_eq!(stage.admin.value(&call), "200");
    assert_eq!(stage.admin.value(&call), "200");
    stage.admin.run("rollback");
    assert_eq!(stage.admin.value(&call), "401");
    // And one that is removed meanwhile is gone in a transaction that has used it before.
    stage.register("");
    stage.publish();
    stage.gateway.0.run("begin");
    for _ in 0..8 {
        assert_eq!(stage.ask(&token, "whoami", &json!({})).status, 200);
    }
    stage.actor.call(&remove);
    assert_eq!(stage.ask(&token, "whoami", &json!({})).status, 401);
    stage.gateway.0.run("rollback");
}

#[test]
fn keys_of_the_address_before_are_no_keys_of_the_next() {
    let mut stage = Stage::new();
    let token = stage.token();
    stage.whoami(&token);
    let moved = stage.registering(CEILING, "").replace("/keys'", "/keys/v2'");
    let registered = stage.actor.call(&moved);
    assert_eq!((&registered["keys"], &registered["keys_fetched_at"]), (&json!([]), &Value::Null));
    stage.refused(&token, "a key from the old address");
}

#[test]
fn an_issuer_ends_with_the_key_that_registered_it() {
    let mut stage = Stage::new();
    stage.issuer = format!("https://{}.example", unique("e").replace('_', "-"));
    let key = stage.key("short", "keys:admin,runs:read", ", expires_in_seconds => 3600");
    let (status, registered) = stage.register_with(&key, &["runs:read"]);
    assert_eq!(status, 200, "{registered}");
    let key_id = key.rsplit('.').nth(1).unwrap().to_owned();
    let keys = stage.actor.call("select awooop.list_api_keys()");
    let end =
        keys["items"].as_array().unwrap().iter().find(|one| one["key_id"] == key_id.as_str()).unwrap()["expires_at"]
            .clone();
    assert!(end.is_string() && registered["expires_at"] == end, "{registered}");
    stage.publish();
    let token = stage.token();
    stage.whoami(&token);
    stage.admin.run(&format!(
        "update awooop.token_issuer set expires_at = clock_timestamp() - interval '1 second' where issuer = '{}'",
        stage.issuer
    ));
    stage.refused(&token, "an issuer that has ended");
}

#[test]
fn a_project_has_no_more_issuers_than_can_be_asked() {
    let mut stage = Stage::new();
    for n in 0..15 {
        let other = format!("https://{n}.example");
        assert_eq!(stage.actor.call(&set(&other, &other, AUDIENCE))["issuer"], other);
    }
    assert_eq!(
        stage.actor.code(&set("https://one.more.example", "https://one.more.example", AUDIENCE)),
        "E-ISSUER-003"
    );
    // One that is there already can be changed all the same.
    stage.register("");
    let listed = stage.actor.call("select awooop.list_token_issuers()");
    assert_eq!(listed["items"].as_array().unwrap().len(), 16);
}
