//! Resources, prompts and completion: each a call that the gates judge, of the server's entry for the feature. At the address of
//! all servers, names and URIs say which server they are of.

use rmcp::RoleServer;
use rmcp::model::{
    CompleteRequestParams, CompleteResult, ErrorData, GetPromptRequestParams, GetPromptResponse, InputRequiredResult,
    InputResponses, JsonObject, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
};
use rmcp::service::RequestContext;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Agent, Came, Presented, Refusal, Wanted};
use crate::mcp::{names, wire};

/// What a server may offer besides tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::mcp) enum Feature {
    Resources,
    Prompts,
    Completion,
}

impl Feature {
    /// The entry of a server that the gates know it by.
    fn entry(self, server: &str) -> String {
        let feature = match self {
            Feature::Resources => "mcp-resources",
            Feature::Prompts => "mcp-prompts",
            Feature::Completion => "mcp-completion",
        };
        format!("{feature}__{server}")
    }
}

/// The round that a request belongs to.
#[derive(Default)]
struct Rounds {
    state: Option<String>,
    responses: Option<InputResponses>,
    subscribe: Option<String>,
}

/// A result of a feature, or what the caller has to do first.
enum Got {
    Result(Value),
    Asks(InputRequiredResult),
}

impl Agent {
    async fn use_feature(
        &self,
        context: &RequestContext<RoleServer>,
        (feature, server): (Feature, &str),
        arguments: Value,
        rounds: Rounds,
    ) -> Result<Got, ErrorData> {
        let presented = Presented::of_context(context)?;
        let wanted = Wanted {
            tool: feature.entry(server),
            arguments: wire::members(arguments),
            request_state: rounds.state,
            responses: rounds.responses,
            subscribe: rounds.subscribe,
        };
        match self.caller(&presented, context).call(wanted).await? {
            Came::Result(result) if result["isError"] == true => {
                let words = result["content"][0]["text"].as_str().unwrap_or_default().to_owned();
                Err(ErrorData::internal_error(words, result.get("_meta").cloned()))
            }
            Came::Result(result) => Ok(Got::Result(result)),
            Came::Waits(asks) | Came::Asks(asks, _) => Ok(Got::Asks(asks)),
            Came::Refused(refusal) => Err(refusal.into_error()),
        }
    }

    /// A page of a list. At the address of all servers the pages of one follow those of another.
    pub(super) async fn list_feature<T: DeserializeOwned>(
        &self,
        context: &RequestContext<RoleServer>,
        feature: Feature,
        method: &str,
        request: Option<PaginatedRequestParams>,
    ) -> Result<T, ErrorData> {
        let presented = Presented::of_context(context)?;
        let cursor = request.and_then(|request| request.cursor);
        if let Some(server) = presented.server() {
            let page = self.page(context, (feature, server), method, cursor.as_deref()).await?;
            return read(page);
        }
        let listed = self.core().list(&presented, None).await.map_err(Refusal::into_error)?;
        let servers: Vec<String> = listed
            .features
            .into_iter()
            .filter(|granted| granted.feature == feature)
            .map(|granted| granted.server_id)
            .collect();
        let (at, inner) = match cursor.as_deref().map(|cursor| cursor.split_once(' ').unwrap_or((cursor, ""))) {
            None => (0, None),
            Some((server, inner)) => {
                let at = servers.iter().position(|one| one == server);
                let at = at.ok_or_else(|| ErrorData::invalid_params("the cursor is none of this list", None))?;
                (at, Some(inner).filter(|inner| !inner.is_empty()))
            }
        };
        let Some(server) = servers.get(at) else { return read(empty(method)) };
        let mut page = self.page(context, (feature, server), method, inner).await?;
        name_by_server(&mut page, server);
        let next = match (page["nextCursor"].as_str(), servers.get(at + 1)) {
            (Some(inner), _) => Some(format!("{server} {inner}")),
            (None, Some(next)) => Some(format!("{next} ")),
            (None, None) => None,
        };
        page["nextCursor"] = next.into();
        read(page)
    }

    async fn page(
        &self,
        context: &RequestContext<RoleServer>,
        at: (Feature, &str),
        method: &str,
        cursor: Option<&str>,
    ) -> Result<Value, ErrorData> {
        let mut arguments = json!({"method": method});
        if let Some(cursor) = cursor {
            arguments["cursor"] = cursor.into();
        }
        match self.use_feature(context, at, arguments, Rounds::default()).await? {
            Got::Result(mut page) => {
                // Whoever asks sees what was granted to them.
                page["cacheScope"] = "private".into();
                Ok(page)
            }
            Got::Asks(_) => {
                Err(ErrorData::invalid_request("people have been asked to approve it; ask again once they have", None))
            }
        }
    }

    pub(super) async fn read(
        &self,
        request: ReadResourceRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let presented = Presented::of_context(context)?;
        let (server, uri) = resource_of(&presented, &request.uri)?;
        let arguments = json!({"method": "resources/read", "uri": uri});
        let rounds = Rounds { state: request.request_state, responses: request.input_responses, subscribe: None };
        let got =
            self.use_feature(context, (Feature::Resources, server), arguments, rounds).await.map_err(|mut error| {
                // The name that the caller knows it by.
                if let Some(data) = error.data.as_mut().filter(|data| data.get("uri").is_some()) {
                    data["uri"] = request.uri.as_str().into();
                }
                error
            })?;
        match got {
            Got::Asks(asks) => Ok(ReadResourceResponse::InputRequired(asks)),
            Got::Result(mut result) => {
                result["cacheScope"] = "private".into();
                if presented.server().is_none() {
                    for content in result["contents"].as_array_mut().into_iter().flatten() {
                        if let Some(uri) = content["uri"].as_str() {
                            content["uri"] = names::uri(uri, server).into();
                        }
                    }
                }
                read(result).map(ReadResourceResponse::Complete)
            }
        }
    }

