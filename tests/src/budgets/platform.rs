//! The ceiling of the platform: off until it is set, exact over all projects, nobody's secret, nobody's stall, and its books
//! agree with all ledgers.

use serde_json::{Value, json};

use super::clients::{Client, Dice, check_platform, pinned, reserve, reserved};
use super::scene::{Spender, code};
use crate::harness::answer::eventually;
use crate::harness::{Project, Session, at_once, own_database};

/// A database with so many projects, each with agents and a spender.
fn neighbours<const N: usize>() -> (Session, [Project; N]) {
    let (database, admin) = own_database();
    let projects = std::array::from_fn(|_| {
        let project = Project::in_database(&database);
        pinned(&project);
        project
    });
    (admin, projects)
}

fn set(admin: &mut Session, period: &str, options: &str) -> Value {
    admin.json(&format!("select awooop.set_platform_budget('{period}'{options})"))
}

/// Taken and left, in tokens.
fn tokens(admin: &mut Session, period: &str) -> [i64; 2] {
    let status = admin.json("select awooop.platform_budget_status()");
    let limit = status["limits"].as_array().expect("limits").iter().find(|limit| limit["period"] == period).cloned();
    let tokens = &limit.unwrap_or_else(|| panic!("no limit: {status}"))["tokens"];
    ["taken", "left"].map(|part| tokens[part].as_i64().unwrap_or(-1))
}

/// A refusal by the ceiling says which, and nothing of what others have used.
#[track_caller]
fn is_beyond_the_ceiling(answer: &Value) {
    assert_eq!((code(answer), &answer["level"]), ("E-BUDGET-001", &json!("platform")), "{answer}");
    assert_eq!(answer["left"], Value::Null, "what is left tells what others spend: {answer}");
}

#[test]
fn it_is_off_until_it_is_set_and_gone_when_it_is_removed() {
    let (mut admin, [one, _]) = neighbours();
    let mut spender = Spender::of(&one);
    spender.hold(1_000_000_000);
    assert_eq!(admin.json("select awooop.platform_budget_status()"), json!({"limits": [], "switch": null}));
    let shown = set(&mut admin, "lifetime", ", hard_tokens => 1500000000, soft_percent => 80");
    assert_eq!((&shown["level"], &shown["hard_tokens"]), (&json!("platform"), &json!(1_500_000_000)));
    // What was held before counts.
    assert_eq!(tokens(&mut admin, "lifetime"), [1_000_000_000, 500_000_000]);
    is_beyond_the_ceiling(&spender.reserve(500_000_001));
    spender.hold(500_000_000);
    is_beyond_the_ceiling(&spender.reserve(1));
    check_platform(&mut admin);
    spender.check();
    assert_eq!(set(&mut admin, "lifetime", "")["removed"], true);
    spender.hold(1);
    assert_eq!(admin.code("select awooop.set_platform_budget('lifetime')"), "E-BUDGET-010");
    spender.check();
}

#[test]
fn all_projects_together_take_no_more_and_what_one_gives_back_another_may_take_whole() {
    let (mut admin, [one, two]) = neighbours();
    let (mut one, mut two) = (Spender::of(&one), Spender::of(&two));
    set(&mut admin, "day", ", hard_tokens => 1000");
    let held = one.hold(600);
    is_beyond_the_ceiling(&two.reserve(401));
    let other = two.hold(400);
    is_beyond_the_ceiling(&one.reserve(1));
    one.release(&held);
    two.settle(&other, 100);
    // Both of what came back: nothing of it is stranded with the one who had it.
    two.hold(900);
    is_beyond_the_ceiling(&one.reserve(1));
    assert_eq!(tokens(&mut admin, "day"), [1000, 0]);
    check_platform(&mut admin);
    one.check();
    two.check();
}

