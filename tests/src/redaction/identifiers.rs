//! Typed identifiers are never redacted, be they in the form of a telephone number.

use serde_json::json;

use super::{Stage, redact};
use crate::harness::answer::literal;
use crate::harness::platform::login;
use crate::harness::platform_logins::gateway_login_in;
use crate::harness::quiet::text;

/// A channel's user id that is a Taiwanese mobile number in form.
const USER: &str = "886912345678";

#[test]
fn as_a_text_it_is_a_telephone_number() {
    let (_, mut session) = login(&["awooop_tenant"]);
    assert_eq!(redact(&mut session, USER), "[REDACTED:phone]");
}

#[test]
fn a_user_id_like_a_telephone_number_is_the_same_everywhere_and_for_everybody() {
    let mut stage = Stage::new();
    let subject = format!("{}:whatsapp:{USER}", stage.project.id);
    let build = format!("select awooop.build_envelope('agent', 'whatsapp', '{USER}', channel_chat_id => '{USER}')");
    let envelope = stage.creator.call(&build);
    assert_eq!(
        [&envelope["channel_user_id"], &envelope["channel_chat_id"], &envelope["platform_subject_id"]],
        [&json!(USER), &json!(USER), &json!(subject)]
    );
    let create = format!(
        "select awooop.create_run({}, input => '{{\"from\": \"{USER}\"}}', idempotency_key => '{USER}')",
        literal(&envelope.to_string())
    );
    let run = stage.creator.call(&create);
    let id = text(&run["run_id"]);
    let claim = stage.worker.claim_one(USER);
    assert_eq!(claim.json["envelope"]["channel_user_id"], USER);
    stage.worker.call(&claim.sql("record_step", &format!(", '{USER}', kind => '{USER}'")));
    stage.worker.call(&claim.sql("fail_run", &format!(", '{USER}', 'no answer from {USER}', false")));

    let seen = stage.other.show(&id);
    assert_eq!(seen["input"], json!({"from": "[REDACTED:phone]"}));
    let mut expected = envelope.clone();
    expected["run_id"] = json!(id);
    assert_eq!(seen["envelope"], expected);
    assert_eq!([&seen["platform_subject_id"], &seen["idempotency_key"]], [&json!(subject), &json!(USER)]);
    assert_eq!(
        [&seen["error"]["code"], &seen["error"]["message"]],
        [&json!(USER), &json!("no answer from [REDACTED:phone]")]
    );
    let step = stage.other.call(&format!("select awooop.list_steps('{id}') -> 'items' -> 0"));
    assert_eq!([&step["step_key"], &step["kind"]], [&json!(USER), &json!(USER)]);
    let listed = stage.other.call(&format!("select awooop.list_runs(platform_subject_id => '{subject}')"));
    assert_eq!(
        (&listed["items"][0]["run_id"], &listed["items"][0]["platform_subject_id"]),
        (&json!(id), &json!(subject))
    );
    let granted = stage.other.call(&format!("select awooop.grant_subject_role('{subject}', 'approver')"));
    assert_eq!([&granted["channel_user_id"], &granted["channel_chat_id"]], [&json!(USER), &json!(USER)]);

    let audit = stage.other.call("select awooop.list_audit(page_size => 100)");
    let about = |action: &str| {
        let items = audit["items"].as_array().expect("items");
        items.iter().find(|item| item["action"] == action).cloned().unwrap_or_default()
    };
    for action in ["subject_first_seen", "run_created", "run_claimed", "run_failed", "subject_role_granted"] {
        assert_eq!(about(action)["platform_subject_id"], subject, "{action}");
    }
    assert_eq!(about("run_claimed")["facts"]["worker_id"], USER);
}

#[test]
fn over_http_it_is_the_same_and_a_filter_finds_it() {
    let mut stage = Stage::new();
    let mut gateway = gateway_login_in(&stage.project.database);
    let project = stage.project.id.clone();
    let subject = format!("{project}:line:{USER}");
    let mut key = || {
        text(
            &stage.creator.call("select awooop.create_api_key('k', '{envelope:write,runs:read,runs:write}')")["api_key"],
        )
    };
    let (one, two) = (key(), key());
    let arguments = json!({"agent_id": "agent", "channel_type": "line", "channel_user_id": USER}).to_string();
    let envelope = gateway.call(&project, &one, "build_envelope", &arguments).body;
    let run = gateway.call(&project, &one, "create_run", &json!({"envelope": envelope}).to_string()).body;
    let filter = json!({"platform_subject_id": subject}).to_string();
    let found = gateway.call(&project, &two, "list_runs", &filter).body["items"][0].clone();
    assert_eq!([&found["run_id"], &found["platform_subject_id"]], [&run["run_id"], &json!(subject)]);
    let seen = gateway.call(&project, &two, "get_run", &json!({"run_id": run["run_id"]}).to_string()).body;
    assert_eq!([&seen["envelope"]["channel_user_id"], &seen["redacted"]], [&json!(USER), &json!(true)]);
}

#[test]
fn roles_scopes_and_projects_in_the_audit_log_are_identifiers_too() {
    let mut stage = Stage::new();
    let role = format!("tel_{USER}_{}", std::process::id());
    let project = stage.project.id.clone();
    stage
        .admin
        .run(&format!("create role {role} login; select awooop.bind_role('{role}', '{project}', '{{runs:read}}')"));
    stage.admin.run(&format!("select awooop.unbind_role('{role}', '{project}'); drop role {role}"));
    let facts = stage.stored(&format!(
        "select count(*) from awooop.audit_log where project_id = $p and facts ->> 'role' = '{role}'"
    ));
    assert_eq!(facts, "2");
}
