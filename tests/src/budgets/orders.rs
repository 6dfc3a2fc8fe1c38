//! Transactions of several operations, in orders that end in deadlocks: who loses asks again, and the books agree.

use super::clients::{Client, Dice, busy_project, reserve, reserved};
use crate::harness::{Failure, Project, at_once};

const CLIENTS: usize = 6;
const ROUNDS: usize = 25;

/// Lets deadlocks be found at once: only a superuser can.
fn impatient(project: &Project) {
    project.admin().run(&format!("alter role {} set deadlock_timeout = '10ms'", project.role));
}

/// Does all of it in one transaction; the answers, or what ended it.
fn together(client: &mut Client, all: &[String]) -> Result<Vec<serde_json::Value>, Failure> {
    client.call("begin");
    let answers = all.iter().map(|sql| client.attempt(sql)).collect::<Result<Vec<_>, _>>();
    let end = if answers.is_ok() { "commit" } else { "rollback" };
    client.attempt(end).and(answers)
}

/// Clients that take of two agents' budgets in opposite orders; what was admitted of each, and how often one lost.
fn fight(project: &Project) -> ([i64; 2], usize) {
    let agents = ["a", "b"];
    let got = at_once(
        CLIENTS,
        |n| {
            let mut client = Client::of(project);
            let envelopes = agents.map(|agent| client.envelope(agent, &n.to_string()));
            (client, envelopes, Dice::new(n))
        },
        |n, (client, envelopes, dice)| {
            let (mut admitted, mut losses) = ([0; 2], 0);
            for _ in 0..ROUNDS {
                let amounts = [dice.roll(1, 40), dice.roll(1, 40)];
                let order = if n % 2 == 0 { [0, 1] } else { [1, 0] };
                let all = order.map(|at: usize| reserve(&envelopes[at], amounts[at], ""));
                let answers = loop {
                    match together(client, &all) {
                        Ok(answers) => break answers,
                        Err(failure) => assert_eq!(failure.sqlstate, "40P01", "{failure:?}"),
                    }
                    losses += 1;
                };
                for (at, answer) in order.into_iter().zip(&answers) {
                    if reserved(answer).is_some() {
                        admitted[at] += amounts[at];
                    }
                }
            }
            (admitted, losses)
        },
    );
    got.into_iter().fold(([0; 2], 0), |([a, b], n), ([x, y], m)| ([a + x, b + y], n + m))
}

#[test]
fn transactions_that_deadlock_leave_nothing_of_the_loser() {
    let project = busy_project();
    impatient(&project);
    let mut client = Client::of(&project);
    for (target, tokens) in [("a", 900), ("b", 1100)] {
        client.call(&format!("select awooop.set_budget('agent', 'day', '{target}', hard_tokens => {tokens})"));
    }
    client.call("select awooop.set_budget('project', 'month', hard_tokens => 1900)");
    let ([a, b], losses) = fight(&project);
    assert!(losses > 0, "nobody lost: this is no test");
    assert_eq!((client.used("agent", "a"), client.used("agent", "b")), ([0, a, 0], [0, b, 0]));
    assert!(a <= 900 && b <= 1100 && a + b <= 1900, "{a} {b}");
    // Nobody was refused while there was room for one more of the least.
    assert!(a > 900 - 40 || b > 1100 - 40 || a + b > 1900 - 40, "{a} {b}");
    assert_eq!(client.used("project", ""), [0, a + b, 0]);
    client.check();
}

#[test]
fn single_operations_in_any_mixture_never_deadlock() {
    let project = busy_project();
    impatient(&project);
    let mut client = Client::of(&project);
    client.call("select awooop.set_budget('agent', 'day', '*', hard_tokens => 300)");
    client.call("select awooop.set_budget('project', 'day', hard_tokens => 500)");
    for _ in 0..CLIENTS {
        for agent in ["a", "b"] {
            let envelope = client.envelope(agent, "7");
            client.call(&format!("select awooop.create_run({envelope})"));
        }
    }
    at_once(
        CLIENTS,
        |n| {
            let mut client = Client::of(&project);
            let run = client.claim("w").expect("a run");
            let envelopes = ["a", "b"].map(|agent| client.envelope(agent, "8"));
            let within = client.envelope_in(&run);
            (client, envelopes, within, run, Dice::new(n))
        },
        |n, (client, envelopes, within, run, dice)| {
            let mut held: Vec<String> = Vec::new();
            for _ in 0..120 {
                // A deadlock, a conflict or a lost race would be raised, and fail the call.
                match dice.roll(1, 12) {
                    1..=4 => {
                        let envelope = &envelopes[usize::from(dice.roll(0, 1) == 1)];
                        held.extend(client.reserve(envelope, dice.roll(1, 60), ""));
                    }
                    5 | 6 => drop(held.pop().map(|id| client.release(&id))),
                    7 | 8 => drop(held.pop().map(|id| client.settle(&id, 1))),
                    9 if n == 0 => {
                        let tokens = dice.roll(400, 600);
                        client.call(&format!("select awooop.set_budget('project', 'day', hard_tokens => {tokens})"));
                    }
                    10 => {
                        let options = format!(", lease => '{}'", run.lease);
                        client.call(&reserve(within, dice.roll(1, 9), &options));
                    }
                    11 => {
                        client.charge(run, dice.roll(0, 1), "");
                    }
                    _ => drop(client.call("select awooop.budget_status()")),
                }
            }
        },
    );
    client.check();
}
