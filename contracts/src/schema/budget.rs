//! Checks a document within a budget of steps.
//!
//! The shape of a schema bounds the cost for most documents at once. For others the way through schema and document is
//! gone without checking anything, and the steps are counted. A schema that refers back to itself in several ways can
//! have more ways than there is time to go: then the document is checked by a copy of the schema that counts each
//! reference it follows, and stops at the end of the budget. The validator remembers what it has checked, so that this
//! is seldom reached.

use std::cell::Cell;
use std::sync::OnceLock;

use jsonschema::json::{Array, Json, Node, Object, SerdeJson};
use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError, Validator};
use serde_json::{Map, Value, json};

use super::graph::{Graph, Part, size};
use super::limits::{MAX_CHAIN, Measured, is_deeper};
use super::options;
use super::stored::{Stored, StoredNode};
use crate::strict::MAX_DEPTH;
use crate::violation::SchemaViolation;

/// How many steps checking one document may take. A step is a keyword on a value, or sixteen bytes on one state of a
/// pattern: some ten nanoseconds.
pub const MAX_STEPS: u64 = 20_000_000;

/// How many keywords on values may be looked at to find everything that is wrong; each can leave an error in memory.
pub const MAX_ERROR_STEPS: u64 = 1_000_000;

/// The keyword in the counting copy: what following the reference costs.
const COUNTER: &str = "awooop:steps";

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Valid,
    Invalid,
    /// Not known: the document is nested too deeply, or checking it would take too long.
    TooDeep,
    TooCostly,
}

impl Verdict {
    /// The violation that stands for a check that was not made.
    pub fn refusal(self) -> Option<SchemaViolation> {
        let (expected, got) = match self {
            Self::Valid | Self::Invalid => return None,
            Self::TooDeep => (format!("at most {MAX_DEPTH} levels of nesting"), "deeper nesting"),
            Self::TooCostly => {
                (format!("a document that is checked in {MAX_STEPS} steps"), "one that takes more by this schema")
            }
        };
        Some(SchemaViolation { pointer: String::new(), keyword: "budget".into(), expected, got: got.into() })
    }
}

#[derive(Debug)]
pub(super) struct Budget {
    graph: Graph,
    weight: u64,
    /// The schema with a counter at each reference, compiled when it is first needed.
    counting: OnceLock<Option<Validator>>,
    counted: Value,
}

impl Budget {
    pub fn new(measured: Measured, schema: &Value) -> Self {
        // Where nothing leads back, every way can be gone.
        let counted = if measured.weight == u64::MAX { with_counters(schema, &measured) } else { Value::Null };
        Self { graph: measured.graph, weight: measured.weight, counting: OnceLock::new(), counted }
    }

    /// Checks a document; `bytes` is the length of the text that [`crate::strict`] read it from, where it did.
    pub fn check(&self, validator: &Validator, document: &Value, bytes: Option<usize>) -> Verdict {
        let verdict = |is_valid: bool| if is_valid { Verdict::Valid } else { Verdict::Invalid };
        let limit = MAX_STEPS / self.weight.max(1);
        // No document is larger than its text.
        let fits = match bytes {
            Some(bytes) if bytes as u64 <= limit => true,
            _ => match extent(document, limit) {
                Extent::Within => true,
                Extent::TooDeep => return Verdict::TooDeep,
                Extent::Larger if is_deeper(document, MAX_DEPTH) => return Verdict::TooDeep,
                Extent::Larger => self.steps::<SerdeJson>(&document, false).is_some(),
            },
        };
        if fits {
            return verdict(validator.is_valid(document));
        }
        if self.weight != u64::MAX {
            return Verdict::TooCostly;
        }
        let compile = || options().with_keyword(COUNTER, counter).build(&self.counted).ok();
        let Some(counting) = self.counting.get_or_init(compile) else { return Verdict::TooCostly };
        LEFT.set(MAX_STEPS);
        let is_valid = counting.is_valid(document);
        if LEFT.get() == 0 { Verdict::TooCostly } else { verdict(is_valid) }
    }

    /// Checks a document that is stored as `jsonb`, of a size as [`size`] counts; nothing where that takes more steps than
    /// there are, or may.
    pub fn check_stored(&self, validator: &Validator<Stored>, document: StoredNode, size: u64) -> Option<bool> {
        let fits = size <= MAX_STEPS / self.weight.max(1) || self.steps::<Stored>(&document, false).is_some();
        fits.then(|| validator.is_valid(document))
    }

    /// Whether everything that is wrong with the document can be looked for.
    pub fn can_tell(&self, document: &Value) -> bool {
        self.steps::<SerdeJson>(&document, true).is_some()
    }

    /// How many steps checking the document takes, if no more than there are.
    pub fn steps<J: Json>(&self, document: &J::Node<'_>, for_errors: bool) -> Option<u64> {
        let errors = if for_errors { MAX_ERROR_STEPS } else { u64::MAX };
        let mut walk = Walk { parts: &self.graph.parts, left: MAX_STEPS, errors, chain: 0, for_errors };
        walk.part::<J>(0, document).map(|()| MAX_STEPS - walk.left)
    }
}

/// Whether a document is nested too deeply, or larger than this; then it takes a closer look.
enum Extent {
    Within,
    Larger,
    TooDeep,
}

fn extent(document: &Value, limit: u64) -> Extent {
    let mut left = limit;
    match spend_size(document, MAX_DEPTH, &mut left) {
        Ok(()) => Extent::Within,
        Err(extent) => extent,
    }
}

