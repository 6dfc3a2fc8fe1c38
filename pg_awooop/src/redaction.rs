//! Redaction in SQL: the policy's redactor over texts and JSON, with what a project has set.

use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use awooop_policy::argument::Arguments;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::redact::rules::custom::{CustomRule, CustomRuleError, TooMuchWork, Watch};
use awooop_policy::redact::{Family, Redactor};
use pgrx::PgTryBuilder;
use pgrx::iter::TableIterator;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::audit;
use crate::caller::Caller;
use crate::directory;
use crate::door::Answer;
use crate::fault::{Outcome, Stop, fault, or_raise, refuse};
use crate::server_log;
use crate::statement::{column, rfc3339, statements};
use crate::tenant;

/// Rules of its own that a project can have: each is tried on every text.
const MOST_RULES: i64 = 50;

extension_sql!(
    r#"
create function awooop.redact_json(document jsonb) returns jsonb
    language c stable strict parallel restricted security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_redact_json';
"#,
    name = "redact_json"
);

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
    RULES: reading [TEXTOID] = concat!(
        "select ", rule_json!(), " from awooop.redaction_rule r where r.project_id = $1 order by r.rule_id");
    FAMILIES: reading [TEXTOID] =
        "select family, mode from awooop.redaction_family where project_id = $1";
}

thread_local! {
    /// The nine families: for texts that belong to no project, and for what is stored whatever a project allows.
    static DEFAULT: Rc<Redactor> = Rc::default();
}

/// The text with everything sensitive replaced by `[REDACTED:<family>]`, by the rules of the project that the
/// transaction is bound to, else by the platform's.
#[pg_extern(stable, parallel_restricted, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn redact(text: &str) -> String {
    or_raise(in_force().and_then(|redactor| redacted(&redactor, text))).into_owned()
}

/// What `redact` would replace: family, rule, and where. `start` is the position of the first character, counted from 1,
/// `end` that of the character behind the last, as regexp_instr counts. The text itself is not returned.
#[pg_extern(stable, parallel_restricted, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn find_sensitive(
    text: &str,
) -> TableIterator<'static, (name!(family, String), name!(rule, String), name!(start, i32), name!(end, i32))> {
    let (mut characters, mut read) = (0, 0);
    let mut position = |byte: usize| {
        characters += text[read..byte].chars().count();
        read = byte;
        i32::try_from(characters + 1).unwrap_or(i32::MAX)
    };
    let redactor = or_raise(in_force());
    let found = or_raise(interruptible(|watch| closed(text.len(), || redactor.find_within(text, watch)), text));
    let rows: Vec<_> = match found {
        None => vec![(Family::Secret.as_str().to_owned(), "redactor-failed".to_owned(), 1, position(text.len()))],
        Some(found) => found
            .into_iter()
            .map(|finding| {
                let (start, end) = (position(finding.range.start), position(finding.range.end));
                (finding.family.as_str().to_owned(), finding.rule.into_owned(), start, end)
            })
            .collect(),
    };
    TableIterator::new(rows)
}

#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C-unwind" fn pg_finfo_awooop_redact_json() -> &'static pg_sys::Pg_finfo_record {
    const V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &V1
}

/// The C entry point of `awooop.redact_json`: by way of the document's text, because only that keeps its numbers.
///
/// # Safety
/// PostgreSQL calls it with one jsonb that is not null.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn awooop_redact_json(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: the function is strict; its argument is a jsonb, and jsonb_out returns a C string in UTF-8.
    let (datum, text) = unsafe {
        let datum = pgrx::pg_getarg_datum(fcinfo, 0);
        (datum, pgrx::direct_function_call::<&CStr>(pg_sys::jsonb_out, &[datum]))
    };
    let text = text.and_then(|text| text.to_str().ok()).unwrap_or("null");
    match or_raise(in_force().and_then(|redactor| redacted_document(&redactor, text))) {
        None => datum.unwrap_or(pg_sys::Datum::from(0usize)),
        Some(redacted) => {
            let redacted = CString::new(redacted).unwrap_or_default();
            // SAFETY: jsonb_in takes a C string, which lives through the call.
            unsafe { pgrx::direct_function_call_as_datum(pg_sys::jsonb_in, &[Some(redacted.as_ptr().into())]) }
                .unwrap_or(pg_sys::Datum::from(0usize))
        }
    }
}

