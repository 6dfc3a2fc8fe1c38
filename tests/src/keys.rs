//! API keys, and authentication through the gateway's one statement, as the gateway's own login.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::platform_logins::{Gateway, gateway_login_in};
use crate::harness::quiet::{EVERY_SCOPE, text};
use crate::harness::{Actor, Project, Session, own_database};

/// A project, its member, and the gateway before it.
struct Scene {
    project: Project,
    actor: Actor,
    admin: Session,
    gateway: Gateway,
}

impl Scene {
    fn new() -> Self {
        Self::of(Project::new())
    }

    fn of(project: Project) -> Self {
        let (actor, admin) = (project.actor(), project.admin());
        let gateway = gateway_login_in(&project.database);
        Self { project, actor, admin, gateway }
    }

    #[track_caller]
    fn key(&mut self, scopes: &str, rest: &str) -> Value {
        self.actor.call(&format!("select awooop.create_api_key('k', string_to_array('{scopes}', ','){rest})"))
    }

    /// Status and code of a call with this key.
    #[track_caller]
    fn answer(&mut self, key: &str, operation: &str, arguments: &str) -> (i32, Value) {
        let reply = self.gateway.call(&self.project.id, key, operation, arguments);
        (reply.status, reply.body["code"].clone())
    }

    #[track_caller]
    fn whoami(&mut self, key: &Value) -> i32 {
        self.answer(&text(&key["api_key"]), "whoami", "{}").0
    }
}

const OK: (i32, Value) = (200, Value::Null);

fn is_base64url(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[test]
fn a_key_names_its_project_and_id_and_ends_in_256_random_bits() {
    let mut scene = Scene::new();
    let (one, two) = (scene.key("runs:read", ""), scene.key("runs:read", ""));
    let shown = text(&one["api_key"]);
    let rest = shown.strip_prefix("awk_").unwrap().strip_prefix(&scene.project.id).unwrap();
    let parts: Vec<&str> = rest.split('.').collect();
    assert_eq!((parts[0], parts[1], parts.len()), ("", one["key_id"].as_str().unwrap(), 3));
    assert!(parts[1].len() == 16 && parts[2].len() == 43 && is_base64url(parts[1]) && is_base64url(parts[2]));
    assert!(!shown.contains(two["key_id"].as_str().unwrap()));
    assert_ne!(shown.rsplit('.').next(), text(&two["api_key"]).rsplit('.').next());
}

#[test]
fn a_key_is_shown_once_and_only_its_digest_is_kept() {
    let (database, _) = own_database();
    let mut scene = Scene::of(Project::in_database(&database));
    let key = scene.key("keys:admin,audit:read", "");
    let shown = text(&key["api_key"]);
    let secret = shown.rsplit('.').next().unwrap();
    scene.answer(&shown, "whoami", "{}");
    for operation in ["list_api_keys", "list_audit", "whoami"] {
        let reply = scene.gateway.call(&scene.project.id, &shown, operation, "{}");
        assert!(!reply.body.to_string().contains(secret), "{operation} shows the key");
    }
    let tables = scene
        .admin
        .rows("select oid::regclass::text from pg_class where relnamespace = 'awooop'::regnamespace and relkind = 'r'")
        .unwrap();
    for table in tables.into_iter().flatten().flatten() {
        let sql = format!("select count(*)::text from {table} t where t::text like '%{secret}%'");
        assert_eq!(scene.admin.value(&sql), "0", "{table} holds the key");
    }
    let digest = scene
        .admin
        .value(&format!("select encode(digest, 'hex') from awooop.api_keys where key_id = '{}'", text(&key["key_id"])));
    assert_eq!(digest, hex::encode(<sha2::Sha256 as sha2::Digest>::digest(shown.as_bytes())));
}

#[test]
fn a_key_opens_what_its_scopes_say_and_nothing_else() {
    let mut scene = Scene::new();
    let key = text(&scene.key("runs:read", "")["api_key"]);
    assert_eq!(scene.answer(&key, "list_runs", "{}"), OK);
    let refused = scene.gateway.call(&scene.project.id, &key, "list_api_keys", "{}");
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!("E-AUTH-003")));
    assert_eq!(refused.body["required_scope"], "keys:admin");
    let audited = scene.admin.value(&format!(
        "select count(*)::text from awooop.audit_log where project_id = '{}' and action = 'list_api_keys'
         and decision = 'refused' and code = 'E-AUTH-003' and door = 'http'",
        scene.project.id
    ));
    assert_eq!(audited, "1");
    let me = scene.gateway.call(&scene.project.id, &key, "whoami", "{}").body;
    assert_eq!((&me["door"], &me["scopes"]), (&json!("http"), &json!(["runs:read"])));
    assert_eq!(me["key_id"], key.split('.').nth(1).unwrap());
}

