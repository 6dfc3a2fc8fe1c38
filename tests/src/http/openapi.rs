//! The documentation that the gateway serves is a valid OpenAPI 3.1 document of exactly the operations there are, and
//! follows the database.

use std::collections::BTreeSet;
use std::process::Stdio;

use awooop_policy::operation::OPERATIONS;
use serde_json::{Map, Value, json};

use super::scene::Scene;
use crate::harness::answer::eventually;
use crate::harness::gateway::program;
use crate::harness::platform::PASSWORD;
use crate::harness::server::uri_for;

/// Every object of a document, with where it stands.
fn visit(value: &Value, place: &str, look: &mut impl FnMut(&str, &Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            look(place, members);
            members.iter().for_each(|(name, member)| visit(member, &format!("{place}/{name}"), look));
        }
        Value::Array(items) => items.iter().for_each(|item| visit(item, place, look)),
        _ => {}
    }
}

fn names(parameters: &Value, place: &str, document: &Value) -> BTreeSet<String> {
    let all = parameters.as_array().expect("parameters").iter();
    let resolved = all.map(|one| match one["$ref"].as_str().and_then(|target| target.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).expect("a parameter").clone(),
        None => one.clone(),
    });
    resolved.filter(|one| one["in"] == place).map(|one| one["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn the_openapi_document_describes_every_operation() {
    let scene = Scene::new();
    let reply = scene.caller.get("/openapi.json");
    assert_eq!(reply.header("content-type"), "application/json");
    let document = reply.expect(200);
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")));
    for required in ["title", "version"] {
        assert!(document["info"][required].is_string(), "{required}");
    }
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            described.insert((method.to_uppercase(), path.clone(), operation["operationId"].to_string()));
        }
    }
    let listed: BTreeSet<_> =
        OPERATIONS.iter().map(|o| (o.method.to_owned(), o.path.to_owned(), json!(o.name).to_string())).collect();
    assert_eq!(described, listed);
    for operation in OPERATIONS {
        let entry = &document["paths"][operation.path][operation.method.to_lowercase()];
        let name = operation.name;
        let in_path = names(&entry["parameters"], "path", &document);
        let in_query = names(&entry["parameters"], "query", &document);
        let body = &entry["requestBody"]["content"]["application/json"]["schema"]["properties"];
        let in_body: BTreeSet<String> = body.as_object().into_iter().flat_map(Map::keys).cloned().collect();
        let placeholders = operation.path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
        assert_eq!(in_path, placeholders.map(str::to_owned).collect(), "{name}");
        let mut all: Vec<String> = in_path.into_iter().chain(in_query).chain(in_body).collect();
        all.sort();
        let mut arguments: Vec<&str> = operation.arguments.iter().map(|argument| argument.name).collect();
        arguments.sort_unstable();
        assert_eq!(all, arguments, "{name}: each argument stands in one place");
        let headers = names(&entry["parameters"], "header", &document);
        assert!(headers.contains("X-Project-Id") && headers.contains("traceparent"), "{name}: {headers:?}");
        let result = (operation.result)();
        let media = result["contentMediaType"].as_str().unwrap_or("application/json");
        assert!(entry["responses"][operation.status.to_string()]["content"][media].is_object(), "{name}");
        assert!(entry["responses"]["default"].is_object(), "{name}");
        assert!(entry["summary"].is_string() && entry["tags"].is_array(), "{name}");
    }
    assert_eq!(document["security"], json!([{"bearer": []}]), "every operation takes a key");
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
}

#[test]
fn every_reference_resolves_and_every_schema_is_one() {
    let document = Scene::new().caller.get("/openapi.json").expect(200);
    let (mut references, mut schemas) = (0, Vec::new());
    visit(&document, "#", &mut |place, members| {
        if let Some(target) = members.get("$ref").and_then(Value::as_str) {
            let pointer = target.strip_prefix('#').unwrap_or_else(|| panic!("{place} leaves the document: {target}"));
            assert!(document.pointer(pointer).is_some(), "{place}: {target}");
            references += 1;
        }
        if let Some(schema) = members.get("schema") {
            schemas.push((place.to_owned(), schema.clone()));
        }
    });
    assert!(references > 10 && schemas.len() > 20);
    for (place, schema) in schemas {
        jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("{place}: {error}"));
    }
}

#[test]
fn an_operation_that_is_switched_off_is_refused_and_documented_so() {
    let scene = Scene::alone(&[("RELOAD_SECONDS", "3600")]);
    let mut admin = scene.project.admin();
    admin.run("select awooop.set_operation('list_runs', false, 'too slow')");
    // At once: the database decides, not what the gateway has read.
    assert_eq!(scene.caller.call("list_runs", json!({})).problem(), (403, "E-OP-002".into()));
    let is_on =
        || scene.caller.get("/openapi.json").json()["paths"]["/v1/platform/runs"]["get"]["x-awooop-enabled"].clone();
    assert_eq!(is_on(), true, "nobody told the gateway yet");
    scene.gateway.signal("HUP");
    eventually("the reading of the operations", || is_on() == false);
    assert_eq!(scene.caller.call("list_runs", json!({})).problem(), (403, "E-OP-002".into()));
    admin.run("select awooop.set_operation('list_runs', true)");
    assert_eq!(scene.caller.call("list_runs", json!({})).status, 200);
}

#[test]
fn the_program_prints_the_document_that_it_serves() {
    let scene = Scene::new();
    let mut command = program(&uri_for("awooop_gateway", PASSWORD, &scene.project.database));
    let output = command.arg("openapi").stdin(Stdio::null()).output().expect("the gateway runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(printed, scene.caller.get("/openapi.json").json());
}
