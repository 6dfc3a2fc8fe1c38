//! How long a failed authentication takes must not tell why it failed.

use std::time::Instant;

use crate::harness::platform::gateway;
use crate::harness::tenant::api_key;
use crate::harness::{Session, project, superuser};

/// How often each kind is asked; kinds take turns, so that a slow moment of the machine hits all of them.
const ROUNDS: usize = 300;

/// Median time of each kind in nanoseconds.
fn medians(gateway: &mut Session, kinds: &[(&str, &str, &str)]) -> Vec<u128> {
    let statement = gateway.0.prepare("select status from awooop.call($1, $2, 'whoami', '{}', null)").unwrap();
    let mut times = vec![Vec::with_capacity(ROUNDS); kinds.len()];
    for _ in 0..ROUNDS {
        for (times, (_, project, credential)) in times.iter_mut().zip(kinds) {
            // Rolled back: the counter of failures must not reach its threshold, which is another answer by design.
            gateway.run("begin");
            let start = Instant::now();
            let row = gateway.0.query_one(&statement, &[project, credential]).unwrap();
            times.push(start.elapsed().as_nanos());
            let status: i32 = row.get(0);
            gateway.run("rollback");
            assert_eq!(status, 401);
        }
    }
    times
        .iter_mut()
        .map(|times| {
            times.sort_unstable();
            times[ROUNDS / 2]
        })
        .collect()
}

#[test]
fn the_time_of_a_failure_does_not_tell_why_it_failed() {
    let real = project("active");
    let key = api_key(&real, "runs:read");
    let head = key.rsplit_once('.').map(|(head, _)| head).unwrap_or_default();
    let secret = "A".repeat(43);
    let wrong = format!("{head}.{secret}");
    let unknown_key = format!("awk_{real}.AAAAAAAAAAAAAAAA.{secret}");
    let absent = "q".repeat(real.len());
    let unknown_project = format!("awk_{absent}.AAAAAAAAAAAAAAAA.{secret}");
    let malformed = format!("awk_{real}:AAAAAAAAAAAAAAAA:{secret}");
    let (expired, revoked) = (api_key(&real, "runs:read"), api_key(&real, "runs:read"));
    let id = |key: &str| key.rsplit('.').nth(1).unwrap_or_default().to_owned();
    superuser().run(&format!(
        "update awooop.api_keys set expires_at = now() - interval '1 hour' where key_id = '{}';
         update awooop.api_keys set revoked_at = now() where key_id = '{}'",
        id(&expired),
        id(&revoked)
    ));
    let kinds = [
        ("a wrong secret of a real key", real.as_str(), wrong.as_str()),
        ("an unknown key of a real project", real.as_str(), unknown_key.as_str()),
        ("an unknown project", absent.as_str(), unknown_project.as_str()),
        ("no key at all", real.as_str(), malformed.as_str()),
        ("an expired key", real.as_str(), expired.as_str()),
        ("a revoked key", real.as_str(), revoked.as_str()),
    ];
    let mut gateway = gateway();
    let mut seen = Vec::new();
    // A loaded machine may disturb one measurement, not five.
    for _ in 0..5 {
        let medians = medians(&mut gateway, &kinds);
        let (least, most) = (medians.iter().min().copied().unwrap_or(1), medians.iter().max().copied().unwrap_or(1));
        if most * 2 <= least * 3 {
            return;
        }
        seen.push(medians);
    }
    panic!("the kinds {:?} take different times: {seen:?}", kinds.map(|kind| kind.0));
}
