//! Every committed row is sealed exactly once, whatever commits when, and nobody waits for the sealer or makes it wait.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use awooop_policy::transparency::checkpoint::{self, Signature};
use postgres::NoTls;

use super::stage::Stage;
use crate::harness::answer::eventually;
use crate::harness::own_server::DATABASE;
use crate::harness::quiet::superuser_in;
use crate::harness::server::{config_for, connect};
use crate::harness::{Options, OwnServer, Session};

/// Rows of the log without exactly one leaf, and leaves without a row: none, once nothing waits.
#[track_caller]
fn each_row_is_sealed_once(admin: &mut Session) {
    for (what, sql) in [
        ("waits", "select count(*) from awooop.audit_pending"),
        (
            "has no leaf or several",
            "select count(*) from awooop.audit_log a where 1 <> (select count(*) from awooop.audit_leaf l
             where l.project_id = a.project_id and l.audit_id = a.audit_id and l.recorded_at = a.recorded_at)",
        ),
        (
            "is a leaf of nothing",
            "select count(*) from awooop.audit_leaf l where not exists (select from awooop.audit_log a
             where l.project_id = a.project_id and l.audit_id = a.audit_id and l.recorded_at = a.recorded_at)",
        ),
        (
            "is out of the count",
            "select count(*) from (select l.leaf_index, row_number() over (partition by l.project_id order by l.leaf_index) n
                                   from awooop.audit_leaf l) c where c.leaf_index <> c.n - 1",
        ),
    ] {
        assert_eq!(admin.value(sql), "0", "a row {what}");
    }
}

/// A session that would rather fail than wait for a lock.
fn impatient(mut session: Session) -> Session {
    session.run("set lock_timeout = '100ms'");
    session
}

fn writer(stage: &Stage) -> Session {
    let role = stage.role();
    impatient(Session::new(connect(&config_for(&role, "secret", Some(&stage.database)))))
}

impl Stage {
    fn open(&self) -> Session {
        let mut session = writer(self);
        session.run("begin");
        session.run(&format!("select awooop.enter_project('{}')", self.project));
        session
    }
}

#[test]
fn a_row_that_commits_late_is_sealed_after_rows_that_came_later() {
    let mut stage = Stage::new();
    let (mut late, mut lost) = (stage.open(), stage.open());
    late.run("select awooop.create_agent('late')");
    lost.run("select awooop.create_agent('lost')");
    stage.write(3);
    let mut sealer = impatient(superuser_in(&stage.database));
    assert_eq!(sealer.json("select awooop.maintain()")["audit_rows_sealed"], 3);
    assert_eq!(sealer.json("select awooop.maintain()")["audit_rows_sealed"], 0);
    // It goes on writing, then commits; the other one never does.
    late.run("select awooop.create_agent('later')");
    late.run("commit");
    lost.run("rollback");
    assert_eq!(sealer.json("select awooop.maintain()")["audit_rows_sealed"], 2);
    each_row_is_sealed_once(&mut stage.admin);
    let place = "select l.leaf_index from awooop.audit_leaf l join awooop.audit_log a using (project_id, audit_id)
                 where a.agent_id = 'late'";
    assert_eq!(stage.admin.value(place), "53", "behind the three that were written after it");
    let held = stage.held[1].clone();
    assert_eq!(stage.findings(Some(&held)), []);
}

#[test]
fn nobody_waits_for_a_sealer_and_a_second_one_passes_by() {
    let mut stage = Stage::new();
    stage.write(2);
    let mut first = impatient(superuser_in(&stage.database));
    first.run("begin");
    assert_eq!(first.json("select awooop.maintain()")["audit_rows_sealed"], 2);
    // While it has not committed: writers write, a second sealer leaves this project alone and seals others.
    let mut during = stage.open();
    during.run("select awooop.create_agent('during')");
    during.run("commit");
    let other = crate::harness::Project::in_database(&stage.database);
    let mut second = impatient(superuser_in(&stage.database));
    let theirs = format!("select count(*) from awooop.audit_pending where project_id = '{}'", other.id);
    let theirs: u64 = second.value(&theirs).parse().unwrap();
    assert_eq!(second.json("select awooop.maintain()")["audit_rows_sealed"], theirs);
    first.run("rollback");
    assert_eq!(second.json("select awooop.maintain()")["audit_rows_sealed"], 3);
    each_row_is_sealed_once(&mut stage.admin);
    assert_eq!(stage.findings(None), []);
}

