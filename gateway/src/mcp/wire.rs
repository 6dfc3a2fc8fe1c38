//! The messages that go to a server and come back: built from what the database has let through, and turned into what the
//! database reads.

use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientRequest, CompleteRequest, ErrorData, GetPromptRequest,
    InputResponses, JsonObject, ListPromptsRequest, ListResourceTemplatesRequest, ListResourcesRequest,
    ReadResourceRequest, SubscribeRequest, UnsubscribeRequest, UnsubscribeRequestParams,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value, json};

/// Beyond it, readers of JSON disagree about which number it is.
const MOST_INTEGER: u64 = 1 << 53;

/// What of an earlier round goes back to the server.
#[derive(Clone, Default)]
pub struct Round {
    /// Answers to its questions.
    pub responses: Option<InputResponses>,
    /// Its own state.
    pub state: Option<String>,
}

/// The call of a tool.
pub fn tool_call(name: &str, arguments: JsonObject, round: Round) -> ClientRequest {
    let mut params = CallToolRequestParams::new(name.to_owned()).with_arguments(arguments);
    params.input_responses = round.responses;
    params.request_state = round.state;
    ClientRequest::CallToolRequest(CallToolRequest::new(params))
}

/// Bytes of all texts in a document.
pub fn weight(document: &Value) -> usize {
    match document {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| name.len() + weight(value)).sum(),
        _ => 0,
    }
}

/// No longer wants to hear when a resource changes.
pub fn unsubscribe(uri: String) -> ClientRequest {
    ClientRequest::UnsubscribeRequest(UnsubscribeRequest::new(UnsubscribeRequestParams::new(uri)))
}

/// The request of another feature: `arguments` are its method and its parameters, as the gates judged them.
pub fn feature_request(mut arguments: JsonObject, round: Round) -> Result<ClientRequest, ErrorData> {
    let method = arguments.remove("method");
    let method = method.as_ref().and_then(Value::as_str).unwrap_or_default();
    if let Some(responses) = round.responses {
        arguments.insert("inputResponses".into(), json!(responses));
    }
    if let Some(state) = round.state {
        arguments.insert("requestState".into(), state.into());
    }
    Ok(match method {
        "resources/list" => ClientRequest::ListResourcesRequest(ListResourcesRequest::with_param(read(arguments)?)),
        "resources/templates/list" => {
            ClientRequest::ListResourceTemplatesRequest(ListResourceTemplatesRequest::with_param(read(arguments)?))
        }
        "resources/subscribe" => ClientRequest::SubscribeRequest(SubscribeRequest::new(read(arguments)?)),
        "resources/read" => ClientRequest::ReadResourceRequest(ReadResourceRequest::new(read(arguments)?)),
        "prompts/list" => ClientRequest::ListPromptsRequest(ListPromptsRequest::with_param(read(arguments)?)),
        "prompts/get" => ClientRequest::GetPromptRequest(GetPromptRequest::new(read(arguments)?)),
        "completion/complete" => ClientRequest::CompleteRequest(CompleteRequest::new(read(arguments)?)),
        _ => return Err(ErrorData::internal_error("a method that no feature has was let through", None)),
    })
}

fn read<T: DeserializeOwned>(members: JsonObject) -> Result<T, ErrorData> {
    serde_json::from_value(Value::Object(members))
        .map_err(|_| ErrorData::invalid_params("the parameters are not those of the method", None))
}

/// Writes numbers that the database would refuse as texts, so that a result is not lost over one of them.
pub fn exact(value: &mut Value) {
    match value {
        Value::Number(number) if !is_exact(number) => *value = number.to_string().into(),
        Value::Array(items) => items.iter_mut().for_each(exact),
        Value::Object(members) => members.values_mut().for_each(exact),
        _ => {}
    }
}

fn is_exact(number: &Number) -> bool {
    match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(integer), ..) => integer.unsigned_abs() <= MOST_INTEGER,
        (None, Some(_), _) => false,
        (None, None, Some(float)) => float.is_finite() && (float.fract() != 0.0 || float.abs() <= MOST_INTEGER as f64),
        _ => false,
    }
}

/// Without the members of the result that are the transport's alone.
pub fn bare(mut result: Value) -> Value {
    if let Value::Object(members) = &mut result {
        members.remove("resultType");
    }
    result
}

/// An object's members, or none.
pub fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_readers_disagree_about_become_texts() {
        let mut value = json!({"a": 9007199254740993i64, "b": [9007199254740992i64, -9007199254740993i64, 1e300, 1.5], "c": u64::MAX});
        exact(&mut value);
        assert_eq!(
            value,
            json!({"a": "9007199254740993", "b": [9007199254740992i64, "-9007199254740993", "1e+300", 1.5], "c": "18446744073709551615"})
        );
    }

    #[test]
    fn a_feature_is_asked_for_by_its_method() {
        let arguments = members(json!({"method": "resources/read", "uri": "docs://a"}));
        let request = feature_request(arguments, Round { state: Some("s".into()), ..Round::default() }).unwrap();
        assert_eq!(
            serde_json::to_value(request).unwrap(),
            json!({"method": "resources/read", "params": {"uri": "docs://a", "requestState": "s"}})
        );
        assert!(feature_request(members(json!({"method": "tools/call", "name": "x"})), Round::default()).is_err());
        assert!(feature_request(members(json!({"method": "prompts/get"})), Round::default()).is_err());
    }
}
