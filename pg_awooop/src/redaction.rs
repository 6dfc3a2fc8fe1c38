//! Redaction in SQL: the policy's redactor over texts and JSON, with what a project has set.

use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::rc::Rc;

use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::redact::Redactor;
use awooop_policy::redact::rules::custom::{CustomRule, TooMuchWork, Watch};
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::directory;
use crate::fault::{Outcome, Stop, fault, or_raise};
use crate::guarded::{self, Worker};
use crate::tenant;

mod settings;

pub(crate) use awooop_policy::redact::Family;
pub(crate) use settings::{Rule, check_rule, remove_rule, replace, set_family, set_rule, show};

extension_sql!(
    r#"
create function awooop.redact_json(document jsonb) returns jsonb
    language c stable strict parallel restricted security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_redact_json';
"#,
    name = "redact_json"
);

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

/// Does something with the redactor that may have a fault; nothing where it panics.
fn guarded<T>(what: &'static str, length: usize, work: impl FnOnce() -> T) -> Option<T> {
    guarded::guarded(Worker::Redactor, what, length, work)
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

/// Whether the text holds a credential: something that no project may let through. Where the redactor fails, it may.
pub(crate) fn holds_credential(text: &str) -> bool {
    let found = closed(text.len(), || Ok(DEFAULT.with(|redactor| redactor.find(text))));
    found.ok().flatten().is_none_or(|found| found.iter().any(|finding| finding.family.is_credential()))
}

/// What is in force here: the bound project's settings, else the platform's defaults.
fn in_force() -> Outcome<Rc<Redactor>> {
    match tenant::current() {
        Some(project_id) => directory::redactor(&project_id),
        None => Ok(DEFAULT.with(Rc::clone)),
    }
}

/// Arguments of a tool as people are shown them who did not write them: without what the tool's contract calls sensitive, and
/// redacted as the project has it.
pub(crate) fn shown_arguments<'a>(arguments: &Value, sensitive: impl Iterator<Item = &'a str>) -> Outcome<Value> {
    let mut shown = arguments.clone();
    for place in sensitive {
        if let Some(value) = shown.pointer_mut(place) {
            *value = Family::Secret.marker().into();
        }
    }
    let text = shown.to_string();
    match redacted_document(&*in_force()?, &text)? {
        Some(redacted) => Ok(serde_json::from_str(&redacted)?),
        None => Ok(shown),
    }
}

/// JSON as it is shown to an agent: redacted as the bound project has it.
pub(crate) fn shown_json(value: &Value) -> Outcome<Value> {
    match redacted_document(&*in_force()?, &value.to_string())? {
        Some(redacted) => Ok(serde_json::from_str(&redacted)?),
        None => Ok(value.clone()),
    }
}

/// JSON text as it is kept of what cannot be sent back: redacted as the bound project has it, and as a whole where its rules take too
/// much work on it.
pub(crate) fn kept_json(text: &str) -> Outcome<Cow<'_, str>> {
    match redacted_document(&*in_force()?, text) {
        Ok(redacted) => Ok(redacted.map_or(Cow::Borrowed(text), Cow::Owned)),
        Err(Stop::Fault(problem)) if problem.code == ErrorCode::RedactionWork => {
            Ok(format!("\"{}\"", Family::Secret.marker()).into())
        }
        Err(stop) => Err(stop),
    }
}

/// A text as it is shown to an agent.
pub(crate) fn shown_text(text: &str) -> Outcome<String> {
    let redactor = in_force()?;
    Ok(redacted(&redactor, text)?.into_owned())
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