#[test]
fn a_run_takes_from_it_in_chunks_and_one_that_passes_it_is_stopped_and_booked() {
    let (mut admin, [one, two]) = neighbours();
    let (mut one, mut two) = (Spender::of(&one), Spender::of(&two));
    set(&mut admin, "month", ", hard_tokens => 1000");
    let run = one.run("");
    assert_eq!(one.charge(&run, 300)["outcome"], "charged");
    let other = two.hold(500);
    // 200 are left; the rest is overrun, and what was used is booked all the same.
    let stopped = one.charge(&run, 350);
    assert_eq!(code(&stopped), "E-BUDGET-004", "{stopped}");
    assert_eq!(stopped["overrun"]["tokens"], 150, "{stopped}");
    assert_eq!(tokens(&mut admin, "month"), [1150, 0]);
    // Nothing comes into existence with an agent that could spend nothing.
    let envelope = two.actor.envelope().to_string();
    is_beyond_the_ceiling(&two.actor.call(&format!("select awooop.create_run('{envelope}')")));
    // What comes back pays for the overrun first.
    two.settle(&other, 300);
    is_beyond_the_ceiling(&two.reserve(51));
    two.hold(50);
    assert_eq!(tokens(&mut admin, "month"), [1000, 0]);
    check_platform(&mut admin);
    one.check();
    two.check();
}

#[test]
fn burst_is_for_what_is_under_way_and_money_is_a_ceiling_too() {
    let (mut admin, [one, _]) = neighbours();
    let mut spender = Spender::of(&one);
    set(&mut admin, "lifetime", ", hard_tokens => 100, hard_micro_usd => 1000, burst_percent => 10");
    // Money is limited, so that what has no price is refused.
    let run = spender.run("");
    assert_eq!(code(&spender.charge(&run, 1)), "E-BUDGET-007");
    assert_eq!(spender.charge_with(&run, ", tokens => 100, micro_usd => 5")["outcome"], "charged");
    assert_eq!(spender.charge_with(&run, ", tokens => 10, micro_usd => 5")["outcome"], "charged");
    let answer = spender.reserve_as("7", 1, ", micro_usd => 1");
    is_beyond_the_ceiling(&answer);
    let stopped = spender.charge_with(&run, ", tokens => 1, micro_usd => 5");
    assert_eq!((code(&stopped), &stopped["overrun"]["tokens"]), ("E-BUDGET-004", &json!(1)));
    check_platform(&mut admin);
    spender.check();
}

#[test]
fn a_limit_that_is_lowered_below_what_is_used_admits_nothing_until_enough_came_back() {
    let (mut admin, [one, two]) = neighbours();
    let (mut one, mut two) = (Spender::of(&one), Spender::of(&two));
    set(&mut admin, "day", ", hard_tokens => 1000");
    let (held, more) = (one.hold(600), two.hold(300));
    set(&mut admin, "day", ", hard_tokens => 500");
    assert_eq!(tokens(&mut admin, "day"), [900, 0]);
    one.settle(&held, 200);
    is_beyond_the_ceiling(&two.reserve(1));
    two.release(&more);
    assert_eq!(tokens(&mut admin, "day"), [200, 300]);
    is_beyond_the_ceiling(&one.reserve(301));
    one.hold(300);
    set(&mut admin, "day", ", hard_tokens => 700");
    two.hold(200);
    is_beyond_the_ceiling(&two.reserve(1));
    check_platform(&mut admin);
}

#[test]
fn the_soft_limit_is_told_of_once_in_the_log_of_whoever_crosses_it() {
    let (mut admin, [one, two]) = neighbours();
    let (mut one_spends, mut two_spends) = (Spender::of(&one), Spender::of(&two));
    set(&mut admin, "day", ", hard_tokens => 1000, soft_percent => 50");
    let told = "select coalesce(json_agg(json_build_array(project_id, facts)), '[]') from awooop.audit_log
                where action = 'budget_soft_limit'";
    one_spends.hold(499);
    assert_eq!(admin.json(told), json!([]));
    two_spends.hold(1);
    one_spends.hold(1);
    let rows = admin.json(told);
    assert_eq!((rows.as_array().map(Vec::len), &rows[0][0]), (Some(1), &json!(two.id)), "{rows}");
    assert_eq!(rows[0][1]["level"], "platform");
    // Neither what others have used, nor what all may use.
    for told in ["used", "hard", "soft"] {
        assert_eq!(rows[0][1].get(told), None, "{told}: {rows}");
    }
    assert!(admin.json("select awooop.platform_budget_status()")["limits"][0]["soft_at"].is_string());
}

