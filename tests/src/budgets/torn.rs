//! Requests that are torn: cancelled, cut off, killed with their backend or with the whole server. What was acknowledged
//! is there, the rest never was, and nothing leaks.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use postgres::{Config, NoTls, SimpleQueryMessage};
use serde_json::Value;

use super::clients::{Client, Dice, alone, busy_project, check_platform, reserve, reserved, set_ceilings};
use super::scene::code;
use crate::harness::answer::{eventually, literal};
use crate::harness::own_server::signal;
use crate::harness::quiet::EVERY_SCOPE;
use crate::harness::race::wait_for_a_waiter;
use crate::harness::{Options, OwnServer, Session};

const CLIENTS: usize = 6;

#[test]
fn a_cancelled_request_has_reserved_and_booked_nothing() {
    let project = alone();
    let mut client = Client::of(&project);
    client.call("select awooop.set_budget('project', 'day', hard_tokens => 3000)");
    client.call("select awooop.set_budget('agent', 'month', '*', hard_tokens => 2500)");
    let (working, cancelled) = (AtomicUsize::new(CLIENTS), AtomicUsize::new(0));
    let (clients, mut tokens) = (Mutex::new(Vec::new()), Vec::new());
    for _ in 0..CLIENTS {
        let client = Client::of(&project);
        tokens.push(client.session.0.cancel_token());
        clients.lock().expect("clients").push(client);
    }
    let acknowledged: Vec<[i64; 2]> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CLIENTS)
            .map(|n| {
                let mut client = clients.lock().expect("clients").pop().expect("a client");
                let (working, cancelled) = (&working, &cancelled);
                scope.spawn(move || {
                    // However it ends, the one who cancels must learn of it.
                    let told =
                        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| spend(&mut client, n, cancelled)));
                    working.fetch_sub(1, Ordering::Relaxed);
                    told.unwrap_or_else(|cause| std::panic::resume_unwind(cause))
                })
            })
            .collect();
        while working.load(Ordering::Relaxed) > 0 {
            for token in &tokens {
                token.cancel_query(NoTls).expect("the server listens");
            }
        }
        threads.into_iter().map(|t| t.join().unwrap_or_else(|cause| std::panic::resume_unwind(cause))).collect()
    });
    assert!(cancelled.load(Ordering::Relaxed) > 0);
    let [spent, held] = acknowledged.into_iter().fold([0; 2], |[a, b], [c, d]| [a + c, b + d]);
    assert_eq!(client.used("project", ""), [spent, held, 0]);
    client.check();
    client.outlive(&project);
    assert_eq!(client.total(), [spent + held, 0, 0]);
    // What nobody has is there for one request, to the unit.
    let envelope = client.envelope("agent", "9");
    let left = 2500 - spent - held;
    assert!(
        client.reserve(&envelope, left + 1, "").is_none()
            && (left == 0 || client.reserve(&envelope, left, "").is_some())
    );
}

#[test]
fn a_session_whose_request_was_cancelled_is_in_no_transaction_and_holds_no_lock() {
    let project = busy_project();
    let (mut holder, mut client) = (Client::of(&project), Client::of(&project));
    client.call("select awooop.set_budget('project', 'day', hard_tokens => 100)");
    let envelope = client.envelope("agent", "7");
    client.call(&format!("select awooop.create_run({envelope})"));
    let run = client.claim("w").expect("a run");
    client.charge(&run, 1, "");
    let within = reserve(&client.envelope_in(&run), 50, &format!(", lease => '{}'", run.lease));
    let create = format!("select awooop.create_run({envelope}, reserve_tokens => 5)");
    for sql in [reserve(&envelope, 5, ""), within, create] {
        holder.call("begin");
        holder.call("select awooop.set_budget('project', 'day', hard_tokens => 100)");
        let pid = client.call("select pg_backend_pid()");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| client.attempt(&sql).expect_err("it was cancelled").sqlstate);
            let mut admin = project.admin();
            wait_for_a_waiter(&mut admin, &mut holder.session);
            admin.run(&format!("select pg_cancel_backend({pid})"));
            assert_eq!(waiting.join().expect("an error"), "57014");
        });
        holder.call("rollback");
        // It goes on at once, and so does everybody else.
        client.check();
        assert_eq!(holder.charge(&run, 1, "")["outcome"], "charged");
        holder.reserve(&envelope, 1, "").expect("room");
    }
    assert_eq!(client.call(&run.sql("complete_run", ""))["state"], "completed");
    assert_eq!(client.total(), [4, 3, 0]);
}

