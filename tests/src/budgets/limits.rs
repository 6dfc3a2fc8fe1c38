//! Setting limits, switches and time zones.

use serde_json::json;

use super::scene::{Spender, code};

#[test]
fn a_limit_that_is_set_later_counts_what_was_spent_before() {
    let mut spender = Spender::new();
    let (one, other) = (spender.hold(100), spender.hold(50));
    spender.settle(&one, 80);
    spender.limit("day", 200);
    assert_eq!(spender.reserve(71)["left"]["tokens"], 70);
    let third = spender.hold(70);
    spender.settle(&other, 50);
    spender.release(&third);
    assert_eq!(spender.tokens("day"), [130, 0, 0, 70]);
    spender.check();
}

#[test]
fn a_limit_below_what_is_reserved_admits_nothing_until_enough_came_back() {
    let mut spender = Spender::new();
    spender.limit("day", 1000);
    let (one, other) = (spender.hold(400), spender.hold(400));
    spender.limit("day", 500);
    assert_eq!(spender.reserve(1)["left"]["tokens"], 0);
    spender.release(&one);
    assert_eq!(spender.reserve(101)["left"]["tokens"], 100);
    spender.hold(100);
    spender.settle(&other, 0);
    assert_eq!(spender.tokens("day"), [0, 100, 0, 400]);
    spender.check();
}

#[test]
fn paused_admits_nothing_new_and_killed_stops_what_is_under_way() {
    let mut spender = Spender::new();
    spender.limit("day", 1000);
    let (run, reservation) = (spender.run(""), spender.hold(10));
    spender.charge(&run, 10);
    spender.actor.call("select awooop.switch_budget('agent', 'paused', 'agent', 'a look at the bill')");
    assert_eq!(code(&spender.reserve(1)), "E-BUDGET-002");
    assert_eq!(spender.charge(&run, 10)["outcome"], "charged");
    spender.settle(&reservation, 5);
    spender.actor.call("select awooop.switch_budget('project', 'killed')");
    assert_eq!(code(&spender.reserve(1)), "E-BUDGET-003");
    // What was used is booked all the same.
    assert_eq!(code(&spender.charge(&run, 10)), "E-BUDGET-003");
    let shown = spender.actor.call(&format!("select awooop.get_run('{}')", run.run));
    assert_eq!((&shown["state"], &shown["error"]["code"]), (&json!("failed"), &json!("E-BUDGET-003")));
    assert_eq!(spender.tokens("day"), [35, 0, 0, 965]);
    for level in ["'agent', 'active', 'agent'", "'project', 'active'"] {
        spender.actor.call(&format!("select awooop.switch_budget({level})"));
    }
    spender.hold(1);
    spender.check();
}

#[test]
fn new_work_goes_up_to_the_hard_limit_and_what_is_under_way_into_the_burst() {
    let mut spender = Spender::new();
    spender.actor.call("select awooop.set_budget('project', 'day', hard_tokens => 1000, burst_percent => 10)");
    let run = spender.run("");
    spender.charge(&run, 950);
    assert_eq!(spender.charge(&run, 100)["outcome"], "charged");
    assert_eq!(code(&spender.reserve(1)), "E-BUDGET-001");
    let stopped = spender.charge(&run, 60);
    assert_eq!((code(&stopped), &stopped["overrun"]["tokens"]), ("E-BUDGET-004", &json!(10)));
    assert_eq!(spender.tokens("day"), [1100, 0, 10, 0]);
    spender.check();
}

#[test]
fn what_came_back_of_a_burst_admits_nothing_beyond_the_hard_limit() {
    let mut spender = Spender::new();
    spender.actor.call("select awooop.set_budget('project', 'day', hard_tokens => 1000, burst_percent => 50)");
    let run = spender.run("");
    spender.charge(&run, 1);
    let call = spender.reserve_in(&run, 1400, "");
    let id = call["reservation_id"].as_str().unwrap_or_else(|| panic!("{call}")).to_owned();
    spender.actor.call(&format!("select awooop.settle_budget('{id}', tokens => 899, lease => '{}')", run.lease));
    spender.complete(&run);
    assert_eq!(spender.tokens("day"), [900, 0, 0, 100]);
    assert_eq!(spender.reserve(101)["left"]["tokens"], 100);
    spender.hold(100);
    spender.check();
}

