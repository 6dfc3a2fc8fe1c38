//! `awooop.json_schema_valid`, `awooop.json_schema_errors` and `awooop.canonical_json` as documented, in a session of no
//! project.

mod failing;
mod hostile;

use crate::harness::answer::literal;
use crate::harness::platform::{gateway, login};
use crate::harness::{Session, superuser};

const SCHEMA: &str = r#"{"type": "object", "required": ["id"], "additionalProperties": false,
    "properties": {"id": {"type": "integer", "minimum": 1}, "tags": {"type": "array", "items": {"type": "string"}}}}"#;

fn errors(session: &mut Session, schema: &str, instance: &str) -> String {
    session.value(&format!(
        "select coalesce(string_agg(concat_ws(' ', pointer, keyword, schema_pointer), '; ' order by pointer, keyword), 'none')
         from awooop.json_schema_errors({}::jsonb, {}::jsonb)",
        literal(schema),
        literal(instance)
    ))
}

#[test]
fn an_error_is_a_row_and_a_valid_document_has_none() {
    let (_, mut session) = login(&["awooop_tenant"]);
    assert_eq!(errors(&mut session, SCHEMA, r#"{"id": 7, "tags": ["a"]}"#), "none");
    let found = errors(&mut session, SCHEMA, r#"{"id": 0, "tags": ["a", 2], "more": null}"#);
    assert_eq!(
        found,
        "/id minimum /properties/id/minimum; /more additionalProperties /additionalProperties; \
         /tags/1 type /properties/tags/items/type"
    );
    assert_eq!(errors(&mut session, "true", "12"), "none");
    assert_eq!(errors(&mut session, "false", "12").split(' ').count(), 3);
    let message = format!(
        "select message from awooop.json_schema_errors({}::jsonb, '{{\"id\": \"hunter2-secret\"}}'::jsonb)",
        literal(SCHEMA)
    );
    let message = session.value(&message);
    assert!(message.contains("/id") && message.contains("a whole number") && !message.contains("hunter2"), "{message}");
}

/// A document in every way that PostgreSQL stores one, as SQL; and whether it is valid by the schema beside it.
const STORED: &[(&str, &str, bool)] = &[
    (r#"{"type": "integer"}"#, "to_jsonb(7)", true),
    (r#"{"type": "integer"}"#, "to_jsonb(7.00)", true),
    (r#"{"type": "integer"}"#, "to_jsonb(7.5)", false),
    (r#"{"const": 0.30000000000000004}"#, "to_jsonb(0.1::float8 + 0.2::float8)", true),
    (r#"{"const": 0.3}"#, "to_jsonb(0.1::float8 + 0.2::float8)", false),
    // A whole number, and the number one, to every reader that has binary fractions.
    (r#"{"type": "integer"}"#, "to_jsonb(1.00000000000000000001)", true),
    (r#"{"const": 1}"#, "to_jsonb(1.00000000000000000001)", true),
    (r#"{"uniqueItems": true}"#, "jsonb_build_array(0.1, 0.10000000000000000001)", false),
    (r#"{"minimum": -0.001}"#, "to_jsonb(-0.002)", false),
    (r#"{"multipleOf": 0.01}"#, "to_jsonb(19.99)", true),
    (r#"{"type": "null"}"#, "'null'", true),
    (r#"{"maxLength": 2}"#, "to_jsonb('\u{e9}\u{1f600}'::text)", true),
    (r#"{"maxLength": 1}"#, "to_jsonb('\u{e9}\u{1f600}'::text)", false),
    (
        r#"{"propertyNames": {"maxLength": 4}, "minProperties": 500}"#,
        "(select jsonb_object_agg('k' || n, n) from generate_series(1, 500) n)",
        true,
    ),
    (
        r#"{"properties": {"k499": {"type": "string"}}}"#,
        "(select jsonb_object_agg('k' || n, n) from generate_series(1, 500) n)",
        false,
    ),
    (
        r#"{"items": {"items": {"type": "number"}}}"#,
        "(select jsonb_agg(jsonb_build_array(n, n / 8.0)) from generate_series(1, 20000) n)",
        true,
    ),
    (r#"{"maxItems": 19999}"#, "(select jsonb_agg(n / 7::float8) from generate_series(1, 20000) n)", false),
    (r##"{"items": {"$ref": "#"}, "type": "array"}"##, "'[[], [[[]]]]'", true),
    (r##"{"items": {"$ref": "#"}, "type": "array"}"##, "'[[], [[[7]]]]'", false),
];

#[test]
fn a_stored_document_is_valid_where_it_has_no_error_however_it_is_stored() {
    let (_, mut session) = login(&["awooop_tenant"]);
    session.run("create temp table stored (schema jsonb, body jsonb, packed jsonb, expected boolean)");
    // One column as PostgreSQL likes it, with short length words and compressed; one as it is, out of line.
    session.run("alter table stored alter body set storage external");
    for (schema, document, expected) in STORED {
        let schema = literal(schema);
        session
            .run(&format!("insert into stored select {schema}, d, d, {expected} from (select {document}::jsonb) t(d)"));
    }
    let sql = "select string_agg(format('%s %s', schema, left(body::text, 60)), '; ') from stored
               where awooop.json_schema_valid(schema, body) <> expected
                  or awooop.json_schema_valid(schema, packed) <> expected
                  or not exists (select from awooop.json_schema_errors(schema, body)) <> expected";
    assert_eq!(session.value(sql), "");
}

#[test]
fn a_document_that_is_not_valid_is_kept_out_of_a_table() {
    let (_, mut session) = login(&["awooop_tenant"]);
    let check = format!("check (awooop.json_schema_valid({}, body))", literal(SCHEMA));
    session.run(&format!("create temp table checked (body jsonb {check})"));
    session.run(r#"insert into checked values ('{"id": 1}'), (null)"#);
    assert_eq!(session.code(r#"insert into checked values ('{"id": 0}')"#), "23514");
}

#[test]
fn a_schema_that_cannot_be_used_is_refused_with_what_is_wrong() {
    let (_, mut session) = login(&["awooop_tenant"]);
    let doubling: String = (1..40)
        .map(|n| format!(r##""d{n}": {{"anyOf": [{{"$ref": "#/$defs/d{0}"}}, {{"$ref": "#/$defs/d{0}"}}]}},"##, n - 1))
        .collect();
    let doubling = format!(r##"{{"$ref": "#/$defs/d39", "$defs": {{{doubling} "d0": {{"type": "null"}}}}}}"##);
    for schema in [
        r#"{"type": "objct"}"#,
        r#"{"$ref": "https://example.com/schema.json"}"#,
        r#"{"pattern": "(["}"#,
        r#"{"$schema": "http://json-schema.org/draft-07/schema#"}"#,
        "12",
    ] {
        let sql = format!("select * from awooop.json_schema_errors({}::jsonb, '1')", literal(schema));
        assert_eq!(session.code(&sql), "E-SCHEMA-002", "{schema}");
    }
    let sql = format!("select keyword from awooop.json_schema_errors({}::jsonb, '1')", literal(&doubling));
    assert_eq!(session.code(&sql), "E-SCHEMA-002");
}

#[test]
fn a_schema_is_judged_as_it_is_now_however_many_have_been_compiled() {
    let (_, mut session) = login(&["awooop_tenant"]);
    let sql = "select count(*) from generate_series(1, 300) n,
               awooop.json_schema_errors(jsonb_build_object('const', n % 150), to_jsonb(n % 150))";
    assert_eq!(session.value(sql), "0");
    let sql = "select count(*) from generate_series(1, 300) n,
               awooop.json_schema_errors(jsonb_build_object('const', n % 150), to_jsonb(n % 150 + 1))";
    assert_eq!(session.value(sql), "300");
}

#[test]
fn errors_without_end_are_told_as_far_as_they_can_be_read() {
    let (_, mut session) = login(&["awooop_tenant"]);
    let sql = "select count(*), max(message) filter (where keyword = 'budget') is not null
               from awooop.json_schema_errors('{\"items\": {\"type\": \"string\"}}', (select jsonb_agg(n) from generate_series(1, 5000) n))";
    assert_eq!(session.value(&format!("select row(t.*)::text from ({sql}) t")), "(1001,t)");
}

#[test]
fn numbers_that_readers_disagree_about_and_null_are_what_the_documents_say() {
    let (_, mut session) = login(&["awooop_tenant"]);
    for instance in ["9007199254740993", "1e400", "-1e400"] {
        for sql in
            ["select * from awooop.json_schema_errors('true', '{}')", "select awooop.json_schema_valid('true', '{}')"]
        {
            assert_eq!(session.code(&sql.replace("{}", instance)), "E-INPUT-005", "{instance}");
        }
    }
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    assert_eq!(session.code(&format!("select * from awooop.json_schema_errors('true', '{deep}')")), "E-INPUT-006");
    assert_eq!(session.code(&format!("select awooop.json_schema_valid('true', '{deep}')")), "E-INPUT-006");
    assert_eq!(session.value("select awooop.json_schema_valid(null, '1') is null"), "t");
    assert_eq!(session.value("select count(*) from awooop.json_schema_errors(null, '1')"), "0");
    assert_eq!(session.value("select awooop.canonical_json(null) is null"), "t");
}

#[test]
fn canonical_json_is_one_text_for_all_ways_to_write_it() {
    let (_, mut session) = login(&["awooop_tenant"]);
    let written = [r#"{"b": 1.0, "a": "\u0041", "c": [1e2, -0.0]}"#, " {\"c\":[100,0],\"a\":\"A\",\n\"b\":1}"];
    for text in written {
        let sql = format!("select awooop.canonical_json({})", literal(text));
        assert_eq!(session.value(&sql), r#"{"a":"A","b":1,"c":[100,0]}"#);
    }
    for (text, code) in [
        (r#"{"a": 1, "a": 1}"#, "E-INPUT-004"),
        ("9007199254740993", "E-INPUT-005"),
        ("{", "E-INPUT-003"),
        ("", "E-INPUT-003"),
    ] {
        assert_eq!(session.code(&format!("select awooop.canonical_json({})", literal(text))), code, "{text}");
    }
}

#[test]
fn who_reads_or_writes_documents_may_check_them_and_nobody_else() {
    let sql = "select awooop.canonical_json('{}') || (select count(*) from awooop.json_schema_errors('true', '1'))
               || awooop.json_schema_valid('true', '1')";
    for group in ["awooop_tenant", "awooop_operator", "awooop_auditor"] {
        assert_eq!(login(&[group]).1.value(sql), "{}0true", "{group}");
    }
    let (_, mut nobody) = login(&[]);
    for mut session in [gateway(), std::mem::replace(&mut nobody, superuser())] {
        assert_eq!(session.code(sql), "42501");
    }
}
