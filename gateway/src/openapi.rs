//! The OpenAPI 3.1 document, made from the operations as the database lists them. Decides where an argument stands (path,
//! query or body); its schema, and everything said about an operation, is the database's.

use awooop_policy::error::problem_schema;
use serde_json::{Map, Value, json};

use crate::operation::{IDEMPOTENCY_ARG, MEDIA_TYPE, Row};

const ABOUT: &str = "Each operation is one statement and one transaction in the database. Errors are problem documents \
    (RFC 9457) with a stable `code`. Send `traceparent` to continue your trace, `X-Request-Id` to name your request; \
    both come back.";

/// The document that describes these operations.
pub fn document(rows: &[Row]) -> Value {
    let mut schemas = Map::from_iter([("Problem".to_owned(), problem_schema())]);
    let mut paths = Map::new();
    for row in rows {
        let item = paths.entry(&row.path).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(row.method.to_ascii_lowercase(), operation(row, &mut schemas));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "AwoooP",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {
                "type": "http", "scheme": "bearer", "bearerFormat": "awk_<project>.<key id>.<secret>",
                "description": "An API key, shown once when it is created."
            }},
            "parameters": header_parameters(),
            "headers": answer_headers(),
            "responses": {"Problem": {
                "description": "A problem: what is wrong, and what to do about it",
                "headers": answer_header_refs(),
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
            }}
        }
    })
}

fn operation(row: &Row, schemas: &mut Map<String, Value>) -> Value {
    let mut args = hoisted(&row.args_schema, &row.name, schemas);
    let result = hoisted(&row.result_schema, &row.name, schemas);
    let mut parameters = path_parameters(row, &mut args);
    let mut body = None;
    if matches!(row.method.as_str(), "POST" | "PUT") {
        body = request_body(&args);
    } else {
        parameters.extend(query_parameters(&args));
    }
    for header in ["ProjectId", "RequestId", "Traceparent"] {
        parameters.push(json!({"$ref": format!("#/components/parameters/{header}")}));
    }
    if row.args_schema.pointer(&format!("/properties/{IDEMPOTENCY_ARG}")).is_some() {
        parameters.push(json!({"$ref": "#/components/parameters/IdempotencyKey"}));
    }
    let media = row.result_schema.get(MEDIA_TYPE).and_then(Value::as_str).unwrap_or("application/json");
    let success = json!({
        "description": "Done",
        "headers": answer_header_refs(),
        "content": {media: {"schema": result}}
    });
    let mut operation = json!({
        "operationId": row.name,
        "tags": [tag(&row.path)],
        "summary": row.summary,
        "description": description(row),
        "parameters": parameters,
        "responses": {
            row.success_status.to_string(): success,
            "default": {"$ref": "#/components/responses/Problem"}
        },
        "x-awooop-scope": row.scope,
        "x-awooop-enabled": row.enabled
    });
    if let (Some(body), Some(operation)) = (body, operation.as_object_mut()) {
        operation.insert("requestBody".into(), body);
    }
    operation
}

fn description(row: &Row) -> String {
    let mut text = row.description.clone().unwrap_or_default();
    let mut say = |sentence: String| {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&sentence);
    };
    match row.scope.as_deref() {
        Some(scope) => say(format!("Takes the scope `{scope}`.")),
        None => say("Takes any valid credential.".into()),
    }
    if !row.enabled {
        say("Switched off by an operator at present.".into());
    }
    text
}

/// The part of the path after the version and `platform`: `/v1/platform/runs/{run_id}` is about `runs`.
fn tag(path: &str) -> &str {
    path.split('/').filter(|part| !part.is_empty()).nth(2).unwrap_or("platform")
}

/// Takes the path's arguments out of the schema.
fn path_parameters(row: &Row, args: &mut Value) -> Vec<Value> {
    let names = row.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters = Vec::new();
    for name in names {
        let name = name.trim_start_matches('*');
        let schema = args.get_mut("properties").and_then(Value::as_object_mut).and_then(|all| all.remove(name));
        if let Some(required) = args.get_mut("required").and_then(Value::as_array_mut) {
            required.retain(|one| one != name);
        }
        let schema = schema.unwrap_or_else(|| json!({"type": "string"}));
        parameters.push(parameter("path", name, true, schema));
    }
    parameters
}

