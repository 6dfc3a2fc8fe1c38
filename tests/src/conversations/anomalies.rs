//! Anomalies: counted in a window that slides, crossed once until below again, and acted upon as the policy says.

use serde_json::{Value, json};

use super::shares;
use crate::channels::stage::Stage;
use crate::contracts::stage::Office;
use crate::harness::at_once;
use crate::harness::channels::{counting, said};
use crate::harness::contracts::activate;
use crate::harness::platform_logins::gateway_login_in;
use crate::harness::quiet::text;

const COUNTS: &str = "anomalies:write,audit:read";

/// A project whose policy has these counters, and the key of somebody who counts.
fn office(anomalies: Value) -> (Office, String) {
    let mut office = Office::new();
    let key = counts(&mut office, anomalies);
    (office, key)
}

/// The same in a project that is there.
fn counts(office: &mut Office, anomalies: Value) -> String {
    let project = office.project.clone();
    activate(&mut office.admin, &project, &counting(anomalies));
    office.key("counter", COUNTS)
}

fn rule(threshold: u64, window_seconds: u64, action: &str) -> Value {
    json!({"odd": {"threshold": threshold, "window_seconds": window_seconds, "action": action}})
}

fn once(target: &str) -> Value {
    json!({"counter": "odd", "target": target})
}

/// Makes what was counted older.
fn ages(office: &mut Office, seconds: u64) {
    let project = office.project.clone();
    office.admin.run(&format!(
        "update awooop.anomaly_counter set bucket_at = bucket_at - interval '{seconds} seconds',
                expires_at = expires_at - interval '{seconds} seconds' where project_id = '{project}'"
    ));
}

#[test]
fn a_threshold_is_crossed_once_until_the_window_has_slid_on() {
    let (mut office, key) = office(rule(3, 600, "record"));
    let count = |office: &mut Office| {
        let counted = office.does(&key, "count_anomaly", once("a"));
        (counted["count"].as_u64().unwrap_or_default(), counted["crossed"] == true, counted["over"] == true)
    };
    assert_eq!([count(&mut office), count(&mut office), count(&mut office)].map(|(n, ..)| n), [1, 2, 3]);
    assert_eq!(count(&mut office), (4, true, true));
    assert_eq!(count(&mut office), (5, false, true), "crossed once");
    ages(&mut office, 300);
    assert_eq!(count(&mut office), (6, false, true), "the window reaches back");
    ages(&mut office, 301);
    assert_eq!(count(&mut office), (2, false, false), "what is older is out of it");
    let listed = office.does(&key, "list_anomalies", json!({}));
    let first = &listed["items"][0];
    assert_eq!((&first["count"], &first["threshold"], first["ended_at"].is_string()), (&json!(4), &json!(3), true));
    assert_eq!(office.does(&key, "list_anomalies", json!({"open": true}))["items"], json!([]));
    let by = json!({"counter": "odd", "target": "a", "by": 5});
    assert_eq!(office.does(&key, "count_anomaly", by)["crossed"], true);
    assert_eq!(office.does(&key, "list_anomalies", json!({}))["items"].as_array().map(Vec::len), Some(2));
    let look = json!({"counter": "odd", "target": "a", "by": 0});
    assert_eq!(office.does(&key, "count_anomaly", look)["count"], 7);
    // Another target is counted for itself, and what nobody named is not counted.
    assert_eq!(office.does(&key, "count_anomaly", once("b"))["count"], 1);
    assert_eq!(office.code(&key, "count_anomaly", json!({"counter": "even"})), "E-ANOMALY-001");
    let audited = office.does(&key, "list_audit", json!({"action": "anomaly_crossed"}));
    assert_eq!(audited["items"].as_array().map(Vec::len), Some(2));
    // What is out of every window is forgotten.
    ages(&mut office, 2000);
    office.admin.run("select awooop.maintain()");
    let project = office.project.clone();
    let left = format!("select count(*) from awooop.anomaly_counter where project_id = '{project}'");
    assert_eq!(office.admin.value(&left), "0");
}

#[test]
fn of_many_who_count_at_once_none_is_lost_and_one_crosses() {
    let (mut office, key) = office(rule(50, 600, "record"));
    let (project, database) = (office.project.clone(), office.database());
    let arguments = once("a").to_string();
    let crossed: usize = at_once(
        8,
        |_| gateway_login_in(&database),
        |_, gateway| {
            let mut counts = || gateway.try_call(&project, &key, "count_anomaly", &arguments).expect("it counts").body;
            (0..10).filter(|_| counts()["crossed"] == true).count()
        },
    )
    .into_iter()
    .sum();
    assert_eq!(crossed, 1);
    let look = json!({"counter": "odd", "target": "a", "by": 0});
    assert_eq!(office.does(&key, "count_anomaly", look)["count"], 80);
}

