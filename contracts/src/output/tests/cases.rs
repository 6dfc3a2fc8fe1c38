//! One text a sort of damage.

use serde_json::{Value, json};

use super::{anything, compiled, only_error, read, read_as};
use crate::output::{MAX_OUTPUT_BYTES, Repair};
use crate::schema::CompiledSchema;

/// An object with a number, and nothing else in it.
fn count() -> CompiledSchema {
    compiled(json!({
        "type": "object",
        "properties": { "n": { "type": "integer" } },
        "required": ["n"],
        "additionalProperties": false
    }))
}

fn text() -> CompiledSchema {
    compiled(json!({ "type": "object", "properties": { "t": { "type": "string" } }, "required": ["t"] }))
}

#[track_caller]
fn reads(raw: &str, schema: &CompiledSchema, document: Value, repairs: &[Repair]) {
    assert_eq!(read_as(raw, schema), (document, repairs.to_vec()), "{raw}");
}

#[track_caller]
fn refuses(raw: &str, schema: &CompiledSchema, keyword: &str, pointer: &str, words: &str) {
    let error = only_error(raw, schema);
    assert_eq!((error.keyword.as_str(), error.pointer.as_str()), (keyword, pointer), "{raw}: {error:#?}");
    assert!(error.message.contains(words), "{raw}: {}", error.message);
}