fn query_parameters(args: &Value) -> Vec<Value> {
    let properties = args.get("properties").and_then(Value::as_object);
    let all = properties.into_iter().flatten();
    all.map(|(name, schema)| parameter("query", name, is_required(args, name), schema.clone())).collect()
}

fn parameter(place: &str, name: &str, required: bool, mut schema: Value) -> Value {
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    let mut parameter = json!({"in": place, "name": name, "required": required, "schema": schema});
    if let (Some(description), Some(parameter)) = (description, parameter.as_object_mut()) {
        parameter.insert("description".into(), description);
    }
    parameter
}

/// None when the path says everything.
fn request_body(args: &Value) -> Option<Value> {
    let properties = args.get("properties").and_then(Value::as_object);
    if properties.is_some_and(Map::is_empty) {
        return None;
    }
    // The header can give the idempotency key, so the body need not.
    let needed = args.get("required").and_then(Value::as_array).is_some_and(|names| !names.is_empty());
    Some(json!({"required": needed, "content": {"application/json": {"schema": args}}}))
}

fn is_required(args: &Value, name: &str) -> bool {
    args.get("required").and_then(Value::as_array).is_some_and(|names| names.iter().any(|one| one == name))
}

/// A schema ready to stand inside the document. Its own `$defs` move to the components, since `#/$defs/x` would point
/// into the whole document here.
fn hoisted(schema: &Value, operation: &str, schemas: &mut Map<String, Value>) -> Value {
    let mut schema = schema.clone();
    if let Some(object) = schema.as_object_mut() {
        object.remove("$schema");
        if let Some(Value::Object(definitions)) = object.remove("$defs") {
            for (name, mut definition) in definitions {
                repoint(&mut definition, operation);
                schemas.insert(format!("{operation}.{name}"), definition);
            }
        }
    }
    repoint(&mut schema, operation);
    schema
}

fn repoint(schema: &mut Value, operation: &str) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(target)) = members.get_mut("$ref")
                && let Some(name) = target.strip_prefix("#/$defs/")
            {
                *target = format!("#/components/schemas/{operation}.{name}");
            }
            members.values_mut().for_each(|member| repoint(member, operation));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| repoint(item, operation)),
        _ => {}
    }
}

fn header_parameters() -> Value {
    let header = |name: &str, description: &str, schema: Value| json!({"in": "header", "name": name, "required": false, "description": description, "schema": schema});
    json!({
        "ProjectId": header("X-Project-Id", "The project; left out, it is the API key's own.", json!({"type": "string"})),
        "RequestId": header(
            "X-Request-Id",
            "A name for this request; left out, it gets one.",
            json!({"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"}),
        ),
        "Traceparent": header(
            "traceparent",
            "W3C Trace Context; left out, a new trace begins.",
            json!({"type": "string", "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"}),
        ),
        "IdempotencyKey": header(
            "Idempotency-Key",
            "The argument `idempotency_key`, for clients that send it as a header; send one of the two.",
            json!({"type": "string"}),
        )
    })
}

fn answer_headers() -> Value {
    json!({
        "RequestId": {"description": "The name of this request", "schema": {"type": "string"}},
        "Traceparent": {"description": "The trace of this request", "schema": {"type": "string"}}
    })
}

