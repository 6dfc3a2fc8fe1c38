//! Schemas and documents that are made to cost much: each is refused, or checked within the budget.

use jsonschema::json::SerdeJson;
use serde_json::{Map, Value, json};

use crate::Kind;
use crate::schema::budget::Verdict;
use crate::schema::graph::size;
use crate::schema::{self, CompiledSchema, MAX_STEPS};
use crate::strict::MAX_DEPTH;

#[track_caller]
fn refuses(schema: Value, words: &str) {
    let violation = CompiledSchema::new(schema).expect_err(words);
    assert!(violation.expected.contains(words), "{violation:?}");
}

fn compiled(schema: Value) -> CompiledSchema {
    CompiledSchema::new(schema).unwrap()
}

/// Checks within the budget, and says how much of it.
#[track_caller]
fn steps(schema: &CompiledSchema, document: &Value) -> u64 {
    schema.budget.steps::<SerdeJson>(&document, false).expect("more steps than there are")
}

/// Definitions of which each refers to the one before in several ways.
fn chain(length: usize, link: impl Fn(String) -> Value) -> Value {
    let mut definitions = Map::new();
    definitions.insert("d0".into(), json!({ "type": "string" }));
    for at in 1..=length {
        definitions.insert(format!("d{at}"), link(format!("#/$defs/d{}", at - 1)));
    }
    json!({ "$defs": definitions, "$ref": format!("#/$defs/d{length}") })
}

fn nested(levels: usize, inner: Value, wrap: impl Fn(Value) -> Value) -> Value {
    (0..levels).fold(inner, |inner, _| wrap(inner))
}

#[test]
fn a_schema_that_doubles_with_every_definition_is_refused() {
    for keyword in ["anyOf", "allOf", "oneOf"] {
        refuses(chain(30, |to| json!({ keyword: [{ "$ref": to }, { "$ref": to }] })), "subschemas for one value");
    }
    refuses(chain(30, |to| json!({ "if": { "$ref": to }, "then": { "$ref": to } })), "subschemas for one value");
    refuses(
        chain(30, |to| json!({ "not": { "$ref": to }, "dependentSchemas": { "a": { "$ref": to } } })),
        "for one value",
    );
    // Alternatives are checked, and checked again for what is wrong with them.
    refuses(chain(20, |to| json!({ "anyOf": [{ "$ref": to }] })), "subschemas for one value");
    refuses(
        chain(20, |to| json!({ "$ref": to, "unevaluatedProperties": false, "allOf": [{ "$ref": to }] })),
        "for one value",
    );
    compiled(chain(9, |to| json!({ "anyOf": [{ "$ref": to }] })));
}

#[test]
fn references_that_lead_back_to_themselves_are_refused() {
    for schema in [
        json!({ "$ref": "#" }),
        json!({ "allOf": [{ "$ref": "#" }] }),
        json!({ "$ref": "#/$defs/a", "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a" } } }),
        json!({ "$defs": { "a": { "anyOf": [{ "type": "null" }, { "not": { "$ref": "#/$defs/a" } }] } } }),
        json!({ "$anchor": "here", "if": { "$ref": "#here" } }),
    ] {
        refuses(schema, "lead into the document");
    }
    // Dynamic ones are cut short by the validator.
    let dynamic = compiled(json!({ "$dynamicAnchor": "a", "anyOf": [{ "type": "null" }, { "$dynamicRef": "#a" }] }));
    assert!(dynamic.is_valid(&Value::Null));
    let _ = dynamic.errors(&json!([1]), 9);
    refuses(chain(65, |to| json!({ "$ref": to })), "lead to each other");
    refuses(chain(5000, |to| json!({ "$ref": to })), "lead to each other");
    refuses(chain(5000, |to| json!({ "allOf": [{ "$ref": to }, { "$ref": to }] })), "");
}

#[test]
fn a_recursion_that_branches_is_checked_within_the_budget() {
    let branching = |keyword: &str| {
        compiled(json!({
            "$defs": {
                "a": { "type": "object", "properties": { "n": { "$ref": "#" } } },
                "b": { "type": "object", "properties": { "n": { "$ref": "#" } }, "required": ["n"] }
            },
            keyword: [{ "$ref": "#/$defs/a" }, { "$ref": "#/$defs/b" }, { "$ref": "#/$defs/a" }]
        }))
    };
    let document = nested(MAX_DEPTH, json!(1), |inner| json!({ "n": inner }));
    for keyword in ["anyOf", "allOf", "oneOf"] {
        let schema = branching(keyword);
        // There are 3^64 ways; the validator remembers, and counts what it does.
        assert_eq!(schema.budget.steps::<SerdeJson>(&&document, false), None);
        assert_eq!(schema.verdict(&document), Verdict::Invalid);
        let errors = schema.errors(&document, 9);
        assert_eq!((errors.len(), errors[0].keyword.as_str()), (1, "budget"), "{errors:?}");
    }
    let valid = nested(MAX_DEPTH - 1, json!({}), |inner| json!({ "n": inner }));
    assert_eq!(branching("anyOf").verdict(&valid), Verdict::Valid);
    assert_eq!(branching("anyOf").verdict(&json!({ "n": valid })), Verdict::TooDeep);
}

