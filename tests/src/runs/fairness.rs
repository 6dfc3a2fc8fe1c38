//! A platform worker serves every project in turn.

use std::collections::HashMap;

use serde_json::Value;

use crate::harness::platform_logins::worker_login;
use crate::harness::quiet::{claims, expire, superuser_in};
use crate::harness::{Project, Session, at_once, own_database};

fn claim(worker: &mut Session, name: &str, n: usize) -> Vec<(String, String)> {
    let answer: Value = worker.json(&format!("select awooop.claim_runs('{name}', {n})"));
    claims(&answer)
        .into_iter()
        .map(|claim| (claim.json["project_id"].as_str().unwrap().to_owned(), claim.run))
        .collect()
}

#[test]
fn a_thousand_runs_of_one_project_do_not_keep_anothers_three_waiting() {
    let (database, _) = own_database();
    let busy = Project::in_database(&database);
    let quiet = busy.another(&mut busy.admin());
    let third = busy.another(&mut busy.admin());
    busy.actor().create_many(1000, ", priority => 9");
    quiet.actor().create_many(3, ", priority => 0");
    third.actor().create_many(3, "");
    let mut worker = worker_login(&database);
    let mut taken: HashMap<String, usize> = HashMap::new();
    for _ in 0..6 {
        for (project, _) in claim(&mut worker, "w", 2) {
            *taken.entry(project).or_default() += 1;
        }
    }
    assert_eq!(taken.get(&quiet.id), Some(&3), "{taken:?}");
    assert_eq!(taken.get(&third.id), Some(&3), "{taken:?}");
    assert!(taken[&busy.id] >= 2 && taken[&busy.id] <= 4, "one project's turn is one claim: {taken:?}");
}

#[test]
fn several_platform_workers_take_each_run_once_and_leave_none() {
    let (database, mut admin) = own_database();
    let first = Project::in_database(&database);
    let projects: Vec<Project> = (0..5).map(|_| first.another(&mut admin)).collect();
    for (n, project) in projects.iter().enumerate() {
        project.actor().create_many(10 * (n + 1), "");
    }
    let shares = at_once(
        6,
        |_| worker_login(&database),
        |i, worker: &mut Session| {
            let mut mine = Vec::new();
            loop {
                let some = claim(worker, &format!("w{i}"), 3);
                if some.is_empty() {
                    return mine;
                }
                mine.extend(some.into_iter().map(|(_, run)| run));
            }
        },
    );
    let mut all: Vec<String> = shares.into_iter().flatten().collect();
    all.sort();
    let taken = all.len();
    all.dedup();
    assert_eq!((taken, all.len()), (150, 150));
    for project in &projects {
        super::books::check(&mut admin, &project.id);
    }
}

#[test]
fn a_suspended_projects_runs_are_passed_over_without_a_word() {
    let (database, mut admin) = own_database();
    let suspended = Project::in_database(&database);
    let open = suspended.another(&mut admin);
    for project in [&suspended, &open] {
        project.actor().create("");
    }
    admin.run(&format!("select awooop.suspend_project('{}')", suspended.id));
    let mut worker = worker_login(&database);
    let mut served = Vec::new();
    for _ in 0..3 {
        served.extend(claim(&mut worker, "w", 5).into_iter().map(|(project, _)| project));
    }
    assert_eq!(served, std::slice::from_ref(&open.id));
    admin.run(&format!("select awooop.suspend_project('{}', suspended => false)", suspended.id));
    assert_eq!(claim(&mut worker, "w", 5)[0].0, suspended.id);
}

#[test]
fn a_platform_worker_acts_by_its_lease_and_by_nothing_else() {
    let (database, mut admin) = own_database();
    let project = Project::in_database(&database);
    let other = project.another(&mut admin);
    for project in [&project, &other] {
        project.actor().create("");
    }
    let mut worker = worker_login(&database);
    let mut take = || claims(&worker.json("select awooop.claim_runs('w')")).pop().unwrap();
    let (one, two) = (take(), take());
    assert_ne!(one.json["project_id"], two.json["project_id"]);
    for claim in [&one, &two] {
        assert_eq!(worker.json(&claim.sql("heartbeat", ""))["held"][0]["run_id"], claim.run.as_str());
        assert_eq!(worker.json(&claim.sql("record_step", ", 'a', '1'"))["outcome"], "recorded");
    }
    // A lease of one project opens no run of another.
    let crossed = format!("select awooop.complete_run('{}', '{}')", two.run, one.lease);
    assert_eq!(worker.json(&crossed)["code"], "E-RUN-003");
    assert_eq!(worker.json(&one.sql("complete_run", ""))["state"], "completed");
    expire(&mut admin, &two.run);
    assert_eq!(worker.json(&two.sql("complete_run", ""))["code"], "E-RUN-003");
    for sql in ["select awooop.get_run(gen_random_uuid())", "select awooop.list_runs()"] {
        assert_eq!(worker.code(sql), "42501", "{sql}");
    }
}

#[test]
fn a_worker_whose_lease_is_gone_is_told_so_however_many_others_are() {
    let (database, mut admin) = own_database();
    let project = Project::in_database(&database);
    project.actor().create_many(30, ", max_attempts => 5");
    let mut worker = worker_login(&database);
    let lost = claims(&worker.json("select awooop.claim_runs('w', 30)"));
    admin.run("update awooop.run_lease set expires_at = clock_timestamp() - interval '1 second'");
    worker.run("select awooop.reap_stale_runs()");
    assert_eq!(claim(&mut worker, "v", 30).len(), 30);
    for claim in &lost {
        let answer = worker.json(&claim.sql("complete_run", ""));
        assert_eq!(answer["code"], "E-RUN-003", "{answer}");
    }
    let mut stale = superuser_in(&database);
    let audited =
        stale.value("select count(*)::text from awooop.audit_log where code = 'E-RUN-003' and decision = 'refused'");
    assert_eq!(audited, "30", "each refusal is in its project's audit log");
}

#[test]
fn the_round_over_the_projects_does_not_depend_on_the_databases_collation() {
    let mut admin = crate::harness::superuser();
    if admin.value("select count(*)::text from pg_collation where collname like '%-x-icu'") == "0" {
        eprintln!("this PostgreSQL has no ICU: only byte order to be had");
        return;
    }
    let database = crate::harness::unique("icu");
    admin.run(&format!(
        "create database {database} template template0 encoding 'UTF8' locale 'C' locale_provider icu icu_locale 'en-US'"
    ));
    let mut admin = superuser_in(&database);
    crate::harness::server::install(&mut admin);
    // In English 'a' comes before 'B'; in bytes it comes after.
    for project in ["a", "B"] {
        let project = format!("{project}-{database}");
        admin.run(&format!("select awooop.create_project('{project}', migration_mode => 'active')"));
        crate::harness::contracts::add_agent(&mut admin, &project, "agent");
    }
    let create = |admin: &mut Session, project: &str| {
        let project = format!("{project}-{database}");
        let envelope = admin.within(&project, "select awooop.build_envelope('agent', 'telegram', '7')");
        admin.within(&project, &format!("select awooop.create_run('{envelope}')"));
    };
    let mut worker = worker_login(&database);
    create(&mut admin, "B");
    assert_eq!(claim(&mut worker, "w", 1).len(), 1);
    create(&mut admin, "a");
    assert_eq!(claim(&mut worker, "w", 1).len(), 1, "a project is never served");
}