fn answer_header_refs() -> Value {
    json!({
        "X-Request-Id": {"$ref": "#/components/headers/RequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::sample::row;

    fn sample() -> Value {
        let step = json!({
            "type": "object", "additionalProperties": false, "required": ["run_id", "lease"],
            "properties": {
                "run_id": {"type": "string", "format": "uuid", "description": "The run"},
                "lease": {"type": "string"},
                "envelope": {"$ref": "#/$defs/envelope"}
            },
            "$defs": {"envelope": {"type": "object", "properties": {"again": {"$ref": "#/$defs/envelope"}}}}
        });
        let list = json!({"type": "object", "required": ["state"], "properties": {
            "state": {"type": "string"}, "limit": {"type": "integer", "maximum": 200}
        }});
        let create = json!({"type": "object", "properties": {"idempotency_key": {"type": "string"}}});
        let only_path = json!({"type": "object", "required": ["run_id"], "properties": {"run_id": {"type": "string"}}});
        let mut off = row("cancel_run", "POST", "/v1/platform/runs/{run_id}/cancel", only_path);
        off.enabled = false;
        off.scope = None;
        document(&[
            row("record_step", "POST", "/v1/platform/runs/{run_id}/steps", step),
            row("list_runs", "GET", "/v1/platform/runs", list),
            row("create_run", "POST", "/v1/platform/runs", create),
            off,
        ])
    }

    fn names(parameters: &Value, place: &str) -> Vec<String> {
        let all = parameters.as_array().unwrap().iter().filter(|p| p["in"] == place);
        all.map(|p| p["name"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn an_argument_stands_in_the_path_the_query_or_the_body_and_in_one_of_them_only() {
        let document = sample();
        let step = &document["paths"]["/v1/platform/runs/{run_id}/steps"]["post"];
        assert_eq!(names(&step["parameters"], "path"), ["run_id"]);
        assert_eq!(step["parameters"][0]["required"], true);
        assert_eq!(step["parameters"][0]["description"], "The run");
        let body = &step["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(body["required"], json!(["lease"]));
        assert!(body["properties"].get("run_id").is_none());
        assert_eq!(body["additionalProperties"], false);
        assert!(names(&step["parameters"], "query").is_empty());

        let list = &document["paths"]["/v1/platform/runs"]["get"];
        assert_eq!(names(&list["parameters"], "query"), ["limit", "state"]);
        assert!(list.get("requestBody").is_none());
    }

    #[test]
    fn methods_of_one_path_stand_together() {
        let item = &sample()["paths"]["/v1/platform/runs"];
        assert_eq!(item["get"]["operationId"], "list_runs");
        assert_eq!(item["post"]["operationId"], "create_run");
        assert_eq!(item["post"]["requestBody"]["required"], false);
        assert_eq!(item["post"]["tags"], json!(["runs"]));
    }

    #[test]
    fn an_operation_whose_path_says_everything_takes_no_body() {
        let cancel = &sample()["paths"]["/v1/platform/runs/{run_id}/cancel"]["post"];
        assert!(cancel.get("requestBody").is_none());
        assert_eq!(cancel["x-awooop-enabled"], false);
        assert!(cancel["description"].as_str().unwrap().contains("Switched off"));
    }

    #[test]
    fn only_an_operation_that_takes_the_key_shows_the_header() {
        let document = sample();
        let shows = |method: &str| document["paths"]["/v1/platform/runs"][method]["parameters"].to_string();
        assert!(shows("post").contains("IdempotencyKey"));
        assert!(!shows("get").contains("IdempotencyKey"));
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn check(value: &Value, document: &Value) {
            if let Some(target) = value.get("$ref").and_then(Value::as_str) {
                let pointer = target.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{target}");
            }
            match value {
                Value::Object(members) => members.values().for_each(|member| check(member, document)),
                Value::Array(items) => items.iter().for_each(|item| check(item, document)),
                _ => {}
            }
        }
        let document = sample();
        assert!(document.pointer("/components/schemas/record_step.envelope").is_some());
        check(&document, &document);
    }

    #[test]
    fn every_operation_is_secured_and_can_fail_with_a_problem() {
        let document = sample();
        assert_eq!(document["security"], json!([{"bearer": []}]));
        for item in document["paths"].as_object().unwrap().values() {
            for operation in item.as_object().unwrap().values() {
                assert_eq!(operation["responses"]["default"]["$ref"], "#/components/responses/Problem");
                assert!(operation["responses"]["200"].is_object());
            }
        }
    }
}
