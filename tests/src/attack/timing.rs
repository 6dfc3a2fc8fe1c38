//! How long a failed authentication takes must not tell why it failed.

use std::time::Instant;

use serde_json::json;

use crate::channels::signed;
use crate::contracts::stage::Office;
use crate::harness::channels::open;
use crate::harness::platform::gateway;
use crate::harness::platform_logins::gateway_login_in;
use crate::harness::tenant::api_key;
use crate::harness::{Session, project, superuser, unique};

/// How often each kind is asked.
const ROUNDS: usize = 300;

/// What fails, and why: project and credential as they are presented.
struct Kind {
    why: &'static str,
    project: String,
    credential: String,
    operation: &'static str,
    arguments: String,
}

/// One of each cause, in a project of its own: failures are counted by what was presented, and a count that another
/// test shares is answered differently.
fn kinds() -> Vec<Kind> {
    let (real, absent) = (project("active"), unique("none"));
    let key = |project: &str| api_key(project, "runs:read");
    let id = |key: &str| key.rsplit('.').nth(1).unwrap_or_default().to_owned();
    let (valid, expired, revoked) = (key(&real), key(&real), key(&real));
    superuser().run(&format!(
        "update awooop.api_keys set expires_at = now() - interval '1 hour' where key_id = '{}';
         update awooop.api_keys set revoked_at = now() where key_id = '{}'",
        id(&expired),
        id(&revoked)
    ));
    let secret = "A".repeat(43);
    let kind = |why, project: &str, credential| Kind {
        why,
        project: project.to_owned(),
        credential,
        operation: "whoami",
        arguments: "{}".to_owned(),
    };
    vec![
        kind("a wrong secret of a real key", &real, format!("awk_{real}.{}.{secret}", id(&valid))),
        kind("an unknown key of a real project", &real, format!("awk_{real}.AAAAAAAAAAAAAAAA.{secret}")),
        kind("an unknown project", &absent, format!("awk_{absent}.AAAAAAAAAAAAAAAA.{secret}")),
        kind("no key at all", &real, format!("awk_{real}:AAAAAAAAAAAAAAAA:{secret}")),
        kind("an expired key", &real, expired),
        kind("a revoked key", &real, revoked),
    ]
}

/// The same of events that come signed: the longer the body, the more a signature takes to check.
fn signed_kinds() -> Vec<Kind> {
    let mut office = Office::new();
    let real = office.project.clone();
    for (name, secrets) in [("one", 1), ("three", 3)] {
        let mut contract = signed::contract("");
        contract["name"] = name.into();
        open(&mut office.admin, &real, &contract);
        for n in 0..secrets {
            let made =
                format!("select awooop.create_api_key('{name} {n}', '{{channels:ingest}}', channel => '{name}')");
            office.admin.within(&real, &made);
        }
    }
    let absent = unique("none");
    let kind = |why, project: &str, channel: &str| Kind {
        why,
        project: project.to_owned(),
        credential: format!("v1,{}=", "A".repeat(43)),
        operation: "ingest_event",
        arguments:
            json!({"channel": channel, "webhook_id": "m-1", "webhook_timestamp": "1", "body": "x".repeat(400_000)})
                .to_string(),
    };
    vec![
        kind("a channel with a secret", &real, "one"),
        kind("a channel with three", &real, "three"),
        kind("no such channel", &real, "none"),
        kind("no such project", &absent, "one"),
    ]
}

/// Median time of each kind in nanoseconds; `None` where a kind met another test's flood of failures.
fn medians(gateway: &mut Session, kinds: &[Kind], rounds: usize) -> Option<Vec<u128>> {
    let statement = gateway.0.prepare("select status from awooop.call($1, $2, $3, $4, null)").unwrap();
    let mut times = vec![Vec::with_capacity(rounds); kinds.len()];
    for round in 0..rounds {
        // Kinds take turns, so that a slow moment of the machine hits all of them, and none always follows the same one.
        let mut order: Vec<usize> = (0..kinds.len()).collect();
        order.rotate_left(round % kinds.len());
        if round % 2 == 1 {
            order.reverse();
        }
        for kind in order {
            // Rolled back: the counter of failures must not reach its threshold, which is another answer by design.
            gateway.run("begin");
            let start = Instant::now();
            let Kind { project, credential, operation, arguments, .. } = &kinds[kind];
            let row = gateway.0.query_one(&statement, &[project, credential, operation, arguments]).unwrap();
            times[kind].push(start.elapsed().as_nanos());
            let status: i32 = row.get(0);
            gateway.run("rollback");
            if status == 429 {
                return None;
            }
            assert_eq!(status, 401);
        }
    }
    let median = |times: &mut Vec<u128>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    Some(times.iter_mut().map(median).collect())
}

#[test]
fn the_time_of_a_failure_does_not_tell_why_it_failed() {
    none_stands_out(gateway(), kinds, ROUNDS);
}

#[test]
fn the_time_that_a_wrong_signature_takes_does_not_tell_which_channels_there_are() {
    none_stands_out(gateway_login_in(&Office::new().database()).0, signed_kinds, ROUNDS / 10);
}

fn none_stands_out(mut gateway: Session, kinds: impl Fn() -> Vec<Kind>, rounds: usize) {
    let mut seen = Vec::new();
    // What disturbs one measurement, a loaded machine or a counter that others hit too, does not disturb five.
    for _ in 0..5 {
        let kinds = kinds();
        let medians = medians(&mut gateway, &kinds, rounds);
        if let Some(medians) = &medians
            && let (Some(least), Some(most)) = (medians.iter().min(), medians.iter().max())
            && most * 2 <= least * 3
        {
            return;
        }
        seen.push(medians.map(|medians| kinds.iter().map(|kind| kind.why).zip(medians).collect::<Vec<_>>()));
    }
    panic!("failures take different times: {seen:#?}");
}
