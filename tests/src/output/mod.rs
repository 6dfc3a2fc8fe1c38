//! What a model returned, judged for a run: read and mended, told what is wrong, three failures in all.

mod attempts;
mod completing;
mod failing;
mod fences;
mod over_http;
mod races;
mod reading;
mod stored;

use serde_json::{Value, json};

use crate::harness::contracts::{activate, agent_contract};
use crate::harness::quiet::{Claim, expire};
use crate::harness::{Actor, Project, Session, literal};

/// What the run contract of most of these tests asks for.
fn answer() -> Value {
    json!({
        "type": "object", "required": ["answer"], "additionalProperties": false,
        "properties": {"answer": {"type": "string", "maxLength": 40}, "score": {"type": "integer", "maximum": 10}}
    })
}

/// Makes a run contract with this output schema and these further members active, and the contract of the agent `agent`
/// with it, which has a schema of its own if one is given.
fn contracts(admin: &mut Session, project: &str, run: &Value, more: &Value, agent: Option<&Value>) {
    let mut contract = json!({
        "kind": "run", "contract_version": 1, "name": "answers", "input_schema": {}, "output_schema": run
    });
    for (name, value) in more.as_object().expect("members") {
        contract[name] = value.clone();
    }
    activate(admin, project, &contract);
    let mut contract = agent_contract("agent");
    contract["run_contract"] = json!("answers");
    if let Some(schema) = agent {
        contract["output_schema"] = schema.clone();
    }
    activate(admin, project, &contract);
}

/// A project whose agent answers as [`answer`] says.
fn project() -> Project {
    project_with(&answer(), &json!({}), None)
}

fn project_with(run: &Value, more: &Value, agent: Option<&Value>) -> Project {
    let project = Project::new();
    contracts(&mut project.admin(), &project.id, run, more, agent);
    project
}

/// A worker of the project with a run of its own.
fn working(project: &Project) -> (Actor, Claim) {
    let mut actor = project.actor();
    actor.create("");
    let claim = actor.claim_one("w");
    (actor, claim)
}

/// SQL that has a text judged; `rest` are further arguments, beginning with a comma.
fn judging(claim: &Claim, raw: &str, rest: &str) -> String {
    claim.sql("validate_output", &format!(", {}{rest}", literal(raw)))
}

fn judge(actor: &mut Actor, claim: &Claim, raw: &str) -> Value {
    actor.call(&judging(claim, raw, ""))
}

/// Ends the run with a result, if it is accepted.
fn complete(actor: &mut Actor, claim: &Claim, result: &Value) -> Value {
    actor.call(&claim.sql("complete_run", &format!(", {}", literal(&result.to_string()))))
}

/// Takes the run from its worker, as time does when it has died, and gives it to the next.
fn hand_on(project: &Project, actor: &mut Actor, run: &str) -> Claim {
    expire(&mut project.admin(), run);
    actor.reap();
    // It waits before it is tried again.
    project.admin().run(&format!(
        "update awooop.run_ready set available_at = clock_timestamp() where run_id = '{run}';
         update awooop.run_state set available_at = clock_timestamp() where run_id = '{run}'"
    ));
    actor.claim_one("next")
}

/// The keys of the outputs in the journal.
fn journaled(project: &Project, run: &str) -> String {
    project.admin().value(&format!(
        "select coalesce(string_agg(step_key, ' ' order by seq), '') from awooop.step_journal
         where run_id = '{run}' and kind = 'output'"
    ))
}

/// Whether it is valid, and how many failures are left.
fn told(answer: &Value) -> (bool, i64) {
    match (answer["valid"].as_bool(), answer["attempts_left"].as_i64()) {
        (Some(valid), Some(left)) => (valid, left),
        _ => panic!("no answer: {answer}"),
    }
}
