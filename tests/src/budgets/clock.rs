//! Midnight in mid-flight, and clocks that jump. For builds with the feature `faults`, whose setting moves the clock of
//! budgets; the clock of leases and reservations' ends stays.

use serde_json::{Value, json};

use super::scene::{Spender, code};
use crate::harness::answer::eventually;
use crate::harness::quiet::EVERY_SCOPE;
use crate::harness::{Actor, Options, OwnServer, Project};

const DAY: i64 = 86_400;

/// A server whose clock can be moved, and somebody who spends there.
struct Scene {
    server: OwnServer,
    spender: Spender,
}

impl Scene {
    fn new() -> Self {
        let server = OwnServer::start(&Options::default());
        let project = server.tenant("worker", "active", EVERY_SCOPE);
        crate::harness::contracts::add_agent(&mut server.superuser(), &project, "agent");
        let actor = Actor { session: server.connect("worker"), project: project.clone() };
        let project = Project { id: project, database: String::new(), role: "worker".to_owned() };
        Self { server, spender: Spender { actor, project } }
    }

    /// Puts the clock so many seconds from the right time.
    fn shift(&mut self, seconds: i64) {
        let mut admin = self.server.superuser();
        admin.run(&format!("alter system set awooop.clock_shift = {seconds}"));
        admin.run("select pg_reload_conf()");
        let session = &mut self.spender.actor.session;
        eventually("the session's clock has moved", || session.value("show awooop.clock_shift") == seconds.to_string());
    }
}

fn spent(spender: &mut Spender, period: &str) -> i64 {
    spender.tokens(period)[0]
}

#[test]
#[ignore = "needs a build with the feature `faults`; `cargo xtask test` makes one"]
fn what_is_under_way_at_midnight_is_counted_where_it_was_reserved_and_goes_on_in_the_new_day() {
    let mut scene = Scene::new();
    scene.spender.limit("day", 1000);
    let outside = scene.spender.hold(100);
    let run = scene.spender.run(", deadline_seconds => 604800");
    scene.spender.charge(&run, 50);
    let call = scene.spender.reserve_in(&run, 100, "");
    let call = call["reservation_id"].as_str().unwrap_or_else(|| panic!("{call}")).to_owned();
    let before = scene.spender.tokens("day");
    assert_eq!(before[0], 50);

    scene.shift(DAY);
    assert_eq!(scene.spender.tokens("day"), [0, 0, 0, 1000]);
    scene.spender.check();
    // A limit that is set now opens its counter in the middle of the move.
    scene.spender.limit("month", 10_000);
    let more = before[1] + 200;
    assert_eq!(scene.spender.charge(&run, more)["outcome"], "charged");
    assert_eq!(spent(&mut scene.spender, "day"), more);
    scene.spender.check();
    let settle = format!("select awooop.settle_budget('{call}', tokens => 70, lease => '{}')", run.lease);
    assert_eq!(scene.spender.actor.call(&settle)["outcome"], "settled");
    scene.spender.settle(&outside, 90);
    scene.spender.complete(&run);
    assert_eq!(spent(&mut scene.spender, "day"), more + 70);
    scene.spender.check();
    // The day before has what was reserved in it.
    scene.shift(0);
    assert_eq!(scene.spender.tokens("day"), [50 + 90, 0, 0, 1000 - 140]);
    scene.spender.check();
}

#[test]
#[ignore = "needs a build with the feature `faults`; `cargo xtask test` makes one"]
fn a_clock_that_jumps_never_lets_a_day_hold_more_than_its_limit() {
    let mut scene = Scene::new();
    scene.spender.limit("day", 100);
    let mut open: Vec<Held> = Vec::new();
    for (day, tokens) in [(0, 60), (3, 100), (-2, 70), (0, 40), (3, 1), (-2, 30), (0, 1), (1, 100), (-2, 1)] {
        scene.shift(day * DAY);
        let answer: Value = scene.spender.reserve(tokens);
        let held = of_day(&open, day);
        if held + tokens <= 100 {
            let id = answer["reservation_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
            open.push(Held { day, tokens, id });
        } else {
            assert_eq!((code(&answer), &answer["left"]["tokens"]), ("E-BUDGET-001", &json!(100 - held)));
        }
        scene.spender.check();
    }
    // Settled on another day than reserved, each counts where it was reserved.
    scene.shift(5 * DAY);
    for held in &open {
        scene.spender.settle(&held.id, held.tokens);
        scene.spender.check();
    }
    for day in [0, 3, -2, 1] {
        scene.shift(day * DAY);
        assert_eq!(scene.spender.tokens("day"), [of_day(&open, day), 0, 0, 100 - of_day(&open, day)]);
    }
}

/// A reservation, and the day on which it was made.
struct Held {
    day: i64,
    tokens: i64,
    id: String,
}

fn of_day(open: &[Held], day: i64) -> i64 {
    open.iter().filter(|held| held.day == day).map(|held| held.tokens).sum()
}
