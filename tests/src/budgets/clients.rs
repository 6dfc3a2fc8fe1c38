//! Clients that act at once. Their login is pinned to the project, so that an operation is one statement, one transaction
//! and one round trip.

use std::sync::OnceLock;

use serde_json::Value;

use super::scene::code;
use crate::harness::answer::literal;
use crate::harness::quiet::{Claim, EVERY_SCOPE, claims, superuser_in};
use crate::harness::race::wait_for_a_waiter;
use crate::harness::{Failure, OwnServer, Project, Session, contracts, own_database};

/// A project whose clients need not enter it, with the agents `a` and `b`.
pub fn pinned(project: &Project) {
    let (id, role, mut admin) = (&project.id, &project.role, project.admin());
    for agent in ["a", "b"] {
        contracts::add_agent(&mut admin, id, agent);
    }
    admin
        .run(&format!("select awooop.bind_role('{role}', '{id}', string_to_array('{EVERY_SCOPE}', ','), pin => true)"));
}

/// The same in a database for those who act at once: what they leave in the audit log must keep nobody else's tests waiting.
pub fn busy_project() -> Project {
    static DATABASE: OnceLock<String> = OnceLock::new();
    let project = Project::in_database(DATABASE.get_or_init(database_under_a_ceiling));
    pinned(&project);
    project
}

/// A database whose platform has ceilings that nobody reaches: everything that is taken and given back is counted there, too.
fn database_under_a_ceiling() -> String {
    let (database, mut admin) = own_database();
    set_ceilings(&mut admin);
    database
}

/// What is taken of the platform's ceilings is what all ledgers say.
#[track_caller]
pub fn check_platform(admin: &mut Session) {
    let checked = admin.json("select awooop.platform_budget_check()");
    assert_eq!(checked["ok"], true, "{checked}");
}

/// Ceilings that nobody reaches.
pub fn set_ceilings(admin: &mut Session) {
    for period in ["day", "lifetime"] {
        admin.run(&format!("select awooop.set_platform_budget('{period}', hard_tokens => 100000000000000)"));
    }
}

/// The same in a database where nobody else lets reservations expire.
pub fn alone() -> Project {
    let project = Project::in_database(&database_under_a_ceiling());
    pinned(&project);
    project
}

/// One client, in a session of its own.
pub struct Client {
    pub session: Session,
    /// The database, where the shared server has it.
    database: Option<String>,
}

impl Client {
    pub fn on(server: &OwnServer, role: &str) -> Self {
        Self { session: server.connect(role), database: None }
    }

    pub fn of(project: &Project) -> Self {
        Self { session: project.actor().session, database: Some(project.database.clone()) }
    }

