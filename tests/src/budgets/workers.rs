//! Workers that charge runs, finish them, lose them and die over them, while the reaper comes by: what was spent is what
//! they were told, and what a dead one held came back once.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::clients::{Client, Dice, busy_project, reserve};
use super::scene::code;
use crate::harness::quiet::{Claim, expire};
use crate::harness::{Project, Session, at_once};

const WORKERS: usize = 6;
const RUNS: usize = 24;
const SHIFTS: usize = 12;

struct Worker<'a> {
    name: String,
    client: Client,
    /// Lets leases expire.
    admin: Session,
    dice: Dice,
    crashes: &'a AtomicUsize,
    /// Spent and overrun, as it was told; with calls that ended with their run.
    used: i64,
    over: i64,
}

impl Worker<'_> {
    fn note(&mut self, answer: &Value) {
        let used = match code(answer) {
            "" => &answer["tokens"],
            "E-BUDGET-004" => &answer["used"]["tokens"],
            other => panic!("{other}: {answer}"),
        };
        self.used += used.as_i64().expect("a number");
        self.over += answer["overrun"]["tokens"].as_i64().expect("a number");
    }

    /// One run, from its claim to its end or the worker's.
    fn shift(&mut self) -> bool {
        let Some(run) = self.client.claim(&self.name) else { return false };
        let within = self.client.envelope_in(&run);
        let mut open: Vec<(String, i64)> = Vec::new();
        for _ in 0..self.dice.roll(3, 14) {
            let tokens = self.dice.roll(1, 40);
            match self.dice.roll(1, 6) {
                1..=3 => {
                    let answer = self.client.charge(&run, tokens, "");
                    self.note(&answer);
                    if !code(&answer).is_empty() {
                        return self.ended(&open);
                    }
                }
                4 => {
                    let answer = self.client.call(&reserve(&within, tokens, &format!(", lease => '{}'", run.lease)));
                    match answer["reservation_id"].as_str() {
                        Some(id) => open.push((id.to_owned(), tokens)),
                        None => assert_eq!(code(&answer), "E-BUDGET-001", "{answer}"),
                    }
                }
                5 => {
                    let Some((id, held)) = open.pop() else { continue };
                    let (used, lease) = (self.dice.roll(0, 2 * held), &run.lease);
                    let sql = format!("select awooop.settle_budget('{id}', tokens => {used}, lease => '{lease}')");
                    let answer = self.client.call(&sql);
                    self.note(&answer);
                    if !code(&answer).is_empty() {
                        return self.ended(&open);
                    }
                }
                _ => {
                    let Some((id, _)) = open.pop() else { continue };
                    let sql = format!("select awooop.release_budget('{id}', '{}')", run.lease);
                    assert_eq!(self.client.call(&sql)["outcome"], "released");
                }
            }
        }
        self.end(&run);
        self.ended(&open)
    }

    fn end(&mut self, run: &Claim) {
        match self.dice.roll(1, 3) {
            1 => assert_eq!(self.client.call(&run.sql("complete_run", ""))["state"], "completed"),
            2 => {
                let state = self.client.call(&run.sql("fail_run", ", 'x', retryable => true"))["state"].clone();
                assert!(["pending", "failed"].contains(&state.as_str().expect("a state")), "{state}");
            }
            _ => {
                // It dies, and is heard of once more when it is too late.
                expire(&mut self.admin, &run.run);
                assert_eq!(code(&self.client.charge(run, 1, "")), "E-RUN-003");
                self.crashes.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// What was still open when the run ended was booked whole.
    fn ended(&mut self, open: &[(String, i64)]) -> bool {
        self.used += open.iter().map(|(_, tokens)| tokens).sum::<i64>();
        true
    }
}

/// Lets the workers work; what they were told is what the books say.
fn work(project: &Project, limits: &[&str]) -> [i64; 2] {
    let mut client = Client::of(project);
    for limit in limits {
        client.call(limit);
    }
    for n in 0..RUNS {
        let envelope = client.envelope(["a", "b"][n % 2], &(n % 3).to_string());
        client.call(&format!("select awooop.create_run({envelope}, max_attempts => 20)"));
    }
    let (crashes, working) = (AtomicUsize::new(0), AtomicUsize::new(WORKERS));
    let told = at_once(
        WORKERS + 2,
        |n| Worker {
            name: format!("w{n}"),
            client: Client::of(project),
            admin: project.admin(),
            dice: Dice::new(n),
            crashes: &crashes,
            used: 0,
            over: 0,
        },
        |n, worker| {
            if n < WORKERS {
                let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    (0..SHIFTS).all(|_| worker.shift());
                }));
                working.fetch_sub(1, Ordering::Relaxed);
                done.unwrap_or_else(|cause| std::panic::resume_unwind(cause));
            } else {
                while working.load(Ordering::Relaxed) > 0 {
                    worker.client.call("select awooop.reap_stale_runs()");
                }
            }
            [worker.used, worker.over]
        },
    );
    client.call("select awooop.reap_stale_runs()");
    assert!(crashes.load(Ordering::Relaxed) > 0, "nobody died");
    let [used, over] = told.into_iter().fold([0; 2], |[a, b], [c, d]| [a + c, b + d]);
    assert_eq!(client.total(), [used - over, 0, over]);
    client.check();
    // Nothing was given back that was not held: not a second time, and not by somebody else.
    let twice = project.admin().value(&format!(
        "select count(*)::text
         from (select sum(reserved_tokens) over (partition by escrow_id order by seq) as held,
                      sum(reserved_tokens) over (partition by escrow_id) as last
               from awooop.budget_ledger where project_id = '{}') l
         where held < 0 or last <> 0",
        project.id
    ));
    assert_eq!(twice, "0");
    [used, over]
}

