//! The answer to whoever wants to call: one shape, whatever the verdict.

use serde_json::{Value, json};
use uuid::Uuid;

use super::call::Call;
use super::scene::Scene;
use crate::door::Answer;

/// Which call the answer is about.
pub(super) struct Which<'a> {
    pub(super) call_id: Uuid,
    pub(super) run_id: Uuid,
    pub(super) step_key: &'a str,
    pub(super) tool: &'a str,
}

impl<'a> Which<'a> {
    pub(super) fn stored(call: &'a Call) -> Self {
        Which { call_id: call.call_id, run_id: call.run_id, step_key: &call.step_key, tool: &call.tool }
    }

    pub(super) fn new(call_id: Uuid, run_id: Uuid, scene: &'a Scene, tool: &'a str) -> Self {
        Which { call_id, run_id, step_key: scene.step_key(), tool }
    }
}

/// A verdict on a call, with what comes with it; the other members are null.
pub(super) fn verdict<const N: usize>(verdict: &str, which: &Which, members: [(&str, Value); N]) -> Answer {
    let mut body = json!({
        "verdict": verdict, "call_id": which.call_id, "run_id": which.run_id, "step_key": which.step_key, "tool": which.tool,
        "lease": null, "ticket": null, "upstream": null, "credential": null, "approval": null, "request_state": null,
        "result": null
    });
    for (name, value) in members {
        body[name] = value;
    }
    Answer::ok(body.to_string())
}
