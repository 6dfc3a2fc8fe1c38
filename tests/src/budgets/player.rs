//! One session of the model: it works at random, and keeps what it was told.

use std::collections::BTreeMap;

use postgres::Statement;
use postgres::types::ToSql;
use serde_json::Value;

use super::clients::{Client, Dice};
use super::scene::code;
use crate::harness::quiet::{Claim, claims};
use crate::harness::{Failure, Project, Session};

pub const AGENTS: [&str; 2] = ["a", "b"];
pub const USERS: [&str; 4] = ["1", "2", "3", "4"];

/// Where a limit is: level and target.
pub type Scope = (String, String);

/// Whose work something is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Who {
    pub agent: usize,
    pub user: usize,
}

impl Who {
    /// Everything that it counts in.
    pub fn scopes(self, project: &str) -> [Scope; 3] {
        [
            ("project".to_owned(), String::new()),
            ("agent".to_owned(), AGENTS[self.agent].to_owned()),
            ("subject".to_owned(), format!("{project}:telegram:{}", USERS[self.user])),
        ]
    }
}

/// What was told of a scope.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Told {
    pub spent: i64,
    pub overrun: i64,
    /// Outside of runs.
    pub held: i64,
}

#[derive(Debug)]
pub struct Refusal {
    pub scope: Scope,
    pub asked: i64,
    pub left: i64,
}

struct Run {
    claim: Claim,
    who: Who,
    reserve: Statement,
    calls: Vec<(String, i64)>,
}

/// Statements that every session prepares once.
struct Prepared {
    reserve: Vec<(Who, Statement)>,
    create: Vec<Statement>,
    settle: Statement,
    settle_call: Statement,
    release: Statement,
    release_call: Statement,
    charge: Statement,
    claim: Statement,
    complete: Statement,
    fail: Statement,
    status: Statement,
}

pub struct Player {
    name: String,
    project: String,
    session: Session,
    prepared: Prepared,
    dice: Dice,
    keys: usize,
    held: Vec<(String, i64, Who)>,
    runs: Vec<Run>,
    pub told: BTreeMap<Scope, Told>,
    pub refusals: Vec<Refusal>,
    /// Limits that it has set since the last look.
    pub set: Vec<(Scope, i64)>,
    /// What a limit is set above, by scope.
    pub base: BTreeMap<Scope, i64>,
}

impl Player {
    pub fn new(project: &Project, n: usize, seed: usize) -> Self {
        let mut client = Client::of(project);
        let whos: Vec<Who> =
            (0..AGENTS.len()).flat_map(|agent| (0..USERS.len()).map(move |user| Who { agent, user })).collect();
        let envelopes: Vec<String> =
            whos.iter().map(|who| client.envelope(AGENTS[who.agent], USERS[who.user])).collect();
        let mut session = client.session;
        // What a crash would lose is another test's.
        session.run("set synchronous_commit = off");
        let mut prepare = |sql: String| session.0.prepare(&sql).expect("a statement");
        let amount = |n: usize| format!("tokens => ${n}::int8, micro_usd => 3 * ${n}::int8");
        let prepared = Prepared {
            reserve: whos
                .iter()
                .zip(&envelopes)
                .map(|(who, envelope)| {
                    let sql =
                        format!("select awooop.reserve_budget({envelope}, {}, idempotency_key => $2)::text", amount(1));
                    (*who, prepare(sql))
                })
                .collect(),
            create: envelopes
                .iter()
                .map(|envelope| prepare(format!("select awooop.create_run({envelope}, max_attempts => 20)::text")))
                .collect(),
            settle: prepare(format!("select awooop.settle_budget($1::text::uuid, {})::text", amount(2))),
            settle_call: prepare(format!(
                "select awooop.settle_budget($1::text::uuid, {}, lease => $3)::text",
                amount(2)
            )),
            release: prepare("select awooop.release_budget($1::text::uuid)::text".to_owned()),
            release_call: prepare("select awooop.release_budget($1::text::uuid, $2)::text".to_owned()),
            charge: prepare(format!(
                "select awooop.settle_budget(run_id => $1::text::uuid, lease => $3, {})::text",
                amount(2)
            )),
            claim: prepare("select awooop.claim_runs($1)::text".to_owned()),
            complete: prepare("select awooop.complete_run($1::text::uuid, $2)::text".to_owned()),
            fail: prepare("select awooop.fail_run($1::text::uuid, $2, 'x', retryable => false)::text".to_owned()),
            status: prepare("select awooop.budget_status()::text".to_owned()),
        };
        Player {
            name: format!("w{n}"),
            project: project.id.clone(),
            session,
            prepared,
            dice: Dice::new(seed),
            keys: 0,
            held: Vec::new(),
            runs: Vec::new(),
            told: BTreeMap::new(),
            refusals: Vec::new(),
            set: Vec::new(),
            base: BTreeMap::new(),
        }
    }

