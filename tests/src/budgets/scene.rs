//! Somebody who spends, and whose books are checked.

use serde_json::{Value, json};

use crate::harness::answer::literal;
use crate::harness::quiet::Claim;
use crate::harness::{Actor, Project};

/// A project's actor who reserves, charges and looks at the books.
pub struct Spender {
    pub actor: Actor,
    pub project: Project,
}

impl Spender {
    /// In a project of its own.
    pub fn new() -> Self {
        Self::of(&Project::new())
    }

    /// One more session of a project.
    pub fn of(project: &Project) -> Self {
        Self { actor: project.actor(), project: project.clone() }
    }

    /// Sets a limit in tokens of the project.
    #[track_caller]
    pub fn limit(&mut self, period: &str, hard_tokens: i64) -> Value {
        self.actor.call(&format!("select awooop.set_budget('project', '{period}', hard_tokens => {hard_tokens})"))
    }

    /// Reserves tokens outside of a run; the answer, be it a refusal.
    #[track_caller]
    pub fn reserve(&mut self, tokens: i64) -> Value {
        self.reserve_as("7", tokens, "")
    }

    /// The same for a person, with further arguments.
    #[track_caller]
    pub fn reserve_as(&mut self, user: &str, tokens: i64, options: &str) -> Value {
        let envelope = self.actor.call(&format!("select awooop.build_envelope('agent', 'telegram', '{user}')"));
        let envelope = literal(&envelope.to_string());
        self.actor.call(&format!("select awooop.reserve_budget({envelope}, tokens => {tokens}{options})"))
    }

    /// Reserves what must fit; the reservation's id.
    #[track_caller]
    pub fn hold(&mut self, tokens: i64) -> String {
        let answer = self.reserve(tokens);
        answer["reservation_id"].as_str().unwrap_or_else(|| panic!("refused: {answer}")).to_owned()
    }

    #[track_caller]
    pub fn settle(&mut self, reservation: &str, tokens: i64) -> Value {
        self.actor.call(&format!("select awooop.settle_budget('{reservation}', tokens => {tokens})"))
    }

    #[track_caller]
    pub fn release(&mut self, reservation: &str) -> Value {
        self.actor.call(&format!("select awooop.release_budget('{reservation}')"))
    }

    /// A run that this actor holds.
    #[track_caller]
    pub fn run(&mut self, options: &str) -> Claim {
        let id = self.actor.create_id(options);
        let claim = self.actor.claim_one("worker");
        assert_eq!(claim.run, id);
        claim
    }

    #[track_caller]
    pub fn complete(&mut self, run: &Claim) {
        assert_eq!(self.actor.call(&run.sql("complete_run", ""))["state"], "completed");
    }

    #[track_caller]
    pub fn charge(&mut self, run: &Claim, tokens: i64) -> Value {
        self.charge_with(run, &format!(", tokens => {tokens}"))
    }

    #[track_caller]
    pub fn charge_with(&mut self, run: &Claim, options: &str) -> Value {
        let (id, lease) = (&run.run, &run.lease);
        self.actor.call(&format!("select awooop.settle_budget(run_id => '{id}', lease => '{lease}'{options})"))
    }

    /// A reservation within a run.
    #[track_caller]
    pub fn reserve_in(&mut self, run: &Claim, tokens: i64, options: &str) -> Value {
        let mut envelope = self.actor.envelope();
        envelope["run_id"] = json!(run.run);
        let (envelope, lease) = (literal(&envelope.to_string()), &run.lease);
        self.actor
            .call(&format!("select awooop.reserve_budget({envelope}, tokens => {tokens}, lease => '{lease}'{options})"))
    }

    /// What is used of the project's limit of that period: spent, reserved, overrun, left.
    #[track_caller]
    pub fn tokens(&mut self, period: &str) -> [i64; 4] {
        let status = self.status();
        let limit = status["limits"]
            .as_array()
            .expect("limits")
            .iter()
            .find(|l| l["period"] == period && l["level"] == "project");
        let tokens = &limit.unwrap_or_else(|| panic!("no limit: {status}"))["tokens"];
        ["spent", "reserved", "overrun", "left"].map(|part| tokens[part].as_i64().unwrap_or(-1))
    }

    #[track_caller]
    pub fn status(&mut self) -> Value {
        self.actor.call("select awooop.budget_status()")
    }

    /// Spent, reserved and overrun of the whole project.
    #[track_caller]
    pub fn total(&mut self) -> [i64; 3] {
        let total = self.status()["total"].clone();
        ["spent", "reserved", "overrun"].map(|part| total[part]["tokens"].as_i64().unwrap_or(-1))
    }

    /// The books agree, to the unit.
    #[track_caller]
    pub fn check(&mut self) {
        check(&mut self.actor);
    }
}

/// The books of the actor's project agree, to the unit.
#[track_caller]
pub fn check(actor: &mut Actor) {
    let checked = actor.call("select awooop.budget_check()");
    assert_eq!((&checked["ok"], &checked["differences"]), (&json!(true), &json!([])), "{checked}");
}

/// The code of an answer, empty where it is no refusal.
pub fn code(answer: &Value) -> &str {
    answer["code"].as_str().unwrap_or_default()
}
