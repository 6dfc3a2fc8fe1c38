//! The keyring: who may read it, what happens without it, and that nothing of it shows anywhere.

use awooop_policy::keyring::{Keyring, Use};
use serde_json::Value;

use crate::harness::own_server::DATABASE;
use crate::harness::quiet::text;
use crate::harness::{Options, OwnServer, Session};

fn server(keyring: bool) -> (OwnServer, String, Session) {
    let server = OwnServer::start(&Options { keyring, ..Options::default() });
    let project = server.tenant("tenant", "active", "agents:write,audit:read");
    let admin = server.superuser();
    (server, project, admin)
}

fn finding(admin: &mut Session) -> String {
    admin.value("select finding || ' / ' || remedy from awooop.doctor() where subject = 'awooop.keyring_file'")
}

fn sealed(admin: &mut Session, project: &str) -> (Value, Value) {
    let agent = crate::harness::unique("a");
    admin.within(project, &format!("select awooop.create_agent('{agent}')"));
    let answer = admin.json("select awooop.maintain()");
    (answer["audit_rows_sealed"].clone(), answer["checkpoints_signed"].clone())
}

#[test]
fn without_a_keyring_rows_are_sealed_and_doctor_says_what_is_missing() {
    let (server, project, mut admin) = server(false);
    let found = finding(&mut admin);
    assert!(found.contains("no keyring is set") && found.contains("awooop-gateway keyring create"), "{found}");
    admin.run("select awooop.maintain()");
    assert_eq!(sealed(&mut admin, &project), (1.into(), 0.into()));
    let answer = admin.json(&format!("select awooop.inspect_project('{project}', 'audit_verify')"));
    assert_eq!(answer["ok"], true, "{answer}");
    assert_eq!(admin.code(&format!("select awooop.inspect_project('{project}', 'audit_checkpoint')")), "E-AUDIT-004");
    // With a keyring, set without a restart, what was sealed is signed although nothing new came.
    server.write_keyring(&Keyring::create("awooop.test").unwrap().reveal());
    server.configure(&format!("awooop.keyring_file = '{}'", server.keyring().display()));
    admin.run("select pg_reload_conf()");
    crate::harness::answer::eventually("the setting", || finding(&mut admin).is_empty());
    let answer = admin.json("select awooop.maintain()");
    assert_eq!((&answer["audit_rows_sealed"], &answer["checkpoints_signed"]), (&0.into(), &1.into()));
}

#[test]
fn a_keyring_that_others_can_read_or_that_is_none_is_refused_and_taken_again_once_it_is_right() {
    let (server, project, mut admin) = server(true);
    admin.run("select awooop.maintain()");
    let good = server.read_keyring().reveal();
    let file = server.keyring().display().to_string();
    let secret = secret_of(&good);
    for (spoil, says) in [
        (format!("chmod 640 {file}"), "others than the server's user"),
        (format!("chmod 602 {file}"), "others than the server's user"),
        (format!("mv {file} {file}.away"), "cannot be read"),
        (format!("echo '{secret}' > {file} && chmod 600 {file}"), "not a JSON object"),
        (format!("sed -i 0,/current/s//standby/ {file}"), "no current audit key"),
    ] {
        server.shell(&spoil);
        assert_eq!(sealed(&mut admin, &project), (1.into(), 0.into()), "{spoil}");
        let found = finding(&mut admin);
        assert!(found.contains(says) && !found.contains(&secret), "{spoil}: {found}");
        server.write_keyring(&good);
        assert_eq!(sealed(&mut admin, &project), (1.into(), 1.into()), "after {spoil}");
        assert_eq!(finding(&mut admin), "");
    }
    assert!(!server.log().contains(&secret));
}

fn secret_of(keyring: &str) -> String {
    let keyring: Value = serde_json::from_str(keyring).unwrap();
    text(&keyring["keys"][0]["secret"])
}

#[test]
fn a_secret_key_is_in_no_dump_no_log_no_table_and_no_error() {
    let (server, project, mut admin) = server(true);
    server.configure("log_statement = 'all'\nlog_min_messages = debug1\nlog_error_verbosity = verbose");
    admin.run("select pg_reload_conf()");
    sealed(&mut admin, &project);
    admin.run(&format!("select awooop.inspect_project('{project}', 'audit_verify')"));
    let secret = secret_of(&server.read_keyring().reveal());
    let dump = server.client_program("pg_dump").arg(DATABASE).output().expect("pg_dump runs").stdout;
    let dump = String::from_utf8_lossy(&dump);
    assert!(dump.contains("awooop.test/audit/") && !dump.contains(&secret));
    assert!(!server.log().contains(&secret));
    // Where the file is concerns superusers; where it shall be, the server's configuration alone.
    let mut tenant = server.connect("tenant");
    assert_eq!(tenant.code("show awooop.keyring_file"), "42501");
    assert_eq!(tenant.value("select count(*) from pg_settings where name = 'awooop.keyring_file'"), "0");
    assert_eq!(tenant.code("set awooop.keyring_file = '/tmp/mine'"), "55P02");
    assert_eq!(admin.code("set awooop.keyring_file = '/tmp/mine'"), "55P02");
}

#[test]
fn after_a_rotation_old_checkpoints_verify_and_new_ones_are_the_new_keys() {
    let (server, project, mut admin) = server(true);
    sealed(&mut admin, &project);
    let checkpoint = format!("select awooop.inspect_project('{project}', 'audit_checkpoint')");
    let old = admin.json(&checkpoint);
    let mut keyring = server.read_keyring();
    keyring.add("audit-2", Use::Audit).unwrap();
    keyring.make_current("audit-2").unwrap();
    server.write_keyring(&keyring.reveal());
    sealed(&mut admin, &project);
    let new = admin.json(&checkpoint);
    assert_eq!((&old["key_id"], &new["key_id"]), (&"audit-1".into(), &"audit-2".into()));
    for held in [&old, &new] {
        let arguments = crate::harness::literal(&serde_json::json!({"checkpoint": held["checkpoint"]}).to_string());
        let answer = admin.json(&format!("select awooop.inspect_project('{project}', 'audit_verify', {arguments})"));
        assert_eq!((&answer["ok"], &answer["held_checkpoint"]), (&true.into(), &"good".into()), "{answer}");
    }
    // A keyring that never heard of the old key says so.
    let fresh = Keyring::create("awooop.test").unwrap();
    server.write_keyring(&fresh.reveal());
    let answer = admin.json(&format!("select awooop.inspect_project('{project}', 'audit_verify')"));
    assert_eq!(answer["findings"][0]["kind"], "unknown_key", "{answer}");
}