#[test]
fn an_agent_past_its_threshold_is_suspended() {
    let (mut office, key) = office(rule(1, 600, "suspend_agent"));
    let maker = office.key("maker", "runs:write,envelope:write");
    let envelope = json!({"agent_id": "agent", "channel_type": "telegram", "channel_user_id": "7"});
    let envelope = office.does(&maker, "build_envelope", envelope);
    office.does(&maker, "create_run", json!({"envelope": envelope}));
    let mut two = once("agent");
    two["by"] = 2.into();
    assert_eq!(office.does(&key, "count_anomaly", two)["crossed"], true);
    assert_eq!(office.code(&maker, "create_run", json!({"envelope": envelope})), "E-AGENT-003");
    let project = office.project.clone();
    let audited = office.admin.value(&format!(
        "select string_agg(distinct action, ' ') from awooop.audit_log
         where project_id = '{project}' and action in ('agent_changed', 'anomaly_crossed')
           and (action = 'anomaly_crossed' or facts ->> 'enabled' = 'false')"
    ));
    assert_eq!(audited, "agent_changed anomaly_crossed");
}

#[test]
fn a_project_past_its_threshold_is_suspended_until_an_operator_resumes_it() {
    let (mut office, key) = office(rule(1, 600, "suspend_project"));
    let mut two = once("");
    two["by"] = 2.into();
    assert_eq!(office.does(&key, "count_anomaly", two.clone())["crossed"], true);
    assert_eq!(office.code(&key, "count_anomaly", two), "E-TENANT-005");
    let project = office.project.clone();
    office.admin.run(&format!("select awooop.suspend_project('{project}', suspended => false)"));
    assert_eq!(office.does(&key, "count_anomaly", once(""))["crossed"], false);
}

#[test]
fn people_are_told_in_the_chat_where_they_decide() {
    let mut stage = Stage::with(json!({"approvals": {"channel_chat_id": "-5", "roles": ["lead"]}}));
    let key = counts(&mut stage.office, rule(1, 600, "notify"));
    let mut two = once("shelf 9");
    two["by"] = 2.into();
    stage.office.does(&key, "count_anomaly", two.clone());
    stage.office.does(&key, "count_anomaly", two);
    let told = stage.messages();
    assert_eq!(told.len(), 1, "once: {told:?}");
    assert!(told[0].2.contains("odd") && told[0].2.contains("shelf 9"), "{told:?}");
}

#[test]
fn failed_runs_count_by_themselves() {
    let anomalies = json!({"failed_runs": {"threshold": 1, "window_seconds": 600, "action": "record"}});
    let mut stage = Stage::new();
    let key = counts(&mut stage.office, anomalies);
    let worker = stage.worker.clone();
    for n in 1..=2 {
        stage.comes(&said(n, 42, "hello"));
        let claim = stage.claim_run();
        stage.office.does(&worker, "fail_run", json!({"run_id": claim.run, "lease": claim.lease, "retryable": false}));
    }
    let listed = stage.office.does(&key, "list_anomalies", json!({"counter": "failed_runs"}));
    assert_eq!((&listed["items"][0]["target"], &listed["items"][0]["count"]), (&json!("agent"), &json!(2)));
}

#[test]
fn a_counter_without_anything_of_its_own_is_read_from_the_legacy_one_of_the_same_owner() {
    let mut office = Office::alone();
    shares(&mut office, true);
    let key = counts(&mut office, rule(100, 600, "record"));
    let project = office.project.clone();
    office.admin.run(&format!(
        "insert into awooop.anomaly_counter (project_id, counter, target, is_legacy, bucket_at, count, expires_at)
         values ('{project}', 'odd', 'a', true, now(), 40, now() + interval '1 hour')"
    ));
    let look = json!({"counter": "odd", "target": "a", "by": 0});
    let shown = office.does(&key, "count_anomaly", look.clone());
    assert_eq!((&shown["count"], text(&shown["source"])), (&json!(0), "project".to_owned()), "not the owner");
    office.admin.run(&format!("select awooop.set_legacy_owner('{project}')"));
    let shown = office.does(&key, "count_anomaly", look);
    assert_eq!((&shown["count"], text(&shown["source"])), (&json!(40), "legacy".to_owned()));
    let counted = office.does(&key, "count_anomaly", once("a"));
    assert_eq!((&counted["count"], text(&counted["source"])), (&json!(1), "project".to_owned()));
}

#[test]
fn what_one_project_counts_another_neither_sees_nor_fills() {
    let (mut one, ones) = office(rule(2, 600, "record"));
    let (mut two, twos) = office(rule(2, 600, "record"));
    for _ in 0..5 {
        one.does(&ones, "count_anomaly", once("a"));
    }
    let counted = two.does(&twos, "count_anomaly", once("a"));
    assert_eq!((&counted["count"], &counted["over"]), (&json!(1), &json!(false)));
    assert_eq!(two.does(&twos, "list_anomalies", json!({}))["items"], json!([]));
    assert_eq!(one.does(&ones, "list_anomalies", json!({}))["items"].as_array().map(Vec::len), Some(1));
    let project = one.project.clone();
    let reply = two.gateway.call(&project, &twos, "count_anomaly", &once("a").to_string());
    assert_eq!(reply.status, 401);
    assert_eq!(one.does(&ones, "count_anomaly", once("a"))["count"], 6);
}
