//! The last line: no DML by anybody puts a counter past what was granted, the superuser's own included. In databases of
//! their own, since some of it locks whole tables.

use std::io::{Read, Write};

use serde_json::json;

use super::scene::{Spender, code};
use crate::harness::answer::{Failure, literal};
use crate::harness::quiet::{Claim, text};
use crate::harness::{Project, Session, at_once, own_database};

/// What the extension alone writes.
const GUARDED: [&str; 5] =
    ["budget_control", "budget_counter", "budget_counter_lane", "budget_escrow", "budget_reservation"];

/// A project whose budget has some of everything: limits, one that was removed, a run with a call under way, a
/// reservation that is open and one that ended, a run that nobody has charged.
struct Books {
    spender: Spender,
    admin: Session,
    run: Claim,
    /// A run without an escrow.
    pending: String,
    /// The number of a counter that was, and is no more.
    gap: String,
}

impl Books {
    fn new() -> Self {
        let mut spender = Spender::of(&Project::in_database(&own_database().0));
        let mut admin = spender.project.admin();
        spender.limit("day", 1000);
        spender.actor.call("select awooop.set_budget('agent', 'month', '*', hard_tokens => 5000)");
        spender.actor.call("select awooop.set_budget('subject', 'day', '*', hard_tokens => 900)");
        spender.actor.call("select awooop.set_price('m', 1, 1)");
        let settled = spender.hold(40);
        spender.settle(&settled, 35);
        spender.actor.call("select awooop.set_budget('subject', 'day', '*')");
        let run = spender.run("");
        spender.charge(&run, 100);
        spender.reserve_in(&run, 50, "");
        spender.hold(30);
        let pending = spender.actor.create_id("");
        let gap = admin.value(
            "select min(n) from awooop.budget_control k, generate_series(1, k.counters) n
             where n not in (select counter_id from awooop.budget_counter)",
        );
        assert!(!gap.is_empty(), "the subject's counter went with its limit");
        Self { spender, admin, run, pending, gap }
    }

    /// Every row of the guarded tables and of the ledger.
    fn rows(&mut self) -> Vec<String> {
        let tables = GUARDED.into_iter().chain(["budget_ledger", "budget_price"]);
        let of = |table| {
            format!("select coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from awooop.{table} t")
        };
        tables.map(|table| self.admin.value(&of(table))).collect()
    }

    /// As somebody, in a transaction of its own.
    fn attempt(&mut self, hat: &str, deed: &Deed) -> Result<(), Failure> {
        self.admin.run(&format!("begin; {}", hat.replace("$project", &self.spender.project.id)));
        let done = match deed {
            Deed::Sql(sql) => self.admin.rows(sql).map(drop),
            // PostgreSQL refuses it under row-level security, before it asks for rows.
            Deed::Copy(table, _) if hat.ends_with("awooop_owner") => {
                self.admin.rows(&format!("copy awooop.{table} from stdin")).map(drop)
            }
            Deed::Copy(table, rows) => copy(&mut self.admin, table, rows),
        };
        self.admin.run(if done.is_ok() { "commit" } else { "rollback" });
        self.admin.run("reset role");
        done
    }

    /// What is left today is admitted to the unit, and nothing more; and the books agree.
    #[track_caller]
    fn admits_what_is_left(&mut self) {
        let [spent, reserved, overrun, left] = self.spender.tokens("day");
        assert_eq!((spent + reserved + overrun + left, overrun), (1000, 0));
        self.spender.hold(left - 3);
        for _ in 0..3 {
            self.spender.hold(1);
        }
        let refused = self.spender.reserve(1);
        assert_eq!((code(&refused), &refused["left"]["tokens"]), ("E-BUDGET-001", &json!(0)), "{refused}");
        self.spender.check();
    }
}