    /// The answer to a statement; what was raised, in the error.
    pub fn attempt(&mut self, sql: &str) -> Result<Value, Failure> {
        self.session.ask(sql).map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// The answer to a statement that raises nothing: no deadlock, no conflict, no lost race.
    #[track_caller]
    pub fn call(&mut self, sql: &str) -> Value {
        match self.attempt(sql) {
            Ok(answer) => answer,
            Err(failure) => panic!("{sql}\nfailed with {failure:?}"),
        }
    }

    /// An envelope as an SQL literal.
    #[track_caller]
    pub fn envelope(&mut self, agent: &str, user: &str) -> String {
        literal(&self.call(&format!("select awooop.build_envelope('{agent}', 'telegram', '{user}')")).to_string())
    }

    /// The same for work in a run.
    #[track_caller]
    pub fn envelope_in(&mut self, run: &Claim) -> String {
        let mut envelope = run.json["envelope"].clone();
        envelope["run_id"] = run.run.as_str().into();
        literal(&envelope.to_string())
    }

    /// Reserves; the reservation's id, or nothing where a limit has no room.
    #[track_caller]
    pub fn reserve(&mut self, envelope: &str, tokens: i64, options: &str) -> Option<String> {
        reserved(&self.call(&reserve(envelope, tokens, options)))
    }

    #[track_caller]
    pub fn settle(&mut self, reservation: &str, tokens: i64) -> Value {
        self.call(&format!("select awooop.settle_budget('{reservation}', tokens => {tokens})"))
    }

    #[track_caller]
    pub fn release(&mut self, reservation: &str) -> Value {
        self.call(&format!("select awooop.release_budget('{reservation}')"))
    }

    /// Charges a run; with the price named, so that what fits takes the short way.
    #[track_caller]
    pub fn charge(&mut self, run: &Claim, tokens: i64, options: &str) -> Value {
        let (id, lease) = (&run.run, &run.lease);
        self.call(&format!(
            "select awooop.settle_budget(run_id => '{id}', lease => '{lease}', tokens => {tokens}, micro_usd => 0{options})"
        ))
    }

    /// Claims a run, if there is one.
    #[track_caller]
    pub fn claim(&mut self, worker: &str) -> Option<Claim> {
        claims(&self.call(&format!("select awooop.claim_runs('{worker}')"))).pop()
    }

    /// Spent, reserved and overrun of a limit; nothing where nobody has used it.
    #[track_caller]
    pub fn used(&mut self, level: &str, target: &str) -> [i64; 3] {
        let status = self.call("select awooop.budget_status()");
        let limit = status["limits"]
            .as_array()
            .expect("limits")
            .iter()
            .find(|limit| limit["level"] == level && limit["target"] == target && limit["period"] != "run");
        limit.map_or([0; 3], |limit| {
            ["spent", "reserved", "overrun"].map(|part| limit["tokens"][part].as_i64().expect("a number"))
        })
    }

    /// Spent, reserved and overrun of everything.
    #[track_caller]
    pub fn total(&mut self) -> [i64; 3] {
        let total = self.call("select awooop.budget_status() -> 'total'");
        ["spent", "reserved", "overrun"].map(|part| total[part]["tokens"].as_i64().expect("a number"))
    }

    /// The books agree, to the unit.
    #[track_caller]
    pub fn check(&mut self) {
        let checked = self.call("select awooop.budget_check()");
        assert_eq!((&checked["ok"], &checked["differences"]), (&true.into(), &serde_json::json!([])), "{checked}");
        // In one snapshot, so that others may be at work.
        if let Some(database) = &self.database {
            check_platform(&mut superuser_in(database));
        }
    }

    /// Lets every reservation whose time comes expire, until nothing is held any more.
    #[track_caller]
    pub fn outlive(&mut self, project: &Project) {
        let mut admin = project.admin();
        crate::harness::answer::eventually("the end of every reservation", || {
            admin.run("select awooop.maintain()");
            self.total()[1] == 0
        });
        self.check();
    }
}

/// Lets `holder` run `first` in an open transaction, and a new session run into it with `second`; what each got.
pub fn collide(project: &Project, holder: &mut Client, first: &str, second: &str) -> [Value; 2] {
    let mut other = Client::of(project);
    holder.call("begin");
    let one = holder.call(first);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || other.call(second));
        wait_for_a_waiter(&mut project.admin(), &mut holder.session);
        holder.call("commit");
        [one, waiting.join().unwrap_or_else(|cause| std::panic::resume_unwind(cause))]
    })
}

/// SQL of a reservation.
pub fn reserve(envelope: &str, tokens: i64, options: &str) -> String {
    format!("select awooop.reserve_budget({envelope}, tokens => {tokens}{options})")
}

/// The reservation of an answer, or nothing where a limit had no room.
#[track_caller]
pub fn reserved(answer: &Value) -> Option<String> {
    match answer["reservation_id"].as_str() {
        Some(id) => Some(id.to_owned()),
        None => {
            assert_eq!(code(answer), "E-BUDGET-001", "{answer}");
            None
        }
    }
}

/// Numbers that look random and are the same in every run of a test.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: usize) -> Self {
        Self(seed as u64 + 1)
    }

    /// From `from` to `to`, both possible.
    pub fn roll(&mut self, from: i64, to: i64) -> i64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        from + i64::try_from(mixed % u64::try_from(to - from + 1).expect("a range")).expect("a number")
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.roll(0, of.len() as i64 - 1)).expect("an index")]
    }
}
