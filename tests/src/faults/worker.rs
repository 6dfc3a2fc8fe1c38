//! A worker process that is killed: a real one, this test binary run once more.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::harness::answer::eventually;
use crate::harness::quiet::{Claim, claims, expire};
use crate::harness::{Session, literal};

const STEPS: [&str; 3] = ["look up", "decide", "answer"];

/// Works on a run as an agent's worker does: what is recorded is not done again. Its effects are rows that commit for
/// themselves, as effects outside do. Stops after `at_most` steps.
fn work(session: &mut Session, project: &str, claim: &Claim, at_most: usize) -> usize {
    let recorded: Vec<&Value> = claim.json["steps"].as_array().unwrap().iter().map(|step| &step["step_key"]).collect();
    let mut done = 0;
    for step in STEPS.into_iter().filter(|step| !recorded.iter().any(|recorded| *recorded == step)).take(at_most) {
        session.run(&format!("insert into public.effect values ('{}', {})", claim.run, literal(step)));
        let answer = session.within(project, &claim.sql("record_step", &format!(", '{step}', '\"done\"'")));
        assert_eq!(answer["outcome"], "recorded");
        done += 1;
    }
    done
}

/// What the killed process does: claims, does two of three steps, says so, and holds on for ever.
#[test]
#[ignore = "a part of a_killed_workers_run_is_finished_by_another_and_no_recorded_step_runs_again"]
fn the_worker_that_is_killed() {
    let (uri, project) = (std::env::var("WORKER_URI").unwrap(), std::env::var("WORKER_PROJECT").unwrap());
    let mut session = Session::new(postgres::Client::connect(&uri, postgres::NoTls).unwrap());
    let claim = claims(&session.within(&project, "select awooop.claim_runs('doomed')")).pop().unwrap();
    work(&mut session, &project, &claim, 2);
    println!("\nholding {}", claim.run);
    loop {
        std::thread::park();
    }
}

/// A process that must not outlive its test.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_killed_workers_run_is_finished_by_another_and_no_recorded_step_runs_again() {
    let server = super::maintained_server();
    let project = server.tenant("worker", "active", "envelope:write,runs:read,runs:write,runs:work");
    let (mut admin, mut session) = (server.superuser(), server.connect("worker"));
    admin.run("alter role worker password 'secret'");
    admin.run("create table public.effect (run uuid, step text); grant insert on public.effect to worker");
    let envelope = session.within(&project, "select awooop.build_envelope('agent', 'telegram', '7')");
    session.within(&project, &format!("select awooop.create_run('{envelope}')"));
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "faults::worker::the_worker_that_is_killed", "--ignored", "--nocapture"]);
    child.env("WORKER_URI", server.uri("worker", "secret")).env("WORKER_PROJECT", &project);
    let mut child = Reaped(child.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap());
    let output = BufReader::new(child.0.stdout.take().unwrap());
    let run = output
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("holding ").map(str::to_owned))
        .expect("the worker claimed the run");
    child.0.kill().unwrap();
    child.0.wait().unwrap();
    let state =
        |session: &mut Session| session.within(&project, &format!("select awooop.get_run('{run}')"))["state"].clone();
    assert_eq!(state(&mut session), "running", "its lease still holds");
    expire(&mut admin, &run);
    // Nobody calls the reaper: the server's own maintenance does.
    eventually("the maintenance worker's reaping", || state(&mut session) == "pending");
    let second = claims(&session.within(&project, "select awooop.claim_runs('heir')")).pop().unwrap();
    assert_eq!((second.run.as_str(), &second.json["attempt"]), (run.as_str(), &2.into()));
    assert_eq!(work(&mut session, &project, &second, 3), 1);
    assert_eq!(session.within(&project, &second.sql("complete_run", ""))["state"], "completed");
    let effects = admin.json("select json_agg(step) from public.effect");
    assert_eq!(effects, serde_json::json!(STEPS), "each step had its effect once");
}