/// What somebody does to the tables.
#[derive(Debug)]
enum Deed {
    Sql(String),
    /// COPY into a table the rows of a query.
    Copy(&'static str, String),
}

fn copy(session: &mut Session, table: &str, rows: &str) -> Result<(), Failure> {
    let mut text = Vec::new();
    let mut reader = session.0.copy_out(&format!("copy ({rows}) to stdout")).map_err(|error| Failure::from(&error))?;
    reader.read_to_end(&mut text).expect("rows");
    drop(reader);
    let mut writer =
        session.0.copy_in(&format!("copy awooop.{table} from stdin")).map_err(|error| Failure::from(&error))?;
    writer.write_all(&text).expect("it takes rows");
    writer.finish().map(drop).map_err(|error| Failure::from(&error))
}

/// Who has rights over the tables.
const HATS: [&str; 5] = [
    "",
    "set local session_replication_role = replica",
    "set local session_replication_role = replica; select awooop.enter_project('$project')",
    "set local role awooop_owner",
    "select awooop.enter_project('$project'); set local role awooop_owner",
];

/// Changes of rows.
fn changes() -> Vec<Deed> {
    let mut deeds = Vec::new();
    for (table, key, changes) in [
        ("budget_control", "project_id", vec!["version = version + 1", "counters = counters + 100"]),
        (
            "budget_counter",
            "project_id, counter_id",
            vec![
                "granted_tokens = granted_tokens + 1000",
                "granted_tokens = granted_tokens + 1000, allotted_tokens = allotted_tokens + 1000",
                "opening_tokens = 0",
                "overrun_tokens = 0",
                "window_end = window_end + interval '1 day'",
                "counter_id = counter_id + 100",
            ],
        ),
        (
            "budget_counter_lane",
            "project_id, counter_id, lane",
            vec![
                "granted_tokens = granted_tokens + 1000",
                "reserved_tokens = 0",
                "reserved_tokens = reserved_tokens + 1",
                "spent_tokens = 0",
                "spent_tokens = spent_tokens + 1",
                "version = version + 1",
                "capped = not capped",
            ],
        ),
        (
            "budget_escrow",
            "project_id, escrow_id",
            vec![
                "granted_tokens = granted_tokens + 1000",
                "reserved_tokens = 0",
                "spent_tokens = 0",
                "booked_tokens = 0",
                "fence = 0",
                "agent_id = 'another'",
                "closed_at = null, outcome = null",
                "expires_at = null",
                "granted_tokens = 0, spent_tokens = 0, reserved_tokens = 0, closed_at = now(), outcome = 'released'",
            ],
        ),
        (
            "budget_reservation",
            "project_id, reservation_id",
            vec!["tokens = 0", "closed_at = now(), outcome = 'released'", "escrow_id = reservation_id"],
        ),
    ] {
        let columns: Vec<&str> = key.split(", ").collect();
        let same: Vec<String> = columns.iter().map(|column| format!("t.{column} = s.{column}")).collect();
        let same = same.join(" and ");
        for change in changes {
            deeds.extend(
                [
                    format!("update awooop.{table} set {change}"),
                    format!("update only awooop.{table} set {change} where false"),
                    format!("with changed as (update awooop.{table} set {change} returning 1) select * from changed"),
                    format!(
                        "merge into awooop.{table} t using awooop.{table} s on {same} when matched then update set {}",
                        change
                            .replace("= ", "= t.")
                            .replace("= t.0", "= 0")
                            .replace("= t.now", "= now")
                            .replace("= t.null", "= null")
                            .replace("= t.'", "= '")
                            .replace("= t.not ", "= not t.")
                    ),
                ]
                .map(Deed::Sql),
            );
        }
        deeds.extend(
            [
                format!("delete from awooop.{table}"),
                format!("delete from awooop.{table} where false"),
                format!("delete from awooop.{table} t using awooop.projects p where p.project_id = t.project_id"),
                format!("merge into awooop.{table} t using awooop.{table} s on {same} when matched then delete"),
                format!("truncate awooop.{table}"),
                format!("truncate awooop.{table} cascade"),
                format!(
                    "insert into awooop.{table} select * from awooop.{table}
                     on conflict ({key}) do update set project_id = excluded.project_id"
                ),
                format!("insert into awooop.{table} select * from awooop.{table} on conflict do nothing"),
            ]
            .map(Deed::Sql),
        );
    }
    deeds.push(Deed::Sql("truncate awooop.projects cascade".to_owned()));
    deeds
}

/// Rows that nobody granted, made of rows that are there: each table, what is other, and which row it is made of.
fn forgeries(books: &Books) -> Vec<(&'static str, String, &'static str)> {
    let (gap, pending) = (&books.gap, &books.pending);
    let generous = "'granted_tokens', 1000000, 'allotted_tokens', 1000000, 'opening_tokens', 0";
    let plenty = "'granted_tokens', 1000000, 'reserved_tokens', 0, 'spent_tokens', 0, 'capped', false";
    let empty = "'granted_tokens', 0, 'reserved_tokens', 0, 'spent_tokens', 0, 'booked_tokens', 0, 'entries', 0,
                 'idempotency_key', null";
    let free_lane = "(select min(n) from generate_series(0, 99) n
                      where n not in (select x.lane from awooop.budget_counter_lane x where x.counter_id = t.counter_id))";
    let day = "level = 'project' and period = 'day'";
    vec![
        ("budget_control", "'version', 7".to_owned(), "true"),
        ("budget_counter_lane", format!("'lane', {free_lane}, {plenty}"), "counter_id = 1"),
        ("budget_counter_lane", format!("'lane', {free_lane}, {plenty}"), "counter_id > 1"),
        ("budget_counter_lane", format!("'counter_id', {gap}, {plenty}"), "true"),
        (
            "budget_counter_lane",
            format!("'lane', {free_lane}, 'granted_tokens', 0, 'reserved_tokens', 0, 'spent_tokens', 0"),
            "counter_id > 1",
        ),
        (
            "budget_counter",
            format!(
                "'counter_id', {gap}, {generous}, 'window_start', t.window_start + interval '1 day',
                 'window_end', t.window_end + interval '1 day'"
            ),
            day,
        ),
        (
            "budget_counter",
            format!("'counter_id', {gap}, {generous}, 'window_start', now(), 'window_end', now() + interval '1 hour'"),
            day,
        ),
        ("budget_counter", format!("'counter_id', {gap}, {generous}, 'period', 'month'"), day),
        ("budget_counter", format!("'counter_id', 999, {generous}, 'level', 'subject'"), day),
        ("budget_counter", format!("'counter_id', {gap}, 'level', 'subject', 'target', 'x'"), day),
        (
            "budget_escrow",
            "'escrow_id', gen_random_uuid(), 'granted_tokens', 1000, 'run_id', null".to_owned(),
            "closed_at is null and run_id is null",
        ),
        (
            "budget_escrow",
            "'escrow_id', gen_random_uuid(), 'granted_tokens', 1, 'run_id', null".to_owned(),
            "closed_at is null and run_id is null",
        ),
        (
            "budget_escrow",
            format!("'escrow_id', '{pending}', 'run_id', '{pending}', 'agent_id', 'other', {empty}"),
            "run_id is not null",
        ),
        ("budget_escrow", format!("'escrow_id', gen_random_uuid(), 'run_id', null, {empty}"), "closed_at is not null"),
        ("budget_reservation", "'reservation_id', gen_random_uuid(), 'tokens', 1".to_owned(), "true"),
        (
            "budget_reservation",
            "'reservation_id', gen_random_uuid(), 'escrow_id', gen_random_uuid()".to_owned(),
            "true",
        ),
    ]
}