#[test]
fn valid_json_is_never_repaired() {
    // Each of these would read differently if it were.
    for raw in [
        r#"{"t":"```json\n{\"t\":1}\n```"}"#,
        r#"{"t":"<think>no</think>"}"#,
        r#"{"t":"a // b /* c */ # d, }"}"#,
        r#"{"t":"“quoted” 'too'"}"#,
        r#"{"t":"{\"t\":\"inner\"}"}"#,
    ] {
        let plain: Value = serde_json::from_str(raw).unwrap();
        reads(raw, &text(), plain.clone(), &[]);
        reads(&format!(" \r\n{raw}\n"), &text(), plain, &[]);
    }
    reads(r#""{\"n\":1}""#, &anything(), json!("{\"n\":1}"), &[]);
}

#[test]
fn what_stands_around_a_document_is_left_out() {
    use Repair::{ByteOrderMark, Surroundings};
    reads("\u{feff}{\"n\":1}", &count(), json!({"n": 1}), &[ByteOrderMark]);
    for raw in [
        "Sure! Here it is:\n{\"n\":1}\nHope this helps.",
        "```json\n{\"n\":1}\n```",
        "```\n{\"n\":1}\n```",
        "~~~json\n{\"n\":1}\n~~~",
        "````JSON\r\n{\"n\":1}\r\n````\r\n",
        "  ```json\n  {\"n\":1}\n  ```",
        "```json {\"n\":1}\n```",
        "```json {\"n\":1}```",
        "```json\n{\"n\":1}",
        "`{\"n\":1}`",
        "The result {as asked} is {the object {\"n\":1}}, see [the manual](x) and [1].",
        "\\boxed{{\"n\":1}}",
        "<think>Maybe {\"n\": 2}? No: 1.</think>\n{\"n\":1}",
        "<THINKING>{ [ \" ```</THINKING>{\"n\":1}",
        "Perhaps {\"n\": 2}.</think>\n\n{\"n\":1}",
    ] {
        reads(raw, &count(), json!({"n": 1}), &[Surroundings]);
    }
}

#[test]
fn of_several_documents_the_one_that_the_schema_accepts_is_taken() {
    let one = json!({"n": 1});
    reads("```json\n{\"x\":1}\n```\nand\n```json\n{\"n\":1}\n```", &count(), one.clone(), &[Repair::Surroundings]);
    reads("{\"m\":2} {\"n\":1} {\"n\":\"3\"}", &count(), one.clone(), &[Repair::Surroundings]);
    // A code block counts more than prose.
    reads("Not {\"n\":2} but\n```\n{\"n\":1}\n```\nand not {\"n\":3}", &count(), one.clone(), &[Repair::Surroundings]);
    // The same one twice is one.
    reads(
        "{\"n\":1}\n\nAgain: {\"n\": 1.0}",
        &compiled(json!({"required": ["n"], "enum": [{"n": 1}]})),
        one,
        &[Repair::Surroundings],
    );
}

#[test]
fn two_different_valid_documents_are_no_answer() {
    refuses("{\"n\":1} or {\"n\":2}", &count(), "ambiguous", "", "Answer with the one that is meant");
    refuses("```\n{\"n\":1}\n```\n```\n{\"n\":2}\n```", &count(), "ambiguous", "", "several different");
}

#[test]
fn other_languages_ways_of_writing_json_are_read() {
    use Repair::*;
    reads("{\"n\":1,}", &count(), json!({"n": 1}), &[TrailingComma]);
    reads("[1,[2,],]", &anything(), json!([1, [2]]), &[TrailingComma]);
    reads("{'n': 1}", &count(), json!({"n": 1}), &[SingleQuotes]);
    reads(r#"{"t": 'it\'s "so"'}"#, &text(), json!({"t": "it's \"so\""}), &[SingleQuotes]);
    reads("{“t”: “it’s”}", &text(), json!({"t": "it’s"}), &[SmartQuotes]);
    reads("{n: 1}", &count(), json!({"n": 1}), &[UnquotedKey]);
    reads("{ // one\n\"n\": /* two */ 1 # three\n}", &count(), json!({"n": 1}), &[Comment]);
    reads("[True, False, None, true]", &anything(), json!([true, false, null, true]), &[PythonWord]);
    reads("{\"t\": \"a\nb\tc\"}", &text(), json!({"t": "a\nb\tc"}), &[LineBreakInString]);
    reads("{\"t\": \"x\n```\ny {\n```\n\"}", &text(), json!({"t": "x\n```\ny {\n```\n"}), &[LineBreakInString]);
    reads(r#"{t: "A😀"}"#, &text(), json!({"t": "A😀"}), &[UnquotedKey]);
    reads(
        "# the answer\n{'a-b': [{c: None,},],}",
        &anything(),
        json!({"a-b": [{"c": null}]}),
        &[Surroundings, TrailingComma, SingleQuotes, UnquotedKey, PythonWord],
    );
}

#[test]
fn a_document_in_a_string_is_read() {
    use Repair::{DoubleEncoded, Surroundings};
    reads(r#""{\"n\": 1}""#, &count(), json!({"n": 1}), &[DoubleEncoded]);
    reads(r#""\"{\\\"n\\\": 1}\"""#, &count(), json!({"n": 1}), &[DoubleEncoded]);
    reads("```json\n\"{\\\"n\\\": 1}\"\n```", &count(), json!({"n": 1}), &[Surroundings, DoubleEncoded]);
    reads(r#""{\"n\": 1,}""#, &count(), json!({"n": 1}), &[Repair::TrailingComma, DoubleEncoded]);
    // A schema that wants a string gets the string.
    reads(r#""{\"n\": 1}""#, &compiled(json!({"type": "string"})), json!("{\"n\": 1}"), &[]);
    assert_eq!(only_error(r#""{\"n\": \"x\"}""#, &count()).pointer, "/n");
    assert!(read(r#""{\"n\": 1""#, &count()).is_err());
}

#[test]
fn a_document_need_not_be_an_object() {
    let string = compiled(json!({"type": "string"}));
    reads("\"yes\"", &string, json!("yes"), &[]);
    reads("```\n\"yes\"\n```", &string, json!("yes"), &[Repair::Surroundings]);
    reads("'yes'", &string, json!("yes"), &[Repair::SingleQuotes]);
    reads("<think>hm</think> \"yes\"", &string, json!("yes"), &[Repair::Surroundings]);
    let number = compiled(json!({"type": "number"}));
    reads("42", &number, json!(42), &[]);
    reads("```json\n-1.5e2\n```", &number, json!(-150.0), &[Repair::Surroundings]);
    reads("True", &compiled(json!({"type": "boolean"})), json!(true), &[Repair::PythonWord]);
    let array = compiled(json!({"type": "array", "items": {"type": "integer"}}));
    reads("The primes: [2, 3, 5]", &array, json!([2, 3, 5]), &[Repair::Surroundings]);
    // A number in a sentence, or a sentence for a string, may be anything.
    refuses("The answer is 42.", &number, "missing", "", "no JSON document");
    refuses("yes", &string, "missing", "", "double quotes");
}

#[test]
fn a_text_without_a_document_says_so() {
    refuses("", &count(), "missing", "", "empty");
    refuses("\u{feff} \n", &count(), "missing", "", "empty");
    refuses("I can't help with that.", &count(), "missing", "", "no JSON document");
    refuses("I can't help with that.", &anything(), "missing", "", "no JSON document");
    refuses("```json\n```", &count(), "missing", "", "no JSON document");
    refuses("<think>Let me see", &count(), "truncated", "", "reasoning");
    refuses(&" ".repeat(MAX_OUTPUT_BYTES + 1), &count(), "size", "", "too long");
}

#[test]
fn what_has_two_readings_or_none_is_refused() {
    refuses("{\"n\":1,\"n\":2}", &count(), "json", "/n", "each key once");
    refuses("{n:1,'n':1}", &count(), "json", "/n", "each key once");
    refuses("{\"n\": 9007199254740993}", &count(), "json", "/n", "9007199254740992");
    refuses("{n: 1e400}", &count(), "json", "/n", "9007199254740992");
    for number in ["NaN", "Infinity", "-Infinity", "nan", "-inf"] {
        refuses(&format!("{{\"n\": {number}}}"), &anything(), "json", "/n", "finite");
    }
    refuses("[1 2]", &anything(), "json", "", "a comma or ]");
    refuses("{\"a\": [1 2]}", &anything(), "json", "/a", "a comma or ]");
    refuses("{\"a\": 1 \"b\": 2}", &anything(), "json", "", "a comma or }");
    refuses("{\"a\": [1,,2]}", &anything(), "json", "/a/1", "a value");
    refuses(r#"{"re": "\d+"}"#, &anything(), "json", "/re", "backslash");
    refuses(r#"{"t": "\ud800x"}"#, &anything(), "json", "/t", "surrogate");
    refuses("{\"t\": \"he said \"hi\" to me\"}", &anything(), "json", "", "a comma or }");
    refuses("{\"t\": undefined}", &anything(), "json", "/t", "double quotes");
    for number in ["01", "+1", ".5", "5.", "0x10", "1_000"] {
        assert!(read(&format!("{{n: {number}}}"), &anything()).is_err(), "{number}");
    }
    for key in ["True", "null", "1", "-1", ""] {
        refuses(&format!("{{{key}: 1, \"a\": {{}}}}"), &anything(), "json", "", "a key in double quotes");
    }
    refuses(r#"{n: "\u0000"}"#, &anything(), "json", "/n", "U+0000");
    // All that is wrong is told at once.
    let errors = read("{\"a\": NaN, \"b\": 1e99, \"b\": 2}", &anything()).unwrap_err();
    let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["/a", "/b", "/b"]);
}

#[test]
fn a_part_of_a_damaged_document_is_never_the_answer() {
    // The tree's children are trees themselves.
    let tree = compiled(json!({
        "type": "object",
        "properties": { "name": {"type": "string"}, "children": { "type": "array", "items": {"$ref": "#"} } },
        "required": ["name"],
        "additionalProperties": false
    }));
    for raw in [
        r#"{"name":"root","children":[{"name":"a"} {"name":"b"}]}"#,
        r#"{"name":"root" "children":[{"name":"a"}]}"#,
        r#"{"name":"root","children":[{"name":"a"},{"name":"b"}"#,
        "```json\n{\"name\":\"root\",\"children\":[{\"name\":\"a\"},{\"name\":NaN}]}\n```",
        r#"{"name":"root","children":[{"name":"a"}], more: {"name":"b"}"#,
        r#"{"name" "root","children":[{"name":"a"}]}"#,
        r#"{name "root","children":[{"name":"a"}]"#,
        r#"{,"children":[{"name":"a"}]}"#,
        r#"[undefined, {"name":"a"}]"#,
        r#"[1 {"name":"a"}]"#,
        r#""name":"root","child":{"name":"a"}}"#,
    ] {
        assert!(read(raw, &tree).is_err(), "{raw}");
    }
}

#[test]
fn a_text_that_was_cut_off_says_where() {
    refuses(r#"{"items": [{"t": "abc"#, &anything(), "truncated", "/items/0/t", "cut off in the middle of a string");
    refuses(r#"{"n": 12"#, &count(), "truncated", "/n", "a number");
    refuses(r#"{"n": "#, &count(), "truncated", "/n", "a value");
    refuses(r#"{"n": tr"#, &anything(), "truncated", "/n", "a word");
    refuses(r#"{"n""#, &anything(), "truncated", "", "a colon");
    refuses(r#"{"na"#, &anything(), "truncated", "", "a string");
    refuses("[1, 2,", &anything(), "truncated", "", "an array");
    refuses("[1, 2 ", &anything(), "truncated", "", "not closed");
    refuses("```json\n{\"a\": {\"b\": \"c\"}", &anything(), "truncated", "", "not closed");
    refuses("{\"a\": 1, // more", &anything(), "truncated", "", "an object");
    refuses("{\"a\": 1 /* more", &anything(), "truncated", "", "a comment");
    // What stands in a string is not a document.
    refuses("[\"```json\\n{}\\n", &anything(), "truncated", "/0", "a string");
    refuses("{'a {\"n\": 1}", &anything(), "truncated", "", "a string");
    // An earlier document was not to be the answer.
    refuses("Such as {\"n\": 1}. Now:\n```json\n{\"n\": 4", &count(), "truncated", "/n", "cut off");
    refuses("Such as {\"n\": 1}. Now:\n{\"n", &count(), "truncated", "", "cut off");
}

#[test]
fn a_missing_bracket_is_added_only_where_nothing_can_be_missing() {
    reads("{\"n\": 1 ", &count(), json!({"n": 1}), &[Repair::ClosingBracket]);
    // The number may go on.
    refuses("{\"n\": 1", &count(), "truncated", "/n", "a number");
    // Any other property may follow.
    refuses("{\"t\": \"x\"", &text(), "truncated", "", "not closed");
    let nested = compiled(json!({
        "$defs": { "pair": { "type": "array", "items": { "type": "string" }, "maxItems": 2 } },
        "properties": { "a": { "$ref": "#/$defs/pair" }, "b": true },
        "maxProperties": 1
    }));
    reads("{\"a\": [\"x\", \"y\"", &nested, json!({"a": ["x", "y"]}), &[Repair::ClosingBracket]);
    refuses("{\"a\": [\"x\"", &nested, "truncated", "/a", "not closed");
    // What a code block ends is cut off all the same: nobody knows where the bracket belongs.
    refuses("```json\n{\"t\": \"x\"\n```\n", &text(), "truncated", "", "not closed");
}

#[test]
fn what_the_schema_refuses_is_told_in_sentences() {
    let errors = read("```json\n{\"n\": \"1\", \"m\": 2}\n```", &count()).unwrap_err();
    let told: Vec<(&str, &str, &str)> =
        errors.iter().map(|e| (e.pointer.as_str(), e.keyword.as_str(), e.message.as_str())).collect();
    assert_eq!(
        told,
        [
            ("/n", "type", "Change /n: expected a whole number, got a string of 1 character."),
            ("/m", "additionalProperties", "Remove /m: the schema has no such property."),
        ]
    );
    let error = only_error("{}", &count());
    assert_eq!((error.keyword.as_str(), error.message.as_str()), ("required", "Add the property n to the document."));
    // No value is told: it may be a secret.
    let errors = read("{\"n\": \"hunter2\", t: 'hunter2'}", &count()).unwrap_err();
    assert!(!format!("{errors:?}").contains("hunter2"));
}