/// The text redacted; as a whole where the redactor failed.
fn redacted<'t>(redactor: &Redactor, text: &'t str) -> Outcome<Cow<'t, str>> {
    let redacted = interruptible(|watch| closed(text.len(), || redactor.redact_within(text, watch)), text)?;
    Ok(redacted.unwrap_or(Cow::Borrowed(Family::Secret.marker())))
}

/// The JSON text redacted, if there is something to redact; as a whole where the redactor failed. A scalar is judged as
/// the element of an array: so it stays JSON.
fn redacted_document(redactor: &Redactor, text: &str) -> Outcome<Option<String>> {
    let array = format!("[{text}]");
    let redacted = interruptible(
        |watch| {
            closed(array.len(), || {
                let redacted = redactor.redact_within(&array, watch)?;
                Ok((*redacted != *array).then(|| redacted[1..redacted.len() - 1].to_owned()))
            })
        },
        &array,
    )?;
    Ok(redacted.unwrap_or_else(|| Some(format!("\"{}\"", Family::Secret.marker()))))
}

/// Redacts or searches a text of `length` bytes, and fails closed: where the redactor panics, there is nothing.
fn closed<T>(length: usize, work: impl FnOnce() -> Result<T, TooMuchWork>) -> Result<Option<T>, TooMuchWork> {
    guarded("a text", length, work).transpose()
}

/// Does something with the redactor and with what is `length` bytes long; nothing where it panics. What the panic says may
/// quote the text, so nobody gets to read it; where it happened is logged. PostgreSQL's own errors, a cancellation among
/// them, go on.
fn guarded<T>(what: &'static str, length: usize, work: impl FnOnce() -> T) -> Option<T> {
    PgTryBuilder::new(AssertUnwindSafe(|| {
        #[cfg(feature = "faults")]
        crate::faults::in_the_redactor(what);
        Some(work())
    }))
    .catch_rust_panic(|cause| {
        if let CaughtError::RustPanic { ereport, .. } = cause {
            let (file, line) = (ereport.file(), ereport.line_number());
            server_log::write(
                PgSqlErrorCode::ERRCODE_SYSTEM_ERROR,
                format!("awooop: the redactor failed at {file}:{line} on {what} of {length} bytes"),
            );
        }
        None
    })
    .execute()
}

/// Does something with the redactor that can be cancelled: before, between the steps of a project's rules, and after.
fn interruptible<T>(work: impl FnOnce(&Watch) -> Result<T, TooMuchWork>, text: &str) -> Outcome<T> {
    let look = || {
        pgrx::check_for_interrupts!();
    };
    look();
    let outcome = work(&Watch::over(text, &look));
    look();
    outcome.map_err(|TooMuchWork| Stop::from(Problem::from(ErrorCode::RedactionWork)))
}

/// The text redacted in the nine families, whatever a project allows or adds.
fn in_nine_families(text: &str) -> String {
    let redacted = closed(text.len(), || Ok(DEFAULT.with(|redactor| redactor.redact(text).into_owned())));
    redacted.ok().flatten().unwrap_or_else(|| Family::Secret.marker().to_owned())
}

/// What is in force here: the bound project's settings, else the platform's defaults.
fn in_force() -> Outcome<Rc<Redactor>> {
    match tenant::current() {
        Some(project_id) => directory::redactor(&project_id),
        None => Ok(DEFAULT.with(Rc::clone)),
    }
}

