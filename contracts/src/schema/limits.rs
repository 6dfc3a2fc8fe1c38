//! What a schema may be at most, so that compiling it and checking documents by it stays within bounds.
//!
//! A few lines of schema can ask for more work than there is time: thirty definitions of which each refers twice to the
//! one before are a thousand million checks of one value. So the work is counted on the schema before it is compiled.

use std::collections::HashMap;

use serde_json::Value;

use super::graph::{Graph, size};
use crate::strict::MAX_DEPTH;
use crate::violation::SchemaViolation;

/// Values, names and sixteenths of texts that a schema is made of.
pub const MAX_SIZE: u64 = 200_000;

/// Subschemas.
pub const MAX_PARTS: usize = 10_000;

/// States of all patterns together, estimated.
pub const MAX_PATTERNS: u64 = 50_000;

/// Subschemas with a `$id`.
pub const MAX_NAMED: usize = 16;

/// How many subschemas may be applied to one and the same value.
pub const MAX_EXPANSION: u64 = 10_000;

/// How many subschemas may lead to each other without going into the document.
pub const MAX_CHAIN: u64 = 64;

/// A schema within the limits, and what checking by it can cost.
#[derive(Debug)]
pub(super) struct Measured {
    pub graph: Graph,
    /// The cost of all parts together, as often as they are applied to one value each; `u64::MAX` for a schema that
    /// refers back to itself.
    pub weight: u64,
    /// What each part costs with those that it applies other than by reference.
    pub own: Vec<u64>,
    pub ids: HashMap<*const Value, usize>,
}

/// Measures a schema.
///
/// # Errors
/// The first limit that it exceeds.
pub(super) fn measured(schema: &Value) -> Result<Measured, SchemaViolation> {
    if is_deeper(schema, MAX_DEPTH) {
        return Err(refused("$schema", &format!("at most {MAX_DEPTH} levels of nesting"), "deeper nesting"));
    }
    at_most("size", size(schema), MAX_SIZE)?;
    let (graph, ids) = Graph::of(schema);
    at_most("subschemas", graph.parts.len() as u64, MAX_PARTS as u64)?;
    at_most("subschemas with a $id", graph.named as u64, MAX_NAMED as u64)?;
    at_most("references", graph.references as u64, MAX_PARTS as u64)?;
    let patterns = graph
        .parts
        .iter()
        .map(|part| part.patterns.iter().fold(part.pattern, |sum, (weight, _)| sum.saturating_add(*weight)));
    at_most("states of patterns", patterns.fold(0, u64::saturating_add), MAX_PATTERNS)?;
    let mut walk = Walk { graph: &graph, known: vec![None; graph.parts.len()] };
    let mut most = 0;
    let mut evaluating = 0u64;
    for id in 0..graph.parts.len() {
        let (expansion, chain) = walk.here(id, 0)?;
        most = most.max(expansion);
        at_most("subschemas that lead to each other", chain, MAX_CHAIN)?;
        let part = &graph.parts[id];
        if part.here.iter().any(|applied| applied.is_alternative) {
            evaluating = evaluating.saturating_add(expansion);
        }
    }
    at_most("subschemas for one value", most, MAX_EXPANSION)?;
    at_most("subschemas for one value, of all alternatives", evaluating, MAX_EXPANSION * 10)?;
    let weight = total(&graph);
    let own = own(&graph);
    Ok(Measured { graph, weight, own, ids })
}

fn at_most(what: &str, is: u64, limit: u64) -> Result<(), SchemaViolation> {
    if is <= limit {
        return Ok(());
    }
    Err(refused("$schema", &format!("a schema with at most {limit} {what}"), "one with more"))
}

/// What a schema of another draft, or one with a meta-schema of its own, is told.
pub(super) fn foreign() -> SchemaViolation {
    refused("$schema", "the address of draft 2020-12, or none", "another")
}

fn refused(keyword: &str, expected: &str, got: &str) -> SchemaViolation {
    SchemaViolation { pointer: String::new(), keyword: keyword.into(), expected: expected.into(), got: got.into() }
}

