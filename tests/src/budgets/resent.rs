//! Charges of runs that are cancelled or cut off, and sent again until somebody answers: each is booked once.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::clients::{Client, Dice, alone};
use crate::harness::{Claim, Project};

const CLIENTS: usize = 6;

/// Sends a statement until it is answered, over new connections where the last was cut off; the answer.
fn insist(client: &mut Client, project: &Project, sql: &str, torn: &AtomicUsize) -> Value {
    let sql = format!("select ({})::text", sql.trim_start_matches("select "));
    loop {
        match client.session.0.query_one(&sql, &[]) {
            Ok(row) => return serde_json::from_str(row.get(0)).expect("JSON"),
            Err(error) => {
                let state = error.code().map(|code| code.code().to_owned()).unwrap_or_default();
                // Without a state of SQL it is the connection that was lost.
                assert!(["", "57014", "57P01"].contains(&state.as_str()), "{error:?}");
                torn.fetch_add(1, Ordering::Relaxed);
                if state != "57014" {
                    *client = Client::of(project);
                }
            }
        }
    }
}

#[test]
fn charges_of_runs_that_are_torn_and_sent_again_are_booked_once() {
    const CHARGES: i64 = 60;
    let project = alone();
    let mut watcher = Client::of(&project);
    watcher.call("select awooop.set_budget('project', 'day', hard_tokens => 1000000)");
    let envelope = watcher.envelope("agent", "7");
    let runs: Vec<Claim> = (0..CLIENTS)
        .map(|_| {
            watcher.call(&format!("select awooop.create_run({envelope})"));
            watcher.claim("w").expect("a run")
        })
        .collect();
    let (working, torn) = (AtomicUsize::new(CLIENTS), AtomicUsize::new(0));
    let spent: i64 = std::thread::scope(|scope| {
        let threads: Vec<_> = runs
            .iter()
            .enumerate()
            .map(|(n, run)| {
                let (working, torn, project) = (&working, &torn, &project);
                scope.spawn(move || {
                    let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        let (mut client, mut dice, mut spent) = (Client::of(project), Dice::new(n), 0);
                        for charge in 0..CHARGES {
                            let tokens = dice.roll(1, 50);
                            let by_step = run.sql("record_step", &format!(", 's{charge}', '{{}}', tokens => {tokens}"));
                            let by_key = format!(
                                "select awooop.settle_budget(run_id => '{}', lease => '{}', tokens => {tokens},
                                                             idempotency_key => 'c{charge}')",
                                run.run, run.lease
                            );
                            let answer =
                                insist(&mut client, project, if charge % 2 == 0 { &by_step } else { &by_key }, torn);
                            assert!(
                                ["recorded", "replayed", "charged"].contains(&answer["outcome"].as_str().unwrap_or("")),
                                "{answer}"
                            );
                            spent += tokens;
                        }
                        spent
                    }));
                    working.fetch_sub(1, Ordering::Relaxed);
                    told.unwrap_or_else(|cause| std::panic::resume_unwind(cause))
                })
            })
            .collect();
        let mut admin = project.admin();
        let mut n = 0;
        while working.load(Ordering::Relaxed) > 0 {
            n += 1;
            // Often enough to hit many, seldom enough to let them get on.
            std::thread::sleep(std::time::Duration::from_millis(15));
            let how = if n % 3 == 0 { "pg_terminate_backend" } else { "pg_cancel_backend" };
            admin.run(&format!(
                "select {how}(pid) from pg_stat_activity
                 where usename = '{}' and datname = current_database() and state = 'active' order by random() limit 2",
                project.role
            ));
        }
        threads.into_iter().map(|t| t.join().unwrap_or_else(|cause| std::panic::resume_unwind(cause))).sum()
    });
    assert!(torn.load(Ordering::Relaxed) > 0);
    assert_eq!(watcher.used("project", "")[0], spent);
    watcher.check();
    for run in &runs {
        assert_eq!(watcher.call(&run.sql("complete_run", ""))["state"], "completed");
    }
    assert_eq!(watcher.total(), [spent, 0, 0]);
    watcher.check();
}
