//! The arguments of a call, held to the schemas of its tool and of its grant.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use awooop_contracts::schema::CompiledSchema;
use awooop_policy::error::ErrorCode;
use awooop_policy::feature::Feature;
use awooop_policy::gates::ArgumentFacts;
use serde_json::{Value, json};

use super::grants;
use crate::contracts::active::Loaded;
use crate::directory::tools::{Grant, Tool};
use crate::fault::{Outcome, fault};
use crate::guarded::{self, Worker};

/// Errors of arguments that are told of at most.
const MOST_ERRORS: usize = 20;

thread_local! {
    /// What features take, whatever their contracts say.
    static OF_FEATURES: RefCell<HashMap<Feature, Rc<CompiledSchema>>> = RefCell::default();
}

/// The platform's own schema of what a feature takes. A contract may be narrower; a wider one would let any method pass.
fn of_feature(feature: Feature) -> Outcome<Option<Rc<CompiledSchema>>> {
    if let Some(known) = OF_FEATURES.with_borrow(|kept| kept.get(&feature).cloned()) {
        return Ok(Some(known));
    }
    let Some(schema) = feature.input_schema() else { return Ok(None) };
    let Ok(compiled) = CompiledSchema::new(schema) else { return fault(ErrorCode::SystemInternal) };
    let compiled = Rc::new(compiled);
    OF_FEATURES.with_borrow_mut(|kept| kept.insert(feature, Rc::clone(&compiled)));
    Ok(Some(compiled))
}

/// The constraints of a grant, ready for use.
pub(super) fn constraints(granted: &Grant) -> Outcome<Option<Rc<CompiledSchema>>> {
    granted.constraints.as_deref().map(|text| grants::compiled(granted.grant_id, text)).transpose()
}

/// What schemas have against the arguments.
pub(super) fn judge(
    tool: Option<&Loaded>,
    registered: Option<&Tool>,
    granted: Option<&Grant>,
    arguments: &Value,
) -> Outcome<ArgumentFacts> {
    let mut facts = ArgumentFacts { bytes: arguments.to_string().len(), ..ArgumentFacts::default() };
    let errors_by = |schema: &CompiledSchema| {
        guarded::or_fault(Worker::Validator, "arguments", facts.bytes, || match schema.is_valid(arguments) {
            true => Vec::new(),
            false => schema.violations(arguments, MOST_ERRORS).iter().map(|violation| json!(violation)).collect(),
        })
    };
    let mut errors: Vec<Value> = match registered.map(|tool| of_feature(tool.feature)).transpose()?.flatten() {
        Some(schema) => errors_by(&schema)?,
        None => Vec::new(),
    };
    if let (true, Some(schema)) = (errors.is_empty(), tool.and_then(|loaded| loaded.input_schema.as_ref())) {
        errors = errors_by(schema)?;
    }
    let of_grant = granted.map(constraints).transpose()?.flatten().map(|schema| errors_by(&schema)).transpose()?;
    facts.errors = errors;
    facts.grant_errors = of_grant.unwrap_or_default();
    Ok(facts)
}

/// Whether contract and grant would let a call with these arguments pass.
pub(super) fn are_admitted(tool: &Loaded, granted: Option<&CompiledSchema>, arguments: &Value) -> Outcome<bool> {
    guarded::or_fault(Worker::Validator, "arguments", 0, || {
        tool.input_schema.iter().chain(granted).all(|schema| schema.is_valid(arguments))
    })
}