    fn ask(&mut self, statement: &Statement, parameters: &[&(dyn ToSql + Sync)]) -> Value {
        match self.session.0.query_one(statement, parameters) {
            Ok(row) => serde_json::from_str(row.get(0)).expect("JSON"),
            Err(error) => panic!("{:?}", Failure::from(&error)),
        }
    }

    fn note(&mut self, who: Who, change: impl Fn(&mut Told)) {
        for scope in who.scopes(&self.project) {
            change(self.told.entry(scope).or_default());
        }
    }

    fn refused(&mut self, answer: &Value, asked: i64) {
        assert_eq!(code(answer), "E-BUDGET-001", "{answer}");
        let text = |name: &str| answer[name].as_str().expect("a text").to_owned();
        let left = answer["left"]["tokens"].as_i64().expect("a number");
        self.refusals.push(Refusal { scope: (text("level"), text("target")), asked, left });
    }

    /// Something that is one operation, or at most two.
    pub fn play(&mut self) {
        match self.dice.roll(1, 1000) {
            1..=380 => self.reserve(),
            381..=580 => self.settle(),
            581..=690 => self.release(),
            691..=900 => self.charge(),
            901..=960 => self.call(),
            961..=990 => self.turn(),
            991..=994 => self.limit(),
            _ => {
                let status = self.prepared.status.clone();
                assert!(self.ask(&status, &[])["limits"].is_array());
            }
        }
    }

    fn reserve(&mut self) {
        let (who, statement) = self.dice.pick(&self.prepared.reserve).clone();
        let tokens = self.dice.roll(1, 120);
        self.keys += 1;
        let key = (self.dice.roll(1, 4) == 1).then(|| format!("{} {}", self.name, self.keys));
        let answer = self.ask(&statement, &[&tokens, &key]);
        let Some(id) = answer["reservation_id"].as_str() else { return self.refused(&answer, tokens) };
        if key.is_some() {
            let again = self.ask(&statement, &[&tokens, &key]);
            assert_eq!((&again["created"], &again["reservation_id"]), (&false.into(), &answer["reservation_id"]));
        }
        self.held.push((id.to_owned(), tokens, who));
        self.note(who, |told| told.held += tokens);
    }

    fn taken(&mut self) -> Option<(String, i64, Who)> {
        let last = i64::try_from(self.held.len()).expect("a number") - 1;
        (last >= 0).then(|| self.held.swap_remove(usize::try_from(self.dice.roll(0, last)).expect("an index")))
    }

    fn settle(&mut self) {
        let Some((id, held, who)) = self.taken() else { return self.reserve() };
        let used = match self.dice.roll(1, 10) {
            1..=6 => self.dice.roll(0, held),
            7..=8 => held,
            _ => held + self.dice.roll(1, 60),
        };
        let statement = self.prepared.settle.clone();
        let answer = self.ask(&statement, &[&id, &used]);
        assert_eq!((answer["outcome"].as_str(), answer["tokens"].as_i64()), (Some("settled"), Some(used)), "{answer}");
        let over = answer["overrun"]["tokens"].as_i64().expect("a number");
        assert!(over <= (used - held).max(0), "{answer}");
        self.note(who, |told| {
            told.held -= held;
            told.spent += used - over;
            told.overrun += over;
        });
    }

    fn release(&mut self) {
        let Some((id, held, who)) = self.taken() else { return self.reserve() };
        let statement = self.prepared.release.clone();
        assert_eq!(self.ask(&statement, &[&id])["outcome"], "released");
        self.note(who, |told| told.held -= held);
    }

    /// Notes what a run was charged; whether it goes on.
    fn charged(&mut self, who: Who, answer: &Value) -> bool {
        let stopped = code(answer) == "E-BUDGET-004";
        assert!(stopped || code(answer).is_empty(), "{answer}");
        let used = if stopped { &answer["used"]["tokens"] } else { &answer["tokens"] }.as_i64().expect("a number");
        let over = answer["overrun"]["tokens"].as_i64().expect("a number");
        assert_eq!(stopped, over > 0);
        self.note(who, |told| {
            told.spent += used - over;
            told.overrun += over;
        });
        !stopped
    }

