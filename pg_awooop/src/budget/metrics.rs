//! Budgets in the text format of Prometheus, for a scraper that sends the project's key.

use std::fmt::Write as _;

use awooop_policy::argument::Arguments;
use serde_json::Value;

use super::status;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::Outcome;
use crate::metrics::label;

/// A gauge, and where its value stands in a limit of `budget_status`.
const GAUGES: [(&str, &str, &str); 5] = [
    ("awooop_budget_limit", "hard", "What a budget may hold at most."),
    ("awooop_budget_spent", "spent", "What is spent of a budget."),
    ("awooop_budget_reserved", "reserved", "What is reserved of a budget."),
    ("awooop_budget_overrun", "overrun", "What was used of a budget past every reservation."),
    ("awooop_budget_left", "left", "What is left of a budget."),
];

/// Operation `budget_metrics`.
pub(crate) fn metrics(caller: &Caller, _arguments: &Arguments) -> Outcome<Answer> {
    let status = status::of(caller, |_, _| true)?;
    let project = label(&caller.project_id);
    let limits = || status["limits"].as_array().into_iter().flatten();
    let mut text = String::new();
    for (name, member, help) in GAUGES {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for limit in limits() {
            // What holds for each of many has no count of its own.
            let is_common = limit["target"] == "*" || limit["period"] == "run" && limit["level"] != "run";
            if is_common && member != "hard" {
                continue;
            }
            let word = |member: &str| label(limit[member].as_str().unwrap_or_default());
            for unit in ["tokens", "micro_usd"] {
                // A unit that has no limit here has no line either, or it would look like one of nothing.
                let (Some(value), false) = (limit[unit][member].as_i64(), limit[unit]["hard"].is_null()) else {
                    continue;
                };
                let _ = writeln!(
                    text,
                    "{name}{{project=\"{project}\",level=\"{}\",target=\"{}\",period=\"{}\",unit=\"{unit}\"}} {value}",
                    word("level"),
                    word("target"),
                    word("period"),
                );
            }
        }
    }
    let _ = writeln!(
        text,
        "# HELP awooop_budget_switch Where a budget is paused (1) or killed (2).\n# TYPE awooop_budget_switch gauge"
    );
    for switch in status["switches"].as_array().into_iter().flatten() {
        let word = |member: &str| label(switch[member].as_str().unwrap_or_default());
        let value = if switch["state"] == "paused" { 1 } else { 2 };
        let _ = writeln!(
            text,
            "awooop_budget_switch{{project=\"{project}\",level=\"{}\",target=\"{}\"}} {value}",
            word("level"),
            word("target"),
        );
    }
    Ok(Answer::ok(Value::from(text).to_string()))
}
