//! Many clients at once on one hot project: what is admitted is exactly the limit, whatever they and the administrator do.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::clients::{Client, Dice, alone, busy_project, collide, reserve, reserved};
use super::scene::code;
use crate::harness::{Project, at_once};

const CLIENTS: usize = 8;

#[track_caller]
fn limit(client: &mut Client, arguments: &str, tokens: i64) {
    let answer = client.call(&format!("select awooop.set_budget({arguments}, hard_tokens => {tokens})"));
    assert_eq!(answer["hard_tokens"], tokens, "{answer}");
}

/// Lets every client reserve `sizes` in turn until the least of them is refused; what was admitted of each reservation.
fn exhaust(project: &Project, sizes: &[i64]) -> Vec<(String, i64)> {
    let admitted = at_once(
        CLIENTS,
        |_| {
            let mut client = Client::of(project);
            let envelope = client.envelope("agent", "7");
            (client, envelope)
        },
        |n, (client, envelope)| {
            let mut held = Vec::new();
            let mut left: Vec<i64> = sizes.to_vec();
            for turn in n.. {
                if left.is_empty() {
                    break;
                }
                let at = turn % left.len();
                match client.reserve(envelope, left[at], "") {
                    Some(id) => held.push((id, left[at])),
                    // Nothing comes back, so that what was refused once is refused for good.
                    None => drop(left.remove(at)),
                }
            }
            held
        },
    );
    admitted.into_iter().flatten().collect()
}

#[test]
fn a_hot_limit_is_used_up_to_the_last_unit_and_not_one_beyond() {
    let project = busy_project();
    let mut client = Client::of(&project);
    limit(&mut client, "'project', 'day'", 7 * 300);
    let held = exhaust(&project, &[7]);
    assert_eq!((held.len(), client.used("project", "")), (300, [0, 2100, 0]));
    client.check();
}

#[test]
fn a_limit_under_mixed_requests_has_nothing_left_when_the_smallest_is_refused() {
    let project = busy_project();
    let mut client = Client::of(&project);
    limit(&mut client, "'project', 'month'", 10_007);
    let held = exhaust(&project, &[1, 97, 2, 53, 13]);
    assert_eq!(held.iter().map(|(_, tokens)| tokens).sum::<i64>(), 10_007);
    assert_eq!(client.used("project", ""), [0, 10_007, 0]);
    client.check();
    // What comes back is admitted again, to the unit.
    let released: i64 = held.iter().step_by(3).map(|(id, tokens)| (client.release(id), tokens).1).sum();
    let again = exhaust(&project, &[53, 1]);
    assert_eq!(again.iter().map(|(_, tokens)| tokens).sum::<i64>(), released);
    client.check();
}

#[test]
fn every_scope_is_kept_at_once_and_the_project_is_used_up() {
    let project = alone();
    let mut client = Client::of(&project);
    limit(&mut client, "'project', 'day'", 1000);
    limit(&mut client, "'agent', 'month', '*'", 700);
    limit(&mut client, "'subject', 'lifetime', '*'", 300);
    let pairs: Vec<_> = ["a", "b"].iter().flat_map(|agent| ["1", "2", "3", "4"].map(|user| (*agent, user))).collect();
    let held: Vec<_> = at_once(
        CLIENTS,
        |_| {
            let mut client = Client::of(&project);
            let open: Vec<String> = pairs.iter().map(|(agent, user)| client.envelope(agent, user)).collect();
            (client, open)
        },
        |n, (client, open)| {
            let mut held = Vec::new();
            for turn in n.. {
                if open.is_empty() {
                    break;
                }
                let at = turn % open.len();
                match client.reserve(&open[at], 5, ", expires_seconds => 1") {
                    Some(id) => held.push(id),
                    None => drop(open.remove(at)),
                }
            }
            held
        },
    )
    .into_iter()
    .flatten()
    .collect();
    // Two agents or four subjects could use more than the project has, whoever gets it.
    assert_eq!((held.len(), client.used("project", "")), (200, [0, 1000, 0]));
    for agent in ["a", "b"] {
        assert!(client.used("agent", agent)[1] <= 700);
    }
    for user in 1..=4 {
        let used = client.used("subject", &format!("{}:telegram:{user}", project.id))[1];
        assert!((1..=300).contains(&used), "{used}");
    }
    client.check();
    // A third is settled below, a third released, all at once; the rest is never heard of again.
    let next = AtomicUsize::new(0);
    at_once(
        CLIENTS,
        |_| Client::of(&project),
        |_, client| {
            while let Some((n, id)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|n| Some((n, held.get(n)?))) {
                match n % 3 {
                    0 => assert_eq!(client.settle(id, 3)["outcome"], "settled"),
                    1 => assert_eq!(client.release(id)["outcome"], "released"),
                    _ => {}
                }
            }
        },
    );
    assert_eq!(client.total(), [67 * 3, 66 * 5, 0]);
    client.check();
    client.outlive(&project);
    assert_eq!(client.total(), [67 * 3 + 66 * 5, 0, 0]);
}