    pub(super) async fn prompt(
        &self,
        request: GetPromptRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let presented = Presented::of_context(context)?;
        let (name, server) = prompt_of(&presented, &request.name)?;
        let mut arguments = json!({"method": "prompts/get", "name": name});
        if let Some(given) = request.arguments {
            arguments["arguments"] = Value::Object(given);
        }
        let rounds = Rounds { state: request.request_state, responses: request.input_responses, subscribe: None };
        match self.use_feature(context, (Feature::Prompts, server), arguments, rounds).await? {
            Got::Asks(asks) => Ok(GetPromptResponse::InputRequired(asks)),
            Got::Result(result) => read(result).map(GetPromptResponse::Complete),
        }
    }

    pub(super) async fn completion(
        &self,
        request: CompleteRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let presented = Presented::of_context(context)?;
        let mut arguments = serde_json::to_value(&request).unwrap_or_default();
        let reference = arguments["ref"].clone();
        let server = match (reference["name"].as_str(), reference["uri"].as_str()) {
            (Some(name), _) => {
                let (name, server) = prompt_of(&presented, name)?;
                arguments["ref"]["name"] = name.into();
                server.to_owned()
            }
            (None, Some(uri)) => {
                let (server, uri) = resource_of(&presented, uri)?;
                arguments["ref"]["uri"] = uri.into();
                server.to_owned()
            }
            (None, None) => return Err(ErrorData::invalid_params("a reference names a prompt or a resource", None)),
        };
        let mut arguments: JsonObject = wire::members(arguments);
        arguments.retain(|name, _| matches!(name.as_str(), "ref" | "argument" | "context"));
        arguments.insert("method".into(), "completion/complete".into());
        let at = (Feature::Completion, server.as_str());
        match self.use_feature(context, at, Value::Object(arguments), Rounds::default()).await? {
            Got::Result(result) => read(result),
            Got::Asks(_) => Ok(CompleteResult::default()),
        }
    }

    /// Has the server told, through the gates and over the session's own connection.
    pub(super) async fn subscription(
        &self,
        uri: String,
        context: &RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let presented = Presented::of_context(context)?;
        // A server tells of a resource by its own name, which says nothing of the server at the address of all.
        let Some(server) = presented.server() else {
            return Err(ErrorData::invalid_request("subscribe at the server's own address", None));
        };
        if !self.0.may_subscribe() {
            return Err(ErrorData::invalid_request(
                "the session subscribes to as much as one may; give something up first",
                None,
            ));
        }
        let arguments = json!({"method": "resources/subscribe", "uri": uri});
        let rounds = Rounds { subscribe: Some(uri), ..Rounds::default() };
        self.use_feature(context, (Feature::Resources, server), arguments, rounds).await.map(|_| ())
    }
}

fn resource_of<'a>(presented: &'a Presented, uri: &'a str) -> Result<(&'a str, &'a str), ErrorData> {
    match presented.server() {
        Some(server) => Ok((server, uri)),
        None => names::uri_parts(uri).ok_or_else(|| ErrorData::invalid_params("a URI here is {server}+{uri}", None)),
    }
}

fn prompt_of<'a>(presented: &'a Presented, name: &'a str) -> Result<(&'a str, &'a str), ErrorData> {
    match presented.server() {
        Some(server) => Ok((name, server)),
        None => names::prompt_parts(name)
            .ok_or_else(|| ErrorData::invalid_params("a prompt here is {prompt}__{server}", None)),
    }
}

fn read<T: DeserializeOwned>(mut result: Value) -> Result<T, ErrorData> {
    result["resultType"] = "complete".into();
    serde_json::from_value(result).map_err(|_| ErrorData::internal_error("the result could not be shown", None))
}

fn empty(method: &str) -> Value {
    match method {
        "resources/list" => json!({"resources": []}),
        "resources/templates/list" => json!({"resourceTemplates": []}),
        _ => json!({"prompts": []}),
    }
}

fn name_by_server(page: &mut Value, server: &str) {
    for list in ["resources", "resourceTemplates", "prompts"] {
        for item in page[list].as_array_mut().into_iter().flatten() {
            for member in ["uri", "uriTemplate"] {
                if let Some(uri) = item[member].as_str() {
                    item[member] = names::uri(uri, server).into();
                }
            }
            if list == "prompts"
                && let Some(name) = item["name"].as_str()
            {
                item["name"] = names::prompt(name, server).into();
            }
        }
    }
    if let Value::Object(members) = page {
        members.retain(|_, value| !value.is_null());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_all_servers_say_which_server_an_item_is_of() {
        let mut page = json!({"prompts": [{"name": "greet"}], "resources": [{"uri": "docs://a", "name": "a"}], "resourceTemplates": [{"uriTemplate": "docs://{id}", "name": "t"}]});
        name_by_server(&mut page, "shop");
        assert_eq!(
            page,
            json!({"prompts": [{"name": "greet__shop"}], "resources": [{"uri": "shop+docs://a", "name": "a"}], "resourceTemplates": [{"uriTemplate": "shop+docs://{id}", "name": "t"}]})
        );
    }
}
