//! With every trigger on, nobody but the sealer writes what it goes by; and where somebody switched triggers off, it signs
//! nothing that is not what it signed before, doctor() says so, and the log can be repaired.

use super::stage::{ROWS, Stage, found};
use crate::harness::quiet::text;

fn sealed(stage: &mut Stage) -> (u64, u64) {
    let answer = stage.admin.json("select awooop.maintain()");
    (answer["audit_rows_sealed"].as_u64().unwrap(), answer["checkpoints_signed"].as_u64().unwrap())
}

fn repair(stage: &mut Stage, queue: &str) -> String {
    let sql = format!("select awooop.repair_audit_log('{}', '{{{queue}}}')", stage.project);
    stage.admin.ask(&sql).err().map(|failure| failure.code()).unwrap_or_default()
}

#[test]
fn nobody_but_the_sealer_writes_what_it_goes_by() {
    let mut stage = Stage::new();
    stage.write(2);
    let project = stage.project.clone();
    let zeros = format!("'\\x{}'", "00".repeat(32));
    let fake = "'018f0000-0000-7000-8000-000000000000', now()";
    let sealed_row = format!("from awooop.audit_leaf where project_id = '{project}' and leaf_index = 7");
    let attacks = [
        format!("update awooop.audit_head set peaks = peaks where project_id = '{project}'"),
        format!("update awooop.audit_head set signed_size = 0 where project_id = '{project}'"),
        format!("delete from awooop.audit_pending where project_id = '{project}'"),
        format!("insert into awooop.audit_pending values ('{project}', {fake}, {zeros})"),
        format!("insert into awooop.audit_pending select project_id, audit_id, recorded_at, leaf_hash {sealed_row}"),
        format!("insert into awooop.audit_leaf values ('{project}', {ROWS}, {fake}, {zeros})"),
        format!("insert into awooop.audit_leaf values ('{project}', {}, {fake}, {zeros})", ROWS + 7),
        format!("insert into awooop.audit_node values ('{project}', 4, 3, {zeros})"),
        format!("insert into awooop.audit_node values ('{project}', 8, 0, {zeros})"),
        format!("insert into awooop.audit_checkpoint values ('{project}', 30, {zeros}, 'x', 'audit-1')"),
        format!(
            "insert into awooop.audit_archive (project_id, audit_id, table_name, range_from, range_to, row_count, tree_size)
             values ('{project}', gen_random_uuid(), 'audit_log_2020_01', '2020-01-01', '2020-02-01', 1, 50)"
        ),
    ];
    stage.admin.run("set session_replication_role = replica");
    for sql in &attacks {
        assert_eq!(stage.admin.code(sql), "E-AUDIT-009", "a superuser: {sql}");
    }
    stage.admin.run("reset session_replication_role; begin");
    stage.admin.run(&format!("select awooop.enter_project('{project}')"));
    stage.admin.run("set local role awooop_owner");
    for sql in &attacks {
        stage.admin.run("savepoint here");
        assert_eq!(stage.admin.code(sql), "E-AUDIT-009", "the owner: {sql}");
        stage.admin.run("rollback to here");
    }
    stage.admin.run("rollback");
    // An error inside the sealer's own statements does not leave the door open.
    stage.admin.run(&format!("begin; select 1 from awooop.audit_head where project_id = '{project}' for update"));
    stage.admin.run("commit");
    assert_eq!(sealed(&mut stage), (2, 1));
    assert_eq!(stage.admin.code(&attacks[0]), "E-AUDIT-009");
    let held = stage.held[1].clone();
    assert_eq!(stage.findings(Some(&held)), []);
    assert_eq!(stage.doctor(), "");
}