#[test]
fn a_project_that_came_without_a_head_gets_one() {
    let mut stage = Stage::new();
    stage
        .admin
        .run("insert into awooop.projects (project_id, migration_mode, retention_days) values ('bare', 'active', 90)");
    stage.admin.within("bare", "select awooop.create_agent('agent')");
    assert_eq!(stage.admin.json("select awooop.maintain()")["audit_rows_sealed"], 1);
    each_row_is_sealed_once(&mut stage.admin);
}

#[test]
fn a_row_that_is_queued_again_gets_no_second_leaf() {
    let mut stage = Stage::new();
    stage.as_attacker(&format!(
        "insert into awooop.audit_pending select project_id, audit_id, recorded_at, leaf_hash from awooop.audit_leaf
         where project_id = '{}'",
        stage.project.clone()
    ));
    stage.admin.run("select awooop.maintain()");
    each_row_is_sealed_once(&mut stage.admin);
    assert_eq!(stage.findings(None), []);
}

#[test]
fn sealing_needs_no_more_than_what_was_kept_however_many_rows_come_at_once() {
    let mut stage = Stage::new();
    stage.write(5_000);
    assert_eq!(stage.admin.json("select awooop.maintain()")["audit_rows_sealed"], 5_000);
    stage.write(1);
    stage.checkpoint();
    each_row_is_sealed_once(&mut stage.admin);
    let held = stage.held[0].clone();
    assert_eq!(stage.findings(Some(&held)), []);
}

/// What the writers of the storm saw committed.
#[derive(Default)]
struct Witness {
    committed: AtomicU32,
    over: AtomicBool,
    waited: Mutex<Vec<String>>,
}

/// Transactions of all sorts: short, long, rolled back, in two projects. What waits for a lock fails.
fn write(server: &OwnServer, n: u32, project: &str, witness: &Witness) {
    let mut session: Option<Session> = None;
    for turn in 0_u32.. {
        if witness.over.load(Ordering::Relaxed) {
            return;
        }
        let Some(open) = session.as_mut() else {
            session = server.config("writer").connect(NoTls).ok().map(|client| impatient(Session::new(client)));
            continue;
        };
        let rows = turn % 4 + 1;
        let commit = turn % 5 != 4;
        let script = format!(
            "begin; select awooop.enter_project('{project}');
             select count(awooop.create_agent('w{n}-{turn}-' || r)) from generate_series(1, {rows}) r;
             select pg_sleep({});
             {}",
            // Some stay open over several rounds of the sealers.
            if turn % 7 == n % 7 { "0.15" } else { "0" },
            if commit { "commit" } else { "rollback" }
        );
        match open.0.simple_query(&script) {
            Ok(_) if commit => _ = witness.committed.fetch_add(rows, Ordering::Relaxed),
            Ok(_) => {}
            Err(error) => {
                if let Some(error) = error.as_db_error().filter(|error| !error.code().code().starts_with("57P")) {
                    witness.waited.lock().unwrap().push(error.to_string());
                }
                session = None;
            }
        }
    }
}

