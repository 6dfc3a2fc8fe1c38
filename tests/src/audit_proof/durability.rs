//! A checkpoint that somebody has seen survives a crash, however lazily the server commits.

use crate::harness::{Options, OwnServer, literal};

#[test]
fn a_checkpoint_that_was_seen_is_not_lost_in_a_crash() {
    let server = OwnServer::start(&Options {
        // Nothing but a commit that waits writes the WAL out in time. Maintenance is the test's alone.
        settings:
            "synchronous_commit = off\nwal_writer_delay = 10s\nwal_writer_flush_after = 1GB\nwal_buffers = 16MB\n\
                   bgwriter_lru_maxpages = 0\nautovacuum = off\nshared_buffers = 128MB"
                .to_owned(),
        ..Options::default()
    });
    let project = server.tenant("tenant", "active", "agents:write,audit:read");
    server.superuser().run("checkpoint");
    for round in 0..3 {
        let mut tenant = server.connect("tenant");
        tenant.within(
            &project,
            &format!("select count(awooop.create_agent('a{round}-' || n)) from generate_series(1, 20) n"),
        );
        let mut admin = server.superuser();
        assert_eq!(admin.json("select awooop.maintain()")["checkpoints_signed"], 1);
        let held = admin.json(&format!("select awooop.inspect_project('{project}', 'audit_checkpoint')"));
        server.kill9();
        server.restart();
        let arguments = literal(&serde_json::json!({"checkpoint": held["checkpoint"]}).to_string());
        let mut admin = server.superuser();
        let answer = admin.json(&format!("select awooop.inspect_project('{project}', 'audit_verify', {arguments})"));
        assert_eq!((&answer["ok"], &answer["held_checkpoint"]), (&true.into(), &"good".into()), "{answer}");
    }
}

#[test]
fn what_signs_nothing_is_committed_as_lazily_as_the_server_says() {
    let server = OwnServer::start(&Options::default());
    server.superuser().run("select awooop.maintain()");
    let mut admin = server.superuser();
    // The setting ends with the transaction, and rounds that sign nothing leave it alone.
    admin.run("set synchronous_commit = off; begin; select awooop.maintain()");
    assert_eq!(admin.value("show synchronous_commit"), "off");
    admin.run("commit; begin; select awooop.create_project('late')");
    admin.run("commit; begin; select awooop.maintain()");
    assert_eq!(admin.value("show synchronous_commit"), "on");
    admin.run("commit");
    assert_eq!(admin.value("show synchronous_commit"), "off");
}
