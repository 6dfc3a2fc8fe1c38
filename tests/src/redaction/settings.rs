//! Families that a project switches, through both doors; and what nobody can switch.

use serde_json::{Value, json};

use super::{EMAIL, Stage, TOKEN, redacted_for};
use crate::harness::answer::literal;
use crate::harness::platform::{call, call_code};
use crate::harness::platform_logins::gateway_login_in;
use crate::harness::quiet::text;
use crate::harness::{Actor, Session};

const CREDENTIALS: [&str; 5] = ["private_key", "auth_token", "vendor_token", "secret", "url_credential"];

fn key(actor: &mut Actor, scopes: &str) -> String {
    text(&actor.call(&format!("select awooop.create_api_key('k', string_to_array('{scopes}', ','))"))["api_key"])
}

/// Rows of the audit log about `action`, with this decision.
#[track_caller]
fn audited(stage: &mut Stage, action: &str, decision: &str) -> String {
    stage.stored(&format!(
        "select count(*) from awooop.audit_log where project_id = $p and action = '{action}' and decision = '{decision}'"
    ))
}

fn modes(settings: &Value) -> Vec<(String, String)> {
    let families = settings["families"].as_array().expect("families");
    families.iter().map(|family| (text(&family["family"]), text(&family["mode"]))).collect()
}

#[test]
fn the_nine_families_are_on_and_two_are_off_until_a_project_says_otherwise() {
    let mut stage = Stage::new();
    let settings = stage.creator.call("select awooop.get_redaction()");
    let modes = modes(&settings);
    assert_eq!(modes.len(), 11);
    for (family, mode) in modes {
        let off = ["ip", "crypto_address"].contains(&family.as_str());
        assert_eq!(mode, if off { "allow" } else { "redact" }, "{family}");
    }
    for family in settings["families"].as_array().expect("families") {
        assert_eq!(family["credential"], CREDENTIALS.contains(&family["family"].as_str().unwrap_or_default()));
    }
    let address = "from 203.0.113.77 port 22";
    assert_eq!(redacted_for(&mut stage.creator, address), address);
    stage.creator.call("select awooop.set_redaction_family('ip', 'redact')");
    assert_eq!(redacted_for(&mut stage.creator, address), "from [REDACTED:ip] port 22");
}

#[test]
fn a_family_that_is_allowed_is_shown_through_both_doors_and_each_change_is_on_record_once() {
    let mut stage = Stage::new();
    let key = key(&mut stage.creator, "redaction:admin");
    let mut gateway = gateway_login_in(&stage.project.database);
    stage.creator.call("select awooop.set_redaction_family('email', 'allow')");
    assert_eq!(redacted_for(&mut stage.other, EMAIL), EMAIL);
    let arguments = json!({"family": "email", "mode": "redact"}).to_string();
    let reply = gateway.call(&stage.project.id, &key, "set_redaction_family", &arguments);
    assert_eq!((reply.status, &reply.body["mode"]), (200, &json!("redact")));
    assert_eq!(redacted_for(&mut stage.other, EMAIL), "[REDACTED:email]");
    let facts = stage.stored(
        "select string_agg(door || ' ' || facts, '; ' order by audit_id) from awooop.audit_log
         where project_id = $p and action = 'redaction_family_set'",
    );
    assert_eq!(
        facts,
        "sql {\"mode\": \"allow\", \"family\": \"email\"}; http {\"mode\": \"redact\", \"family\": \"email\"}"
    );
    let who = stage.stored("select changed_by like 'key:%' from awooop.redaction_family where project_id = $p");
    assert_eq!(who, "t");
}

#[test]
fn a_family_of_credentials_cannot_be_allowed_and_the_attempt_is_on_record() {
    let mut stage = Stage::new();
    let key = key(&mut stage.creator, "redaction:admin");
    let mut gateway = gateway_login_in(&stage.project.database);
    for (n, family) in CREDENTIALS.iter().enumerate() {
        assert_eq!(
            stage.creator.code(&format!("select awooop.set_redaction_family('{family}', 'allow')")),
            "E-REDACT-001"
        );
        let arguments = json!({"family": family, "mode": "allow"}).to_string();
        let reply = gateway.call(&stage.project.id, &key, "set_redaction_family", &arguments);
        assert_eq!((reply.status, &reply.body["code"]), (403, &json!("E-REDACT-001")));
        assert_eq!(audited(&mut stage, "set_redaction_family", "refused"), (2 * (n + 1)).to_string());
        // To say that it is redacted is no harm.
        stage.creator.call(&format!("select awooop.set_redaction_family('{family}', 'redact')"));
    }
    assert_eq!(
        stage.stored("select count(*) from awooop.redaction_family where project_id = $p and mode = 'allow'"),
        "0"
    );
    assert_eq!(redacted_for(&mut stage.other, TOKEN), "[REDACTED:vendor_token]");
}

