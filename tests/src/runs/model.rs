//! A model of the run engine, and random work by several workers against both: they never disagree.
//!
//! Time is played: a lease expires, a deadline passes, a back-off ends when the sequence says so.

use std::cell::RefCell;
use std::collections::BTreeMap;

use awooop_policy::run_fsm::{RunState, after_failed_attempt, after_time_ran_out};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::claims::become_available;
use crate::harness::quiet::{Claim, claims, expire, set_deadline};
use crate::harness::{Actor, Project, Session, own_database};

/// Sessions that claim, each under a name of its own.
const WORKERS: usize = 3;

/// Which of the leases a run has had somebody presents: the newest, or one before it.
#[derive(Clone, Copy, Debug)]
enum Which {
    Newest,
    Older,
}

#[derive(Clone, Debug)]
enum Move {
    Create { priority: i64, max_attempts: i32 },
    Claim { worker: usize, at_most: usize },
    Heartbeat(usize, Which),
    Step { run: usize, which: Which, key: u8, started: bool, request: u8 },
    Complete(usize, Which),
    Fail { run: usize, which: Which, retryable: bool },
    Cancel(usize),
    BackOffEnds(usize),
    LeaseExpires(usize),
    DeadlinePasses(usize),
    ToolBegins(usize),
    ToolEnds(usize),
    Reap,
}

fn any_move() -> impl Strategy<Value = Move> {
    let run = 0..6usize;
    let which = prop_oneof![4 => Just(Which::Newest), 1 => Just(Which::Older)];
    prop_oneof![
        4 => (0..10i64, 1..4i32).prop_map(|(priority, max_attempts)| Move::Create { priority, max_attempts }),
        6 => (0..WORKERS, 1..4usize).prop_map(|(worker, at_most)| Move::Claim { worker, at_most }),
        2 => (run.clone(), which.clone()).prop_map(|(run, which)| Move::Heartbeat(run, which)),
        6 => (run.clone(), which.clone(), 0..3u8, any::<bool>(), 0..3u8)
            .prop_map(|(run, which, key, started, request)| Move::Step { run, which, key, started, request }),
        3 => (run.clone(), which.clone()).prop_map(|(run, which)| Move::Complete(run, which)),
        4 => (run.clone(), which, any::<bool>())
            .prop_map(|(run, which, retryable)| Move::Fail { run, which, retryable }),
        1 => run.clone().prop_map(Move::Cancel),
        3 => run.clone().prop_map(Move::BackOffEnds),
        4 => run.clone().prop_map(Move::LeaseExpires),
        1 => run.clone().prop_map(Move::DeadlinePasses),
        2 => run.clone().prop_map(Move::ToolBegins),
        2 => run.prop_map(Move::ToolEnds),
        4 => Just(Move::Reap),
    ]
}

/// A step as the model remembers it.
struct Recorded {
    key: u8,
    started: bool,
    epoch: usize,
    request: u8,
    result: Value,
}

struct Run {
    id: String,
    state: RunState,
    priority: i64,
    attempts: i32,
    max_attempts: i32,
    waits: bool,
    /// Every lease it was given, and the worker that claimed it; the last is the newest.
    leases: Vec<(usize, Claim)>,
    open: bool,
    expired: bool,
    journal: Vec<Recorded>,
    audit: BTreeMap<(&'static str, &'static str), i64>,
}

impl Run {
    fn note(&mut self, action: &'static str, decision: &'static str) {
        *self.audit.entry((action, decision)).or_default() += 1;
    }

    fn holds(&self, presented: Option<usize>) -> bool {
        presented.is_some_and(|n| n + 1 == self.leases.len()) && self.open && !self.expired && self.state.is_leased()
    }

    fn go(&mut self, to: RunState) {
        self.state = to;
        if !to.is_leased() {
            self.open = false;
        }
    }

    fn presented(&self, which: Which) -> Option<usize> {
        match which {
            Which::Newest => self.leases.len().checked_sub(1),
            Which::Older => self.leases.len().checked_sub(2),
        }
    }
}

struct World<'a> {
    /// Another one of the project, who creates and cancels.
    actor: &'a mut Actor,
    workers: Vec<Actor>,
    admin: &'a mut Session,
    runs: Vec<Run>,
    steps_sent: i64,
}