#[test]
fn what_is_given_back_and_taken_at_once_never_adds_up_to_more_than_the_limit() {
    let project = busy_project();
    let mut client = Client::of(&project);
    limit(&mut client, "'agent', 'day', 'agent'", 400);
    let spent: i64 = at_once(
        CLIENTS,
        |n| {
            let mut client = Client::of(&project);
            let envelope = client.envelope("agent", "7");
            (client, envelope, Dice::new(n))
        },
        |_, (client, envelope, dice)| {
            let mut spent = 0;
            for _ in 0..60 {
                let tokens = dice.roll(1, 90);
                let Some(id) = client.reserve(envelope, tokens, "") else { continue };
                let [s, r, o] = client.used("agent", "agent");
                assert!(s + r + o <= 400, "{s} {r} {o}");
                if dice.roll(1, 8) == 1 {
                    let used = tokens / 8;
                    client.settle(&id, used);
                    spent += used;
                } else {
                    client.release(&id);
                }
            }
            spent
        },
    )
    .into_iter()
    .sum();
    assert_eq!(client.used("agent", "agent"), [spent, 0, 0]);
    // Nothing leaked: all that is left is there for one request.
    let envelope = client.envelope("agent", "8");
    assert!(client.reserve(&envelope, 400 - spent + 1, "").is_none());
    assert!(client.reserve(&envelope, 400 - spent, "").is_some());
    client.check();
}

/// Clients that reserve until they are told to stop.
struct Storm<'a> {
    project: &'a Project,
    over: AtomicBool,
    admitted: Mutex<i64>,
}

impl<'a> Storm<'a> {
    /// Runs clients, and `meanwhile` beside them; what they were admitted.
    fn rage(project: &'a Project, size: i64, keep: bool, meanwhile: impl FnOnce(&mut Client)) -> i64 {
        let storm = Storm { project, over: AtomicBool::new(false), admitted: Mutex::new(0) };
        let mut admin = Client::of(project);
        std::thread::scope(|scope| {
            for n in 0..CLIENTS {
                let storm = &storm;
                scope.spawn(move || storm.fire(n, size, keep));
            }
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| meanwhile(&mut admin)));
            storm.over.store(true, Ordering::Relaxed);
            if let Err(cause) = done {
                std::panic::resume_unwind(cause);
            }
        });
        storm.admitted.into_inner().expect("a sum")
    }

    fn fire(&self, n: usize, size: i64, keep: bool) {
        let (mut client, mut dice) = (Client::of(self.project), Dice::new(n));
        let envelope = client.envelope("agent", "7");
        while !self.over.load(Ordering::Relaxed) {
            let answer = client.call(&reserve(&envelope, size, ""));
            if matches!(code(&answer), "E-BUDGET-002" | "E-BUDGET-003") {
                continue;
            }
            let Some(id) = reserved(&answer) else { continue };
            if keep || dice.roll(1, 4) == 1 {
                *self.admitted.lock().expect("a sum") += size;
            } else {
                client.release(&id);
            }
        }
    }
}

