//! Guessed, forged, stale and borrowed leases. A lease is the only right a platform worker has.

use crate::harness::platform::worker_in;
use crate::harness::quiet::{expire, quiet_database};
use crate::harness::{Actor, Claim, Project, Session};

/// A run of a new project, claimed.
fn held() -> (Actor, Session, Claim) {
    let project = Project::new();
    let mut actor = project.actor();
    actor.create("");
    let claim = actor.claim_one("worker");
    (actor, project.admin(), claim)
}

/// Everything that a lease allows.
const LEASED: [(&str, &str); 4] = [
    ("heartbeat", ""),
    ("record_step", ", 'stolen', '{}'"),
    ("complete_run", ", '{}'"),
    ("fail_run", ", retryable => false"),
];

/// The parts of a lease: project, run, epoch, secret.
fn parts(lease: &str) -> [String; 4] {
    let mut parts = lease.trim_start_matches("awl_").rsplitn(4, '.').map(str::to_owned).collect::<Vec<_>>();
    parts.reverse();
    parts.try_into().expect("a lease has four parts")
}

/// Leases that look like the real one.
fn forgeries(lease: &str, other_run: &str, other_project: &str) -> Vec<String> {
    let [project, run, epoch, secret] = parts(lease);
    let flipped: String = secret.chars().map(|c| if c == 'A' { 'B' } else { 'A' }).collect();
    let last = secret.chars().last().unwrap_or('A');
    let nudged = format!("{}{}", &secret[..42], if last == 'A' { 'B' } else { 'A' });
    vec![
        String::new(),
        "awl_".to_owned(),
        lease[..lease.len() - 1].to_owned(),
        format!("{lease}A"),
        format!(" {lease}"),
        lease.to_uppercase(),
        format!("awl_{project}.{run}.{epoch}.{flipped}"),
        format!("awl_{project}.{run}.{epoch}.{nudged}"),
        format!("awl_{project}.{run}.{epoch}."),
        format!("awl_{project}.{run}.0.{secret}"),
        format!("awl_{project}.{run}.-1.{secret}"),
        format!("awl_{project}.{run}.2.{secret}"),
        format!("awl_{project}.{run}.4294967297.{secret}"),
        format!("awl_{project}.{other_run}.{epoch}.{secret}"),
        format!("awl_{other_project}.{run}.{epoch}.{secret}"),
        format!("awk_{project}.{run}.{epoch}.{secret}"),
        "awl_%.%.%.%".to_owned(),
        format!("awl_{project}.{run}.{epoch}.' or true --"),
    ]
}

#[test]
fn a_forged_lease_writes_nothing_for_a_tenant() {
    let (mut actor, mut admin, claim) = held();
    let other = actor.create_id("");
    let elsewhere = Project::new();
    for forged in forgeries(&claim.lease, &other, &elsewhere.id) {
        for (operation, rest) in LEASED {
            let claim = Claim { lease: forged.replace('\'', "''"), ..claim.clone() };
            let code = actor.code(&claim.sql(operation, rest));
            assert!(["E-RUN-003", "E-INPUT-001"].contains(&code.as_str()), "{operation} with {forged}: {code}");
        }
    }
    assert_eq!(actor.state(&claim.run), "running");
    assert_eq!(admin.value(&format!("select count(*) from awooop.step_journal where run_id = '{}'", claim.run)), "0");
}

#[test]
fn a_forged_lease_writes_nothing_for_the_platform_worker_and_binds_it_to_nothing() {
    let (mut actor, mut admin, claim) = held();
    let other = actor.create_id("");
    let elsewhere = Project::new();
    let mut worker = worker_in(quiet_database());
    for forged in forgeries(&claim.lease, &other, &elsewhere.id) {
        for (operation, rest) in LEASED {
            let claim = Claim { lease: forged.replace('\'', "''"), ..claim.clone() };
            let answer = worker.ask(&format!("begin; {}", claim.sql(operation, rest)));
            let code = match answer {
                Ok(body) => serde_json::from_str::<serde_json::Value>(&body).unwrap()["code"]
                    .as_str()
                    .unwrap_or("done")
                    .to_owned(),
                Err(failure) => failure.code(),
            };
            let refused = ["E-RUN-003", "E-INPUT-001", "E-AUTH-002"].contains(&code.as_str());
            assert!(refused, "{operation} with {forged}: {code}");
            worker.run("rollback");
            assert_eq!(worker.value("select awooop.current_project_id()"), "");
        }
    }
    assert_eq!(actor.state(&claim.run), "running");
    assert_eq!(admin.value(&format!("select count(*) from awooop.step_journal where run_id = '{}'", claim.run)), "0");
}