#[test]
fn the_platform_is_paused_and_killed_for_everybody_at_once() {
    let (mut admin, [one, two]) = neighbours();
    let (mut one, mut two) = (Spender::of(&one), Spender::of(&two));
    let run = one.run("");
    one.charge(&run, 5);
    two.hold(1);
    admin.run("select awooop.switch_platform_budget('paused', 'an incident')");
    for spender in [&mut one, &mut two] {
        let refused = spender.reserve(1);
        assert_eq!((code(&refused), &refused["level"]), ("E-BUDGET-002", &json!("platform")));
        assert_eq!(spender.status()["switches"][0]["reason"], "an incident");
    }
    assert_eq!(one.charge(&run, 5)["outcome"], "charged", "what is under way goes on");
    admin.run("select awooop.switch_platform_budget('killed')");
    assert_eq!(code(&one.charge(&run, 5)), "E-BUDGET-003");
    assert_eq!(one.total(), [15, 0, 0], "what was used is booked");
    admin.run("select awooop.switch_platform_budget('active')");
    two.hold(1);
    let logged = "select count(*) from awooop.audit_log where action = 'platform_budget_switched'";
    // In both projects' logs, three times.
    assert_eq!(admin.value(logged), "6");
    one.check();
}

#[test]
fn a_transaction_that_is_left_open_keeps_no_other_project_from_what_is_left() {
    let (mut admin, [idle, busy]) = neighbours();
    set(&mut admin, "day", ", hard_tokens => 100000");
    set(&mut admin, "lifetime", ", hard_tokens => 100000");
    let (mut holder, mut other) = (Client::of(&idle), Client::of(&busy));
    let (of_idle, of_busy) = (holder.envelope("agent", "7"), other.envelope("agent", "7"));
    other.call("set statement_timeout = '3s'");
    for tokens in [1, 60_000] {
        // The one takes a little, from one pot; the other most of all, from many.
        holder.call("begin");
        holder.reserve(&of_idle, tokens, "").expect("there is room");
        for _ in 0..20 {
            other.reserve(&of_busy, 500, "").expect("there is room for ten thousand at least");
        }
        holder.call("rollback");
    }
    // Nothing that is left in a transaction is lost.
    assert_eq!(tokens(&mut admin, "day"), [20_000, 80_000]);
    check_platform(&mut admin);
}

#[test]
fn who_finds_half_of_it_held_is_told_to_try_again() {
    let (mut admin, [idle, busy]) = neighbours();
    set(&mut admin, "day", ", hard_tokens => 3200");
    let (mut holder, mut other) = (Client::of(&idle), Client::of(&busy));
    let (of_idle, of_busy) = (holder.envelope("agent", "7"), other.envelope("agent", "7"));
    other.call("set statement_timeout = '10s'");
    holder.call("begin");
    holder.reserve(&of_idle, 1600, "").expect("there is room");
    // As it was committed, all of it is left; a half is held by somebody who has not said what becomes of it.
    assert_eq!(code(&other.call(&reserve(&of_busy, 2000, ""))), "E-BUDGET-014");
    other.reserve(&of_busy, 1000, "").expect("a quarter and more is free");
    holder.call("rollback");
    other.reserve(&of_busy, 2200, "").expect("what is left is free");
    is_beyond_the_ceiling(&other.call(&reserve(&of_busy, 1, "")));
    check_platform(&mut admin);
}

