//! Ids of another tenant, through every operation and both doors: each is answered as if it did not exist.

use serde_json::Value;

use crate::harness::platform::{call, gateway};
use crate::harness::quiet::EVERY_SCOPE;
use crate::harness::tenant::api_key;
use crate::harness::{Claim, Tenant, literal};

/// What the victim has, and the attacker learned.
struct Loot {
    project: String,
    run: String,
    subject: String,
    key_id: String,
    run_cursor: String,
    audit_cursor: String,
    reservation: String,
    claim: Claim,
}

fn loot() -> Loot {
    let mut victim = Tenant::new("active", EVERY_SCOPE);
    for _ in 0..3 {
        victim.run("");
    }
    let claim = crate::harness::quiet::claims(&victim.within("select awooop.claim_runs('worker')")).remove(0);
    let runs = victim.within("select awooop.list_runs(page_size => 1)");
    let audit = victim.within("select awooop.list_audit(page_size => 1)");
    let key = victim.within("select awooop.create_api_key('k', '{}')");
    let envelope = literal(&victim.envelope("7").to_string());
    let reserved = victim.within(&format!("select awooop.reserve_budget({envelope}, tokens => 1)"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Loot {
        run: text(&runs["items"][0]["run_id"]),
        subject: text(&runs["items"][0]["platform_subject_id"]),
        key_id: text(&key["key_id"]),
        run_cursor: text(&runs["next_cursor"]),
        audit_cursor: text(&audit["next_cursor"]),
        reservation: text(&reserved["reservation_id"]),
        claim,
        project: victim.project,
    }
}

const ABSENT: &str = "018f0000-0000-7000-8000-000000000000";

/// Each operation that takes an id, with the victim's id and with one that nobody has.
fn questions(loot: &Loot) -> Vec<(&'static str, [String; 2])> {
    let pair = |make: &dyn Fn(&str) -> String, real: &str, absent: &str| [make(real), make(absent)];
    let lease = &loot.claim.lease;
    let forged = lease.replace(&loot.claim.run, ABSENT);
    let subject = loot.subject.replace(&loot.project, "nobody");
    vec![
        ("get_run", pair(&|id| format!(r#"{{"run_id":"{id}"}}"#), &loot.run, ABSENT)),
        ("list_steps", pair(&|id| format!(r#"{{"run_id":"{id}"}}"#), &loot.run, ABSENT)),
        ("cancel_run", pair(&|id| format!(r#"{{"run_id":"{id}"}}"#), &loot.run, ABSENT)),
        (
            "grant_subject_role",
            pair(&|id| format!(r#"{{"platform_subject_id":"{id}","role":"x"}}"#), &loot.subject, &subject),
        ),
        ("rotate_api_key", pair(&|id| format!(r#"{{"key_id":"{id}"}}"#), &loot.key_id, "AAAAAAAAAAAAAAAA")),
        ("revoke_api_key", pair(&|id| format!(r#"{{"key_id":"{id}"}}"#), &loot.key_id, "AAAAAAAAAAAAAAAA")),
        (
            "heartbeat",
            [
                format!(r#"{{"run_id":"{}","lease":"{lease}"}}"#, loot.claim.run),
                format!(r#"{{"run_id":"{ABSENT}","lease":"{forged}"}}"#),
            ],
        ),
        (
            "record_step",
            [
                format!(r#"{{"run_id":"{}","lease":"{lease}","step_key":"s"}}"#, loot.claim.run),
                format!(r#"{{"run_id":"{ABSENT}","lease":"{forged}","step_key":"s"}}"#),
            ],
        ),
        (
            "complete_run",
            [
                format!(r#"{{"run_id":"{}","lease":"{lease}"}}"#, loot.claim.run),
                format!(r#"{{"run_id":"{ABSENT}","lease":"{forged}"}}"#),
            ],
        ),
        (
            "fail_run",
            [
                format!(r#"{{"run_id":"{}","lease":"{lease}"}}"#, loot.claim.run),
                format!(r#"{{"run_id":"{ABSENT}","lease":"{forged}"}}"#),
            ],
        ),
        ("release_budget", pair(&|id| format!(r#"{{"reservation_id":"{id}"}}"#), &loot.reservation, ABSENT)),
        ("list_ledger", pair(&|id| format!(r#"{{"escrow_id":"{id}"}}"#), &loot.reservation, ABSENT)),
        ("list_ledger", pair(&|id| format!(r#"{{"escrow_id":"{id}"}}"#), &loot.run, ABSENT)),
        (
            "settle_budget",
            [
                format!(r#"{{"run_id":"{}","lease":"{lease}","model":"m"}}"#, loot.claim.run),
                format!(r#"{{"run_id":"{ABSENT}","lease":"{forged}","model":"m"}}"#),
            ],
        ),
        ("list_runs", pair(&|id| format!(r#"{{"platform_subject_id":"{id}"}}"#), &loot.subject, &subject)),
        ("list_runs", pair(&|id| format!(r#"{{"cursor":"{id}"}}"#), &loot.run_cursor, ABSENT)),
        (
            "list_audit",
            pair(&|id| format!(r#"{{"cursor":"{id}"}}"#), &loot.audit_cursor, "ffffffff-ffff-7fff-bfff-ffffffffffff"),
        ),
    ]
}

#[test]
fn another_tenants_ids_are_unknown_over_http() {
    let (loot, attacker) = (loot(), Tenant::new("active", EVERY_SCOPE));
    let key = api_key(&attacker.project, EVERY_SCOPE);
    let mut gateway = gateway();
    for (operation, [real, absent]) in questions(&loot) {
        let mut ask = |arguments: &str| match call(&mut gateway, &attacker.project, &key, operation, arguments) {
            Ok((status, body)) => format!("{status} {}", without_own(&body)),
            Err(failure) => format!("{failure:?}"),
        };
        let (known, unknown) = (ask(&real), ask(&absent));
        assert_eq!(known, unknown, "{operation}");
        assert!(!known.contains(&loot.project), "{operation}: {known}");
    }
}

/// A listing of the attacker's own rows says nothing of the victim; what is compared is whether it has rows of others.
fn without_own(body: &Value) -> String {
    match body["items"].as_array() {
        Some(items) if items.iter().all(|item| item["project_id"].is_null()) => "own items".to_owned(),
        _ => body.to_string(),
    }
}

#[test]
fn another_tenants_ids_are_unknown_over_sql() {
    let (loot, mut attacker) = (loot(), Tenant::new("active", EVERY_SCOPE));
    let own = attacker.project.clone();
    for (operation, [real, absent]) in questions(&loot) {
        let mut ask = |arguments: &str| {
            let members: Value = serde_json::from_str(arguments).unwrap();
            let named: Vec<String> = members
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, value)| format!("{name} => {}", literal(value.as_str().unwrap_or_default())))
                .collect();
            let sql = format!("select awooop.{operation}({})", named.join(", "));
            match attacker.session.try_within(&own, &sql) {
                Ok(body) => without_own(&body),
                Err(failure) => format!("{failure:?}"),
            }
        };
        let (known, unknown) = (ask(&real), ask(&absent));
        assert_eq!(known, unknown, "{operation}");
        assert!(!known.contains(&loot.project), "{operation}: {known}");
    }
}

#[test]
fn an_envelope_of_another_project_creates_no_run() {
    let (mut victim, mut attacker) = (Tenant::new("active", EVERY_SCOPE), Tenant::new("active", EVERY_SCOPE));
    let envelope = victim.envelope("7");
    let create = |envelope: &Value| format!("select awooop.create_run({})", literal(&envelope.to_string()));
    assert_eq!(attacker.within(&create(&envelope))["code"], "E-TENANT-007");
    // With the project's name changed, the subject is still the victim's: it does not exist here.
    for (project, subject) in [(true, false), (true, true)] {
        let mut forged = envelope.clone();
        if project {
            forged["project_id"] = attacker.project.clone().into();
        }
        if subject {
            forged["platform_subject_id"] = format!("{}:telegram:7", attacker.project).into();
        }
        let own = attacker.project.clone();
        let failure = attacker.session.try_within(&own, &create(&forged)).expect_err("it has no such subject");
        assert!(["E-INPUT-001", "E-RUN-009"].contains(&failure.code().as_str()), "{failure:?}");
    }
    assert_eq!(victim.within("select awooop.list_runs()")["items"].as_array().map(Vec::len), Some(0));
}

#[test]
fn an_idempotency_key_of_another_project_is_free_here() {
    let (mut victim, mut attacker) = (Tenant::new("active", EVERY_SCOPE), Tenant::new("active", EVERY_SCOPE));
    let first = victim.run(", idempotency_key => 'shared', input => '{\"a\": 1}'");
    let own = attacker.run(", idempotency_key => 'shared', input => '{\"a\": 2}'");
    assert_eq!((first["created"].clone(), own["created"].clone()), (true.into(), true.into()));
    assert_ne!(first["run_id"], own["run_id"]);
}

#[test]
fn the_project_of_a_call_is_the_keys_own() {
    let (victim, attacker) = (Tenant::new("active", EVERY_SCOPE), Tenant::new("active", EVERY_SCOPE));
    let (key, theirs) = (api_key(&attacker.project, EVERY_SCOPE), api_key(&victim.project, EVERY_SCOPE));
    let renamed = key.replace(&attacker.project, &victim.project);
    let secret = key.rsplit('.').next().unwrap_or_default();
    let spliced = format!("{}.{secret}", theirs.rsplit_once('.').map(|(head, _)| head).unwrap_or_default());
    let mut gateway = gateway();
    for (project, credential) in [
        (victim.project.as_str(), key.as_str()),
        (victim.project.as_str(), renamed.as_str()),
        ("", renamed.as_str()),
        (victim.project.as_str(), spliced.as_str()),
        ("", spliced.as_str()),
        (attacker.project.as_str(), theirs.as_str()),
    ] {
        let (status, body) = call(&mut gateway, project, credential, "whoami", "{}").unwrap();
        assert_eq!((status, body["code"].as_str()), (401, Some("E-AUTH-001")), "{project}");
    }
    let (status, body) = call(&mut gateway, "", &key, "whoami", "{}").unwrap();
    assert_eq!((status, body["project_id"].as_str()), (200, Some(attacker.project.as_str())));
}