#[test]
fn a_project_that_is_not_named_is_the_keys_own() {
    let mut scene = Scene::new();
    let key = text(&scene.key("runs:read", "")["api_key"]);
    let reply = scene.gateway.call("", &key, "whoami", "{}");
    assert_eq!((reply.status, &reply.body["project_id"]), (200, &json!(scene.project.id)));
}

#[test]
fn an_expired_key_stops_working() {
    let mut scene = Scene::new();
    let key = scene.key("runs:read", ", expires_in_seconds => 3600");
    assert_eq!(scene.whoami(&key), 200);
    scene.admin.run(&format!(
        "update awooop.api_keys set expires_at = clock_timestamp() - interval '1 second' where key_id = '{}'",
        text(&key["key_id"])
    ));
    assert_eq!(scene.whoami(&key), 401);
    let rotate = format!("select awooop.rotate_api_key('{}')", text(&key["key_id"]));
    assert_eq!(scene.actor.code(&rotate), "E-KEY-002");
}

#[test]
fn a_revoked_key_stops_at_once_and_for_good() {
    let mut scene = Scene::new();
    let key = scene.key("runs:read", "");
    let id = text(&key["key_id"]);
    assert_eq!(scene.whoami(&key), 200);
    let revoke = format!("select awooop.revoke_api_key('{id}')");
    let first = scene.actor.call(&revoke);
    assert_eq!(scene.actor.call(&revoke)["revoked_at"], first["revoked_at"], "revoking twice is once");
    assert_eq!(scene.whoami(&key), 401);
    assert_eq!(scene.actor.code(&format!("select awooop.rotate_api_key('{id}')")), "E-KEY-002");
    for operation in ["revoke_api_key", "rotate_api_key"] {
        assert_eq!(scene.actor.code(&format!("select awooop.{operation}('absent')")), "E-KEY-001");
    }
}

#[test]
fn rotation_replaces_a_key_at_once_or_after_a_grace() {
    let mut scene = Scene::new();
    for (grace, old_works) in [(0, 401), (60, 200)] {
        let old = scene.key("runs:read,audit:read", ", principal_id => 'ada'");
        let new = scene.actor.call(&format!("select awooop.rotate_api_key('{}', {grace})", text(&old["key_id"])));
        assert_eq!((&new["scopes"], &new["principal_id"], &new["name"]), (&old["scopes"], &json!("ada"), &json!("k")));
        assert_ne!(new["key_id"], old["key_id"]);
        assert_eq!(new["expires_at"], Value::Null, "the new key lives as long as the old one would have");
        assert_eq!((scene.whoami(&new), scene.whoami(&old)), (200, old_works), "grace {grace}");
    }
    let expiring = scene.key("runs:read", ", expires_in_seconds => 3600");
    let rotated = scene.actor.call(&format!("select awooop.rotate_api_key('{}')", text(&expiring["key_id"])));
    assert_eq!(rotated["expires_at"], expiring["expires_at"]);
}

#[test]
fn two_rotations_of_one_key_at_once_do_not_both_succeed_without_grace() {
    let scene = Scene::new();
    for _ in 0..5 {
        let mut actor = scene.project.actor();
        let key = actor.call("select awooop.create_api_key('k', array['runs:read'])");
        let sql = format!("select awooop.rotate_api_key('{}')", text(&key["key_id"]));
        let codes: Vec<String> = crate::harness::at_once(
            4,
            |_| scene.project.actor(),
            |_, actor: &mut Actor| actor.attempt(&sql).map_or_else(|failure| failure.code(), |_| "made".to_owned()),
        );
        assert_eq!(codes.iter().filter(|code| *code == "made").count(), 1, "{codes:?}");
        assert_eq!(codes.iter().filter(|code| *code == "E-KEY-002").count(), 3, "{codes:?}");
    }
}