/// Reserves and settles, although somebody cancels; what it spent and what it holds, as it was told.
fn spend(client: &mut Client, n: usize, cancelled: &AtomicUsize) -> [i64; 2] {
    let mut dice = Dice::new(n);
    let envelope = loop {
        match client.attempt("select awooop.build_envelope('agent', 'telegram', '7')") {
            Ok(envelope) => break literal(&envelope.to_string()),
            Err(failure) => assert_eq!(failure.sqlstate, "57014"),
        }
    };
    let (mut held, mut spent): (Vec<(String, i64)>, i64) = (Vec::new(), 0);
    let mut losses = 0;
    while losses < 15 {
        let tokens = dice.roll(1, 200);
        let settles = !held.is_empty() && dice.roll(1, 2) == 1;
        let sql = match held.last() {
            Some((id, _)) if settles => format!("select awooop.settle_budget('{id}', tokens => 1)"),
            _ => reserve(&envelope, tokens, ", expires_seconds => 1"),
        };
        match client.attempt(&sql) {
            Ok(answer) if settles => {
                assert_eq!(answer["outcome"], "settled", "{answer}");
                held.pop();
                spent += 1;
            }
            Ok(answer) => held.extend(reserved(&answer).map(|id| (id, tokens))),
            Err(failure) => {
                assert_eq!(failure.sqlstate, "57014", "{failure:?}");
                losses += 1;
            }
        }
    }
    cancelled.fetch_add(losses, Ordering::Relaxed);
    [spent, held.iter().map(|(_, tokens)| tokens).sum()]
}

#[test]
fn a_client_that_vanishes_in_the_middle_holds_nothing() {
    let project = alone();
    let mut client = Client::of(&project);
    client.call("select awooop.set_budget('project', 'day', hard_tokens => 1000)");
    let held: i64 = crate::harness::at_once(CLIENTS, Dice::new, |_, dice| {
        let mut held = 0;
        for _ in 0..12 {
            let mut client = Client::of(&project);
            let envelope = client.envelope("agent", "7");
            client.call("begin");
            let amounts = [dice.roll(1, 60), dice.roll(1, 60)];
            let got: i64 = amounts
                .into_iter()
                .map(|tokens| match client.attempt(&reserve(&envelope, tokens, ", expires_seconds => 1")) {
                    Ok(answer) => reserved(&answer).map_or(0, |_| tokens),
                    // Two operations in one transaction may wait for each other in a ring.
                    Err(failure) => {
                        assert!(["40P01", "25P02"].contains(&failure.sqlstate.as_str()), "{failure:?}");
                        i64::MIN / 4
                    }
                })
                .sum();
            if got > 0 && dice.roll(1, 3) == 1 {
                client.call("commit");
                held += got;
            }
        }
        held
    })
    .into_iter()
    .sum();
    // Whoever has gone gives its locks back.
    let mut watcher = project.admin();
    eventually("the end of those who vanished", || {
        watcher.value(&format!("select count(*)::text from pg_stat_activity where usename = '{}'", project.role)) == "1"
    });
    assert_eq!(client.used("project", ""), [0, held, 0]);
    client.check();
    client.outlive(&project);
    assert_eq!(client.total(), [held, 0, 0]);
}

/// What the clients of a server that is struck know for certain.
#[derive(Default)]
struct Witness {
    /// By key: the amount, and what became of it as far as somebody was told.
    told: Mutex<HashMap<String, (i64, Told)>>,
    over: AtomicBool,
}

#[derive(Clone, Debug)]
enum Told {
    /// The answer got lost.
    Nothing,
    Refused,
    Held(String),
    /// With how much, and whether that was acknowledged.
    Settled(String, i64, bool),
}

/// A client that loses its connection and does not mind.
struct Stubborn {
    config: Config,
    session: Option<Session>,
}

impl Stubborn {
    /// Whether there is somebody to ask.
    fn connect(&mut self) -> bool {
        if self.session.as_ref().is_none_or(|session| session.0.is_closed()) {
            self.session = self.config.connect(NoTls).ok().map(Session::new);
        }
        self.session.is_some()
    }

    /// One statement; nothing where the server went away, and nobody knows whether it was committed.
    fn ask(&mut self, sql: &str) -> Option<Value> {
        match self.session.as_mut()?.0.simple_query(sql) {
            Ok(messages) => messages.iter().rev().find_map(|message| match message {
                SimpleQueryMessage::Row(row) => serde_json::from_str(row.get(0)?).ok(),
                _ => None,
            }),
            Err(error) => {
                let lost = error.as_db_error().is_none_or(|error| error.code().code().starts_with("57P"));
                assert!(lost, "{error:?}");
                self.session = None;
                None
            }
        }
    }
}

const HARD: i64 = 4000;

fn fire(n: usize, mut client: Stubborn, envelope: &str, witness: &Witness) {
    let mut dice = Dice::new(n);
    for turn in 0.. {
        while !client.connect() {
            std::thread::yield_now();
        }
        if witness.over.load(Ordering::Relaxed) {
            break;
        }
        let (key, tokens) = (format!("{n}-{turn}"), dice.roll(1, 30));
        let note = |told: Told| witness.told.lock().expect("a witness").insert(key.clone(), (tokens, told));
        let options = format!(", expires_seconds => 1, idempotency_key => '{key}'");
        let Some(answer) = client.ask(&reserve(envelope, tokens, &options)) else {
            note(Told::Nothing);
            continue;
        };
        let Some(id) = reserved(&answer) else {
            note(Told::Refused);
            continue;
        };
        note(Told::Held(id.clone()));
        if dice.roll(1, 8) > 1 {
            let used = dice.roll(0, 1);
            let answer = client.ask(&format!("select awooop.settle_budget('{id}', tokens => {used})"));
            note(Told::Settled(id, used, answer.is_some_and(|answer| answer["outcome"] == "settled")));
        }
    }
}