#[test]
fn sealers_writers_and_a_killed_server_leave_each_row_sealed_once() {
    let server = OwnServer::start(&Options::default());
    let project = server.tenant("writer", "active", "agents:write");
    let second = "second";
    let mut admin = server.superuser();
    admin.run(&format!("select awooop.create_project('{second}', migration_mode => 'active')"));
    admin.run(&format!("select awooop.bind_role('writer', '{second}', '{{agents:write}}')"));
    drop(admin);
    let witness = Witness::default();
    let keys = server.read_keyring().audit_verifiers();
    std::thread::scope(|scope| {
        for n in 0..6 {
            let (server, witness) = (&server, &witness);
            let project = if n % 2 == 0 { project.as_str() } else { second };
            scope.spawn(move || write(server, n, project, witness));
        }
        for _ in 0..2 {
            let (server, witness) = (&server, &witness);
            scope.spawn(move || {
                let mut session: Option<Session> = None;
                while !witness.over.load(Ordering::Relaxed) {
                    let Some(sealer) = session.as_mut() else {
                        session =
                            server.config("postgres").connect(NoTls).ok().map(|client| impatient(Session::new(client)));
                        continue;
                    };
                    if let Err(error) = sealer.0.simple_query("select awooop.maintain()") {
                        if let Some(error) = error.as_db_error().filter(|error| !error.code().code().starts_with("57P"))
                        {
                            witness.waited.lock().unwrap().push(error.to_string());
                        }
                        session = None;
                    }
                }
            });
        }
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..3 {
                let sealed = || {
                    let mut admin = server.superuser();
                    admin.value("select count(*) from awooop.audit_leaf").parse::<u32>().unwrap()
                };
                let before = sealed();
                eventually("more sealed rows", || sealed() > before + 200);
                server.kill9();
                server.restart();
            }
        }));
        witness.over.store(true, Ordering::Relaxed);
        if let Err(cause) = result {
            std::panic::resume_unwind(cause);
        }
    });
    assert_eq!(*witness.waited.lock().unwrap(), Vec::<String>::new(), "somebody waited, or failed otherwise");
    let mut admin = server.superuser();
    eventually("the end of the queue", || admin.json("select awooop.maintain()")["audit_rows_sealed"] == 0);
    each_row_is_sealed_once(&mut admin);
    let kept: u32 =
        admin.value("select count(*) from awooop.audit_log where action = 'agent_created'").parse().unwrap();
    // A commit whose answer the crash took is there all the same.
    assert!(kept >= witness.committed.load(Ordering::Relaxed), "{kept} rows of {:?}", witness.committed);
    for project in [project.as_str(), second] {
        let answer = admin.json(&format!("select awooop.inspect_project('{project}', 'audit_verify')"));
        assert_eq!(answer["ok"], true, "{answer}");
        // Each checkpoint's tree is the beginning of the last one's.
        let notes = admin
            .rows(&format!(
                "select note from awooop.audit_checkpoint where project_id = '{project}' order by tree_size"
            ))
            .unwrap();
        let open = |note: &Option<String>| checkpoint::open(note.as_deref().unwrap(), &keys).unwrap();
        let (last, signature) = open(&notes.last().unwrap()[0]);
        assert_eq!(signature, Signature::Good);
        for note in notes.iter().step_by(notes.len() / 20 + 1) {
            let (one, _) = open(&note[0]);
            let arguments = format!("{{\"from_size\": {}, \"tree_size\": {}}}", one.size, last.size);
            let proof =
                admin.json(&format!("select awooop.inspect_project('{project}', 'audit_proof', '{arguments}')"));
            let hashes: Vec<[u8; 32]> = proof["consistency"]["hashes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|hash| awooop_policy::transparency::unhex(hash.as_str().unwrap()).unwrap())
                .collect();
            let grew =
                awooop_policy::transparency::tree::is_consistent(&hashes, last.size, last.root, one.size, one.root);
            assert!(grew, "{} to {}", one.size, last.size);
        }
    }
}

#[test]
fn a_dump_takes_what_waits_along_and_the_restored_log_goes_on() {
    let source = OwnServer::start(&Options::default());
    let project = source.tenant("tenant", "active", "agents:write,audit:read");
    let mut tenant = source.connect("tenant");
    tenant.within(&project, "select count(awooop.create_agent('a' || n)) from generate_series(1, 100) n");
    let mut admin = source.superuser();
    admin.run("select awooop.maintain()");
    let held = admin.json(&format!("select awooop.inspect_project('{project}', 'audit_checkpoint')"));
    tenant.within(&project, "select count(awooop.create_agent('b' || n)) from generate_series(1, 50) n");
    // A transaction that is open while the dump runs is not in it, and neither is its place in the queue.
    let mut open = source.connect("tenant");
    open.run("begin");
    open.run(&format!("select awooop.enter_project('{project}')"));
    open.run("select awooop.create_agent('open')");
    let dump = source.client_program("pg_dump").args(["--format=custom", DATABASE]).output().expect("pg_dump runs");
    assert!(dump.status.success());
    let target = OwnServer::start(&Options { install: false, ..Options::default() });
    // The key goes another way than the data.
    target.write_keyring(&source.read_keyring().reveal());
    let mut restore = target.client_program("pg_restore");
    restore.args(["--exit-on-error", "--dbname", DATABASE]).stdin(std::process::Stdio::piped());
    let mut child = restore.spawn().expect("pg_restore runs");
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), &dump.stdout).unwrap();
    assert!(child.wait().unwrap().success());
    let mut restored = target.superuser();
    restored.within(&project, "select awooop.create_agent('after')");
    assert_eq!(restored.json("select awooop.maintain()")["audit_rows_sealed"], 51);
    each_row_is_sealed_once(&mut restored);
    let arguments = crate::harness::literal(&serde_json::json!({"checkpoint": held["checkpoint"]}).to_string());
    let answer = restored.json(&format!("select awooop.inspect_project('{project}', 'audit_verify', {arguments})"));
    assert_eq!((&answer["ok"], &answer["held_checkpoint"]), (&true.into(), &"good".into()), "{answer}");
    open.run("rollback");
}