    /// A run that this session holds, out of its hands.
    fn run(&mut self) -> Option<Run> {
        let last = i64::try_from(self.runs.len()).expect("a number") - 1;
        (last >= 0).then(|| self.runs.swap_remove(usize::try_from(self.dice.roll(0, last)).expect("an index")))
    }

    /// What is still open in a run that has ended is booked whole.
    fn ended(&mut self, run: &Run) {
        let open: i64 = run.calls.iter().map(|(_, tokens)| tokens).sum();
        self.note(run.who, |told| told.spent += open);
    }

    fn charge(&mut self) {
        let Some(run) = self.run() else { return self.turn() };
        let tokens = self.dice.roll(0, 40);
        let statement = self.prepared.charge.clone();
        let answer = self.ask(&statement, &[&run.claim.run, &tokens, &run.claim.lease]);
        if self.charged(run.who, &answer) { self.runs.push(run) } else { self.ended(&run) }
    }

    fn call(&mut self) {
        let Some(mut run) = self.run() else { return self.turn() };
        match (self.dice.roll(1, 3), run.calls.pop()) {
            (1, Some((id, held))) => {
                let used = self.dice.roll(0, 2 * held);
                let statement = self.prepared.settle_call.clone();
                let answer = self.ask(&statement, &[&id, &used, &run.claim.lease]);
                if !self.charged(run.who, &answer) {
                    return self.ended(&run);
                }
            }
            (2, Some((id, _))) => {
                let statement = self.prepared.release_call.clone();
                assert_eq!(self.ask(&statement, &[&id, &run.claim.lease])["outcome"], "released");
            }
            (_, kept) => {
                run.calls.extend(kept);
                let tokens = self.dice.roll(1, 40);
                let answer = self.ask(&run.reserve, &[&tokens, &run.claim.lease]);
                match answer["reservation_id"].as_str() {
                    Some(id) => run.calls.push((id.to_owned(), tokens)),
                    None => assert_eq!(code(&answer), "E-BUDGET-001", "{answer}"),
                }
            }
        }
        self.runs.push(run);
    }

    /// A run begins or ends.
    fn turn(&mut self) {
        if self.runs.len() > 2
            && let Some(run) = self.run()
        {
            let done = self.dice.roll(1, 3) > 1;
            let statement = if done { self.prepared.complete.clone() } else { self.prepared.fail.clone() };
            let state = if done { "completed" } else { "failed" };
            assert_eq!(self.ask(&statement, &[&run.claim.run, &run.claim.lease])["state"], state);
            return self.ended(&run);
        }
        let create = self.dice.pick(&self.prepared.create).clone();
        let created = self.ask(&create, &[]);
        assert!(created["run_id"].is_string() || code(&created) == "E-BUDGET-001", "{created}");
        let (claim, name) = (self.prepared.claim.clone(), self.name.clone());
        for claim in claims(&self.ask(&claim, &[&name])) {
            let mut envelope = claim.json["envelope"].clone();
            let user = envelope["channel_user_id"].as_str();
            let who = Who {
                agent: AGENTS.iter().position(|agent| envelope["agent_id"] == *agent).expect("an agent"),
                user: USERS.iter().position(|known| Some(*known) == user).expect("a user"),
            };
            envelope["run_id"] = claim.run.as_str().into();
            let sql = format!(
                "select awooop.reserve_budget({}, tokens => $1::int8, micro_usd => 3 * $1::int8, lease => $2)::text",
                crate::harness::literal(&envelope.to_string())
            );
            let reserve = self.session.0.prepare(&sql).expect("a statement");
            self.runs.push(Run { claim, who, reserve, calls: Vec::new() });
        }
    }

    fn limit(&mut self) {
        let scopes: Vec<Scope> = self.base.keys().cloned().collect();
        let scope = self.dice.pick(&scopes).clone();
        let tokens = (self.base[&scope] + self.dice.roll(-500, 6000)).max(0);
        // Noted before it is asked for: from then on it may hold.
        self.set.push((scope.clone(), tokens));
        set_limit(&mut self.session, &scope, tokens);
    }
}

/// Sets the limit of a scope.
pub fn set_limit(session: &mut Session, (level, target): &Scope, tokens: i64) {
    let period = match level.as_str() {
        "project" => "lifetime",
        "agent" => "month",
        _ => "day",
    };
    let target = if target.is_empty() { "null".to_owned() } else { format!("'{target}'") };
    session.run(&format!("select awooop.set_budget('{level}', '{period}', {target}, hard_tokens => {tokens})"));
}
