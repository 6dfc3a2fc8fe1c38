//! The registry, the error catalogue and the SQL declarations against the lists they are made from.

use awooop_policy::error::ErrorCode;
use awooop_policy::operation::{OPERATIONS, sql_declarations};
use awooop_policy::run_fsm::TRANSITIONS;
use awooop_policy::scope::Scope;

use super::texts;
use crate::harness::superuser;

/// Argument lists as PostgreSQL prints them, in the words of our declarations.
fn normal(arguments: &str) -> String {
    let mut text = arguments.replace("timestamp with time zone", "timestamptz").replace(" DEFAULT ", " default ");
    for cast in ["::timestamptz", "::uuid", "::text[]", "::text", "::jsonb", "::integer", "::bigint", "::boolean"] {
        text = text.replace(cast, "");
    }
    text.replace("NULL", "null")
}

#[test]
fn the_sql_functions_take_what_the_operations_declare() {
    let declarations = sql_declarations();
    let found = texts(
        &mut superuser(),
        "select p.proname::text, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid) from pg_proc p
         where p.pronamespace = 'awooop'::regnamespace and p.prosrc = 'awooop_operation' order by 1",
    );
    assert_eq!(found.len(), OPERATIONS.len());
    for row in found {
        let start = format!("create function awooop.{}(", row[0]);
        let after = declarations.split_once(&start).map(|(_, after)| after).unwrap_or_default();
        let declared = after.split_once(")\n").map(|(arguments, _)| arguments).unwrap_or_default();
        assert_eq!(normal(&row[1]), declared, "{}", row[0]);
        assert_eq!(row[2], "jsonb", "{}", row[0]);
    }
}

#[test]
fn the_registry_lists_every_operation_as_declared() {
    let mut admin = superuser();
    let rows = texts(
        &mut admin,
        "select name, scope, method, path, success_status, args_schema::text, result_schema::text, enabled, summary
         from awooop.operation order by name",
    );
    assert_eq!(rows.len(), OPERATIONS.len());
    for operation in OPERATIONS {
        let row = rows.iter().find(|row| row[0] == operation.name).expect("it is listed");
        assert_eq!(row[1], operation.scope.map(Scope::as_str).unwrap_or_default());
        assert_eq!((row[2].as_str(), row[3].as_str()), (operation.method, operation.path));
        assert_eq!(row[4], operation.status.to_string());
        let schema: serde_json::Value = serde_json::from_str(&row[5]).unwrap();
        assert_eq!(schema, operation.arguments_schema());
        let result: serde_json::Value = serde_json::from_str(&row[6]).unwrap();
        assert_eq!(result, (operation.result)());
        assert_eq!((row[7].as_str(), row[8].as_str()), ("t", operation.summary));
        jsonschema::validator_for(&schema).expect("a valid schema");
        jsonschema::validator_for(&result).expect("a valid schema");
    }
}

#[test]
fn the_error_catalogue_has_every_code() {
    let rows = texts(&mut superuser(), "select code, sqlstate, http_status, message, hint from awooop.error_catalog");
    assert_eq!(rows.len(), ErrorCode::ALL.len());
    for code in ErrorCode::ALL {
        let entry = code.entry();
        let status = entry.status.to_string();
        let expected = [entry.code, entry.sqlstate, &status, entry.message, entry.hint];
        assert!(rows.iter().any(|row| row.iter().eq(expected.iter())), "{}", entry.code);
    }
}

#[test]
fn the_transitions_are_the_state_machines() {
    let rows = texts(&mut superuser(), "select from_state, to_state, event from awooop.run_transition");
    let expected: Vec<Vec<String>> =
        TRANSITIONS.iter().map(|t| vec![t.from.as_str().into(), t.to.as_str().into(), t.event.into()]).collect();
    assert_eq!(rows, expected);
}

#[test]
fn every_function_is_described_for_those_who_list_it() {
    let silent = super::names(
        &mut superuser(),
        "select p.proname::text from pg_proc p where p.pronamespace = 'awooop'::regnamespace
           and p.prosrc = 'awooop_operation' and obj_description(p.oid, 'pg_proc') is null",
    );
    assert_eq!(silent, Vec::<String>::new());
}