#[test]
fn a_debt_that_somebody_holds_open_stops_neither_new_work_nor_runs() {
    let (mut admin, [idle, busy]) = neighbours();
    set(&mut admin, "day", ", hard_tokens => 32000");
    let (mut holder, mut spender) = (Client::of(&idle), Spender::of(&busy));
    let of_idle = holder.envelope("agent", "7");
    let spent = holder.reserve(&of_idle, 10, "").expect("there is room");
    holder.settle(&spent, 10);
    let run = spender.run("");
    spender.charge(&run, 100);
    spender.actor.session.run("set statement_timeout = '5s'");
    // One token that nobody took from the pots, and whoever takes the next pays for it; this one never ends.
    holder.call(&format!("select awooop.adjust_budget('{spent}', 'the bill', 1)"));
    holder.call("begin");
    holder.reserve(&of_idle, 1, "").expect("there is room");
    for _ in 0..5 {
        spender.hold(1000);
        assert_eq!(spender.charge(&run, 900)["outcome"], "charged");
    }
    holder.call("commit");
    assert_eq!(tokens(&mut admin, "day")[0], 10 + 1 + 1 + 5000 + held_by(&mut spender, &run.run));
    check_platform(&mut admin);
    spender.check();
}

#[test]
fn another_amount_holds_at_once_whatever_anybody_holds_and_what_is_left_stays_within_reach() {
    let (mut admin, [idle, busy, third]) = neighbours();
    set(&mut admin, "day", ", hard_tokens => 100000, soft_percent => 5");
    let (mut holder, mut other) = (Client::of(&idle), Client::of(&busy));
    let (of_idle, of_busy) = (holder.envelope("agent", "7"), other.envelope("agent", "7"));
    other.reserve(&of_busy, 1000, "").expect("there is room");
    other.call("set statement_timeout = '3s'");
    holder.call("begin");
    // Crosses the soft limit, and never says that it has.
    holder.reserve(&of_idle, 9000, "").expect("there is room");
    for hard in [50_000, 1_000_000, 20_000] {
        set(&mut admin, "day", &format!(", hard_tokens => {hard}, soft_percent => 5"));
        // A second one who draws first, and holds what that took.
        let mut second = Client::of(&third);
        let of_third = second.envelope("agent", "7");
        second.call("begin");
        second.reserve(&of_third, 1, "").expect("there is room");
        for _ in 0..5 {
            other.reserve(&of_busy, 100, "").expect("there is room, and most of it is held by nobody");
        }
        second.call("rollback");
        check_platform(&mut admin);
    }
    holder.call("rollback");
    assert_eq!(tokens(&mut admin, "day"), [2500, 17_500]);
    other.reserve(&of_busy, 17_500, "").expect("what is left is free");
    is_beyond_the_ceiling(&other.call(&reserve(&of_busy, 1, "")));
    check_platform(&mut admin);
}

/// What a run holds and has used.
fn held_by(spender: &mut Spender, run: &str) -> i64 {
    let sql = format!(
        "select granted_tokens + booked_tokens from awooop.budget_escrow where project_id = '{}' and run_id = '{run}'",
        spender.project.id
    );
    spender.project.admin().value(&sql).parse().expect("a number")
}

#[test]
fn a_run_whose_project_finds_every_pot_held_goes_on_and_owes_what_it_used() {
    let (mut admin, [idle, busy]) = neighbours();
    set(&mut admin, "lifetime", ", hard_tokens => 3200");
    let (mut holder, mut spender) = (Client::of(&idle), Spender::of(&busy));
    let of_idle = holder.envelope("agent", "7");
    let run = spender.run("");
    spender.charge(&run, 1);
    holder.call("begin");
    // All that there is; nobody knows yet whether it stays taken.
    let left = tokens(&mut admin, "lifetime")[1];
    holder.reserve(&of_idle, left, "").expect("there is room");
    assert_eq!(spender.charge(&run, 500)["outcome"], "charged", "by what is committed there is room");
    assert_eq!(code(&spender.reserve(1)), "E-BUDGET-014");
    holder.call("rollback");
    spender.complete(&run);
    admin.run("select awooop.maintain()");
    assert_eq!(tokens(&mut admin, "lifetime"), [501, 2699]);
    assert_eq!(admin.value("select count(*) from awooop.budget_platform_due"), "0", "what was owed is paid");
    check_platform(&mut admin);
    spender.check();
}