#[test]
fn no_change_deletion_or_insertion_by_hand_moves_a_guarded_row() {
    let mut books = Books::new();
    let before = books.rows();
    let mut deeds = changes();
    for (table, changed, of) in forgeries(&books) {
        let rows = format!(
            "select (jsonb_populate_record(t, jsonb_build_object({changed}))).* from awooop.{table} t where {of} limit 1"
        );
        let one = format!("select 1 where (select count(*) from awooop.{table} where {of}) > 0");
        assert_eq!(books.admin.value(&one), "1", "there is a row to forge {table} from, where {of}");
        deeds.push(Deed::Sql(format!("insert into awooop.{table} {rows}")));
        deeds.push(Deed::Sql(format!(
            "merge into awooop.{table} t using ({rows}) s on false when not matched then insert values (s.*)"
        )));
        deeds.push(Deed::Copy(table, rows));
    }
    for hat in HATS {
        for deed in &deeds {
            let done = books.attempt(hat, deed);
            match &done {
                Err(failure) => {
                    let refused = ["E-BUDGET-009", "E-AUDIT-001", "42501", "0A000", "23514", "23505"];
                    // The owner's tables have no rows for it without a project, and others' tables it may not read.
                    assert!(refused.contains(&failure.code().as_str()), "{hat} {deed:?}: {failure:?}");
                }
                // Without a project the owner sees no row to make another of.
                Ok(()) => assert!(hat.ends_with("awooop_owner") && !hat.contains("enter"), "{hat} {deed:?}"),
            }
            assert_eq!(books.rows(), before, "{hat} {deed:?}: {done:?}");
        }
    }
    books.admits_what_is_left();
    // What is held ends as it would have.
    books.spender.complete(&books.run.clone());
    books.spender.check();
}

