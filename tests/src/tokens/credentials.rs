//! What a good token opens: the subject's principal, the scopes that both token and project give, and the agent it is bound to.

use serde_json::{Value, json};

use super::stage::Stage;
use crate::harness::issuer::{Signer, key_set};
use crate::harness::{Project, literal};

#[test]
fn a_token_that_is_signed_by_any_of_the_algorithms_is_a_credential() {
    for algorithm in ["RS256", "PS256", "ES256", "ES384", "EdDSA"] {
        let mut stage = Stage::of(Project::new(), algorithm);
        let me = stage.whoami(&stage.token());
        let expected = json!({
            "project_id": stage.project.id, "principal_id": format!("token:{}#ada", stage.issuer),
            "scopes": ["runs:read", "tools:read"], "door": "http", "key_id": null, "issuer": stage.issuer,
            "agent_id": null, "channel": null, "run_id": null, "migration_mode": "active"
        });
        assert_eq!(me, expected, "{algorithm}");
        // Known by now, it is the same.
        assert_eq!(stage.whoami(&stage.token()), expected);
    }
}

#[test]
fn a_token_opens_what_its_scopes_say_and_nothing_else() {
    let mut stage = Stage::new();
    let token = stage.token();
    assert_eq!(stage.ask(&token, "list_runs", &json!({})).status, 200);
    // One that it has and the project does not let the issuer give, one that nobody may give, one that it has not.
    for (operation, arguments, scope) in [
        ("grant_subject_role", json!({"platform_subject_id": "a:b:c", "role": "x"}), "subjects:admin"),
        ("list_token_issuers", json!({}), "keys:admin"),
        ("create_agent", json!({"agent_id": "other"}), "agents:write"),
    ] {
        let refused = stage.ask(&token, operation, &arguments);
        assert_eq!((refused.status, &refused.body["code"]), (403, &json!("E-AUTH-003")), "{operation}");
        assert_eq!(refused.body["required_scope"], scope);
    }
    let who = format!("token:{}#ada", stage.issuer);
    let audited = stage.admin.value(&format!(
        "select count(*) from awooop.audit_log where principal_id = {} and code = 'E-AUTH-003' and door = 'http'",
        literal(&who)
    ));
    assert_eq!(audited, "3", "who was refused is on record");
    let mut claims = stage.claims();
    claims["scp"] = claims["scope"].as_str().unwrap().split(' ').collect::<Vec<_>>().into();
    claims.as_object_mut().unwrap().remove("scope");
    assert_eq!(stage.whoami(&stage.signer.token(&claims))["scopes"], json!(["runs:read", "tools:read"]));
    let none = stage.with("scope", json!("openid"));
    assert_eq!(stage.whoami(&stage.signer.token(&none))["scopes"], json!([]));
}

#[test]
fn a_project_that_is_not_named_is_the_tokens_own() {
    let mut stage = Stage::new();
    let named = stage.signer.token(&stage.with("project_id", json!(stage.project.id)));
    let reply = stage.gateway.call("", &named, "whoami", "{}");
    assert_eq!((reply.status, &reply.body["project_id"]), (200, &json!(stage.project.id)));
    let unnamed = stage.token();
    assert_eq!(stage.gateway.call("", &unnamed, "whoami", "{}").status, 401);
}