#[test]
fn a_head_that_is_not_its_leaves_is_not_signed() {
    for (spoil, says) in [
        // Of the size that was signed, and of one beyond it.
        ("update awooop.audit_head set peaks = sha256('a') || sha256('b') || sha256('c')", "latest checkpoint"),
        (
            "update awooop.audit_head set tree_size = 49, signed_size = 20, peaks = sha256('a') || sha256('b') || sha256('c')",
            "more or fewer",
        ),
        (
            "delete from awooop.audit_checkpoint where tree_size > 20; update awooop.audit_head set signed_size = 20, peaks = sha256('a') || sha256('b') || sha256('c')",
            "not what its leaves give",
        ),
        ("update awooop.audit_checkpoint set root = sha256('a') where tree_size > 20", "latest checkpoint"),
        ("delete from awooop.audit_checkpoint", "latest checkpoint"),
    ] {
        let mut stage = Stage::new();
        let (project, held) = (stage.project.clone(), stage.held[1].clone());
        stage.as_attacker(&format!(
            "create table public.heads as table awooop.audit_head; create table public.notes as table awooop.audit_checkpoint; {spoil}"
        ));
        stage.write(1);
        assert_eq!(sealed(&mut stage), (0, 0), "{spoil}");
        assert_eq!(
            stage.admin.value(&format!("select count(*) from awooop.audit_checkpoint where tree_size > {ROWS}")),
            "0",
            "{spoil}"
        );
        let doctor = stage.doctor();
        assert!(doctor.contains(&project) && doctor.contains(says), "{spoil}: {doctor}");
        stage.as_attacker(
            "delete from awooop.audit_checkpoint; insert into awooop.audit_checkpoint select * from public.notes",
        );
        assert_eq!(repair(&mut stage, ""), "", "{spoil}");
        // The row that waited, and the one that tells of the repair.
        assert_eq!(sealed(&mut stage), (2, 1), "{spoil}");
        assert_eq!(stage.findings(Some(&held)), [], "{spoil}");
        assert_eq!(stage.doctor(), "");
        let told = stage.actor.call("select awooop.list_audit(action => 'audit_log_repaired')");
        assert_eq!(told["items"][0]["facts"]["tree_size"], ROWS);
    }
}

#[test]
fn a_leaf_of_nothing_stops_the_sealer_until_it_is_removed() {
    let mut stage = Stage::new();
    let (project, held) = (stage.project.clone(), stage.held[1].clone());
    let leaf = format!("where project_id = '{project}' and leaf_index = {ROWS}");
    stage.as_attacker(&format!(
        "insert into awooop.audit_leaf values ('{project}', {ROWS}, gen_random_uuid(), now(), sha256('x'))"
    ));
    stage.write(1);
    assert_eq!(sealed(&mut stage), (0, 0));
    assert!(stage.doctor().contains("more or fewer"), "{}", stage.doctor());
    assert_eq!(repair(&mut stage, ""), "E-AUDIT-011", "it would be signed, and stay for ever");
    // As docs/DBA.md has it.
    stage.admin.run(&format!(
        "alter table awooop.audit_leaf disable trigger append_only;
         delete from awooop.audit_leaf {leaf};
         alter table awooop.audit_leaf enable always trigger append_only"
    ));
    assert_eq!(sealed(&mut stage), (1, 1));
    assert_eq!(stage.findings(Some(&held)), []);
}

#[test]
fn a_row_that_was_taken_from_the_queue_is_found_and_can_be_put_back() {
    let mut stage = Stage::new();
    stage.write(2);
    let project = stage.project.clone();
    let lost = stage.admin.value(&format!(
        "select audit_id from awooop.audit_pending where project_id = '{project}' order by audit_id limit 1"
    ));
    stage.as_attacker(&format!("delete from awooop.audit_pending where audit_id = '{lost}'"));
    assert_eq!(sealed(&mut stage), (1, 1));
    assert!(stage.doctor().contains("1 audit rows of the last day have no leaf"), "{}", stage.doctor());
    let answer = stage.verify(None);
    assert_eq!(
        (text(&answer["findings"][0]["kind"]), text(&answer["findings"][0]["audit_id"])),
        ("row_inserted".into(), lost.clone())
    );
    let sealed_one = stage.id(7);
    for wrong in [sealed_one.as_str(), "018f0000-0000-7000-8000-000000000000", "x", "null"] {
        assert_eq!(repair(&mut stage, wrong), "E-AUDIT-002", "only rows without a leaf");
    }
    assert_eq!(repair(&mut stage, &lost), "");
    assert_eq!(sealed(&mut stage), (2, 1));
    assert_eq!(stage.findings(None), []);
    assert_eq!(stage.doctor(), "");
    let told = stage.actor.call("select awooop.list_audit(action => 'audit_log_repaired')");
    assert_eq!(told["items"][0]["facts"]["queued_id"][0], lost.as_str());
}