#[test]
fn many_projects_at_once_fill_it_to_the_last_unit_and_its_books_agree() {
    let (mut admin, projects) = neighbours::<4>();
    set(&mut admin, "day", ", hard_tokens => 20011");
    let done = at_once(
        8,
        |n| {
            let project = &projects[n % projects.len()];
            let mut client = Client::of(project);
            let envelope = client.envelope("agent", &n.to_string());
            (client, envelope, Dice::new(n))
        },
        |_, (client, envelope, dice)| {
            let (mut held, mut spent): (Vec<(String, i64)>, i64) = (Vec::new(), 0);
            for _ in 0..150 {
                match dice.roll(0, 3) {
                    0 | 1 => {
                        let tokens = dice.roll(1, 400);
                        held.extend(client.reserve(envelope, tokens, "").map(|id| (id, tokens)));
                    }
                    2 if !held.is_empty() => {
                        let (id, tokens) = held.swap_remove(dice.roll(0, held.len() as i64 - 1) as usize);
                        let used = dice.roll(0, tokens);
                        client.settle(&id, used);
                        spent += used;
                    }
                    _ => {
                        if let Some((id, _)) = held.pop() {
                            client.release(&id);
                        }
                    }
                }
            }
            (spent, held.iter().map(|(_, tokens)| tokens).sum::<i64>())
        },
    );
    let (spent, held) = done.into_iter().fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
    assert_eq!(tokens(&mut admin, "day"), [spent + held, 20_011 - spent - held]);
    check_platform(&mut admin);
    // To the last unit, by whoever comes.
    let mut client = Client::of(&projects[0]);
    let envelope = client.envelope("agent", "last");
    client.reserve(&envelope, 20_011 - spent - held, "").expect("what is left is free");
    is_beyond_the_ceiling(&client.call(&reserve(&envelope, 1, "")));
    for project in &projects {
        Client::of(project).check();
    }
    check_platform(&mut admin);
}

#[test]
fn a_ceiling_that_is_set_under_fire_counts_what_is_under_way() {
    let (mut admin, projects) = neighbours::<3>();
    let (setting, done) = (std::sync::atomic::AtomicBool::new(true), std::sync::atomic::Ordering::Relaxed);
    std::thread::scope(|scope| {
        for (n, project) in projects.iter().enumerate() {
            let setting = &setting;
            scope.spawn(move || {
                let (mut client, mut dice) = (Client::of(project), Dice::new(n));
                let envelope = client.envelope("agent", "7");
                while setting.load(done) {
                    let answer = client.call(&reserve(&envelope, dice.roll(1, 50), ""));
                    let refused = ["E-BUDGET-001", "E-BUDGET-014"].contains(&code(&answer));
                    if !refused && dice.roll(0, 1) == 1 {
                        let id = reserved(&answer).expect("a reservation");
                        client.settle(&id, 1);
                    }
                }
            });
        }
        // The first time and after a removal everything is counted; in between the amount changes.
        for (n, limit) in [5000, 400, 9000, 1, 20_000, 0, 7000].into_iter().enumerate() {
            let amount = if limit == 0 { String::new() } else { format!(", hard_tokens => {limit}") };
            eventually("a moment to count in", || {
                let set = admin.ask(&format!("select awooop.set_platform_budget('month'{amount})"));
                set.map_err(|failure| assert_eq!(failure.code(), "E-SYS-001")).is_ok()
            });
            check_platform(&mut admin);
            if n == 4 {
                // A second counter, which is opened while others spend.
                Client::of(&projects[0]).call("select awooop.set_budget('project', 'day', hard_tokens => 1000000)");
            }
        }
        setting.store(false, done);
    });
    check_platform(&mut admin);
    // Once it is still, what was under way when the last limit was set has been counted: nothing more than it came in.
    let [taken, left] = tokens(&mut admin, "month");
    let mut client = Client::of(&projects[1]);
    let envelope = client.envelope("agent", "7");
    if left > 0 {
        client.reserve(&envelope, left, "").expect("what is left is free");
    }
    is_beyond_the_ceiling(&client.call(&reserve(&envelope, 1, "")));
    assert!(tokens(&mut admin, "month")[0] >= taken);
    for project in &projects {
        Client::of(project).check();
    }
}