#[test]
fn a_token_that_is_bound_to_an_agent_speaks_for_it_and_does_nothing_but_call_and_look() {
    let mut stage = Stage::new();
    let too_much = stage.registering("tools:call,runs:write", ", agent_claim => 'agent'");
    assert_eq!(stage.actor.code(&too_much), "E-INPUT-001");
    let registering = stage.registering("tools:call,tools:read", ", agent_claim => 'agent'");
    assert_eq!(stage.actor.call(&registering)["agent_claim"], "agent");
    stage.refused(&stage.token(), "a token that says no agent");
    for bad in [json!(7), json!("a b"), json!(["agent"])] {
        stage.refused(&stage.signer.token(&stage.with("agent", bad.clone())), &bad.to_string());
    }
    let mut claims = stage.with("agent", json!("agent"));
    claims["scope"] = json!("tools:call tools:read runs:write");
    let token = stage.signer.token(&claims);
    let me = stage.whoami(&token);
    assert_eq!((&me["agent_id"], &me["scopes"]), (&json!("agent"), &json!(["tools:call", "tools:read"])));
    let call = |agent: &str| json!({"agent_id": agent, "tool": "none__shop", "arguments": {}});
    let denied = stage.ask(&token, "mcp_begin_call", &call("other"));
    let expected = (&json!("E-MCP-GATE-002"), &json!("key_of_another_agent"));
    assert_eq!((&denied.body["code"], &denied.body["reason"]), expected, "{}", denied.body);
    // Its own it may speak for: the next gate says what is wrong.
    assert_eq!(stage.ask(&token, "mcp_begin_call", &call("agent")).body["code"], "E-MCP-GATE-003");
    // A row that somebody widened gives no more.
    stage.admin.run(&format!(
        "update awooop.token_issuer set scopes = array['runs:write', 'keys:admin', 'tools:read'] where issuer = '{}'",
        stage.issuer
    ));
    claims["scope"] = json!("keys:admin tools:read runs:write");
    assert_eq!(stage.whoami(&stage.signer.token(&claims))["scopes"], json!(["tools:read"]));
}

#[test]
fn a_claim_that_must_name_the_project_names_it_in_every_token() {
    let mut stage = Stage::new();
    stage.register(", project_claim => 'tenant', subject_claim => 'email'");
    let project = stage.project.id.clone();
    let claims = |tenant: Value| {
        let mut claims = stage.with("tenant", tenant);
        claims["email"] = json!("ada@shop.example");
        claims
    };
    let (good, other) = (claims(json!(project)), claims(json!("other")));
    let missing = stage.with("email", json!("ada@shop.example"));
    let who = stage.whoami(&stage.signer.token(&good))["principal_id"].clone();
    assert_eq!(who, format!("token:{}#ada@shop.example", stage.issuer));
    stage.refused(&stage.signer.token(&other), "another project");
    stage.refused(&stage.signer.token(&missing), "no project");
}

#[test]
fn authenticate_says_whose_a_token_is_and_binds_nothing() {
    let mut stage = Stage::new();
    let ask = |token: &str| format!("select awooop.authenticate({}, {})", literal(&stage.project.id), literal(token));
    let (good, bad) = (ask(&stage.token()), ask(&format!("{}x", stage.token())));
    let said = stage.actor.session.json(&good);
    assert_eq!((&said["ok"], &said["issuer"], &said["key_id"]), (&json!(true), &json!(stage.issuer), &Value::Null));
    assert_eq!(stage.actor.session.json(&bad)["code"], "E-AUTH-001");
    assert_eq!(stage.actor.session.value("select awooop.current_project_id()"), "");
}

#[test]
fn a_suspended_project_refuses_a_good_token_and_says_so() {
    let mut stage = Stage::new();
    let token = stage.token();
    stage.whoami(&token);
    let suspend =
        |lifted: bool| format!("select awooop.suspend_project('{}', suspended => {})", stage.project.id, !lifted);
    let (stop, go_on) = (suspend(false), suspend(true));
    stage.admin.run(&stop);
    let refused = stage.ask(&token, "whoami", &json!({}));
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!("E-TENANT-005")));
    stage.admin.run(&go_on);
    stage.whoami(&token);
}

#[test]
fn several_keys_of_one_issuer_verify_each_their_own_tokens() {
    let mut stage = Stage::new();
    let second = Signer::new("EdDSA");
    let set = key_set(&[&stage.signer, &second]);
    assert_eq!(stage.bring(&set), json!({"keys": 2, "changed": true}));
    stage.whoami(&stage.token());
    stage.whoami(&second.token(&stage.claims()));
    // Each by its own id alone.
    let crossed = json!({"alg": "EdDSA", "kid": stage.signer.kid}).to_string();
    let crossed = second.signed(&crossed, &stage.claims().to_string());
    stage.refused(&crossed, "the id of the other key");
}