pub(super) fn is_deeper(value: &Value, levels: usize) -> bool {
    let within = |inner: &Value| levels == 0 || is_deeper(inner, levels - 1);
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(within),
        Value::Object(members) => levels == 0 || members.values().any(within),
        _ => false,
    }
}

/// Counts what is applied to one value.
struct Walk<'a> {
    graph: &'a Graph,
    /// Expansion and chain of a part; none while it is being counted.
    known: Vec<Option<Option<(u64, u64)>>>,
}

impl Walk<'_> {
    fn here(&mut self, id: usize, depth: u64) -> Result<(u64, u64), SchemaViolation> {
        match self.known[id] {
            Some(Some(known)) => return Ok(known),
            Some(None) => {
                return Err(refused("$ref", "references that lead into the document", "one that leads back to itself"));
            }
            None => at_most("subschemas that lead to each other", depth, MAX_CHAIN)?,
        }
        self.known[id] = Some(None);
        let part = &self.graph.parts[id];
        let (mut expansion, mut chain) = (1u64, 0);
        let applied = part.here.iter().map(|applied| (applied.part, 1 + u64::from(applied.is_alternative)));
        let referred = part.references.iter().map(|target| (*target, 1));
        for (target, times) in applied.chain(referred) {
            // Which part a dynamic reference means depends on the way that led to it, so a circle need not be one.
            if part.is_dynamic && self.known[target] == Some(None) {
                continue;
            }
            let (inner, below) = self.here(target, depth + 1)?;
            expansion = expansion.saturating_add(inner.saturating_mul(times));
            chain = chain.max(below);
        }
        self.known[id] = Some(Some((expansion, chain + 1)));
        Ok((expansion, chain + 1))
    }
}

/// Every part that a part applies, to the same value or to one inside it.
fn applied(graph: &Graph, id: usize, by_reference: bool) -> Vec<usize> {
    let part = &graph.parts[id];
    let mut all: Vec<usize> = part.here.iter().map(|applied| applied.part).collect();
    all.extend(part.members.values());
    all.extend(part.patterns.iter().map(|(_, target)| target));
    all.extend(part.others.iter().chain(&part.names).chain(&part.first).chain(&part.items));
    if by_reference {
        all.extend(&part.references);
    }
    all
}

fn cost(graph: &Graph, id: usize) -> u64 {
    let part = &graph.parts[id];
    let patterns = part.patterns.iter().fold(part.pattern, |sum, (weight, _)| sum.saturating_add(*weight));
    part.weight.saturating_add(part.values).saturating_add(patterns).saturating_mul(2)
}

fn total(graph: &Graph) -> u64 {
    if graph.is_open {
        return u64::MAX;
    }
    summed(graph, true).first().copied().unwrap_or(0)
}

fn own(graph: &Graph) -> Vec<u64> {
    summed(graph, false)
}

/// What every part costs with all that it applies, each as often as it is. A circle costs without end.
fn summed(graph: &Graph, by_reference: bool) -> Vec<u64> {
    let mut known: Vec<Option<u64>> = vec![None; graph.parts.len()];
    let mut is_open = vec![false; graph.parts.len()];
    for start in 0..graph.parts.len() {
        // Not by recursion: definitions can form a chain through the document that is longer than the stack.
        let mut stack = vec![(start, false)];
        while let Some((id, is_done)) = stack.pop() {
            if known[id].is_some() {
                continue;
            }
            let inner = applied(graph, id, by_reference);
            if is_done {
                let sum = inner.iter().map(|target| known[*target].unwrap_or(u64::MAX));
                known[id] = Some(sum.fold(cost(graph, id), u64::saturating_add));
                continue;
            }
            if is_open[id] {
                // A circle: it is further down the stack.
                continue;
            }
            is_open[id] = true;
            stack.push((id, true));
            stack.extend(inner.into_iter().filter(|target| known[*target].is_none()).map(|target| (target, false)));
        }
    }
    known.into_iter().map(|sum| sum.unwrap_or(u64::MAX)).collect()
}