#[test]
fn the_next_window_is_opened_ahead_and_a_missing_one_is_counted_from_the_ledgers() {
    let (mut admin, [one, two]) = neighbours();
    set(&mut admin, "day", ", hard_tokens => 10");
    let open = "select count(*) from awooop.budget_platform_window where period = 'day'";
    assert_eq!(admin.value(open), "2");
    let (mut one, mut two) = (Spender::of(&one), Spender::of(&two));
    let held = one.hold(4);
    one.settle(&held, 3);
    two.hold(2);
    // As a restore leaves it.
    admin.run(
        "begin; alter table awooop.budget_platform_window disable trigger guard;
         delete from awooop.budget_platform_window;
         alter table awooop.budget_platform_window enable always trigger guard; commit",
    );
    // Nobody can say what is left, so that nothing is admitted; what is under way is not kept from being booked.
    assert_eq!(code(&one.reserve(1)), "E-BUDGET-014");
    // Nor can anybody while a project is in the middle of something.
    let mut holder = Client::of(&two.project);
    holder.call("begin");
    holder.release(&held_id(&mut admin, &two.project.id));
    admin.run("select awooop.maintain()");
    assert_eq!(admin.value(open), "0");
    holder.call("rollback");
    admin.run("select awooop.maintain()");
    assert_eq!((admin.value(open), tokens(&mut admin, "day")), ("2".to_owned(), [5, 5]));
    is_beyond_the_ceiling(&one.reserve(6));
    one.hold(5);
    check_platform(&mut admin);
}

/// The reservation that is open in a project.
fn held_id(admin: &mut Session, project: &str) -> String {
    admin.value(&format!(
        "select escrow_id from awooop.budget_escrow where project_id = '{project}' and closed_at is null"
    ))
}

#[test]
fn what_was_given_back_while_all_pots_were_held_is_put_into_them() {
    let (mut admin, [one, two]) = neighbours();
    set(&mut admin, "day", ", hard_tokens => 3200");
    let (mut holder, mut other) = (Client::of(&one), Client::of(&two));
    let (of_one, of_two) = (holder.envelope("agent", "7"), other.envelope("agent", "7"));
    let held = other.reserve(&of_two, 100, "").expect("there is room");
    holder.call("begin");
    holder.reserve(&of_one, 3100, "").expect("there is room");
    other.release(&held);
    holder.call("rollback");
    assert_eq!(tokens(&mut admin, "day"), [0, 3200]);
    admin.run("select awooop.maintain()");
    eventually("what was given back is in a pot", || {
        admin.value("select count(*) from awooop.budget_platform_due") == "0"
    });
    assert_eq!(tokens(&mut admin, "day"), [0, 3200]);
    holder.reserve(&of_one, 3200, "").expect("the whole amount is free");
    check_platform(&mut admin);
}