#[test]
fn what_may_be_inserted_beside_a_budget_in_use_admits_nothing() {
    let mut books = Books::new();
    // A call that holds nothing, and one that has ended.
    for changed in
        ["'tokens', 0, 'micro_usd', 0", "'closed_at', now(), 'outcome', 'released', 'tokens', 1000, 'used_tokens', 0"]
    {
        books.admin.run(&format!(
            "insert into awooop.budget_reservation
             select (jsonb_populate_record(t, jsonb_build_object('reservation_id', gen_random_uuid(), {changed}))).*
             from awooop.budget_reservation t where t.closed_at is null limit 1"
        ));
    }
    books.spender.check();
    books.admits_what_is_left();
}

/// Everything that can be admitted in single units and larger ones, by several sessions at once.
fn admitted(spender: &Spender) -> i64 {
    let project = &spender.project;
    let sums = at_once(
        4,
        |_| Spender::of(project),
        |n, spender| {
            let mut sum = 0;
            for size in [200 + i64::try_from(n).unwrap_or_default(), 17, 1] {
                while code(&spender.reserve(size)).is_empty() {
                    sum += size;
                    assert!(sum < 100_000, "there is no end to it");
                }
            }
            sum
        },
    );
    sums.into_iter().sum()
}

#[test]
fn what_was_brought_into_a_project_before_its_first_limit_admits_nothing_beyond_that() {
    let mut spender = Spender::of(&Project::in_database(&own_database().0));
    let (mut admin, project) = (spender.project.admin(), literal(&spender.project.id.clone()));
    // As a dump would, but with grants that nobody made, and windows that are none.
    admin.run(&format!("insert into awooop.budget_control values ({project}, 7, 50, now())"));
    for (id, period, start, end) in [
        (1, "lifetime", "'1970-01-01+00'", "'9999-12-31+00'"),
        (2, "day", "now() - interval '1 minute'", "now() + interval '1 hour'"),
        (3, "day", "now() - interval '2 minutes'", "now() + interval '1 month'"),
    ] {
        admin.run(&format!(
            "insert into awooop.budget_counter
                    (project_id, counter_id, level, target, period, window_start, window_end, granted_tokens,
                     granted_micro_usd, allotted_tokens, allotted_micro_usd, opening_tokens, opening_micro_usd,
                     overrun_tokens, overrun_micro_usd)
             values ({project}, {id}, 'project', '', '{period}', {start}, {end}, 16000000, 0, 16000000, 0, 0, 0, 0, 0);
             insert into awooop.budget_counter_lane
             select {project}, {id}, n, 7, false, 1000000, 0, 0, 0, 0, 0 from generate_series(0, 15) n"
        ));
    }
    // More lanes than the counter was allotted to are refused here as well.
    let more = format!("insert into awooop.budget_counter_lane values ({project}, 1, 16, 7, false, 1, 0, 0, 0, 0, 0)");
    assert_eq!(admin.code(&more), "E-BUDGET-009");
    spender.limit("day", 1000);
    assert_eq!(admitted(&spender), 1000);
    assert_eq!(spender.tokens("day")[1], 1000);
    // The forged windows end, and nothing begins anew.
    let counted = format!(
        "select count(*) from awooop.budget_counter where project_id = {project} and period = 'day'
         and window_end - window_start between interval '23 hours' and interval '25 hours'"
    );
    assert_eq!(admin.value(&counted), "1", "the day has a counter of its own");
}

