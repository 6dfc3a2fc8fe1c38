//! What a project has set about redaction: by single hands as operations, or as a whole by its policy contract.

use awooop_policy::argument::Arguments;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::redact::Family;
use awooop_policy::redact::rules::custom::{CustomRule, CustomRuleError, TooMuchWork};
use serde_json::{Value, json};

use super::guarded;
use crate::audit;
use crate::caller::Caller;
use crate::contracts::effects;
use crate::door::Answer;
use crate::fault::{Outcome, fault, refuse};
use crate::statement::{column, rfc3339, statements};

/// Rules of its own that a project can have: each is tried on every text.
const MOST_RULES: i64 = 50;

macro_rules! rule_json {
    () => {
        concat!(
            "json_build_object('rule_id', r.rule_id, 'family', r.family, 'keywords', r.keywords, 'shape', r.shape,
             'changed_by', r.changed_by, 'changed_at', ",
            rfc3339!("r.changed_at"),
            ")::text"
        )
    };
}
statements! {
    SET_FAMILY: writing [TEXTOID, TEXTOID, TEXTOID, TEXTOID] =
        "insert into awooop.redaction_family as f (project_id, family, mode, changed_by) values ($1, $2, $3, $4)
         on conflict (project_id, family) do update
            set mode = excluded.mode, changed_by = excluded.changed_by, changed_at = clock_timestamp()";
    // The project's row is the lock: two rules at once would both be the last that fits. Counted with a snapshot of
    // after the wait, hence as a statement that writes.
    LOCK_PROJECT: writing [TEXTOID] = "select true from awooop.projects where project_id = $1 for no key update";
    COUNT_OTHERS: writing [TEXTOID, TEXTOID] =
        "select count(*) from awooop.redaction_rule where project_id = $1 and rule_id <> $2";
    // A transaction whose snapshot is older than this change must not count without it: its lock fails.
    TOUCH_PROJECT: writing [TEXTOID] =
        "update awooop.projects set updated_at = clock_timestamp() where project_id = $1";
    SET_RULE: writing [TEXTOID, TEXTOID, TEXTOID, TEXTARRAYOID, TEXTOID, TEXTOID] = concat!(
        "insert into awooop.redaction_rule as r (project_id, rule_id, family, keywords, shape, changed_by)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (project_id, rule_id) do update
            set family = excluded.family, keywords = excluded.keywords, shape = excluded.shape,
                changed_by = excluded.changed_by, changed_at = clock_timestamp()
         returning ", rule_json!());
    REMOVE_RULE: writing [TEXTOID, TEXTOID] = concat!(
        "delete from awooop.redaction_rule r where project_id = $1 and rule_id = $2 returning ", rule_json!());
    CLEAR_FAMILIES: writing [TEXTOID] = "delete from awooop.redaction_family where project_id = $1";
    CLEAR_RULES: writing [TEXTOID] = "delete from awooop.redaction_rule where project_id = $1";
    RULES: reading [TEXTOID] = concat!(
        "select ", rule_json!(), " from awooop.redaction_rule r where r.project_id = $1 order by r.rule_id");
    FAMILIES: reading [TEXTOID] =
        "select family, mode from awooop.redaction_family where project_id = $1";
}

/// A rule of a project's own.
pub(crate) struct Rule {
    pub(crate) rule_id: String,
    pub(crate) family: String,
    pub(crate) keywords: Vec<String>,
    pub(crate) shape: String,
}

/// Why the rule cannot be used, if it cannot.
pub(crate) fn check_rule(rule_id: &str, family: Family, keywords: &[String], shape: &str) -> Result<(), Problem> {
    let checked = guarded("rules", shape.len(), || {
        let rule = CustomRule::new(rule_id, family, keywords, shape);
        rule.map(|rule| rule.measure())
    });
    let code = match checked {
        Some(Ok(Ok(()))) => return Ok(()),
        Some(Ok(Err(TooMuchWork))) => ErrorCode::RedactionExpensive,
        Some(Err(CustomRuleError::TooLarge)) => ErrorCode::RedactionTooLarge,
        Some(Err(CustomRuleError::Shape | CustomRuleError::MatchesNothing)) => ErrorCode::RedactionShape,
        None => ErrorCode::SystemInternal,
    };
    Err(code.into())
}

/// Puts the settings of a policy contract, families with their modes and rules, in the place of what was set.
pub(crate) fn replace(caller: &Caller, families: Vec<(String, String)>, rules: Vec<Rule>) -> Outcome<()> {
    let (project_id, changed_by) = (caller.project_id.as_str(), caller.principal_id.as_str());
    LOCK_PROJECT.with(|s| s.run(&[project_id.into()]))?;
    TOUCH_PROJECT.with(|s| s.run(&[project_id.into()]))?;
    CLEAR_FAMILIES.with(|s| s.run(&[project_id.into()]))?;
    CLEAR_RULES.with(|s| s.run(&[project_id.into()]))?;
    for (family, mode) in &families {
        let parameters = [project_id.into(), family.as_str().into(), mode.as_str().into(), changed_by.into()];
        SET_FAMILY.with(|s| s.run(&parameters))?;
    }
    let count = rules.len();
    for rule in rules {
        SET_RULE.with(|s| {
            s.run(&[
                project_id.into(),
                rule.rule_id.into(),
                rule.family.into(),
                rule.keywords.into(),
                rule.shape.into(),
                changed_by.into(),
            ])
        })?;
    }
    audit::done(caller, "redaction_replaced", audit::Entry::default().with("rules", count))
}

/// Locks the project against a policy that is being activated, and refuses where one says what is redacted.
fn lock_free(project_id: &str) -> Outcome<()> {
    LOCK_PROJECT.with(|s| s.run(&[project_id.into()]))?;
    effects::ensure_redaction_is_free(project_id)
}

/// Operation `get_redaction`.
pub(crate) fn show(caller: &Caller, _arguments: &Arguments) -> Outcome<Answer> {
    let project_id = caller.project_id.as_str();
    let stored = FAMILIES
        .with(|s| s.rows(&[project_id.into()], |row| Ok((column::<String>(row, 1)?, column::<String>(row, 2)?))))?;
    let families: Vec<Value> = Family::ALL
        .into_iter()
        .map(|family| {
            let set = stored.iter().find(|(name, _)| name == family.as_str()).map(|(_, mode)| mode.as_str());
            family_json(family, set.unwrap_or(if family.is_default() { "redact" } else { "allow" }))
        })
        .collect();
    let rules = RULES.with(|s| s.rows(&[project_id.into()], |row| column::<String>(row, 1)))?;
    Ok(Answer::ok(format!("{{\"families\":{},\"rules\":[{}]}}", Value::from(families), rules.join(","))))
}

fn family_json(family: Family, mode: &str) -> Value {
    json!({"family": family.as_str(), "mode": mode, "credential": family.is_credential()})
}

/// Operation `set_redaction_family`.
pub(crate) fn set_family(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (name, mode) = (arguments.text("family"), arguments.text("mode"));
    let Some(family) = Family::parse(name) else { return fault(ErrorCode::InputInvalid) };
    if mode == "allow" && family.is_credential() {
        return refuse(Problem::from(ErrorCode::RedactionCredential).with("family", name));
    }
    lock_free(&caller.project_id)?;
    SET_FAMILY.with(|s| {
        s.run(&[caller.project_id.as_str().into(), name.into(), mode.into(), caller.principal_id.as_str().into()])
    })?;
    audit::done(caller, "redaction_family_set", audit::Entry::default().with("family", name).with("mode", mode))?;
    Ok(Answer::ok(family_json(family, mode).to_string()))
}

/// Operation `set_redaction_rule`.
pub(crate) fn set_rule(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (project_id, rule_id) = (caller.project_id.as_str(), arguments.text("rule_id"));
    let (name, shape) = (arguments.text("family"), arguments.text("shape"));
    let Some(family) = Family::parse(name) else { return fault(ErrorCode::InputInvalid) };
    let keywords: Vec<String> = arguments
        .json("keywords")
        .as_array()
        .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default();
    check_rule(rule_id, family, &keywords, shape)?;
    lock_free(project_id)?;
    let others = COUNT_OTHERS.with(|s| s.row(&[project_id.into(), rule_id.into()], |row| column::<i64>(row, 1)))?;
    if others.unwrap_or_default() >= MOST_RULES {
        return refuse(Problem::from(ErrorCode::RedactionTooMany).with("limit", MOST_RULES));
    }
    TOUCH_PROJECT.with(|s| s.run(&[project_id.into()]))?;
    let body = SET_RULE.with(|s| {
        s.row(
            &[
                project_id.into(),
                rule_id.into(),
                name.into(),
                keywords.into(),
                shape.into(),
                caller.principal_id.as_str().into(),
            ],
            |row| column::<String>(row, 1),
        )
    })?;
    let entry = audit::Entry::default().with("rule_id", rule_id).with("family", name);
    audit::done(caller, "redaction_rule_set", entry)?;
    Ok(Answer::ok(body.unwrap_or_default()))
}

/// Operation `remove_redaction_rule`.
pub(crate) fn remove_rule(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let rule_id = arguments.text("rule_id");
    lock_free(&caller.project_id)?;
    let removed = REMOVE_RULE
        .with(|s| s.row(&[caller.project_id.as_str().into(), rule_id.into()], |row| column::<String>(row, 1)))?;
    let Some(body) = removed else { return fault(ErrorCode::RedactionUnknown) };
    audit::done(caller, "redaction_rule_removed", audit::Entry::default().with("rule_id", rule_id))?;
    Ok(Answer::ok(body))
}
