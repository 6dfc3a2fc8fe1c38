//! A flood of bad tokens and couriers is counted as one of bad API keys is, and a good token is never throttled.

use std::time::Instant;

use serde_json::json;

use super::stage::Stage;
use crate::harness::issuer::{Signer, claims, courier, key_set, store};
use crate::harness::platform_logins::gateway_login_in;
use crate::harness::{Project, own_database, unique};

#[test]
fn a_flood_of_bad_tokens_is_throttled_and_a_good_one_is_not() {
    let (database, mut admin) = own_database();
    let mut stage = Stage::of(Project::in_database(&database), "ES256");
    let good = stage.token();
    // The same key and issuer: the very bucket that the good one would be in.
    let bad = Signer::under("ES256", &stage.signer.kid).token(&stage.claims());
    let (mut refused, mut throttled) = (0, 0);
    while throttled < 5 {
        let reply = stage.ask(&bad, "whoami", &json!({}));
        match reply.status {
            401 => refused += 1,
            429 => throttled += 1,
            other => panic!("{other}"),
        }
        assert!(refused <= 40, "nothing is throttled");
        stage.whoami(&good);
    }
    assert!(refused >= 20, "throttled after {refused}");
    let counted = admin.value("select sum(failures) from awooop.failed_authentication");
    assert_eq!(counted, (refused + throttled).to_string());
    let recorded = admin.value("select count(*) from awooop.failed_authentication_log where kind = 'token'");
    assert_eq!(recorded, refused.to_string(), "a flood is counted only");
}

#[test]
fn a_forged_courier_is_counted_and_a_good_one_is_not_throttled() {
    let (database, mut admin) = own_database();
    let mut stage = Stage::of(Project::in_database(&database), "ES256");
    let (id, _) = stage.courier.split_once('.').unwrap();
    let sql = store(&format!("{id}.{}", "A".repeat(43)), &stage.project.id, &stage.issuer, "{}");
    for _ in 0..50 {
        assert_eq!(stage.gateway.0.json(&sql)["code"], "E-ISSUER-005");
    }
    assert_eq!(admin.value("select sum(failures) from awooop.failed_authentication"), "50");
    let recorded: u32 =
        admin.value("select count(*) from awooop.failed_authentication_log where kind = 'courier'").parse().unwrap();
    assert!((20..=40).contains(&recorded), "{recorded}");
    assert_eq!(stage.publish()["keys"], 1);
}

/// How often each kind is asked.
const ROUNDS: usize = 120;

/// The medians of how long each of these is refused, in nanoseconds.
fn medians(stage: &mut Stage, kinds: &[(&str, String, String)]) -> Vec<u128> {
    let mut gateway = gateway_login_in(&stage.project.database).0;
    let statement = gateway.0.prepare("select status from awooop.call($1, $2, 'whoami', '{}', null)").unwrap();
    let mut times = vec![Vec::with_capacity(ROUNDS); kinds.len()];
    for round in 0..ROUNDS {
        let mut order: Vec<usize> = (0..kinds.len()).collect();
        order.rotate_left(round % kinds.len());
        for kind in order {
            // Rolled back: the counter must not reach its threshold, which is another answer by design.
            gateway.run("begin");
            let start = Instant::now();
            let row = gateway.0.query_one(&statement, &[&kinds[kind].1, &kinds[kind].2]).unwrap();
            times[kind].push(start.elapsed().as_nanos());
            gateway.run("rollback");
            assert_eq!(row.get::<_, i32>(0), 401, "{}", kinds[kind].0);
        }
    }
    let median = |times: &mut Vec<u128>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    times.iter_mut().map(median).collect()
}

#[test]
fn the_time_of_a_refusal_does_not_tell_whether_issuer_key_and_signature_exist() {
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let mut seen = Vec::new();
        // What disturbs one measurement, a loaded machine, does not disturb five.
        let is_even = (0..5).any(|_| {
            let mut stage = Stage::of(Project::new(), algorithm);
            let stranger = Signer::new(algorithm);
            let forged = Signer::under(algorithm, &stage.signer.kid);
            let (project, known) = (stage.project.id.clone(), stage.claims());
            let unknown = claims("https://nobody.example", "runs:read");
            let mut wrong = forged.token(&known);
            // The process has one RSA key; what it signed for another message is no signature of this one.
            let other = forged.token(&unknown);
            wrong.truncate(wrong.rfind('.').unwrap());
            wrong.push_str(&other[other.rfind('.').unwrap()..]);
            let expired = stage.signer.token(&stage.with("exp", json!(1)));
            let kinds = [
                ("a wrong signature", project.clone(), wrong),
                ("an unknown key", project.clone(), stranger.token(&known)),
                ("an unknown issuer", project.clone(), forged.token(&unknown)),
                ("an unknown project", unique("none"), forged.token(&known)),
                ("an expired token", project, expired),
            ];
            let medians = medians(&mut stage, &kinds);
            let (least, most) = (medians.iter().min().unwrap(), medians.iter().max().unwrap());
            let is_even = most * 2 <= least * 3;
            seen.push(kinds.iter().map(|kind| kind.0).zip(medians.clone()).collect::<Vec<_>>());
            is_even
        });
        assert!(is_even, "refusals by {algorithm} take different times: {seen:#?}");
    }
}

#[test]
fn a_courier_of_one_database_is_none_of_another() {
    let (database, _) = own_database();
    let mut stage = Stage::of(Project::in_database(&database), "ES256");
    let foreign = courier(&mut crate::harness::superuser());
    let set = key_set(&[&stage.signer]);
    let sql = store(&foreign, &stage.project.id, &stage.issuer, &set);
    assert_eq!(stage.gateway.0.json(&sql)["code"], "E-ISSUER-005");
}