#[test]
fn an_escrow_brought_for_a_run_of_another_agent_is_not_charged() {
    let mut spender = Spender::of(&Project::in_database(&own_database().0));
    let mut admin = spender.project.admin();
    let run = spender.run("");
    admin.run(&format!(
        "insert into awooop.budget_escrow (project_id, escrow_id, opened_at, run_id, kind, agent_id, platform_subject_id,
                trace_id, principal_id, lane, window_at, granted_tokens, granted_micro_usd, entries)
         values ('{}', '{}', now(), '{}', 'run', 'another', 'x', 't', 'p', 0, now(), 0, 0, 0)",
        spender.project.id, run.run, run.run
    ));
    spender.actor.call("select awooop.set_budget('agent', 'day', '*', hard_tokens => 100)");
    let charge =
        format!("select awooop.settle_budget(run_id => '{}', lease => '{}', tokens => 50)", run.run, run.lease);
    assert_eq!(spender.actor.code(&charge), "E-BUDGET-009");
    assert_eq!(admitted(&spender), 100);
}

/// Everything granted, and what is reserved and spent of it, by counter.
fn past_their_grant(admin: &mut Session) -> String {
    admin.value(
        "select count(*) from awooop.budget_counter c
         where (select coalesce(sum(l.reserved_tokens + l.spent_tokens), 0) from awooop.budget_counter_lane l
                where l.project_id = c.project_id and l.counter_id = c.counter_id) > c.granted_tokens
            or c.allotted_tokens > c.granted_tokens",
    )
}

#[test]
fn a_limit_that_is_changed_by_hand_holds_for_what_is_granted_next() {
    let mut books = Books::new();
    let update = |tokens: i64| {
        format!("update awooop.budget_limit set hard_tokens = {tokens} where level = 'project' and period = 'day'")
    };
    // Lowered: what the lanes were given may still be taken, and no more.
    books.admin.run(&update(400));
    admitted(&books.spender);
    let [spent, reserved, ..] = books.spender.tokens("day");
    assert!(spent + reserved <= 1000, "{spent} and {reserved}");
    assert_eq!(past_their_grant(&mut books.admin), "0");
    books.spender.check();
    // Raised: it holds to the unit.
    books.admin.run(&update(3000));
    admitted(&books.spender);
    let [spent, reserved, overrun, left] = books.spender.tokens("day");
    assert_eq!((spent + reserved, overrun, left), (3000, 0, 0));
    assert_eq!(past_their_grant(&mut books.admin), "0");
    books.spender.check();
    // Set by the operation it holds at once, whatever was given before.
    books.admin.run("delete from awooop.budget_limit where level = 'project'");
    books.spender.hold(500);
    books.spender.limit("day", 3600);
    assert_eq!(admitted(&books.spender), 100);
    assert_eq!(past_their_grant(&mut books.admin), "0");
    books.spender.check();
}