/// Takes the size of the document, as [`size`] counts, off what is left.
fn spend_size(document: &Value, levels: usize, left: &mut u64) -> Result<(), Extent> {
    let own = match document {
        Value::Array(_) | Value::Object(_) if levels == 0 => return Err(Extent::TooDeep),
        Value::Array(items) => {
            for item in items {
                spend_size(item, levels - 1, left)?;
            }
            1
        }
        Value::Object(members) => {
            let mut names = 1;
            for (name, member) in members {
                names += 1 + name.len() as u64 / 16;
                spend_size(member, levels - 1, left)?;
            }
            names
        }
        Value::String(text) => 1 + text.len() as u64 / 16,
        _ => 1,
    };
    *left = left.checked_sub(own).ok_or(Extent::Larger)?;
    Ok(())
}

/// Goes every way through schema and document that checking goes at most.
struct Walk<'a> {
    parts: &'a [Part],
    left: u64,
    /// How many keywords may still be found to be violated.
    errors: u64,
    /// How many parts have led to each other on this value.
    chain: u64,
    for_errors: bool,
}

impl Walk<'_> {
    /// Nothing when the budget is at its end.
    fn part<J: Json>(&mut self, id: usize, value: &J::Node<'_>) -> Option<()> {
        let part = &self.parts[id];
        self.spend(part.weight + part.values)?;
        self.errors = self.errors.checked_sub(part.weight)?;
        if let Some(items) = value.as_array() {
            self.spend(items.len() as u64)?;
            for (at, item) in items.elements().enumerate() {
                let mut applied = part.first.get(at).into_iter().chain(&part.items);
                applied.try_for_each(|id| self.inside::<J>(*id, &item))?;
            }
        } else if let Some(members) = value.as_object() {
            self.spend(members.len() as u64)?;
            members.members().try_for_each(|(name, member)| self.member::<J>(part, name.as_ref(), &member))?;
        } else if part.pattern > 0
            && let Some(text) = value.as_string()
        {
            self.pattern(part.pattern, &text)?;
        }
        // A circle of dynamic references; the validator leaves it when it comes by again.
        if self.chain > MAX_CHAIN {
            return Some(());
        }
        self.chain += 1;
        for applied in &part.here {
            self.part::<J>(applied.part, value)?;
            if applied.is_alternative && self.for_errors {
                self.part::<J>(applied.part, value)?;
            }
        }
        part.references.iter().try_for_each(|target| self.part::<J>(*target, value))?;
        self.chain -= 1;
        Some(())
    }

    /// A part that is applied to a value inside this one.
    fn inside<J: Json>(&mut self, id: usize, value: &J::Node<'_>) -> Option<()> {
        let chain = std::mem::take(&mut self.chain);
        self.part::<J>(id, value)?;
        self.chain = chain;
        Some(())
    }

    fn member<J: Json>(&mut self, part: &Part, name: &str, member: &J::Node<'_>) -> Option<()> {
        for (weight, inner) in &part.patterns {
            self.pattern(*weight, name)?;
            self.inside::<J>(*inner, member)?;
        }
        if let Some(names) = part.names {
            self.inside::<SerdeJson>(names, &&Value::from(name))?;
        }
        match part.members.get(name) {
            Some(inner) => self.inside::<J>(*inner, member),
            None => part.others.iter().try_for_each(|inner| self.inside::<J>(*inner, member)),
        }
    }

    fn pattern(&mut self, weight: u64, text: &str) -> Option<()> {
        self.spend((text.len() as u64 + 1).saturating_mul(weight) / 16)
    }

    fn spend(&mut self, steps: u64) -> Option<()> {
        self.left = self.left.checked_sub(steps)?;
        Some(())
    }
}

/// A copy of the schema in which every reference is counted before it is followed. The reference moves to the end of
/// `allOf`, so that no other place in the schema changes.
fn with_counters(schema: &Value, measured: &Measured) -> Value {
    match schema {
        Value::Array(items) => items.iter().map(|item| with_counters(item, measured)).collect(),
        Value::Object(members) => {
            let mut copy: Map<String, Value> =
                members.iter().map(|(name, value)| (name.clone(), with_counters(value, measured))).collect();
            let part = measured.ids.get(&std::ptr::from_ref(schema)).map(|id| &measured.graph.parts[*id]);
            if let Some(part) = part {
                let weight = part.references.iter().map(|target| measured.own[*target]).max().unwrap_or(1);
                for keyword in ["$ref", "$dynamicRef"] {
                    if let Some(reference) = copy.remove(keyword) {
                        let counted = json!({ "allOf": [{ COUNTER: weight }, { keyword: reference }] });
                        match copy.entry("allOf").or_insert_with(|| json!([])) {
                            Value::Array(all) => all.push(counted),
                            other => *other = json!([counted]),
                        }
                    }
                }
            }
            Value::Object(copy)
        }
        other => other.clone(),
    }
}

thread_local! {
    /// The steps that the check on this thread may still take.
    static LEFT: Cell<u64> = const { Cell::new(0) };
}

struct Counter {
    weight: u64,
}

impl Counter {
    fn goes_on(&self, instance: &Value) -> bool {
        let steps = self.weight.saturating_mul(size(instance));
        LEFT.set(LEFT.get().saturating_sub(steps));
        LEFT.get() > 0
    }
}

impl<'i> Keyword<'i> for Counter {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.goes_on(instance) { Ok(()) } else { Err(ValidationError::custom("the budget is at its end")) }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        self.goes_on(instance)
    }
}

// The signature is the validator's.
#[allow(clippy::unnecessary_wraps)]
fn counter<'a>(
    _parent: &'a Map<String, Value>,
    value: &'a Value,
    _place: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    Ok(Box::new(Counter { weight: value.as_u64().unwrap_or(u64::MAX) }))
}
