//! Backends and servers that are killed in the middle of transactions.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use postgres::{Client, Config, NoTls, SimpleQueryMessage};
use serde_json::Value;

use crate::harness::answer::eventually;
use crate::harness::own_server::signal;
use crate::harness::quiet::claims;
use crate::harness::{Options, OwnServer};
use crate::runs::books;

const RUNS: usize = 150;
const STEPS: usize = 3;

/// A client that loses its connection and does not mind.
struct Stubborn {
    config: Config,
    client: Option<Client>,
}

impl Stubborn {
    /// One transaction in `project`; `None` where the server went away, and nobody knows whether it was committed.
    fn within(&mut self, project: &str, sql: &str) -> Option<Value> {
        if self.client.as_ref().is_none_or(Client::is_closed) {
            self.client = self.config.connect(NoTls).ok();
        }
        let script = format!("begin; select awooop.enter_project('{project}'); {sql}; commit");
        let answer = self.client.as_mut()?.simple_query(&script);
        match answer {
            Ok(messages) => {
                let last = messages.iter().rev().find_map(|message| match message {
                    SimpleQueryMessage::Row(row) => row.get(0),
                    _ => None,
                });
                serde_json::from_str(last?).ok()
            }
            Err(error) => {
                let lost = error.as_db_error().is_none_or(|error| error.code().code().starts_with("57P"));
                assert!(lost, "{error:?}");
                self.client = None;
                None
            }
        }
    }
}

/// Steps done and steps known to be recorded, as the workers saw it.
#[derive(Default)]
struct Witness {
    recorded: Mutex<HashMap<(String, String), String>>,
    over: AtomicBool,
}

/// Claims and works until told to stop, whatever happens to its connection.
fn work(worker: &str, mut client: Stubborn, project: &str, witness: &Witness) {
    while !witness.over.load(Ordering::Relaxed) {
        let Some(answer) = client.within(project, &format!("select awooop.claim_runs('{worker}', 2)")) else {
            continue;
        };
        for claim in claims(&answer) {
            let mut known: Vec<String> = Vec::new();
            for step in claim.json["steps"].as_array().unwrap() {
                known.push(step["step_key"].as_str().unwrap().to_owned());
            }
            for key in (0..STEPS).map(|n| format!("s{n}")) {
                let id = (claim.run.clone(), key.clone());
                if known.contains(&key) {
                    continue;
                }
                let earlier = witness.recorded.lock().unwrap().get(&id).cloned();
                assert!(earlier.is_none(), "step {id:?} was recorded, and was not handed to the next worker");
                let result = format!("{worker} {}", claim.json["attempt"]);
                let sql = claim.sql("record_step", &format!(", '{key}', '\"{result}\"'"));
                match client.within(project, &sql) {
                    Some(answer) if answer["outcome"] == "recorded" => {
                        witness.recorded.lock().unwrap().insert(id, result);
                    }
                    // Committed without our knowing, or the lease is gone: the run's next worker will see.
                    _ => break,
                }
            }
            client.within(project, &claim.sql("complete_run", ""));
        }
    }
}