#[test]
fn no_dml_by_anybody_puts_more_into_the_pots() {
    let (mut admin, [one, _]) = neighbours();
    set(&mut admin, "day", ", hard_tokens => 1000");
    Spender::of(&one).hold(700);
    let pots = "select string_agg(p::text, ' ' order by pot) from awooop.budget_platform_pot p
                where window_start <= now() and period = 'day'";
    let before = admin.value(pots);
    let mut busy = 0;
    for hat in ["", "set local role awooop_owner; ", "set local session_replication_role = replica; "] {
        for deed in [
            "update awooop.budget_platform_pot set tokens = tokens + 1",
            "update awooop.budget_platform_window set hard_tokens = 9000",
            "delete from awooop.budget_platform_due",
            "delete from awooop.budget_platform_window",
            "truncate awooop.budget_platform_pot",
            "merge into awooop.budget_platform_pot p using (select 1) o on true when matched then update set tokens = 500",
        ] {
            admin.run("begin");
            assert_eq!(admin.code(&format!("{hat}{deed}")), "E-BUDGET-009", "{hat}{deed}");
            admin.run("rollback");
        }
        // What is inserted is passed over: it follows from the ledgers, and is counted from them.
        for deed in [
            "insert into awooop.budget_platform_pot select period, window_start, 9, 100, 0 from awooop.budget_platform_window",
            "insert into awooop.budget_platform_due
             select period, window_start, gen_random_uuid(), -5, 0 from awooop.budget_platform_window",
            "insert into awooop.budget_platform_due values ('day', '2100-01-01', gen_random_uuid(), -9223372036854775808, 0)",
            "insert into awooop.budget_platform_window values ('day', '2100-01-01', '2100-01-02', 1000, 1000)",
            "insert into awooop.budget_platform_pot values ('day', '2100-01-01', 0, 1000, 0)",
        ] {
            admin.run("begin");
            admin.run(&format!("{hat}{deed}"));
            admin.run("commit");
            busy += 1;
        }
    }
    assert_eq!(busy, 15);
    assert_eq!(admin.value(pots), before);
    let strays = "select (select count(*) from awooop.budget_platform_due)
                       + (select count(*) from awooop.budget_platform_window where window_start > now() + interval '2 days')";
    assert_eq!(admin.value(strays), "0");
    // A limit that is edited by hand is not more than what the window has.
    admin.run("update awooop.budget_platform set hard_tokens = 5000");
    is_beyond_the_ceiling_or_undecided(&Spender::of(&one).reserve(301));
    admin.run("update awooop.budget_platform set hard_tokens = 800");
    is_beyond_the_ceiling(&Spender::of(&one).reserve(101));
    Spender::of(&one).hold(100);
}

#[track_caller]
fn is_beyond_the_ceiling_or_undecided(answer: &Value) {
    assert!(["E-BUDGET-001", "E-BUDGET-014"].contains(&code(answer)), "{answer}");
}

#[test]
fn a_switch_of_the_platform_stops_whoever_waited_while_it_was_set() {
    let (mut admin, [one, _]) = neighbours();
    let (mut holder, mut other) = (Client::of(&one), Client::of(&one));
    let envelope = holder.envelope("agent", "7");
    // The project's counters are there.
    holder.reserve(&envelope, 1, "").expect("nothing is limited");
    other.reserve(&envelope, 1, "").expect("nothing is limited");
    holder.call("begin");
    // Holds everything: whoever reserves waits.
    holder.call("select awooop.set_budget('project', 'day', hard_tokens => 100000)");
    let refused = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| other.call(&reserve(&envelope, 1, "")));
        crate::harness::race::wait_for_a_waiter(&mut one.admin(), &mut holder.session);
        admin.run("select awooop.switch_platform_budget('paused')");
        holder.call("commit");
        waiting.join().expect("an answer")
    });
    assert_eq!(code(&refused), "E-BUDGET-002", "{refused}");
}

#[test]
fn only_operators_set_it_and_only_those_who_read_every_project_see_it() {
    let (mut admin, [one, _]) = neighbours();
    set(&mut admin, "day", ", hard_tokens => 1000");
    let mut actor = one.actor();
    for sql in [
        "select awooop.set_platform_budget('day', 1)",
        "select awooop.switch_platform_budget('killed')",
        "select awooop.platform_budget_status()",
        "select awooop.platform_budget_check()",
        "select * from awooop.budget_platform",
        "select * from awooop.budget_platform_pot",
    ] {
        assert_eq!(actor.code(sql), "42501", "{sql}");
    }
    for (sql, expected) in [
        ("select awooop.set_platform_budget('run', 1)", "E-INPUT-001"),
        ("select awooop.set_platform_budget('day', -1)", "E-INPUT-001"),
        ("select awooop.set_platform_budget(null, 1)", "E-INPUT-001"),
        ("select awooop.set_platform_budget('day', soft_percent => 5)", "E-INPUT-001"),
        ("select awooop.switch_platform_budget('off')", "E-INPUT-001"),
        ("select awooop.switch_platform_budget('paused', E'two\\nlines')", "E-INPUT-001"),
    ] {
        assert_eq!(admin.code(sql), expected, "{sql}");
    }
    // What binds every project is in every project's log.
    let logged = "select count(*) from awooop.audit_log where action = 'platform_budget_set'";
    assert_eq!(admin.value(logged), "2");
}