impl World<'_> {
    fn play(&mut self, next: &Move) {
        match next {
            Move::Create { priority, max_attempts } if self.runs.len() < 6 => self.create(*priority, *max_attempts),
            Move::Claim { worker, at_most } => self.claim(*worker, *at_most),
            Move::Reap => self.reap(),
            Move::Heartbeat(run, which) => {
                self.leased(*run, *which, "heartbeat", "", |run, _| (run, json!(null)));
            }
            Move::Complete(run, which) => self.complete(*run, *which),
            Move::Fail { run, which, retryable } => self.fail(*run, *which, *retryable),
            Move::Step { run, which, key, started, request } => self.step(*run, *which, *key, *started, *request),
            Move::Cancel(run) => self.cancel(*run),
            Move::BackOffEnds(run) => self.with(*run, |run, admin| {
                if run.state == RunState::Pending {
                    become_available(admin, &run.id);
                    run.waits = false;
                }
            }),
            Move::LeaseExpires(run) => self.with(*run, |run, admin| {
                expire(admin, &run.id);
                run.expired = true;
            }),
            Move::DeadlinePasses(run) => self.deadline(*run),
            Move::ToolBegins(run) => self.tool(*run, RunState::Running, RunState::WaitingTool),
            Move::ToolEnds(run) => self.tool(*run, RunState::WaitingTool, RunState::Running),
            Move::Create { .. } => {}
        }
    }

    fn with(&mut self, run: usize, act: impl FnOnce(&mut Run, &mut Session)) {
        if let Some(run) = self.runs.get_mut(run) {
            act(run, self.admin);
        }
    }

    fn create(&mut self, priority: i64, max_attempts: i32) {
        let id = self.actor.create_id(&format!(", priority => {priority}, max_attempts => {max_attempts}"));
        self.runs.push(Run {
            id,
            state: RunState::Pending,
            priority,
            attempts: 0,
            max_attempts,
            waits: false,
            leases: Vec::new(),
            open: false,
            expired: false,
            journal: Vec::new(),
            audit: BTreeMap::from([(("run_created", "done"), 1)]),
        });
    }

    fn claim(&mut self, worker: usize, at_most: usize) {
        let answer = self.workers[worker].call(&format!("select awooop.claim_runs('w{worker}', {at_most})"));
        let claimed = claims(&answer);
        let mut due: Vec<i64> =
            self.runs.iter().filter(|r| r.state == RunState::Pending && !r.waits).map(|r| r.priority).collect();
        due.sort_unstable_by(|a, b| b.cmp(a));
        due.truncate(at_most);
        let mut taken = Vec::new();
        for claim in claimed {
            let run = self.runs.iter_mut().find(|run| run.id == claim.run).expect("a run of ours");
            assert!(run.state == RunState::Pending && !run.waits, "{} was not claimable", run.id);
            taken.push(run.priority);
            run.attempts += 1;
            run.note("run_claimed", "done");
            run.go(RunState::Running);
            (run.open, run.expired) = (true, false);
            assert_eq!(claim.json["attempt"], run.attempts);
            let steps = claim.json["steps"].as_array().expect("a list").len();
            assert_eq!(steps, run.journal.len(), "the next worker is handed every step");
            run.leases.push((worker, claim));
        }
        assert_eq!(taken, due, "the highest priorities go first, and as many as there are");
    }

    /// Presents a lease for `operation`; `lawful` says what happens where the lease holds.
    fn leased<'r>(
        &'r mut self,
        run: usize,
        which: Which,
        operation: &'static str,
        rest: &str,
        lawful: impl FnOnce(&'r mut Run, usize) -> (&'r mut Run, Value),
    ) {
        let Some(run) = self.runs.get_mut(run) else { return };
        let Some(presented) = run.presented(which) else { return };
        let (worker, lease) = &run.leases[presented];
        let answer = self.workers[*worker].call(&lease.sql(operation, rest));
        if run.holds(Some(presented)) {
            let (run, wanted) = lawful(run, presented);
            assert!(answer["code"].is_null(), "{operation} of {} was refused: {answer}", run.id);
            for (key, value) in wanted.as_object().into_iter().flatten() {
                assert_eq!(&answer[key], value, "{operation}: {answer}");
            }
        } else {
            assert_eq!(answer["code"], "E-RUN-003", "{operation} of {}: {answer}", run.id);
            run.note(operation, "refused");
        }
    }

    fn complete(&mut self, run: usize, which: Which) {
        let Some(found) = self.runs.get(run) else { return };
        let presented = found.presented(which);
        let newest = presented.is_some_and(|n| n + 1 == found.leases.len());
        match found.state {
            RunState::Completed if newest => {
                let (worker, lease) = &found.leases[presented.unwrap_or_default()];
                assert_eq!(self.workers[*worker].call(&lease.sql("complete_run", ""))["state"], "completed");
            }
            RunState::WaitingTool if found.holds(presented) => {
                let (worker, lease) = &found.leases[presented.unwrap_or_default()];
                assert_eq!(self.workers[*worker].code(&lease.sql("complete_run", "")), "E-RUN-002");
            }
            _ => self.leased(run, which, "complete_run", ", '{\"ok\": true}'", |run, _| {
                run.go(RunState::Completed);
                run.note("run_completed", "done");
                (run, json!({"state": "completed", "result": {"ok": true}}))
            }),
        }
    }

    fn fail(&mut self, run: usize, which: Which, retryable: bool) {
        self.leased(run, which, "fail_run", &format!(", 'x', retryable => {retryable}"), |run, _| {
            let to = after_failed_attempt(run.attempts, run.max_attempts, retryable);
            run.go(to);
            run.waits = to == RunState::Pending;
            run.note(if run.waits { "run_attempt_failed" } else { "run_failed" }, "done");
            (run, json!({"state": to.as_str(), "error_code": "x"}))
        });
    }

    fn step(&mut self, run: usize, which: Which, key: u8, started: bool, request: u8) {
        self.steps_sent += 1;
        let sent = json!(self.steps_sent);
        let phase = if started { "started" } else { "completed" };
        // 0 stands for no request.
        let asked = if request == 0 { "null".to_owned() } else { format!("'{request}'") };
        let rest = format!(", 'k{key}', '{sent}', {asked}, phase => '{phase}'");
        let Some(found) = self.runs.get(run) else { return };
        let conflicts =
            found.journal.iter().any(|r| r.key == key && r.request != 0 && request != 0 && r.request != request);
        if conflicts && found.holds(found.presented(which)) {
            let (worker, lease) = &found.leases[found.leases.len() - 1];
            assert_eq!(self.workers[*worker].code(&lease.sql("record_step", &rest)), "E-RUN-005");
            return;
        }
        self.leased(run, which, "record_step", &rest, |run, epoch| {
            let of_key = |done: bool| run.journal.iter().find(move |r| r.key == key && r.started != done);
            let (outcome, result) = match (of_key(true), of_key(false)) {
                (Some(completed), _) => ("replayed", completed.result.clone()),
                (None, Some(begun)) if started && begun.epoch == epoch => ("replayed", begun.result.clone()),
                (None, Some(begun)) if started => ("unknown", begun.result.clone()),
                _ => {
                    run.journal.push(Recorded { key, started, epoch, request, result: sent.clone() });
                    ("recorded", sent)
                }
            };
            (run, json!({"outcome": outcome, "result": result}))
        });
    }

    fn cancel(&mut self, run: usize) {
        let Some(run) = self.runs.get_mut(run) else { return };
        let sql = format!("select awooop.cancel_run('{}')", run.id);
        match run.state {
            RunState::Cancelled => assert_eq!(self.actor.call(&sql)["state"], "cancelled"),
            state if state.is_final() => assert_eq!(self.actor.code(&sql), "E-RUN-006"),
            _ => {
                assert_eq!(self.actor.call(&sql)["state"], "cancelled");
                run.go(RunState::Cancelled);
                run.note("run_cancelled", "done");
            }
        }
    }

    /// The deadline passes, and the reaper comes by at once: what a claim makes of it is another test's.
    fn deadline(&mut self, run: usize) {
        let Some(found) = self.runs.get_mut(run) else { return };
        if !found.state.is_final() {
            set_deadline(self.admin, &found.id, -1000);
            found.go(RunState::TimedOut);
            found.note("run_timed_out", "done");
            self.reap();
        }
    }

    fn tool(&mut self, run: usize, from: RunState, to: RunState) {
        self.with(run, |run, admin| {
            if run.state == from {
                admin.run(&format!(
                    "update awooop.run_state set state = '{}' where run_id = '{}'",
                    to.as_str(),
                    run.id
                ));
                run.state = to;
            }
        });
    }

    fn reap(&mut self) {
        self.actor.reap();
        for run in self.runs.iter_mut().filter(|run| run.open && run.expired) {
            let to = after_time_ran_out(run.attempts, run.max_attempts, false);
            run.go(to);
            run.waits = false;
            run.note(if to == RunState::Pending { "run_requeued" } else { "run_timed_out" }, "done");
        }
    }

    /// Compares every run's row, journal and audit rows with the model.
    fn compare(&mut self) {
        let sql = format!(
            "select coalesce(json_object_agg(s.run_id, json_build_object(
                'state', s.state, 'attempts', s.attempts, 'epoch', s.epoch,
                'steps', (select count(*) from awooop.step_journal j where j.run_id = s.run_id),
                'audit', (select json_object_agg(a.what, a.n) from (
                    select a.action || ' ' || a.decision as what, count(*) as n from awooop.audit_log a
                    where a.project_id = s.project_id and a.run_id = s.run_id group by 1) a))), '{{}}')
             from awooop.run_state s where s.project_id = '{}'",
            self.actor.project
        );
        let stored = self.admin.json(&sql);
        for run in &self.runs {
            let audit: BTreeMap<String, i64> =
                run.audit.iter().map(|((action, decision), n)| (format!("{action} {decision}"), *n)).collect();
            let wanted = json!({
                "state": run.state.as_str(), "attempts": run.attempts, "epoch": run.attempts,
                "steps": run.journal.len(), "audit": audit,
            });
            assert_eq!(stored[&run.id], wanted, "{}", run.id);
        }
    }
}

#[test]
fn random_work_never_leaves_the_model() {
    // Other tests reap whatever is stale.
    let first = Project::in_database(&own_database().0);
    let admin = RefCell::new(first.admin());
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let sequences = prop::collection::vec(any_move(), 10..70);
    let outcome = runner.run(&sequences, |moves| {
        let admin = &mut *admin.borrow_mut();
        let project = first.another(admin);
        let mut actor = project.actor();
        let workers = (0..WORKERS).map(|_| project.actor()).collect();
        let mut world = World { actor: &mut actor, workers, admin, runs: Vec::new(), steps_sent: 0 };
        for next in &moves {
            world.play(next);
            world.compare();
        }
        super::books::check(world.admin, &world.actor.project);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}