/// A text as it is stored where it was an error's: redacted in the nine families, whatever the project allows.
pub(crate) fn stored(text: Option<&str>) -> Option<String> {
    text.map(in_nine_families)
}

/// JSON as it goes into the log: redacted in the nine families.
pub(crate) fn logged(value: &Value) -> Outcome<Box<RawValue>> {
    let text = value.to_string();
    let redacted = DEFAULT.with(|redactor| redacted_document(redactor, &text))?.unwrap_or(text);
    Ok(RawValue::from_string(redacted)?)
}

/// Facts as they are stored in the audit log: redacted in the nine families. A project can neither allow a family there
/// nor hide its own doings behind a rule.
pub(crate) fn stored_facts(facts: Map<String, Value>) -> Map<String, Value> {
    facts.into_iter().map(|(key, value)| if is_identifier(&key) { (key, value) } else { (key, leaf(value)) }).collect()
}

/// Facts that are identifiers: typed, checked, and needed as they are (a channel's user id may look like a telephone
/// number).
fn is_identifier(key: &str) -> bool {
    key.ends_with("_id") || matches!(key, "role" | "scopes" | "partition" | "root" | "digest")
}

fn leaf(value: Value) -> Value {
    match value {
        Value::String(text) => in_nine_families(&text).into(),
        Value::Array(items) => items.into_iter().map(leaf).collect(),
        Value::Object(members) => members.into_iter().map(|(key, member)| (key, leaf(member))).collect(),
        other => other,
    }
}

/// A redactor from what a project has stored.
pub(crate) fn compose(
    families: &[(String, String)],
    rules: Vec<(String, String, Vec<String>, String)>,
) -> Outcome<Redactor> {
    let mode =
        |family: Family| families.iter().find(|(name, _)| name == family.as_str()).map(|(_, mode)| mode.as_str());
    let wanted: Vec<Family> = Family::ALL
        .into_iter()
        .filter(|family| match mode(*family) {
            Some("allow") => family.is_credential(),
            Some(_) => true,
            None => family.is_default(),
        })
        .collect();
    // A rule is compiled when it is set; what an older library accepted and this one does not finds nothing.
    let length = rules.iter().map(|(.., shape)| shape.len()).sum();
    let custom = guarded("rules", length, || {
        let rules = rules.into_iter().filter_map(|(id, family, keywords, shape)| {
            CustomRule::new(&id, Family::parse(&family)?, &keywords, &shape).ok()
        });
        rules.collect()
    });
    // Without the rules, what they hide would be shown.
    match custom {
        Some(custom) => Ok(Redactor::with_families(&wanted).with_rules(custom)),
        None => fault(ErrorCode::SystemInternal),
    }
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
    let checked = guarded("rules", shape.len(), || {
        let rule = CustomRule::new(rule_id, family, &keywords, shape);
        rule.map(|rule| rule.measure())
    });
    match checked {
        Some(Ok(Ok(()))) => {}
        Some(Ok(Err(TooMuchWork))) => return fault(ErrorCode::RedactionExpensive),
        Some(Err(CustomRuleError::TooLarge)) => return fault(ErrorCode::RedactionTooLarge),
        Some(Err(CustomRuleError::Shape | CustomRuleError::MatchesNothing)) => return fault(ErrorCode::RedactionShape),
        None => return fault(ErrorCode::SystemInternal),
    }
    LOCK_PROJECT.with(|s| s.run(&[project_id.into()]))?;
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
    let removed = REMOVE_RULE
        .with(|s| s.row(&[caller.project_id.as_str().into(), rule_id.into()], |row| column::<String>(row, 1)))?;
    let Some(body) = removed else { return fault(ErrorCode::RedactionUnknown) };
    audit::done(caller, "redaction_rule_removed", audit::Entry::default().with("rule_id", rule_id))?;
    Ok(Answer::ok(body))
}