#[test]
fn a_limit_that_is_raised_and_lowered_holds_from_its_commit_on() {
    let project = busy_project();
    limit(&mut Client::of(&project), "'project', 'day'", 0);
    let mut all = 0;
    let admitted = Storm::rage(&project, 1, true, |admin| {
        let mut watcher = Client::of(&project);
        let mut reached = |least: i64, most: i64| {
            crate::harness::answer::eventually("more admissions", || {
                let [_, reserved, _] = watcher.used("project", "");
                assert!(reserved <= most, "{reserved} of {most}");
                reserved >= least
            });
        };
        for _ in 0..12 {
            limit(admin, "'project', 'day'", all + 100);
            reached(all + 40, all + 100);
            // Lowered below what is there: from the answer on, nothing more comes.
            limit(admin, "'project', 'day'", all + 20);
            let [_, before, _] = admin.used("project", "");
            reached(before, before);
            limit(admin, "'project', 'day'", all + 150);
            all += 150;
            reached(all, all);
        }
    });
    let mut client = Client::of(&project);
    assert_eq!((admitted, client.used("project", "")), (all, [0, all, 0]));
    client.check();
}

#[test]
fn nothing_is_admitted_after_a_switch_was_answered() {
    let project = busy_project();
    limit(&mut Client::of(&project), "'project', 'day'", 1_000_000_000);
    let admitted = Storm::rage(&project, 3, true, |admin| {
        for round in 0..40 {
            let [_, from, _] = admin.used("project", "");
            crate::harness::answer::eventually("more admissions", || admin.used("project", "")[1] > from + 30);
            let state = if round % 2 == 0 { "paused" } else { "killed" };
            let target = [("project", ""), ("agent", ", 'agent'")][round / 2 % 2];
            admin.call(&format!("select awooop.switch_budget('{}', '{state}'{})", target.0, target.1));
            let [_, before, _] = admin.used("project", "");
            // Everybody has had an answer since.
            for _ in 0..10 {
                assert_eq!(admin.used("project", "")[1], before, "admitted after {state} was answered");
            }
            admin.call(&format!("select awooop.switch_budget('{}', 'active'{})", target.0, target.1));
        }
    });
    let mut client = Client::of(&project);
    assert_eq!(client.used("project", ""), [0, admitted, 0]);
    client.check();
}

#[test]
fn what_waited_for_a_switch_is_stopped_by_it() {
    let project = busy_project();
    let mut client = Client::of(&project);
    limit(&mut client, "'project', 'day'", 1000);
    let envelope = client.envelope("agent", "7");
    client.call(&format!("select awooop.create_run({envelope})"));
    let run = client.claim("w").expect("a run");
    client.charge(&run, 1, "");
    let within = client.envelope_in(&run);
    for (state, refusal) in [("paused", "E-BUDGET-002"), ("killed", "E-BUDGET-003")] {
        let before = client.total();
        let switch = format!("select awooop.switch_budget('project', '{state}')");
        let wanted = [
            reserve(&envelope, 5, ""),
            reserve(&within, 500, &format!(", lease => '{}'", run.lease)),
            format!("select awooop.create_run({envelope}, reserve_tokens => 5)"),
        ];
        for wanted in wanted {
            let [_, answer] = collide(&project, &mut client, &switch, &wanted);
            assert_eq!(code(&answer), refusal, "{wanted}");
            client.call("select awooop.switch_budget('project', 'active')");
        }
        assert_eq!(client.total(), before);
        client.check();
    }
}

#[test]
fn a_limit_that_is_removed_and_set_again_counts_all_that_was_admitted_meanwhile() {
    let project = busy_project();
    let day = "'subject', 'day', '*'";
    limit(&mut Client::of(&project), day, 500);
    let admitted = Storm::rage(&project, 2, false, |admin| {
        for _ in 0..15 {
            admin.call("select awooop.set_budget('subject', 'day', '*')");
            let [_, from, _] = admin.total();
            crate::harness::answer::eventually("more admissions", || admin.total()[1] > from + 20);
            limit(admin, day, 500);
        }
    });
    let mut client = Client::of(&project);
    assert_eq!(client.total(), [0, admitted, 0]);
    // Somebody's reservation makes the counter where it is not there yet.
    let envelope = client.envelope("agent", "7");
    assert_eq!(client.reserve(&envelope, 1, "").is_some(), admitted < 500);
    client.check();
}
