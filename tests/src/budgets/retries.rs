//! The same request from many clients at once: one reservation, one charge, one answer.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::clients::{Client, busy_project, collide, reserve};
use super::scene::code;
use crate::harness::quiet::Claim;
use crate::harness::{Project, at_once};

const CLIENTS: usize = 8;
const ROUNDS: usize = 15;

/// What every one of the clients gets for the same statement at the same moment.
fn all_ask(clients: &[Mutex<Client>], sql: &str) -> Vec<Value> {
    at_once(clients.len(), |n| clients[n].lock().expect("a client"), |_, client| client.call(sql))
}

fn clients(project: &Project) -> Vec<Mutex<Client>> {
    (0..CLIENTS).map(|_| Mutex::new(Client::of(project))).collect()
}

/// The one id in all the answers, of which exactly one says that it made something.
#[track_caller]
fn the_one(answers: &[Value]) -> String {
    let ids: BTreeSet<&str> = answers.iter().filter_map(|answer| answer["reservation_id"].as_str()).collect();
    assert!(ids.len() == 1 && answers.iter().all(|answer| code(answer).is_empty()), "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| answer["created"] == true).count(), 1, "{answers:?}");
    ids.into_iter().next().expect("an id").to_owned()
}

fn a_run(client: &mut Client) -> Claim {
    let envelope = client.envelope("agent", "7");
    client.call(&format!("select awooop.create_run({envelope})"));
    client.claim("w").expect("a run")
}

#[test]
fn a_reservation_that_everybody_asks_for_with_one_key_is_one() {
    let project = busy_project();
    let clients = clients(&project);
    let mut client = Client::of(&project);
    client.call("select awooop.set_budget('project', 'day', hard_tokens => 1000000)");
    let envelope = client.envelope("agent", "7");
    for round in 0..ROUNDS {
        the_one(&all_ask(&clients, &reserve(&envelope, 10, &format!(", idempotency_key => 'k{round}'"))));
    }
    assert_eq!(client.used("project", ""), [0, 10 * ROUNDS as i64, 0]);
    client.check();
}

#[test]
fn a_repeat_gets_the_reservation_that_took_the_last_of_a_limit() {
    let project = busy_project();
    let clients = clients(&project);
    let mut client = Client::of(&project);
    client.call("select awooop.set_budget('project', 'day', hard_tokens => 100)");
    let envelope = client.envelope("agent", "7");
    for round in 0..ROUNDS {
        let id = the_one(&all_ask(&clients, &reserve(&envelope, 100, &format!(", idempotency_key => 'k{round}'"))));
        assert_eq!(client.used("project", ""), [0, 100, 0]);
        client.release(&id);
    }
    client.check();
}

#[test]
fn a_repeat_that_waited_for_the_first_gets_its_reservation() {
    let project = busy_project();
    let mut client = Client::of(&project);
    client.call("select awooop.set_budget('project', 'day', hard_tokens => 100)");
    let ask = reserve(&client.envelope("agent", "7"), 100, ", idempotency_key => 'k'");
    the_one(&collide(&project, &mut client, &ask, &ask));
    assert_eq!(client.used("project", ""), [0, 100, 0]);
    client.check();
}

#[test]
fn a_repeated_charge_that_waited_for_the_first_is_the_same_charge() {
    let project = busy_project();
    let mut client = Client::of(&project);
    let run = a_run(&mut client);
    let (id, lease) = (&run.run, &run.lease);
    client.charge(&run, 1, "");
    let charge = format!(
        "select awooop.settle_budget(run_id => '{id}', lease => '{lease}', tokens => 2, micro_usd => 0, idempotency_key => 'k')"
    );
    // The first knows the run and charges its escrow alone; the other one does not, and locks the run.
    let answers = collide(&project, &mut client, &charge, &charge);
    assert!(answers.iter().all(|answer| answer["outcome"] == "charged"), "{answers:?}");
    assert_eq!(client.total()[0], 1 + 2);
    client.check();
}

#[test]
fn a_charge_that_everybody_sends_with_one_key_is_booked_once() {
    let project = busy_project();
    let mut client = Client::of(&project);
    client.call("select awooop.set_budget('project', 'day', hard_tokens => 1000000)");
    let run = a_run(&mut client);
    let (id, lease) = (&run.run, &run.lease);
    let clients = clients(&project);
    for round in 0..ROUNDS {
        // Half of them have charged the run before, and know their way; and the chunk is used up now and then.
        for warm in clients.iter().step_by(2).filter(|_| round == 0) {
            warm.lock().expect("a client").charge(&run, 0, "");
        }
        let sql = format!(
            "select awooop.settle_budget(run_id => '{id}', lease => '{lease}', tokens => 10, micro_usd => 0, idempotency_key => 'k{round}')"
        );
        for answer in all_ask(&clients, &sql) {
            assert_eq!((&answer["outcome"], &answer["tokens"]), (&json!("charged"), &json!(10)), "{answer}");
        }
        assert_eq!(client.total()[0], 10 * (round as i64 + 1));
    }
    client.check();
    assert_eq!(client.call(&run.sql("complete_run", ""))["state"], "completed");
    assert_eq!(client.total(), [10 * ROUNDS as i64, 0, 0]);
    client.check();
}

#[test]
fn a_charge_with_a_key_that_reaches_old_and_new_sessions_is_booked_once() {
    let project = busy_project();
    let mut client = Client::of(&project);
    let run = a_run(&mut client);
    let (id, lease) = (&run.run, &run.lease);
    client.charge(&run, 10, "");
    for round in 0..ROUNDS {
        let sql = format!(
            "select awooop.settle_budget(run_id => '{id}', lease => '{lease}', tokens => 1, micro_usd => 0, idempotency_key => 'k{round}')"
        );
        let answers = at_once(
            CLIENTS,
            |n| {
                let mut one = Client::of(&project);
                if n % 2 == 0 {
                    one.charge(&run, 0, "");
                }
                one
            },
            |_, one| one.call(&sql),
        );
        assert!(answers.iter().all(|answer| answer["outcome"] == "charged"), "{answers:?}");
        assert_eq!(client.total()[0], 10 + round as i64 + 1);
    }
    client.check();
}

#[test]
fn a_call_that_everybody_reserves_with_one_key_is_one_and_is_settled_once() {
    let project = busy_project();
    let mut client = Client::of(&project);
    client.call("select awooop.set_budget('agent', 'day', '*', hard_tokens => 1000000)");
    let run = a_run(&mut client);
    let envelope = client.envelope_in(&run);
    let (lease, clients) = (&run.lease, clients(&project));
    for round in 0..ROUNDS {
        let options = format!(", lease => '{lease}', idempotency_key => 'k{round}'");
        let id = the_one(&all_ask(&clients, &reserve(&envelope, 10, &options)));
        let settle = format!("select awooop.settle_budget('{id}', tokens => 7, lease => '{lease}')");
        for answer in all_ask(&clients, &settle) {
            assert_eq!((&answer["outcome"], &answer["tokens"]), (&json!("settled"), &json!(7)), "{answer}");
        }
    }
    assert_eq!(client.total()[0], 7 * ROUNDS as i64);
    client.check();
    client.call(&run.sql("complete_run", ""));
    assert_eq!(client.total(), [7 * ROUNDS as i64, 0, 0]);
}

#[test]
fn a_settlement_and_a_release_of_one_reservation_at_once_have_one_winner() {
    let project = busy_project();
    let clients = clients(&project);
    let mut client = Client::of(&project);
    client.call("select awooop.set_budget('project', 'day', hard_tokens => 100000)");
    let envelope = client.envelope("agent", "7");
    let mut spent = 0;
    for _ in 0..ROUNDS {
        let id = client.reserve(&envelope, 10, "").expect("room");
        let sql = [
            format!("select awooop.settle_budget('{id}', tokens => 4)"),
            format!("select awooop.release_budget('{id}')"),
        ];
        let got = at_once(
            CLIENTS,
            |n| clients[n].lock().expect("a client"),
            |n, client| client.attempt(&sql[n % 2]).map(|answer| answer["outcome"].clone()),
        );
        let settled = got[0].is_ok();
        for (n, outcome) in got.into_iter().enumerate() {
            match outcome {
                Ok(outcome) => assert_eq!((outcome, settled), (["settled", "released"][n % 2].into(), n % 2 == 0)),
                Err(failure) => assert_eq!((failure.code().as_str(), settled), ("E-BUDGET-006", n % 2 == 1)),
            }
        }
        spent += if settled { 4 } else { 0 };
        assert_eq!(client.used("project", ""), [spent, 0, 0]);
    }
    client.check();
}