#[test]
fn the_soft_limit_tells_once() {
    let mut spender = Spender::new();
    spender.actor.call("select awooop.set_budget('project', 'month', hard_tokens => 1000, soft_percent => 80)");
    for _ in 0..79 {
        spender.hold(10);
    }
    let told = "select (awooop.list_audit(action => 'budget_soft_limit') -> 'items')";
    assert_eq!(spender.actor.call(told), json!([]));
    for _ in 0..3 {
        spender.hold(10);
    }
    let told = spender.actor.call(told);
    assert_eq!(told.as_array().map(Vec::len), Some(1), "{told}");
    assert_eq!(told[0]["facts"]["used"]["tokens"], 800);
    assert!(spender.status()["limits"][0]["soft_at"].is_string());
    spender.check();
}

#[test]
fn another_time_zone_begins_the_windows_anew_from_the_ledger() {
    let mut spender = Spender::new();
    spender.limit("day", 1000);
    let reservation = spender.hold(10);
    spender.settle(&reservation, 10);
    spender.hold(5);
    let mut admin = spender.project.admin();
    for zone in ["Asia/Taipei", "Pacific/Kiritimati", "America/New_York", "UTC"] {
        admin.run(&format!("select awooop.set_time_zone('{}', '{zone}')", spender.project.id));
        let status = spender.status();
        assert_eq!(status["time_zone"], zone);
        // Before anybody is admitted to the new window it has what lies in it.
        let [spent, reserved, ..] = spender.tokens("day");
        assert_eq!(spent, 10);
        assert!(reserved >= 5, "{status}");
        spender.hold(1);
        spender.check();
    }
    assert_eq!(spender.tokens("day"), [10, 9, 0, 981]);
}

#[test]
fn money_that_nobody_has_priced_is_refused_where_money_is_limited() {
    let mut spender = Spender::new();
    assert_eq!(spender.reserve(5)["tokens"], 5);
    spender.actor.call("select awooop.set_budget('project', 'month', hard_micro_usd => 10000)");
    assert_eq!(code(&spender.reserve(5)), "E-BUDGET-007");
    let with_model = ", model => 'm', input_tokens => 1000";
    let envelope = spender.actor.envelope().to_string();
    let reserve =
        |spender: &mut Spender| spender.actor.call(&format!("select awooop.reserve_budget('{envelope}'{with_model})"));
    assert_eq!(code(&reserve(&mut spender)), "E-BUDGET-007");
    spender.actor.call("select awooop.set_price('m', 3000000, 15000000)");
    assert_eq!(reserve(&mut spender)["micro_usd"], 3000);
    spender.check();
}

#[test]
fn the_status_says_in_words_when_a_window_ends_at_this_rate_on_the_projects_calendar() {
    let mut spender = Spender::new();
    let project = spender.project.id.clone();
    spender.project.admin().run(&format!("select awooop.set_time_zone('{project}', 'Asia/Taipei')"));
    spender.limit("month", 1_000_000);
    let said = |spender: &mut Spender| {
        let status = spender.status();
        let limit = status["limits"][0].clone();
        (limit["says"].clone(), limit["tokens"]["exhausted_at"].clone())
    };
    assert_eq!(said(&mut spender), (json!(null), json!(null)));
    // A millionth is left: it ends a moment from now, whatever day of the month it is.
    let reservation = spender.hold(999_999);
    spender.settle(&reservation, 999_999);
    let (says, at) = said(&mut spender);
    let at = at.as_str().expect("a time").to_owned();
    let day = spender
        .project
        .admin()
        .value(&format!("select to_char(timestamptz '{at}' at time zone 'Asia/Taipei', 'FMMonth FMDDth')"));
    assert_eq!(says, json!(format!("at this rate the month ends on {day} (tokens)")));
    let reservation = spender.hold(1);
    spender.settle(&reservation, 1);
    assert_eq!(said(&mut spender).0, json!("the month's tokens are used up"));
}
