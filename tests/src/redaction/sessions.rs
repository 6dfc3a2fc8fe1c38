//! What other sessions see of a change: all of it with its commit, nothing before, nothing of one that was taken back.

use super::{EMAIL, Stage, redacted_for};
use crate::harness::{Actor, literal};

/// As [`redacted_for`], in the transaction that the session is in.
#[track_caller]
fn here(actor: &mut Actor, text: &str) -> String {
    actor.session.value(&format!("select awooop.redact({})", literal(text)))
}

#[track_caller]
fn begin(actor: &mut Actor, how: &str) {
    let project = actor.project.clone();
    actor.session.run(&format!("begin {how}; select awooop.enter_project('{project}')"));
}

const TEXT: &str = "EW-1 ada.lovelace@example.com";
const BEFORE: &str = "EW-1 [REDACTED:email]";

#[test]
fn a_change_is_seen_by_other_sessions_with_its_commit_and_not_before() {
    assert!(TEXT.ends_with(EMAIL));
    let mut stage = Stage::new();
    // The others have the project's rules compiled already.
    assert_eq!(redacted_for(&mut stage.other, TEXT), BEFORE);
    begin(&mut stage.worker, "");
    assert_eq!(here(&mut stage.worker, TEXT), BEFORE);
    begin(&mut stage.creator, "");
    stage.creator.session.run("select awooop.set_redaction_rule('r', 'secret', 'EW-[0-9]+')");
    stage.creator.session.run("select awooop.set_redaction_family('email', 'allow')");
    let after = format!("[REDACTED:secret] {EMAIL}");
    assert_eq!(here(&mut stage.creator, TEXT), after, "its own change");
    assert_eq!(redacted_for(&mut stage.other, TEXT), BEFORE);
    assert_eq!(here(&mut stage.worker, TEXT), BEFORE);
    stage.creator.session.run("commit");
    assert_eq!(redacted_for(&mut stage.other, TEXT), after);
    assert_eq!(here(&mut stage.worker, TEXT), after, "within a transaction that was open all the time");
    stage.worker.session.run("commit");
}

#[test]
fn a_change_that_is_rolled_back_was_never_there() {
    let mut stage = Stage::new();
    for undo in ["rollback", "rollback to s; commit"] {
        begin(&mut stage.creator, "");
        stage.creator.session.run("savepoint s");
        stage.creator.session.run("select awooop.set_redaction_rule('r', 'secret', 'EW-[0-9]+')");
        stage.creator.session.run("select awooop.set_redaction_family('email', 'allow')");
        assert_ne!(here(&mut stage.creator, TEXT), BEFORE);
        assert_eq!(redacted_for(&mut stage.other, TEXT), BEFORE);
        stage.creator.session.run(undo);
        assert_eq!(redacted_for(&mut stage.creator, TEXT), BEFORE, "{undo}");
        assert_eq!(redacted_for(&mut stage.other, TEXT), BEFORE, "{undo}");
    }
}

#[test]
fn a_change_that_fails_inside_a_function_is_forgotten_as_well() {
    let mut stage = Stage::new();
    let project = stage.project.id.clone();
    let sql = format!(
        "do $$ begin
             perform awooop.enter_project('{project}');
             begin
                 perform awooop.set_redaction_family('email', 'allow');
                 if awooop.redact('{EMAIL}') <> '{EMAIL}' then raise 'not seen'; end if;
                 raise division_by_zero;
             exception when division_by_zero then
                 if awooop.redact('{EMAIL}') = '{EMAIL}' then raise 'not forgotten'; end if;
             end;
         end $$"
    );
    stage.creator.session.run(&sql);
    assert_eq!(redacted_for(&mut stage.creator, TEXT), BEFORE);
}

#[test]
fn a_snapshot_keeps_its_settings_and_leaves_none_behind() {
    let mut stage = Stage::new();
    begin(&mut stage.other, "isolation level repeatable read");
    assert_eq!(here(&mut stage.other, TEXT), BEFORE);
    stage.creator.call("select awooop.set_redaction_family('email', 'allow')");
    assert_eq!(here(&mut stage.other, TEXT), BEFORE);
    stage.other.session.run("commit");
    assert_eq!(redacted_for(&mut stage.other, TEXT), format!("EW-1 {EMAIL}"));
}

#[test]
fn rows_that_an_administrator_writes_count_with_their_commit_too() {
    let mut stage = Stage::new();
    assert_eq!(redacted_for(&mut stage.other, TEXT), BEFORE);
    let project = stage.project.id.clone();
    let rule = "'r', 'secret', '{}', 'EW-[0-9]+', 'dba'";
    stage.admin.run(&format!("insert into awooop.redaction_rule values ('{project}', {rule})"));
    assert_eq!(redacted_for(&mut stage.other, TEXT), "[REDACTED:secret] [REDACTED:email]");
    // One that cannot be compiled finds nothing, and breaks nothing.
    stage.admin.run(&format!("update awooop.redaction_rule set shape = '(((' where project_id = '{project}'"));
    assert_eq!(redacted_for(&mut stage.other, TEXT), BEFORE);
    stage.admin.run(&format!("delete from awooop.redaction_rule where project_id = '{project}'"));
    assert_eq!(redacted_for(&mut stage.other, TEXT), BEFORE);
}