#[test]
fn a_repair_makes_nothing_good_that_a_checkpoint_contradicts() {
    let mut stage = Stage::new();
    let project = stage.project.clone();
    stage.as_attacker(&format!(
        "update awooop.audit_leaf set leaf_hash = sha256('x') where project_id = '{project}' and leaf_index = 33"
    ));
    assert_eq!(repair(&mut stage, ""), "E-AUDIT-011");
    stage.as_attacker(&format!("delete from awooop.audit_leaf where project_id = '{project}' and leaf_index = 33"));
    assert_eq!(repair(&mut stage, ""), "E-AUDIT-011");
    assert_eq!(stage.findings(None)[0], found("leaf_missing", 33)[0]);
    for role in ["awooop_operator", "awooop_auditor", "awooop_tenant"] {
        let (_, mut session) = crate::harness::platform::login_in(Some(&stage.database), &[role]);
        assert_eq!(session.code(&format!("select awooop.repair_audit_log('{project}')")), "42501", "{role}");
    }
}

/// The owner of the tables may put a trigger on the log, which fires within the extension's own statement: it can write
/// no more of the proof than that statement does.
#[test]
fn a_trigger_on_the_log_writes_nothing_that_the_sealer_goes_by() {
    let mut stage = Stage::new();
    let project = stage.project.clone();
    let zeros = format!("'\\x{}'", "00".repeat(32));
    for attack in [
        format!("insert into awooop.audit_checkpoint values (new.project_id, 900, {zeros}, 'forged', 'k')"),
        "update awooop.audit_head set tree_size = tree_size where project_id = new.project_id".to_owned(),
        format!("insert into awooop.audit_leaf values (new.project_id, 500, gen_random_uuid(), now(), {zeros})"),
        "delete from awooop.audit_pending where audit_id = new.audit_id".to_owned(),
        format!("insert into awooop.audit_node values (new.project_id, 0, 500, {zeros})"),
    ] {
        stage.admin.run("begin; set local role awooop_owner");
        stage.admin.run(&format!(
            "create function awooop.zz() returns trigger language plpgsql as $$ begin {attack}; return new; end $$;
             create trigger zz after insert on awooop.audit_log for each row execute function awooop.zz()"
        ));
        stage.admin.run("reset role");
        let sql = format!("select awooop.suspend_project('{project}', 'x')");
        assert_eq!(stage.admin.code(&sql), "E-AUDIT-009", "{attack}");
        stage.admin.run("rollback");
    }
}

/// A row that somebody put into the log is queued with the leaf of what it says, or not at all.
#[test]
fn nobody_queues_a_leaf_that_is_not_its_rows() {
    let mut stage = Stage::new();
    let project = stage.project.clone();
    stage.admin.run("begin");
    stage.admin.run(&format!(
        "insert into awooop.audit_log (project_id, audit_id, recorded_at, action, decision, door, facts)
         values ('{project}', '019aaaaa-0000-7000-8000-0000000000aa', now(), 'agent_created', 'done', 'platform', '{{}}')"
    ));
    let sql = format!(
        "insert into awooop.audit_pending select project_id, audit_id, recorded_at, sha256('x')
         from awooop.audit_log where project_id = '{project}' and audit_id = '019aaaaa-0000-7000-8000-0000000000aa'"
    );
    assert_eq!(stage.admin.code(&sql), "E-AUDIT-009");
    stage.admin.run("rollback");
    let node = format!("insert into awooop.audit_node values ('{project}', 0, -5, sha256('x'))");
    assert_eq!(stage.admin.code(&node), "E-AUDIT-009");
}