/// Strikes a server under fire three times, and then asks for everything that was acknowledged.
fn storm(strike: impl Fn(&OwnServer)) {
    let server = OwnServer::start(&Options::default());
    let project = server.tenant("spender", "active", EVERY_SCOPE);
    server.superuser().run(&format!(
        "select awooop.bind_role('spender', '{project}', string_to_array('{EVERY_SCOPE}', ','), pin => true)"
    ));
    set_ceilings(&mut server.superuser());
    let connect = || Client::on(&server, "spender");
    let mut client = connect();
    assert_eq!(server.superuser().value("show synchronous_commit"), "on");
    client.call(&format!("select awooop.set_budget('project', 'day', hard_tokens => {HARD})"));
    let envelope = client.envelope("agent", "7");
    let witness = Witness::default();
    let told = || witness.told.lock().expect("a witness").len();
    std::thread::scope(|scope| {
        for n in 0..4 {
            let client = Stubborn { config: server.config("spender"), session: None };
            let (envelope, witness) = (&envelope, &witness);
            scope.spawn(move || fire(n, client, envelope, witness));
        }
        let struck = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..3 {
                let before = told();
                eventually("work", || told() > before + 100);
                strike(&server);
                eventually("the server's return", || server.config("postgres").connect(NoTls).is_ok());
            }
        }));
        witness.over.store(true, Ordering::Relaxed);
        if let Err(cause) = struck {
            std::panic::resume_unwind(cause);
        }
    });
    assert!(server.log().contains("automatic recovery in progress"), "nothing was killed");
    let mut client = connect();
    client.check();
    let told = witness.told.into_inner().expect("a witness");
    let [mut used, mut held] = [0; 2];
    for (key, (tokens, told)) in &told {
        // Asked again, it is what was there; or, where nobody knows, what is made now, once.
        let again = reserve(&envelope, *tokens, &format!(", expires_seconds => 1, idempotency_key => '{key}'"));
        match told {
            Told::Refused => {}
            Told::Nothing => {
                let [one, other] = [client.call(&again), client.call(&again)];
                assert_eq!(one["reservation_id"], other["reservation_id"]);
                held += super::clients::reserved(&one).map_or(0, |_| *tokens);
            }
            Told::Held(id) | Told::Settled(id, ..) => {
                let answer = client.call(&again);
                assert_eq!((&answer["created"], answer["reservation_id"].as_str()), (&false.into(), Some(id.as_str())));
                match (told, client.attempt(&format!("select awooop.release_budget('{id}')"))) {
                    (Told::Settled(_, settled, _), Err(failure)) => {
                        assert_eq!(failure.code(), "E-BUDGET-006");
                        used += settled;
                    }
                    (Told::Settled(.., false) | Told::Held(_), Ok(answer)) => assert_eq!(answer["outcome"], "released"),
                    (told, answer) => panic!("{told:?} became {answer:?}"),
                }
            }
        }
    }
    assert!(used + held <= HARD, "{used} {held}");
    assert_eq!(client.total(), [used, held, 0]);
    client.check();
    let mut admin = server.superuser();
    eventually("the end of every reservation", || {
        admin.run("select awooop.maintain()");
        client.total()[1] == 0
    });
    assert_eq!(client.total(), [used + held, 0, 0]);
    let left = HARD - used - held;
    assert_eq!(code(&client.call(&reserve(&envelope, left + 1, ""))), "E-BUDGET-001");
    assert!(left == 0 || client.reserve(&envelope, left, "").is_some());
    client.check();
    check_platform(&mut admin);
}

#[test]
fn a_backend_that_is_killed_under_fire_takes_nothing_acknowledged_with_it() {
    storm(|server| {
        let sql = "select coalesce((select pid from pg_stat_activity where usename = 'spender' and state = 'active'
                                    limit 1), 0)::text";
        let mut admin = server.superuser();
        let mut pid = "0".to_owned();
        eventually("a backend at work", || {
            pid = admin.value(sql);
            pid != "0"
        });
        drop(admin);
        let before = server.log().matches("all server processes terminated; reinitializing").count();
        signal(pid.parse().expect("a process"), "KILL");
        eventually("the end of every backend", || {
            server.log().matches("all server processes terminated; reinitializing").count() > before
        });
    });
}

#[test]
fn a_server_that_is_killed_under_fire_comes_back_with_every_acknowledged_reservation() {
    storm(|server| {
        server.kill9();
        server.restart();
    });
}