#[test]
fn a_worker_without_a_lease_can_do_nothing() {
    let (mut actor, _, claim) = held();
    let mut worker = worker_in(quiet_database());
    for sql in [
        format!("select awooop.get_run('{}')", claim.run),
        "select awooop.list_runs()".to_owned(),
        format!("select awooop.list_steps('{}')", claim.run),
        format!("select awooop.cancel_run('{}')", claim.run),
        format!("select awooop.create_run('{}')", actor.envelope()),
        "select awooop.create_api_key('k', '{}')".to_owned(),
        format!("select awooop.enter_project('{}')", actor.project),
        "select awooop.list_audit()".to_owned(),
        "select awooop.whoami()".to_owned(),
        "select awooop.build_envelope('agent', 'telegram', '7')".to_owned(),
        format!("select status from awooop.call('{}', '', 'whoami')", actor.project),
        "select awooop.authenticate('p', 'k')".to_owned(),
        "select * from awooop.run_state".to_owned(),
        "select * from awooop.run_lease".to_owned(),
        "select awooop.next_ready_project('')".to_owned(),
        "select * from awooop.due_runs(10)".to_owned(),
        "select * from awooop.due_reservations(10)".to_owned(),
        "select * from awooop.due_approvals(10)".to_owned(),
    ] {
        assert_eq!(worker.code(&sql), "42501", "{sql}");
    }
    for (operation, rest) in LEASED {
        let sql = format!("select awooop.{operation}('{}', null{rest})", claim.run);
        assert_eq!(worker.code(&sql), "E-INPUT-008", "{operation}");
    }
}

#[test]
fn a_stale_lease_writes_nothing() {
    let (mut actor, mut admin, old) = held();
    expire(&mut admin, &old.run);
    for (operation, rest) in LEASED {
        assert_eq!(actor.code(&old.sql(operation, rest)), "E-RUN-003", "{operation}, expired");
    }
    actor.reap();
    for (operation, rest) in LEASED {
        assert_eq!(actor.code(&old.sql(operation, rest)), "E-RUN-003", "{operation}, handed back");
    }
    let new = actor.claim_one("another");
    assert_eq!(new.run, old.run);
    for (operation, rest) in LEASED {
        assert_eq!(actor.code(&old.sql(operation, rest)), "E-RUN-003", "{operation}, handed on");
    }
    // The old secret with the new epoch, and the new secret with the old one.
    let ([project, run, _, old_secret], [_, _, epoch, secret]) = (parts(&old.lease), parts(&new.lease));
    for lease in [format!("awl_{project}.{run}.{epoch}.{old_secret}"), format!("awl_{project}.{run}.1.{secret}")] {
        let mixed = Claim { lease, ..new.clone() };
        assert_eq!(actor.code(&mixed.sql("complete_run", "")), "E-RUN-003");
    }
    assert_eq!(actor.call(&new.sql("complete_run", ", '\"done\"'"))["state"], "completed");
    assert_eq!(actor.code(&new.sql("heartbeat", "")), "E-RUN-003");
    assert_eq!(actor.code(&new.sql("record_step", ", 'late', '{}'")), "E-RUN-003");
    assert_eq!(actor.code(&new.sql("fail_run", "")), "E-RUN-003");
}

#[test]
fn another_projects_real_lease_is_no_lease_here() {
    let (mut victim, _, claim) = held();
    let mut thief = Project::new().actor();
    for (operation, rest) in LEASED {
        assert_eq!(thief.code(&claim.sql(operation, rest)), "E-RUN-003", "{operation}");
    }
    // Nor among the further leases of a heartbeat with a lease of one's own.
    thief.create("");
    let own = thief.claim_one("worker");
    let further = format!(", other_leases => array['{}']", claim.lease);
    assert_eq!(thief.code(&own.sql("heartbeat", &further)), "E-RUN-003");
    assert_eq!(victim.state(&claim.run), "running");
}

#[test]
fn one_lease_of_a_worker_does_not_open_another_run_of_the_project() {
    let project = Project::new();
    let mut actor = project.actor();
    let (first, second) = (actor.create_id(""), actor.create_id(""));
    let held = actor.claim_one("worker");
    let other = if held.run == first { second } else { first };
    let mut worker = worker_in(quiet_database());
    for (operation, rest) in LEASED {
        let sql = format!("select awooop.{operation}('{other}', '{}'{rest})", held.lease);
        assert_eq!(worker.json(&sql)["code"], "E-RUN-003", "{operation}");
        assert_eq!(actor.code(&sql), "E-RUN-003", "{operation}");
    }
    assert_eq!(actor.state(&other), "pending");
}

#[test]
fn a_lease_is_kept_as_a_digest_only() {
    let (_, mut admin, claim) = held();
    let [_, _, _, secret] = parts(&claim.lease);
    for table in super::TENANT_TABLES {
        let sql = format!("select count(*) from awooop.{table} t where strpos(t::text, '{secret}') > 0");
        assert_eq!(admin.value(&sql), "0", "{table}");
    }
}

#[test]
fn a_worker_can_do_several_leased_writes_in_one_transaction() {
    let (mut actor, _, claim) = held();
    let mut worker = worker_in(quiet_database());
    let answer = worker.json(&format!("begin; {}", claim.sql("heartbeat", "")));
    assert_eq!(answer["held"][0]["run_id"], claim.run.as_str());
    let step = worker.ask(&claim.sql("record_step", ", 'one', '1'"));
    assert!(step.is_ok(), "the second leased write of the transaction: {step:?}");
    worker.run("commit");
    assert_eq!(actor.state(&claim.run), "running");
}
