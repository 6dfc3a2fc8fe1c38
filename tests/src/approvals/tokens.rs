//! The token: for one call, once, in the transaction that records the intent; and every way in which it is not good.

use serde_json::{Value, json};

use super::stage::{Desk, ERASE, NOTE, REFUND, refund};
use crate::harness::answer::literal;
use crate::harness::quiet::{Claim, text};

/// The token with other words in its header or its claims, and the signature that it had.
fn reworded(token: &str, part: usize, change: impl FnOnce(&mut Value)) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let mut words: Value = serde_json::from_slice(&base64url(&parts[part])).expect("JSON");
    change(&mut words);
    parts[part] = to_base64url(words.to_string().as_bytes());
    parts.join(".")
}

fn base64url(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

fn to_base64url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn a_token_is_used_with_the_intent_of_its_call_once() {
    let mut desk = Desk::new();
    let worker = desk.worker.clone();
    let (run, id, token) = desk.approved("A-1");
    let step = Desk::step(&run, &token, refund("A-1"));
    assert_eq!(desk.does(&worker, "record_step", step.clone())["outcome"], "recorded");
    assert_eq!((desk.state(&id), &desk.status(&id)["use"]["outcome"]), ("used".to_owned(), &json!("under_way")));
    // The same step again is the same step; another one with the same token is a replay.
    assert_eq!(desk.does(&worker, "record_step", step.clone())["outcome"], "replayed");
    let mut other = step.clone();
    other["step_key"] = "again".into();
    assert_eq!(desk.code(&worker, "record_step", other), "E-TOKEN-019");
    let asked = desk.does(&worker, "request_approval", Desk::wanted(&run, REFUND, refund("A-1")));
    assert_eq!((&asked["decision"], &asked["token"]), (&json!("used"), &Value::Null));
    let done = json!({
        "run_id": run.run, "lease": run.lease, "step_key": "call", "kind": "tool", "request": refund("A-1"),
        "result": {"refunded": true}
    });
    desk.does(&worker, "record_step", done);
    assert_eq!(desk.status(&id)["use"]["outcome"], "completed");
    assert_eq!(desk.audited(&id), ["approval_requested", "approval_given", "approval_granted", "approval_used"]);
}

#[test]
fn the_order_of_keys_and_the_way_numbers_are_written_do_not_matter() {
    let mut desk = Desk::new();
    let worker = desk.worker.clone();
    let (run, _, token) = desk.approved("A-1");
    let mut step = Desk::step(&run, &token, Value::Null).to_string();
    step = step.replace("\"request\":null", "\"request\":{\"order\" : \"\\u0041-1\", \"amount\":3e1}");
    let reply = desk.office.gateway.try_call(&desk.office.project, &worker, "record_step", &step).expect("an answer");
    assert_eq!(reply.body["outcome"], "recorded", "{}", reply.body);
}

#[test]
fn what_is_not_what_was_approved_is_refused_by_its_own_code() {
    let mut desk = Desk::new();
    let worker = desk.worker.clone();
    let (run, id, token) = desk.approved("A-1");
    let (other_run, _, other_token) = desk.approved("A-2");
    let good = Desk::step(&run, &token, refund("A-1"));
    let with = |change: &dyn Fn(&mut Value)| {
        let mut step = good.clone();
        change(&mut step);
        step
    };
    let cases: Vec<(Value, &str)> = vec![
        (with(&|step| step["request"]["amount"] = 31.into()), "E-TOKEN-018"),
        (with(&|step| step["request"]["order"] = "A-2".into()), "E-TOKEN-018"),
        (with(&|step| step["tool"] = ERASE.into()), "E-TOKEN-017"),
        (with(&|step| step["tool"] = NOTE.into()), "E-TOKEN-017"),
        (Desk::step(&other_run, &token, refund("A-1")), "E-TOKEN-016"),
        (with(&|step| step["approval_token"] = other_token.clone().into()), "E-TOKEN-016"),
        (
            with(&|step| step["approval_token"] = reworded(&token, 0, |h| h["alg"] = "none".into()).into()),
            "E-TOKEN-002",
        ),
        (
            with(&|step| step["approval_token"] = reworded(&token, 0, |h| h["alg"] = "HS512".into()).into()),
            "E-TOKEN-002",
        ),
        (
            with(&|step| step["approval_token"] = reworded(&token, 0, |h| h["kid"] = "approval-9".into()).into()),
            "E-TOKEN-003",
        ),
        (
            with(&|step| step["approval_token"] = reworded(&token, 0, |h| h["crit"] = json!(["b64"])).into()),
            "E-TOKEN-005",
        ),
        (
            with(&|step| {
                step["approval_token"] = reworded(&token, 0, |h| h["jku"] = "https://e.example".into()).into()
            }),
            "E-TOKEN-006",
        ),
        (
            with(&|step| {
                step["approval_token"] = reworded(&token, 0, |h| h["x5u"] = "https://e.example".into()).into()
            }),
            "E-TOKEN-006",
        ),
        (
            with(&|step| {
                step["approval_token"] = reworded(&token, 0, |h| h["jwk"] = json!({"kty": "oct", "k": ""})).into()
            }),
            "E-TOKEN-006",
        ),
        (
            with(&|step| step["approval_token"] = reworded(&token, 1, |c| c["exp"] = "9999999999".into()).into()),
            "E-TOKEN-008",
        ),
        (
            with(&|step| step["approval_token"] = reworded(&token, 1, |c| c["exp"] = 9_999_999_999_i64.into()).into()),
            "E-TOKEN-008",
        ),
        (with(&|step| step["approval_token"] = "x".into()), "E-TOKEN-001"),
        (
            with(&|step| step["approval_token"] = token.rsplit_once('.').expect("a signature").0.to_owned().into()),
            "E-TOKEN-001",
        ),
        (with(&|step| step["approval_token"] = "x".repeat(3000).into()), "E-TOKEN-001"),
        (with(&|step| step["phase"] = "completed".into()), "E-INPUT-001"),
        (with(&|step| step["tool"] = Value::Null), "E-INPUT-001"),
    ];
    for (step, expected) in cases {
        assert_eq!(desk.code(&worker, "record_step", step.clone()), expected, "{step}");
    }
    // Not one of them used anything, or recorded a step.
    assert_eq!(desk.state(&id), "approved");
    let steps = desk.does(&worker, "list_steps", json!({"run_id": run.run}));
    assert_eq!(steps["items"], json!([]));
    assert_eq!(desk.does(&worker, "record_step", good)["outcome"], "recorded");
}

#[test]
fn a_token_of_another_project_opens_nothing() {
    let (mut ours, mut theirs) = (Desk::new(), Desk::new());
    let worker = ours.worker.clone();
    let (run, ..) = ours.approved("A-1");
    let (_, _, token) = theirs.approved("A-1");
    assert_eq!(ours.code(&worker, "record_step", Desk::step(&run, &token, refund("A-1"))), "E-TOKEN-015");
}

#[test]
fn a_token_signed_with_the_secret_of_an_api_key_is_none() {
    let mut desk = Desk::new();
    let worker = desk.worker.clone();
    let (run, _, token) = desk.approved("A-1");
    let (signed, _) = token.rsplit_once('.').expect("a signature");
    let secret = worker.rsplit('.').next().expect("a secret").to_owned();
    for key in [secret.as_bytes(), worker.as_bytes()] {
        use hmac::{KeyInit, Mac};
        let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(key).expect("a key");
        mac.update(signed.as_bytes());
        let forged = format!("{signed}.{}", to_base64url(&mac.finalize().into_bytes()));
        assert_eq!(desk.code(&worker, "record_step", Desk::step(&run, &forged, refund("A-1"))), "E-TOKEN-008");
    }
}

/// The step as a statement of SQL.
fn statement(run: &Claim, token: &str) -> String {
    let request = literal(&refund("A-1").to_string());
    run.sql(
        "record_step",
        &format!(", 'call', kind => 'tool', phase => 'started', request => {request}, tool => '{REFUND}', approval_token => '{token}'"),
    )
}

#[test]
fn with_a_rollback_the_token_was_not_used_and_with_the_commit_it_was() {
    let mut desk = Desk::new();
    let (run, id, token) = desk.approved("A-1");
    let (project, step) = (desk.office.project.clone(), statement(&run, &token));
    let (state, worker) = (desk.state(&id), desk.worker.clone());
    assert_eq!(state, "approved");
    // As the worker's principal, by SQL: a superuser is no worker, so that the lease is what proves it.
    desk.office.admin.run(&format!("begin; select awooop.enter_project('{project}')"));
    let recorded = desk.office.admin.json(&step);
    assert_eq!(recorded["outcome"], "recorded", "{recorded}");
    desk.office.admin.run("rollback");
    assert_eq!(desk.state(&id), "approved");
    let step = Desk::step(&run, &token, refund("A-1"));
    assert_eq!(desk.does(&worker, "record_step", step)["outcome"], "recorded");
    assert_eq!(desk.state(&id), "used");
}

#[test]
fn a_token_that_has_run_out_is_asked_for_anew() {
    let mut desk = Desk::alone();
    let worker = desk.worker.clone();
    let (run, id, _) = desk.approved("A-1");
    desk.edit("update awooop.approval_request set token_until = token_until - interval '1 hour'", &id);
    assert_eq!(desk.state(&id), "lapsed");
    let again = desk.does(&worker, "request_approval", Desk::wanted(&run, REFUND, refund("A-1")));
    assert_eq!(again["decision"], "waiting", "people decide again: {again}");
    assert_ne!(text(&again["approval"]["approval_id"]), id);
}

#[test]
fn only_who_holds_the_run_is_given_the_token() {
    let mut desk = Desk::new();
    let (worker, cleo) = (desk.worker.clone(), desk.cleo.clone());
    let (run, id, token) = desk.approved("A-1");
    let with_lease = json!({"approval_id": id, "lease": run.lease});
    assert_eq!(desk.does(&worker, "approval_status", with_lease.clone())["token"]["token"], json!(token));
    assert_eq!(desk.does(&worker, "approval_status", json!({"approval_id": id}))["token"], Value::Null);
    let mut wrong = with_lease;
    wrong["lease"] = format!("{}x", run.lease).into();
    assert_eq!(desk.code(&cleo, "approval_status", wrong), "E-RUN-003");
    let reader = desk.office.key("reader", "approvals:read");
    assert_eq!(desk.does(&reader, "approval_status", json!({"approval_id": id}))["token"], Value::Null);
}

#[test]
fn hostile_tokens_are_refused_at_once_and_nothing_of_them_is_said() {
    let mut desk = Desk::new();
    let worker = desk.worker.clone();
    let (run, _, token) = desk.approved("A-1");
    let nested = to_base64url(format!("{}{}", "[".repeat(1000), "]".repeat(1000)).as_bytes());
    let parts: Vec<&str> = token.split('.').collect();
    for hostile in [
        format!("{nested}.{}.{}", parts[1], parts[2]),
        format!("{}.{nested}.{}", parts[0], parts[2]),
        ".".repeat(2000),
        format!("{token}{}", "=".repeat(4)),
        format!("{}.{}.{}", parts[0], parts[1], "A".repeat(2000)),
    ] {
        let reply = desk.ask(&worker, "record_step", Desk::step(&run, &hostile, refund("A-1"))).expect("an answer");
        let code = text(&reply.body["code"]);
        assert!(code.starts_with("E-TOKEN-"), "{code}");
        assert!(!reply.body.to_string().contains(&hostile[..40.min(hostile.len())]), "{}", reply.body);
    }
    // A megabyte is no argument at all.
    let huge = Desk::step(&run, &"x".repeat(1 << 20), refund("A-1"));
    assert_eq!(desk.code(&worker, "record_step", huge), "E-INPUT-007");
}