#[test]
fn the_ledger_and_the_prices_are_append_only_for_everybody() {
    let mut books = Books::new();
    let before = books.rows();
    let partitions = books
        .admin
        .rows(
            "select inhrelid::regclass::text from pg_inherits where inhparent = 'awooop.budget_ledger'::regclass
             union all values ('awooop.budget_ledger'), ('awooop.budget_price')",
        )
        .expect("partitions");
    assert!(partitions.len() > 3);
    for hat in HATS {
        for table in partitions.iter().flatten().flatten() {
            let change = if table.ends_with("price") { "input_micro_usd = 0" } else { "spent_tokens = 0" };
            for sql in [
                format!("update {table} set {change}"),
                format!("delete from {table}"),
                format!("truncate {table}"),
                format!("truncate {table} cascade"),
                format!("with gone as (delete from {table} returning 1) select * from gone"),
                format!("merge into {table} t using (values (1)) v (n) on true when matched then delete"),
            ] {
                match books.attempt(hat, &Deed::Sql(sql.clone())) {
                    // Of rows that the policies hide, PostgreSQL's MERGE says so itself.
                    Err(failure) if sql.starts_with("merge") && hat.ends_with("owner") => {
                        assert!(["E-AUDIT-001", "42501"].contains(&failure.code().as_str()), "{sql}: {failure:?}");
                    }
                    Err(failure) => assert_eq!(failure.code(), "E-AUDIT-001", "{hat} {sql}: {failure:?}"),
                    // Their triggers stand on rows: where there is none, nothing happened.
                    Ok(()) => assert!(!sql.starts_with("truncate"), "{hat} {sql}"),
                }
            }
        }
        assert_eq!(books.rows(), before, "{hat}");
    }
    books.spender.check();
}

/// What is wrong, as budget_check lists it.
fn differences(spender: &mut Spender) -> Vec<String> {
    let checked = spender.actor.call("select awooop.budget_check()");
    let listed: Vec<String> =
        checked["differences"].as_array().expect("differences").iter().map(|one| text(&one["in"])).collect();
    assert_eq!(checked["ok"], listed.is_empty(), "{checked}");
    listed
}

#[test]
fn an_entry_that_was_forged_in_the_ledger_is_found() {
    let mut books = Books::new();
    let partition = books
        .admin
        .value("select tableoid::regclass::text from awooop.budget_ledger order by recorded_at desc limit 1");
    let unknown = "'escrow_id', gen_random_uuid(), 'seq', 1, 'idempotency_key', null";
    let nothing = "'reserved_tokens', 0, 'spent_tokens', 0, 'overrun_tokens', 0";
    for (table, made) in [
        ("awooop.budget_ledger", vec!["'seq', 99, 'idempotency_key', null, 'spent_tokens', -100".to_owned()]),
        (&partition, vec!["'seq', 99, 'idempotency_key', null, 'spent_tokens', 100".to_owned()]),
        // One that changes nothing, but is no entry of its escrow.
        (&partition, vec![format!("'seq', 99, 'idempotency_key', null, {nothing}")]),
        (&partition, vec![format!("{unknown}, {nothing}, 'spent_tokens', -100")]),
        (&partition, vec![format!("{unknown}, {nothing}, 'overrun_tokens', 1")]),
        // Two whose sum is nothing, in two windows: the day's counter that is opened tomorrow would begin below.
        (
            &partition,
            vec![
                format!("{unknown}, {nothing}, 'spent_tokens', 100, 'window_at', t.window_at - interval '40 days'"),
                format!("{unknown}, {nothing}, 'spent_tokens', -100, 'window_at', t.window_at + interval '40 days'"),
            ],
        ),
    ] {
        assert_eq!(differences(&mut books.spender), Vec::<String>::new());
        books.admin.run("begin");
        for changed in &made {
            books.admin.run(&format!(
                "insert into {table} select (jsonb_populate_record(t, jsonb_build_object({changed}))).*
                 from {partition} t order by t.recorded_at limit 1"
            ));
        }
        // Within the transaction, since an entry stays for ever.
        let project = books.spender.project.id.clone();
        books.admin.run(&format!("select awooop.enter_project('{project}')"));
        let checked = books.admin.json("select awooop.budget_check()");
        assert_eq!(checked["ok"], false, "{made:?}");
        assert_ne!(checked["differences"], json!([]));
        books.admin.run("rollback");
    }
}
