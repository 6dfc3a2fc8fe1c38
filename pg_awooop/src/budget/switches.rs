//! Switches: pause a budget, or switch it off.

use awooop_policy::argument::Arguments;
use awooop_policy::budget::{Level, Who};
use awooop_policy::error::{ErrorCode, Problem};
use serde_json::json;

use super::limits::target_of;
use super::sight::Sight;
use super::terms::{self, Terms};
use crate::audit;
use crate::caller::Caller;
use crate::directory::{self, Switches};
use crate::door::Answer;
use crate::fault::{Outcome, refuse};
use crate::redaction;
use crate::statement::statements;

statements! {
    PUT: writing [TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID] =
        "insert into awooop.budget_switch (project_id, level, target, state, reason, changed_by)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (project_id, level, target) do update
            set state = excluded.state, reason = excluded.reason, changed_by = excluded.changed_by,
                changed_at = clock_timestamp()";
    REMOVE: writing [TEXTOID, TEXTOID, TEXTOID] =
        "delete from awooop.budget_switch where project_id = $1 and level = $2 and target = $3";
}

/// How far work is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Switch {
    /// Nothing new is admitted.
    Paused,
    /// What is under way stops, too.
    Killed,
}

impl Switch {
    /// The switch of that name; what is not known stops everything.
    pub(crate) fn parse(name: &str) -> Switch {
        if name == "paused" { Switch::Paused } else { Switch::Killed }
    }

    const fn code(self) -> ErrorCode {
        match self {
            Switch::Paused => ErrorCode::BudgetPaused,
            Switch::Killed => ErrorCode::BudgetKilled,
        }
    }
}

/// The furthest switch that holds for the work, if one does.
pub(crate) fn standing(project_id: &str, who: &Who) -> Outcome<Option<(Switch, Problem)>> {
    let switches = directory::switches(project_id)?;
    Ok(furthest(&switches, who))
}

fn furthest(switches: &Switches, who: &Who) -> Option<(Switch, Problem)> {
    let held = switches.iter().filter(|(level, target, _)| who.target(*level) == target);
    held.max_by_key(|(.., switch)| *switch).map(|(level, target, switch)| {
        let problem = Problem::from(switch.code()).with("level", level.as_str()).with("target", target.as_str());
        (*switch, problem)
    })
}

/// Refuses new work where a switch holds.
pub(crate) fn ensure_on(project_id: &str, who: &Who) -> Outcome<()> {
    match standing(project_id, who)? {
        Some((_, problem)) => refuse(problem),
        None => Ok(()),
    }
}

/// The same by the terms that a lane or the sight has just proved to be those of now: a switch that was set while somebody
/// waited for them stops him, too. The platform's proves itself by no lane; whether it was set since, the session knows.
pub(super) fn ensure_still_on(terms: &Terms, project_id: &str, who: &Who) -> Outcome<()> {
    match furthest(&terms.switches, who) {
        Some((_, problem)) => refuse(problem),
        None => ensure_on(project_id, who),
    }
}

/// The problem of work that is under way and must stop.
pub(super) fn killed(project_id: &str, who: &Who) -> Outcome<Option<Problem>> {
    Ok(standing(project_id, who)?.filter(|(switch, _)| *switch == Switch::Killed).map(|(_, problem)| problem))
}

/// Operation `switch_budget`.
pub(crate) fn set(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (level, target) = target_of(arguments, false)?;
    let state = arguments.text("state");
    let reason = redaction::stored(arguments.optional_text("reason"));
    let reason = reason.as_deref();
    let project_id = caller.project_id.as_str();
    // Whoever is about to be admitted is, or sees the switch.
    let sight = Sight::take(project_id)?;
    let key = [project_id.into(), level.as_str().into(), target.as_str().into()];
    if state == "active" {
        REMOVE.with(|s| s.run(&key))?;
    } else {
        let [a, b, c] = key;
        PUT.with(|s| s.run(&[a, b, c, state.into(), reason.into(), caller.principal_id.as_str().into()]))?;
    }
    sight.changed(sight.live(terms::now())?.into_iter().map(|(id, ..)| id).collect())?;
    let entry = audit::Entry {
        agent_id: (level == Level::Agent).then_some(target.as_str()),
        platform_subject_id: (level == Level::Subject).then_some(target.as_str()),
        ..audit::Entry::default()
    };
    let entry =
        entry.with("level", level.as_str()).with("target", target.as_str()).with("state", state).with("reason", reason);
    audit::done(caller, "budget_switched", entry)?;
    Ok(Answer::ok(json!({"level": level.as_str(), "target": target, "state": state, "reason": reason}).to_string()))
}
