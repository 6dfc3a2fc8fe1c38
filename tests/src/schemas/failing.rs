//! The validator fails: the caller learns that, and nothing else. For builds with the feature `faults`, whose setting makes
//! it panic with the statement in the message.

use crate::harness::answer::eventually;
use crate::harness::{Options, OwnServer};

const DOCUMENT: &str = r#""PANIC-MARKER hunter7""#;

#[test]
#[ignore = "needs a build with the feature `faults`; `cargo xtask test` makes one"]
fn a_validator_that_panics_says_nothing_of_the_document() {
    let settings = "awooop.fault_on = 'a document'".to_owned();
    let server = OwnServer::start(&Options { settings, ..Options::default() });
    server.tenant("reader", "active", "runs:read");
    let mut session = server.connect("reader");
    for sql in [
        format!("select awooop.json_schema_valid('true', '{DOCUMENT}')"),
        format!("select * from awooop.json_schema_errors('true', '{DOCUMENT}')"),
        format!("select awooop.canonical_json('{DOCUMENT}')"),
    ] {
        let failure = session.failure(&sql);
        assert_eq!(failure.code(), "E-SYS-002", "{sql}: {failure:?}");
        assert!(!format!("{failure:?}").contains("MARKER"), "{failure:?}");
    }
    // The session lives.
    assert_eq!(session.value("select 1"), "1");
    eventually("the failure in the log", || server.log().contains("awooop: the validator failed at "));
    let log = server.log();
    assert!(log.contains("on a document of 22 bytes"), "{log}");
}
