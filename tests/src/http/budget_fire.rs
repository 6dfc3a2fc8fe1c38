//! Many clients at several gateways that are killed one after another: every client repeats what was not answered, with its
//! key, through another gateway. What was told is what is booked, to the unit, and nothing leaks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};

use serde_json::{Value, json};

use super::client::{Caller, Reply, route};
use super::scene::{Scene, envelope};
use crate::harness::answer::eventually;
use crate::harness::gateway::HttpGateway;

const CLIENTS: usize = 6;
const GATEWAYS: usize = 3;
const KILLS: usize = 6;
const HARD: i64 = 700;

/// The gateways of the moment; one that is killed has its place taken by another.
type Gateways = [RwLock<Arc<HttpGateway>>; GATEWAYS];

/// Asks until somebody answers, each time another gateway.
fn ask(caller: &Caller, gateways: &Gateways, repeats: &AtomicUsize, operation: &str, arguments: &Value) -> Reply {
    let (method, path, body) = route(operation, arguments.clone());
    let authorization = format!("Bearer {}", caller.key);
    let headers = [("Content-Type", "application/json"), ("Authorization", authorization.as_str())];
    for turn in 0.. {
        let gateway = Arc::clone(&gateways[turn % GATEWAYS].read().expect("a gateway"));
        match caller.at(&gateway).try_plain(method, &path, &headers, &body) {
            // Too many at once: the gateway says so instead of queueing.
            Ok(reply) if reply.status == 503 => {}
            Ok(reply) => return reply,
            Err(_) => {
                repeats.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    unreachable!("the loop ends with an answer")
}

#[test]
fn gateways_that_are_killed_neither_lose_nor_double_nor_leak_a_unit() {
    let scene = Scene::alone(&[]);
    // Reached while gateways are killed, so that both what is admitted and what is refused is told by the dying.
    let limit = json!({"level": "project", "period": "day", "hard_tokens": HARD});
    scene.caller.call("set_budget", limit).expect(200);
    let envelope = envelope(&scene.caller);
    let gateways: Gateways =
        std::array::from_fn(|_| RwLock::new(Arc::new(HttpGateway::start(&scene.project.database, &[]))));
    let (working, repeats) = (AtomicUsize::new(CLIENTS), AtomicUsize::new(0));
    let (killed, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let told: Vec<[i64; 2]> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|n| {
                let (scene, envelope, gateways, repeats) = (&scene, &envelope, &gateways, &repeats);
                let (working, killed, refused) = (&working, &killed, &refused);
                scope.spawn(move || {
                    let [mut spent, mut held] = [0, 0];
                    for turn in 0.. {
                        if turn >= 20 && killed.load(Ordering::Relaxed) >= KILLS {
                            break;
                        }
                        let tokens = 7 + (turn % 5) as i64;
                        let reserve = json!({
                            "envelope": envelope, "tokens": tokens, "idempotency_key": format!("{n}.{turn}"),
                            "expires_seconds": 1
                        });
                        let reply = ask(&scene.caller, gateways, repeats, "reserve_budget", &reserve);
                        if reply.status == 402 {
                            assert_eq!(reply.problem().1, "E-BUDGET-001");
                            refused.fetch_add(1, Ordering::Relaxed);
                            continue;
                        }
                        assert!([200, 201].contains(&reply.status), "{reply:?}");
                        let id = reply.json()["reservation_id"].clone();
                        // One in four is left to expire, which books it whole; others may expire before they are settled.
                        if turn % 4 == 3 {
                            held += tokens;
                            continue;
                        }
                        let settle = json!({"reservation_id": id, "tokens": tokens - 3});
                        let reply = ask(&scene.caller, gateways, repeats, "settle_budget", &settle);
                        match reply.status {
                            200 => spent += tokens - 3,
                            409 => held += tokens,
                            _ => panic!("{reply:?}"),
                        }
                    }
                    working.fetch_sub(1, Ordering::Relaxed);
                    [spent, held]
                })
            })
            .collect();
        for n in 0..KILLS {
            let next = Arc::new(HttpGateway::start(&scene.project.database, &[]));
            let dead = std::mem::replace(&mut *gateways[n % GATEWAYS].write().expect("a gateway"), next);
            dead.kill9();
            killed.fetch_add(1, Ordering::Relaxed);
        }
        clients
            .into_iter()
            .map(|client| client.join().unwrap_or_else(|cause| std::panic::resume_unwind(cause)))
            .collect()
    });
    assert_eq!(working.load(Ordering::Relaxed), 0);
    assert!(repeats.load(Ordering::Relaxed) > 0, "no request was cut");
    let told = told.into_iter();
    let [spent, held] = told.fold([0; 2], |[a, b], [c, d]| [a + c, b + d]);
    let mut admin = scene.project.admin();
    let total = || scene.caller.call("budget_status", json!({})).expect(200)["total"].clone();
    eventually("the end of every reservation", || {
        admin.run("select awooop.maintain()");
        total()["reserved"]["tokens"] == 0
    });
    assert_eq!((&total()["spent"]["tokens"], &total()["overrun"]["tokens"]), (&json!(spent + held), &json!(0)));
    let checked = scene.caller.call("budget_check", json!({})).expect(200);
    assert_eq!(checked["ok"], true, "{checked}");
    // Not a unit beyond, and what is left is there for whoever asks.
    assert!(refused.load(Ordering::Relaxed) > 0 && spent + held <= HARD, "{spent} and {held} of {HARD}");
    let rest = HARD - spent - held;
    let reserve = |tokens: i64| scene.caller.call("reserve_budget", json!({"envelope": envelope, "tokens": tokens}));
    assert_eq!(reserve(rest + 1).status, 402);
    assert!(rest == 0 || reserve(rest).status == 201);
}