#[test]
fn a_recursion_through_the_meta_schema_is_seen() {
    let meta = || json!({ "$ref": "https://json-schema.org/draft/2020-12/schema" });
    let branching = compiled(json!({ "$dynamicAnchor": "meta", "allOf": [meta(), meta()], "minProperties": 1 }));
    let document = nested(30, json!({}), |inner| json!({ "not": inner }));
    assert_eq!(branching.verdict(&document), Verdict::Invalid);
    assert_eq!(branching.errors(&document, 9)[0].keyword, "budget");
    // In one way it is linear, and without an extension too.
    let extended = compiled(json!({ "$dynamicAnchor": "meta", "allOf": [meta()], "minProperties": 1 }));
    assert_eq!(extended.errors(&document, 9)[0].keyword, "minProperties");
    let twice = compiled(json!({ "allOf": [meta(), meta()] }));
    assert!(twice.is_valid(&document));
}

#[test]
fn what_is_nested_too_deeply_is_refused() {
    refuses(nested(MAX_DEPTH + 1, json!({}), |inner| json!({ "not": inner })), "levels");
    refuses(nested(1000, json!(true), |inner| json!({ "items": inner })), "levels");
    let schema = compiled(json!({ "items": { "$ref": "#" } }));
    let deep = nested(1000, json!(1), |inner| json!([inner]));
    assert!(!schema.is_valid(&deep));
    assert_eq!(schema.errors(&deep, 9)[0].keyword, "budget");
    assert!(schema.is_valid(&nested(MAX_DEPTH, json!(1), |inner| json!([inner]))));
}

#[test]
fn the_deepest_way_that_is_allowed_fits_the_stack() {
    let most = schema::MAX_CHAIN as usize;
    let plain = chain(most - 3, |to| json!({ "$ref": to }));
    let all_of = chain(most / 2 - 2, |to| json!({ "allOf": [{ "$ref": to }] }));
    let any_of = chain(8, |to| json!({ "anyOf": [{ "$ref": to }] }));
    for mut schema in [plain, all_of, any_of] {
        schema["$defs"]["d0"] = json!({ "items": { "$ref": "#" }, "maxItems": 1 });
        // A backend's stack.
        let check = move || {
            let schema = compiled(schema);
            let document = nested(MAX_DEPTH - 1, json!([1, 2]), |inner| json!([inner]));
            assert!(!schema.is_valid(&document));
            assert_eq!(schema.errors(&document, 9).len(), 1);
        };
        std::thread::Builder::new().stack_size(8 << 20).spawn(check).unwrap().join().unwrap();
    }
}

#[test]
fn patterns_are_bounded_together_and_run_in_linear_time() {
    refuses(json!({ "pattern": "((((a{100}){100}){100}){100}){100}" }), "states of patterns");
    refuses(json!({ "patternProperties": { "(a{1000}){1000}": {} } }), "states of patterns");
    let many = |pattern: &str| (0..2000).map(|_| json!({ "pattern": pattern })).collect::<Vec<_>>();
    refuses(json!({ "allOf": many("^a{100}$") }), "states of patterns");
    refuses(json!({ "pattern": "a".repeat(60_000) }), "states of patterns");
    // Look-around and back-references have no linear time.
    assert!(CompiledSchema::new(json!({ "pattern": "(a+)\\1" })).is_err());
    let evil = compiled(json!({ "pattern": "^(([a-z])+.)+[A-Z]([a-z])+$" }));
    assert!(!evil.is_valid(&json!("a".repeat(100_000))));
    let wide = compiled(json!({ "pattern": "[ab]*a[ab]{1000}c" }));
    assert!(!wide.is_valid(&json!("ab".repeat(100_000))));
    assert_eq!(wide.errors(&json!("ab".repeat(10_000)), 9)[0].keyword, "pattern");
    let told = wide.errors(&json!("ab".repeat(1_000_000)), 9);
    assert_eq!(told[0].keyword, "budget");
}

#[test]
fn patterns_times_names_are_within_the_budget() {
    let patterns: Map<String, Value> = (0..500).map(|at| (format!("^a{at}.*b"), json!({}))).collect();
    let schema = compiled(json!({ "patternProperties": patterns }));
    let members: Map<String, Value> = (0..20_000).map(|at| (format!("{at}{}", "x".repeat(40)), json!(1))).collect();
    assert_eq!(schema.errors(&Value::Object(members.clone()), 9)[0].keyword, "budget");
    let few: Map<String, Value> = members.into_iter().take(500).collect();
    assert!(schema.is_valid(&Value::Object(few)));
}