#[test]
fn a_key_cannot_hand_out_what_it_does_not_have() {
    let mut scene = Scene::new();
    let key = text(&scene.key("keys:admin,runs:read", "")["api_key"]);
    let create = |scopes: &str| format!(r#"{{"name": "n", "scopes": {scopes}}}"#);
    assert_eq!(scene.answer(&key, "create_api_key", &create(r#"["runs:read"]"#)), (201, Value::Null));
    assert_eq!(scene.answer(&key, "create_api_key", &create("[]")).0, 201);
    let refused = scene.answer(&key, "create_api_key", &create(r#"["runs:read", "runs:write"]"#));
    assert_eq!(refused, (403, json!("E-AUTH-004")));
    // Rotating a stronger key would be another way to it.
    let strong = scene.key(EVERY_SCOPE, "");
    let rotate = format!(r#"{{"key_id": "{}"}}"#, text(&strong["key_id"]));
    assert_eq!(scene.answer(&key, "rotate_api_key", &rotate), (403, json!("E-AUTH-004")));
    assert_eq!(scene.whoami(&strong), 200, "a refused rotation leaves the key alone");
}

#[test]
fn keys_of_another_project_cannot_be_seen_rotated_or_revoked() {
    let mut scene = Scene::new();
    let other = scene.project.another(&mut scene.admin);
    let theirs = other.actor().call("select awooop.create_api_key('k', array['runs:read'])");
    for operation in ["revoke_api_key", "rotate_api_key"] {
        let sql = format!("select awooop.{operation}('{}')", text(&theirs["key_id"]));
        assert_eq!(scene.actor.code(&sql), "E-KEY-001");
    }
    let listed = scene.actor.call("select awooop.list_api_keys()").to_string();
    assert!(!listed.contains(theirs["key_id"].as_str().unwrap()));
    assert_eq!(scene.answer(&text(&theirs["api_key"]), "whoami", "{}"), (401, json!("E-AUTH-001")));
}

#[test]
fn every_failure_of_authentication_is_the_same_answer() {
    let (database, _) = own_database();
    let mut scene = Scene::of(Project::in_database(&database));
    let (good, expired, revoked) =
        (scene.key("runs:read", ""), scene.key("runs:read", ", expires_in_seconds => 60"), scene.key("runs:read", ""));
    scene.admin.run("update awooop.api_keys set expires_at = now() - interval '1 day' where expires_at is not null");
    scene.actor.call(&format!("select awooop.revoke_api_key('{}')", text(&revoked["key_id"])));
    let project = scene.project.id.clone();
    let good = text(&good["api_key"]);
    let (stem, secret) = good.rsplit_once('.').unwrap();
    let long = "x".repeat(100_000);
    let wrong = format!("{stem}.{}", secret.chars().rev().collect::<String>());
    let unknown = format!("awk_{project}.{}.{secret}", "A".repeat(16));
    let mut bodies = BTreeSet::new();
    for (project, credential) in [
        (project.as_str(), wrong.as_str()),
        (&project, &unknown),
        (&project, &text(&expired["api_key"])),
        (&project, &text(&revoked["api_key"])),
        (&project, ""),
        (&project, "awk_"),
        (&project, "Bearer x"),
        (&project, &format!("{good}x")),
        (&project, &good.to_uppercase()),
        (&project, &long),
        ("no-such-project", &good),
        ("", &format!("awk_no-such-project.{}.{secret}", "A".repeat(16))),
        ("not:a:project", &good),
        (&long, &good),
    ] {
        let reply = scene.gateway.call(project, credential, "whoami", "{}");
        assert_eq!(reply.status, 401, "{:.60}", credential);
        bodies.insert(reply.body.to_string());
        // What is asked for must not show whether the key is right either.
        let reply = scene.gateway.call(project, credential, "no_such_operation", "{");
        bodies.insert(reply.body.to_string());
    }
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(scene.answer(&good, "whoami", "{}").0, 200);
    let recorded =
        scene.admin.value("select count(*)::text from awooop.failed_authentication_log where kind = 'api_key'");
    let counted = scene.admin.value("select sum(failures)::text from awooop.failed_authentication");
    assert_eq!((recorded.as_str(), counted.as_str()), ("28", "28"), "each failure is recorded and counted");
}

#[test]
fn a_flood_of_failures_is_throttled_and_a_valid_key_is_not() {
    let (database, _) = own_database();
    let mut scene = Scene::of(Project::in_database(&database));
    let good = text(&scene.key("runs:read", "")["api_key"]);
    let (stem, secret) = good.rsplit_once('.').unwrap();
    // The same key id: the very bucket that a valid use of the key would be in.
    let wrong = format!("{stem}.{}", secret.chars().rev().collect::<String>());
    let (mut refused, mut throttled) = (0, 0);
    // A minute may end in between, so up to twice as many are let through before the first is throttled.
    while throttled < 5 {
        let reply = scene.gateway.call(&scene.project.id, &wrong, "whoami", "{}");
        if reply.status == 429 {
            assert_eq!(reply.body["code"], "E-AUTH-002");
            let wait = reply.body["retry_after_seconds"].as_i64().unwrap();
            assert!((1..=60).contains(&wait), "{wait}");
            throttled += 1;
        } else {
            assert_eq!((reply.status, &reply.body["code"]), (401, &json!("E-AUTH-001")));
            refused += 1;
            assert!(refused <= 40, "nothing is throttled");
        }
        assert_eq!(scene.answer(&good, "whoami", "{}").0, 200, "a valid key was throttled");
    }
    assert!(refused >= 20, "throttled after {refused}");
    let count = |sql: &str| -> i64 { scene.project.admin().value(sql).parse().unwrap() };
    assert_eq!(count("select sum(failures)::text from awooop.failed_authentication"), refused + throttled);
    assert_eq!(
        count("select count(*)::text from awooop.failed_authentication_log"),
        refused,
        "a flood is counted only"
    );
}

#[test]
fn a_failure_is_recorded_even_when_another_session_floods_the_same_bucket() {
    let (database, mut admin) = own_database();
    let wrong = format!("awk_x.{}.{}", "A".repeat(16), "A".repeat(43));
    crate::harness::at_once(
        8,
        |_| gateway_login_in(&database),
        |_, gateway: &mut Gateway| {
            (0..10).for_each(|_| assert!(gateway.call("", &wrong, "whoami", "{}").status >= 401))
        },
    );
    assert_eq!(admin.value("select sum(failures)::text from awooop.failed_authentication"), "80");
}

#[test]
fn the_gateways_call_continues_an_inbound_trace_and_ignores_an_invalid_one() {
    let mut scene = Scene::new();
    let key = text(&scene.key("envelope:write", "")["api_key"]);
    let arguments = r#"{"agent_id": "agent", "channel_type": "telegram", "channel_user_id": "7"}"#;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut build = |trace: Option<&str>| {
        let reply = scene.gateway.traced(&scene.project.id, &key, "build_envelope", arguments, trace).unwrap();
        text(&reply.body["trace_id"])
    };
    assert_eq!(build(Some(trace))[..36], trace[..36]);
    assert_ne!(build(None)[3..35], trace[3..35], "the trace of the request before is not this one's");
    for invalid in ["", "x", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"] {
        assert_eq!(build(Some(invalid)).len(), 55);
    }
}

#[test]
fn a_key_that_expires_makes_none_that_outlives_it() {
    let mut scene = Scene::new();
    let maker = scene.key("keys:admin,runs:read", ", expires_in_seconds => 3600");
    let made = |scene: &mut Scene, arguments: &str| {
        let reply = scene.gateway.call(&scene.project.id, &text(&maker["api_key"]), "create_api_key", arguments);
        assert_eq!(reply.status, 201, "{}", reply.body);
        text(&reply.body["expires_at"])
    };
    let end = text(&maker["expires_at"]);
    assert_eq!(made(&mut scene, r#"{"name":"k","scopes":["runs:read"]}"#), end);
    assert_eq!(made(&mut scene, r#"{"name":"k","scopes":["runs:read"],"expires_in_seconds":86400}"#), end);
    assert!(made(&mut scene, r#"{"name":"k","scopes":["runs:read"],"expires_in_seconds":60}"#) < end);
}

#[test]
fn a_key_rotated_within_its_grace_passes_on_its_expiry_and_not_its_grace() {
    let mut scene = Scene::new();
    let first = scene.key("runs:read", "");
    let rotate = |scene: &mut Scene| {
        scene.actor.call(&format!("select awooop.rotate_api_key('{}', 60)", text(&first["key_id"])))
    };
    assert_eq!(rotate(&mut scene)["expires_at"], Value::Null);
    assert_eq!(rotate(&mut scene)["expires_at"], Value::Null);
}
