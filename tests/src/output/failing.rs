//! The validator fails: nothing is counted, and nobody is told what it was looking at. For builds with the feature
//! `faults`, whose setting makes it panic with the statement in the message.

use serde_json::json;

use super::{answer, contracts, judging};
use crate::harness::answer::eventually;
use crate::harness::quiet::claims;
use crate::harness::{Options, OwnServer};

const RAW: &str = "PANIC-MARKER hunter7";

#[test]
#[ignore = "needs a build with the feature `faults`; `cargo xtask test` makes one"]
fn a_validator_that_panics_counts_nothing_and_says_nothing_of_the_text() {
    let settings = "awooop.fault_on = 'an output'".to_owned();
    let server = OwnServer::start(&Options { settings, ..Options::default() });
    let project = server.tenant("worker", "active", "envelope:write,runs:read,runs:write,runs:work");
    contracts(&mut server.superuser(), &project, &answer(), &json!({}), None);
    let mut worker = server.connect("worker");
    let envelope = worker.within(&project, "select awooop.build_envelope('agent', 'telegram', '7')");
    worker.within(&project, &format!("select awooop.create_run('{envelope}')"));
    let claim = claims(&worker.within(&project, "select awooop.claim_runs('w')")).pop().expect("a run");
    let result = format!(", '\"{RAW}\"'");
    for sql in [judging(&claim, RAW, ""), claim.sql("complete_run", &result), judging(&claim, "{answer: 'yes'}", "")] {
        let failure = worker.try_within(&project, &sql).expect_err("a fault");
        assert_eq!(failure.code(), "E-SYS-002", "{failure:?}");
        assert!(!format!("{failure:?}").contains("MARKER"), "{failure:?}");
    }
    let mut admin = server.superuser();
    assert_eq!(admin.value("select count(*) from awooop.step_journal"), "0");
    let run = worker.within(&project, &format!("select awooop.get_run('{}')", claim.run));
    assert_eq!(run["state"], "running");
    eventually("the failure in the log", || server.log().contains("awooop: the validator failed at "));
    let log = server.log();
    assert!(log.contains("on an output of 20 bytes"), "{log}");
}
