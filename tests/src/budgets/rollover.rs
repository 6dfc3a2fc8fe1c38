//! Windows that change while work is under way: days of another time zone.

use std::sync::atomic::{AtomicBool, Ordering};

use super::clients::{Client, Dice, busy_project};
use crate::harness::{Project, Session, at_once};

/// Time zones whose days differ, and in none of which a day begins or ends while a test runs.
fn zones(admin: &mut Session) -> Vec<String> {
    let zones = ["Pacific/Kiritimati", "America/New_York", "UTC", "Asia/Taipei", "Pacific/Niue", "Asia/Kathmandu"];
    let zones: Vec<String> = zones
        .into_iter()
        .filter(|zone| {
            let sql = format!("select (now() at time zone '{zone}')::time between '00:10' and '23:50'");
            admin.value(&sql) == "t"
        })
        .map(str::to_owned)
        .collect();
    assert!(zones.len() >= 4);
    zones
}

fn set_zone(admin: &mut Session, project: &Project, zone: &str) {
    admin.run(&format!("select awooop.set_time_zone('{}', '{zone}')", project.id));
}

/// Changes the project's time zone over and over, until what the clients do is done.
fn changing<T: Send>(project: &Project, clients: impl FnOnce() -> T + Send) -> T {
    let over = AtomicBool::new(false);
    let mut admin = project.admin();
    let zones = zones(&mut admin);
    std::thread::scope(|scope| {
        let work = scope.spawn(|| {
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(clients));
            over.store(true, Ordering::Relaxed);
            done.unwrap_or_else(|cause| std::panic::resume_unwind(cause))
        });
        let mut changes = 0;
        for zone in zones.iter().cycle() {
            set_zone(&mut admin, project, zone);
            changes += 1;
            if over.load(Ordering::Relaxed) && changes > 3 {
                break;
            }
        }
        work.join().unwrap_or_else(|cause| std::panic::resume_unwind(cause))
    })
}

#[test]
fn a_day_that_begins_at_another_time_under_fire_admits_no_more_than_one_days_limit() {
    let project = busy_project();
    let mut client = Client::of(&project);
    client.call("select awooop.set_budget('project', 'day', hard_tokens => 600)");
    client.call("select awooop.set_budget('agent', 'month', '*', hard_tokens => 900)");
    let got = changing(&project, || {
        at_once(
            6,
            |n| {
                let mut client = Client::of(&project);
                let envelope = client.envelope("agent", "7");
                (client, envelope, Dice::new(n))
            },
            |_, (client, envelope, dice)| {
                let (mut spent, mut held) = (0, Vec::new());
                for _ in 0..100 {
                    match dice.roll(1, 3) {
                        1 => {
                            let tokens = dice.roll(1, 30);
                            held.extend(client.reserve(envelope, tokens, "").map(|id| (id, tokens)));
                        }
                        2 => {
                            // What was taken of one window is booked there, whatever the windows are by now.
                            let Some((id, tokens)) = held.pop() else { continue };
                            let used = tokens / 9;
                            assert_eq!(client.settle(&id, used)["overrun"]["tokens"], 0);
                            spent += used;
                        }
                        _ => drop(held.pop().map(|(id, _)| client.release(&id))),
                    }
                }
                [spent, held.iter().map(|(_, tokens)| tokens).sum()]
            },
        )
    });
    let [spent, held] = got.into_iter().fold([0; 2], |[a, b], [c, d]| [a + c, b + d]);
    // Every one of the windows holds all of it.
    let mut admin = project.admin();
    for zone in zones(&mut admin) {
        set_zone(&mut admin, &project, &zone);
        let envelope = client.envelope("agent", "7");
        assert!(client.reserve(&envelope, 600 - spent - held + 1, "").is_none());
        let last = client.reserve(&envelope, 600 - spent - held, "").expect("room for the rest");
        assert_eq!(client.used("project", ""), [spent, 600 - spent, 0]);
        client.check();
        client.release(&last);
        assert_eq!(client.used("agent", "agent"), [spent, held, 0]);
        client.check();
    }
}

#[test]
fn runs_and_reservations_that_outlive_the_windows_they_began_in_are_booked_once() {
    let project = busy_project();
    let mut client = Client::of(&project);
    client.call("select awooop.set_budget('project', 'day', hard_tokens => 100000)");
    client.call("select awooop.set_budget('subject', 'month', '*', hard_tokens => 100000)");
    let envelope = client.envelope("agent", "7");
    let runs = 4;
    for _ in 0..runs {
        client.call(&format!("select awooop.create_run({envelope})"));
    }
    let used: i64 = changing(&project, || {
        at_once(
            runs,
            |n| {
                let mut client = Client::of(&project);
                let run = client.claim(&format!("w{n}")).expect("a run");
                let within = client.envelope_in(&run);
                (client, run, within, Dice::new(n))
            },
            |_, (client, run, within, dice)| {
                let lease = run.lease.clone();
                let mut used = 0;
                for _ in 0..40 {
                    let tokens = dice.roll(1, 50);
                    if dice.roll(1, 2) == 1 {
                        assert_eq!(client.charge(run, tokens, "")["overrun"]["tokens"], 0);
                        used += tokens;
                        continue;
                    }
                    let call = client.reserve(within, tokens, &format!(", lease => '{lease}'")).expect("room");
                    // One in a while uses more than it held.
                    let more = dice.roll(0, 60);
                    let sql = format!("select awooop.settle_budget('{call}', tokens => {more}, lease => '{lease}')");
                    assert_eq!(client.call(&sql)["outcome"], "settled");
                    used += more;
                }
                assert_eq!(client.call(&run.sql("complete_run", ""))["state"], "completed");
                used
            },
        )
    })
    .into_iter()
    .sum();
    assert_eq!(client.total(), [used, 0, 0]);
    // Nobody has used today's windows yet, where the last change came after the last charge: they begin with all of it.
    client.reserve(&envelope, 1, "").expect("room");
    assert_eq!(client.used("project", ""), [used, 1, 0]);
    client.check();
}
