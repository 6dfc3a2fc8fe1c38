//! Midnight in mid-flight, and clocks that jump. For builds with the feature `faults`, whose setting moves the clock of
//! budgets; the clock of leases and reservations' ends stays.

use serde_json::{Value, json};

use super::clients::check_platform;
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

#[test]
#[ignore = "needs a build with the feature `faults`; `cargo xtask test` makes one"]
fn a_run_whose_calls_hold_yesterdays_grant_is_charged_to_today_as_far_as_there_is_room() {
    let mut scene = Scene::new();
    scene.spender.limit("day", 1000);
    let run = scene.spender.run(", deadline_seconds => 604800");
    scene.spender.charge(&run, 10);
    let call = scene.spender.reserve_in(&run, 700, "");
    let call = call["reservation_id"].as_str().unwrap_or_else(|| panic!("{call}")).to_owned();
    let yesterday = scene.spender.tokens("day");
    scene.shift(DAY);
    scene.spender.hold(500);
    // Half of today is left: not for the call and this charge together, but for the charge.
    let charged = scene.spender.charge(&run, 400);
    assert_eq!((&charged["outcome"], &charged["overrun"]["tokens"]), (&json!("charged"), &json!(0)), "{charged}");
    let free_of_yesterday = yesterday[1] - 700;
    let today = 400 - free_of_yesterday.min(400);
    assert_eq!(scene.spender.tokens("day"), [today, 500, 0, 500 - today]);
    scene.spender.check();
    let settle = format!("select awooop.settle_budget('{call}', tokens => 600, lease => '{}')", run.lease);
    assert_eq!(scene.spender.actor.call(&settle)["outcome"], "settled");
    scene.spender.check();
    // What neither day has room for stops it.
    let stopped = scene.spender.charge(&run, 5000);
    assert_eq!(code(&stopped), "E-BUDGET-004", "{stopped}");
    scene.spender.check();
}

#[test]
#[ignore = "needs a build with the feature `faults`; `cargo xtask test` makes one"]
fn the_platforms_days_are_those_of_utc_and_no_jump_of_the_clock_fills_one_twice() {
    let mut scene = Scene::new();
    let mut admin = scene.server.superuser();
    let project = scene.spender.project.id.clone();
    // A project whose days begin at another time than the platform's.
    admin.run(&format!("select awooop.set_time_zone('{project}', 'Asia/Taipei')"));
    admin.run("select awooop.set_platform_budget('day', hard_tokens => 100)");
    let mut open: Vec<Held> = Vec::new();
    for (day, tokens) in
        [(0, 60), (3, 100), (-2, 70), (0, 40), (3, 1), (-2, 30), (0, 1), (12, 100), (0, 1), (12, 1), (-2, 1)]
    {
        scene.shift(day * DAY);
        // Nobody has opened that day yet: it is counted from the ledgers. The maintenance worker may have been here first.
        eventually("the day's opening", || {
            let mut admin = scene.server.superuser();
            admin.run(&format!("set awooop.clock_shift = {}", day * DAY));
            admin.run("select awooop.maintain()");
            admin.value(&format!(
                "select exists (select from awooop.budget_platform_window
                                where window_start <= now() + interval '{day} days' and window_end > now() + interval '{day} days')"
            )) == "t"
        });
        let answer: Value = scene.spender.reserve(tokens);
        if of_day(&open, day) + tokens <= 100 {
            let id = answer["reservation_id"].as_str().unwrap_or_else(|| panic!("{day}: {answer}")).to_owned();
            open.push(Held { day, tokens, id });
        } else {
            assert_eq!((code(&answer), &answer["level"]), ("E-BUDGET-001", &json!("platform")), "{day}: {answer}");
        }
        check_platform(&mut admin);
    }
    // Settled on another day than reserved, or expired in between, each counts where it was reserved.
    for held in &open {
        let settle = format!("select awooop.settle_budget('{}', tokens => {})", held.id, held.tokens / 2);
        if let Err(failure) = scene.spender.actor.attempt(&settle) {
            assert_eq!(failure.code(), "E-BUDGET-006", "{failure:?}");
        }
        check_platform(&mut admin);
    }
    scene.spender.check();
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