#[test]
fn no_dml_allows_credentials_not_even_the_owners() {
    let mut stage = Stage::new();
    let project = stage.project.id.clone();
    stage.creator.call("select awooop.set_redaction_family('secret', 'redact')");
    let as_whom: [&str; 2] = ["", "set local role awooop_owner;"];
    for role in as_whom {
        for sql in [
            format!("insert into awooop.redaction_family values ('{project}', 'vendor_token', 'allow', 'x')"),
            format!("update awooop.redaction_family set mode = 'allow' where project_id = '{project}'"),
            format!("update awooop.redaction_family set mode = 'off' where project_id = '{project}'"),
        ] {
            let attempt = stage.admin.try_within(&project, &format!("{role} {sql}"));
            assert_eq!(attempt.expect_err("no row can say so").sqlstate, "23514", "{role} {sql}");
        }
    }
    // A row that some other way got there all the same would not be obeyed.
    let forged = "alter table awooop.redaction_family drop constraint redaction_family_credential";
    let (database, mut admin) = crate::harness::own_database();
    let mut actor = crate::harness::Project::in_database(&database).actor();
    admin.run(forged);
    admin.run(&format!(
        "insert into awooop.redaction_family values ('{}', 'vendor_token', 'allow', 'x')",
        actor.project
    ));
    assert_eq!(redacted_for(&mut actor, TOKEN), "[REDACTED:vendor_token]");
}

#[test]
fn whoever_lacks_the_scope_changes_and_sees_nothing() {
    let mut stage = Stage::new();
    let (weak, mut admin) = (crate::harness::unique("weak"), stage.project.admin());
    admin.run(&format!("create role {weak} login password 'secret'"));
    let scopes = "'{agents:write,audit:read,envelope:write,keys:admin,runs:read,runs:work,runs:write}'";
    admin.run(&format!("select awooop.bind_role('{weak}', '{}', {scopes})", stage.project.id));
    let mut weak = crate::harness::Project { role: weak, ..stage.project.clone() }.actor();
    let key = key(&mut weak, "keys:admin,runs:read");
    let mut gateway = gateway_login_in(&stage.project.database);
    for (operation, sql, arguments) in [
        ("get_redaction", "get_redaction()", json!({})),
        ("set_redaction_family", "set_redaction_family('email', 'allow')", json!({"family": "email", "mode": "allow"})),
        (
            "set_redaction_rule",
            "set_redaction_rule('r', 'email', 'x')",
            json!({"rule_id": "r", "family": "email", "shape": "x"}),
        ),
        ("remove_redaction_rule", "remove_redaction_rule('r')", json!({"rule_id": "r"})),
    ] {
        assert_eq!(weak.code(&format!("select awooop.{sql}")), "E-AUTH-003");
        let code = call_code(&mut gateway.0, &stage.project.id, &key, operation, &arguments.to_string());
        assert_eq!(code, "E-AUTH-003");
        assert_eq!(audited(&mut stage, operation, "refused"), "2", "{operation}");
    }
    // Nor does it hand the scope out.
    assert_eq!(weak.code("select awooop.create_api_key('k', array['redaction:admin'])"), "E-AUTH-004");
    assert_eq!(stage.stored("select count(*) from awooop.redaction_family where project_id = $p"), "0");
    assert_eq!(stage.stored("select count(*) from awooop.redaction_rule where project_id = $p"), "0");
}

#[test]
fn an_unknown_family_or_mode_is_a_fault_that_quotes_nothing() {
    let mut stage = Stage::new();
    let key = key(&mut stage.creator, "redaction:admin");
    let mut gateway = gateway_login_in(&stage.project.database);
    let project = stage.project.id.clone();
    for (family, mode) in
        [("emails", "allow"), ("EMAIL", "allow"), ("", "allow"), ("email", "off"), ("email", TOKEN), (TOKEN, "allow")]
    {
        let sql = format!("select awooop.set_redaction_family({}, {})", literal(family), literal(mode));
        let failure = stage.creator.attempt(&sql).expect_err("a fault");
        assert!(failure.code().starts_with("E-INPUT"), "{failure:?}");
        assert!(!format!("{failure:?}").contains(TOKEN), "{failure:?}");
        let arguments = json!({"family": family, "mode": mode}).to_string();
        let failure = call(&mut gateway.0, &project, &key, "set_redaction_family", &arguments).expect_err("a fault");
        assert!(failure.code().starts_with("E-INPUT") && !format!("{failure:?}").contains(TOKEN), "{failure:?}");
    }
    let nothing: fn(&mut Session, &str) -> String = |admin, project| {
        admin.value(&format!(
            "select count(*) from awooop.audit_log where project_id = '{project}' and action like '%redaction%'"
        ))
    };
    assert_eq!(nothing(&mut stage.admin, &project), "0");
}