#[test]
fn workers_that_die_leave_what_they_were_told_and_no_more() {
    let project = busy_project();
    let [used, over] = work(
        &project,
        &[
            "select awooop.set_budget('project', 'day', hard_tokens => 1000000)",
            "select awooop.set_budget('agent', 'month', '*', hard_tokens => 1000000)",
        ],
    );
    assert!(used > 0 && over == 0);
}

#[test]
fn workers_that_use_up_a_limit_book_to_its_last_unit_before_they_overrun_it() {
    let project = busy_project();
    let [used, over] = work(
        &project,
        &[
            "select awooop.set_budget('project', 'day', hard_tokens => 2500)",
            "select awooop.set_budget('agent', 'run', '*', hard_tokens => 400)",
            "select awooop.set_budget('subject', 'lifetime', '*', hard_tokens => 1500)",
        ],
    );
    assert!(over > 0, "nothing was used up");
    assert!(used - over <= 2500, "{used} {over}");
}

#[test]
fn a_dead_workers_chunk_comes_back_once_however_many_reap_it() {
    let project = busy_project();
    let mut client = Client::of(&project);
    client.call("select awooop.set_budget('project', 'day', hard_tokens => 10000)");
    let envelope = client.envelope("agent", "7");
    let mut admin = project.admin();
    for round in 1..=8 {
        client.call(&format!("select awooop.create_run({envelope}, max_attempts => 1)"));
        let run = client.claim("w").expect("a run");
        client.charge(&run, 10, "");
        let call = reserve(&client.envelope_in(&run), 5, &format!(", lease => '{}'", run.lease));
        assert_eq!(client.call(&call)["tokens"], 5);
        expire(&mut admin, &run.run);
        let reaped: i64 = at_once(
            6,
            |_| Client::of(&project),
            |n, client| match n % 3 {
                // The dead one's last charge, and somebody who would cancel.
                2 => {
                    assert_eq!(code(&client.charge(&run, 1, "")), "E-RUN-003");
                    0
                }
                _ => client.call("select awooop.reap_stale_runs() -> 'timed_out'").as_i64().expect("a number"),
            },
        )
        .into_iter()
        .sum();
        let rest = client.call("select awooop.reap_stale_runs() -> 'timed_out'").as_i64().expect("a number");
        assert_eq!(reaped + rest, 1);
        assert_eq!(client.used("project", ""), [15 * round, 0, 0]);
        client.check();
    }
}