#[test]
fn long_lists_are_checked_in_linear_time() {
    let unique = compiled(json!({ "uniqueItems": true }));
    let items = |count: usize| Value::Array((0..count).map(|at| json!([at, "x"])).collect());
    assert!(unique.is_valid(&items(100_000)));
    assert!(steps(&unique, &items(100_000)) < 11 * steps(&unique, &items(10_000)));
    let mut twice = items(100_000);
    twice[99_999] = json!([0, "x"]);
    assert!(!unique.is_valid(&twice));
    // A long enum for every item of a long list is not.
    let words: Vec<Value> = (0..100_000).map(|at| json!(format!("word {at}"))).collect();
    let one = compiled(json!({ "enum": words }));
    assert!(one.is_valid(&json!("word 99999")));
    let list = compiled(json!({ "items": { "enum": words } }));
    assert_eq!(list.errors(&Value::Array(vec![json!("none"); 10_000]), 9)[0].keyword, "budget");
    refuses(json!({ "enum": (0..300_000).collect::<Vec<_>>() }), "size");
}

#[test]
fn numbers_cost_the_same_whatever_they_are() {
    for divisor in [json!(1e-308), json!(5e-324), json!(1e-9), json!(0.1), json!(1e308)] {
        let schema = compiled(json!({ "multipleOf": divisor }));
        for number in [json!(1e308), json!(-1e-308), json!(0.3), json!(9_007_199_254_740_991_u64), json!(0)] {
            let _ = schema.is_valid(&number);
            let _ = schema.errors(&number, 9);
        }
    }
}

#[test]
fn many_resources_anchors_and_subschemas_are_refused() {
    let resources: Vec<Value> = (0..100).map(|at| json!({ "$id": format!("r{at}") })).collect();
    refuses(json!({ "allOf": resources }), "$id");
    refuses(json!({ "allOf": vec![json!({}); 20_000] }), "subschemas");
    let anchors: Vec<Value> = (0..3000).map(|_| json!({ "$dynamicAnchor": "a", "$dynamicRef": "#a" })).collect();
    refuses(json!({ "allOf": anchors }), "references");
    refuses(json!({ "description": "x".repeat(4_000_000) }), "size");
}

#[test]
fn the_length_of_a_text_bounds_the_document_in_it() {
    // The shortest texts for their size.
    for text in ["[1,2,3]", "{\"\":1}", "{\"a\":\"\",\"b\":[]}", "\"\"", "0", "[[],[],{}]", "[[[[[]]]]]"] {
        assert!(size(&serde_json::from_str(text).unwrap()) <= text.len() as u64, "{text}");
    }
    let schema = compiled(json!({ "items": { "allOf": vec![json!({ "minLength": 1 }); 5000] } }));
    let document = Value::Array(vec![json!("a"); 5000]);
    let text = document.to_string();
    assert!(!schema.is_valid_parsed(&document, text.len()));
    assert!(schema.is_valid_parsed(&json!(["a"]), 5));
}

#[test]
fn errors_are_not_gathered_without_end() {
    let schema = compiled(json!({ "items": { "anyOf": vec![json!({ "type": "string" }); 50] } }));
    let document = Value::Array(vec![json!(1); 50_000]);
    let errors = schema.errors(&document, 9);
    assert_eq!((errors.len(), errors[0].keyword.as_str()), (1, "budget"), "{errors:?}");
    assert_eq!(schema.errors(&Value::Array(vec![json!(1); 500]), 9).len(), 9);
}

#[test]
fn reasonable_schemas_are_far_from_the_limits() {
    for &kind in Kind::ALL {
        let measured = schema::limits::measured(&schema::of(kind).unwrap()).unwrap();
        assert!(measured.graph.parts.len() * 10 < schema::MAX_PARTS, "{kind:?}");
        let example: Value = serde_json::from_str(kind.full_example()).unwrap();
        let steps = steps(&compiled(schema::of(kind).unwrap()), &example);
        assert!(steps * 100 < MAX_STEPS, "{kind:?}: {steps}");
    }
    // A tree, with ten thousand nodes.
    let tree = compiled(json!({
        "type": "object",
        "properties": { "name": { "type": "string" }, "children": { "type": "array", "items": { "$ref": "#" } } },
        "required": ["name"],
        "additionalProperties": false
    }));
    let wide = json!({ "name": "a", "children": vec![json!({ "name": "b", "children": vec![json!({ "name": "c" }); 99] }); 99] });
    assert!(tree.is_valid(&wide));
    assert!(steps(&tree, &wide) * 50 < MAX_STEPS);
    // An expression, with alternatives that all refer back, as deep as a person writes one.
    let alternative = |name: &str| {
        json!({ "type": "object", "required": ["op"], "additionalProperties": false,
                "properties": { "op": { "const": name }, "left": { "$ref": "#" }, "right": { "$ref": "#" } } })
    };
    let expression = compiled(json!({
        "anyOf": [{ "type": "number" }, alternative("add"), alternative("sub"), alternative("mul"), alternative("div")]
    }));
    let deep = nested(20, json!(1), |inner| json!({ "op": "div", "left": inner, "right": 2 }));
    assert!(expression.is_valid(&deep));
    let wrong = nested(20, json!("1"), |inner| json!({ "op": "div", "left": inner, "right": 2 }));
    assert!(!expression.is_valid(&wrong));
}