/// Lets four workers work while `strike` hits the server several times; then everything must be done, once.
fn storm(strike: impl Fn(&OwnServer)) {
    let server = OwnServer::start(&Options::default());
    let project = server.tenant("worker", "active", "envelope:write,runs:read,runs:write,runs:work");
    let mut session = server.connect("worker");
    let envelope = session.within(&project, "select awooop.build_envelope('agent', 'telegram', '7')");
    session.within(
        &project,
        &format!("select count(awooop.create_run('{envelope}', max_attempts => 20)) from generate_series(1, {RUNS})"),
    );
    drop(session);
    let witness = Witness::default();
    let count = |state: &str| {
        server.superuser().value(&format!("select count(*)::text from awooop.run_state where state = '{state}'"))
    };
    std::thread::scope(|scope| {
        for n in 0..4 {
            let client = Stubborn { config: server.config("worker"), client: None };
            let (project, witness) = (&project, &witness);
            scope.spawn(move || work(&format!("w{n}"), client, project, witness));
        }
        let struck = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..3 {
                let before = count("completed");
                strike(&server);
                eventually("the server's return", || server.config("postgres").connect(NoTls).is_ok());
                eventually("more completed runs", || {
                    // What dead workers hold comes back when its leases expire.
                    server.superuser().run(
                        "update awooop.run_lease set expires_at = clock_timestamp() - interval '1 second'
                         where closed_at is null and granted_at < clock_timestamp() - interval '200 milliseconds';
                         select awooop.reap_stale_runs()",
                    );
                    count("completed") != before || count("completed") == RUNS.to_string()
                });
            }
            eventually("the end of the work", || {
                server.superuser().run(
                    "update awooop.run_lease set expires_at = clock_timestamp() - interval '1 second'
                     where closed_at is null and granted_at < clock_timestamp() - interval '200 milliseconds';
                     select awooop.reap_stale_runs()",
                );
                count("completed") == RUNS.to_string()
            });
        }));
        witness.over.store(true, Ordering::Relaxed);
        if let Err(cause) = struck {
            std::panic::resume_unwind(cause);
        }
    });
    let recoveries = server.log().matches("automatic recovery in progress").count();
    assert!(recoveries > 0, "nothing was killed");
    let mut admin = server.superuser();
    let steps = admin.value("select count(*)::text from awooop.step_journal");
    assert!(steps.parse::<usize>().unwrap() <= RUNS * STEPS, "a step stands twice");
    for ((run, key), result) in witness.recorded.lock().unwrap().iter() {
        let kept = admin.value(&format!(
            "select result #>> '{{}}' from awooop.step_journal where run_id = '{run}' and step_key = '{key}'"
        ));
        assert_eq!(&kept, result, "a recorded step of {run} was lost or changed");
    }
    books::check(&mut admin, &project);
}

#[test]
fn backends_killed_in_mid_transaction_lose_no_run() {
    storm(|server| {
        let mut admin = server.superuser();
        let victim = "select coalesce(min(pid), 0)::text from pg_stat_activity
                      where usename = 'worker' and state <> 'idle'";
        let mut pid = 0;
        eventually("a worker in the middle of something", || {
            pid = admin.value(victim).parse().unwrap();
            pid != 0
                || admin.value("select count(*)::text from awooop.run_state where state = 'completed'")
                    == RUNS.to_string()
        });
        drop(admin);
        if pid != 0 {
            kill_backend(server, pid);
        }
    });
}

#[test]
fn a_killed_server_comes_back_with_every_run() {
    storm(|server| {
        server.kill9();
        server.restart();
    });
}

#[test]
fn a_backend_killed_between_its_writes_and_its_commit_leaves_nothing_behind() {
    let server = OwnServer::start(&Options::default());
    let project = server.tenant("worker", "active", "envelope:write,runs:read,runs:write,runs:work");
    let mut doomed = server.connect("worker");
    let envelope = doomed.within(&project, "select awooop.build_envelope('agent', 'telegram', '7')");
    let create = format!("select awooop.create_run('{envelope}', idempotency_key => 'first')");
    let run = doomed.within(&project, &create)["run_id"].as_str().unwrap().to_owned();
    doomed.run("begin");
    doomed.run(&format!("select awooop.enter_project('{project}')"));
    let claim = claims(&doomed.json("select awooop.claim_runs('doomed')")).pop().unwrap();
    doomed.run(&claim.sql("record_step", ", 'a', '1'"));
    doomed.run(&claim.sql("complete_run", ""));
    doomed.run(&create.replace("first", "second"));
    let pid = doomed.value("select pg_backend_pid()::text").parse().unwrap();
    kill_backend(&server, pid);
    eventually("the server's return", || server.config("worker").connect(NoTls).is_ok());
    let (mut session, mut admin) = (server.connect("worker"), server.superuser());
    let listed = session.within(&project, "select awooop.list_runs()");
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!((&listed["items"][0]["state"], &listed["items"][0]["attempts"]), (&"pending".into(), &0.into()));
    assert_eq!(admin.value("select count(*)::text from awooop.step_journal"), "0");
    books::check(&mut admin, &project);
    let next = claims(&session.within(&project, "select awooop.claim_runs('heir')")).pop().unwrap();
    assert_eq!((next.run, &next.json["epoch"]), (run, &1.into()));
    assert_eq!(
        session.within(&project, &claim.sql("complete_run", ""))["code"],
        "E-RUN-003",
        "the dead one's lease never was"
    );
}

/// Kills a backend, and waits until the server has thrown out all the others, as it does when one dies like that.
fn kill_backend(server: &OwnServer, pid: u32) {
    let thrown_out = || server.log().matches("all server processes terminated; reinitializing").count();
    let before = thrown_out();
    signal(pid, "KILL");
    eventually("the end of every backend", || thrown_out() > before);
}
