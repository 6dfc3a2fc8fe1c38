//! What an MCP server offers besides tools: resources, prompts and completion.
//!
//! To the gates each of them is one more tool of the server, with a name that no tool of a server can have, and a definition that
//! the platform writes. Its contract, grants and switches are those of a tool; a method of the protocol is one of its arguments.

use serde_json::{Value, json};

/// What an entry of the registry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Feature {
    Tool,
    Resources,
    Prompts,
    Completion,
}

/// A request of the protocol that a feature takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    ResourcesList,
    ResourceTemplatesList,
    ResourcesRead,
    /// Comes to what a reading comes to, of no contents: what changes is read when it has changed.
    ResourcesSubscribe,
    PromptsList,
    PromptsGet,
    Complete,
}

impl Feature {
    /// Those that are no tools.
    pub const OFFERED: [Feature; 3] = [Feature::Resources, Feature::Prompts, Feature::Completion];

    pub const fn as_str(self) -> &'static str {
        match self {
            Feature::Tool => "tool",
            Feature::Resources => "resources",
            Feature::Prompts => "prompts",
            Feature::Completion => "completion",
        }
    }

    /// What is stored under that word.
    pub fn parse(word: &str) -> Option<Feature> {
        [&[Feature::Tool], &Self::OFFERED[..]].concat().into_iter().find(|feature| feature.as_str() == word)
    }

    /// What it is called before `__` and the server's name; nothing for tools, which their servers name.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Feature::Tool => None,
            Feature::Resources => Some("mcp-resources"),
            Feature::Prompts => Some("mcp-prompts"),
            Feature::Completion => Some("mcp-completion"),
        }
    }

    /// Whether a server with these capabilities has it.
    pub fn is_offered(self, capabilities: &Value) -> bool {
        let name = match self {
            Feature::Tool => "tools",
            Feature::Resources => "resources",
            Feature::Prompts => "prompts",
            Feature::Completion => "completions",
        };
        capabilities[name].is_object()
    }

    /// What the platform says of it, in the form in which a server says something of a tool.
    pub fn definition(self) -> Option<Value> {
        let (title, description) = match self {
            Feature::Tool => return None,
            Feature::Resources => (
                "Resources",
                "Lists the server's resources and their templates, reads them, and hears when they change.",
            ),
            Feature::Prompts => ("Prompts", "Lists the server's prompts, and fills them in."),
            Feature::Completion => {
                ("Completion", "Completes arguments of the server's prompts and resource templates.")
            }
        };
        Some(json!({
            "name": self.name(), "title": title, "description": description, "inputSchema": self.input_schema(),
            "annotations": {"readOnlyHint": true, "destructiveHint": false, "idempotentHint": true}
        }))
    }

    /// The arguments that it takes, whatever its contract says.
    pub fn input_schema(self) -> Option<Value> {
        let text = |most: u32| json!({"type": "string", "maxLength": most});
        let (name, uri, cursor) = (text(256), text(4096), text(MOST_CURSOR));
        let texts = json!({"type": "object", "maxProperties": 64, "additionalProperties": {"type": "string"}});
        let listing = |methods: Value| json!({"properties": {"method": {"enum": methods}}});
        match self {
            Feature::Tool => None,
            Feature::Resources => {
                let mut list = listing(json!(["resources/list", "resources/templates/list"]));
                list["properties"]["uri"] = false.into();
                let read = json!({
                    "required": ["uri"],
                    "properties": {"method": {"enum": ["resources/read", "resources/subscribe"]}, "cursor": false}
                });
                Some(json!({
                    "type": "object", "required": ["method"], "additionalProperties": false,
                    "properties": {
                        "method": {
                            "enum": ["resources/list", "resources/templates/list", "resources/read", "resources/subscribe"]
                        },
                        "cursor": cursor, "uri": uri
                    },
                    "oneOf": [list, read]
                }))
            }
            Feature::Prompts => {
                let mut list = listing(json!(["prompts/list"]));
                (list["properties"]["name"], list["properties"]["arguments"]) = (false.into(), false.into());
                let get =
                    json!({"required": ["name"], "properties": {"method": {"const": "prompts/get"}, "cursor": false}});
                Some(json!({
                    "type": "object", "required": ["method"], "additionalProperties": false,
                    "properties": {
                        "method": {"enum": ["prompts/list", "prompts/get"]}, "cursor": cursor, "name": name, "arguments": texts
                    },
                    "oneOf": [list, get]
                }))
            }
            Feature::Completion => {
                let prompt = json!({
                    "type": "object", "required": ["type", "name"], "additionalProperties": false,
                    "properties": {"type": {"const": "ref/prompt"}, "name": name, "title": name}
                });
                let resource = json!({
                    "type": "object", "required": ["type", "uri"], "additionalProperties": false,
                    "properties": {"type": {"const": "ref/resource"}, "uri": uri}
                });
                Some(json!({
                    "type": "object", "required": ["method", "ref", "argument"], "additionalProperties": false,
                    "properties": {
                        "method": {"const": "completion/complete"}, "ref": {"oneOf": [prompt, resource]},
                        "argument": {
                            "type": "object", "required": ["name", "value"], "additionalProperties": false,
                            "properties": {"name": name, "value": {"type": "string"}}
                        },
                        "context": {"type": "object", "additionalProperties": false, "properties": {"arguments": texts}}
                    }
                }))
            }
        }
    }
}

/// The most characters of a server's cursor.
pub const MOST_CURSOR: u32 = 4096;

impl Method {
    pub const ALL: [Method; 7] = [
        Method::ResourcesList,
        Method::ResourceTemplatesList,
        Method::ResourcesRead,
        Method::ResourcesSubscribe,
        Method::PromptsList,
        Method::PromptsGet,
        Method::Complete,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Method::ResourcesList => "resources/list",
            Method::ResourceTemplatesList => "resources/templates/list",
            Method::ResourcesRead => "resources/read",
            Method::ResourcesSubscribe => "resources/subscribe",
            Method::PromptsList => "prompts/list",
            Method::PromptsGet => "prompts/get",
            Method::Complete => "completion/complete",
        }
    }

    pub fn parse(word: &str) -> Option<Method> {
        Self::ALL.into_iter().find(|method| method.as_str() == word)
    }

    /// The feature that it is a method of.
    pub const fn feature(self) -> Feature {
        match self {
            Method::ResourcesList
            | Method::ResourceTemplatesList
            | Method::ResourcesRead
            | Method::ResourcesSubscribe => Feature::Resources,
            Method::PromptsList | Method::PromptsGet => Feature::Prompts,
            Method::Complete => Feature::Completion,
        }
    }

    /// The arguments with which an item of its list would be used, where the item itself says so: a template's does not.
    pub fn use_of(self, item: &Value) -> Option<Value> {
        match self {
            Method::ResourcesList => Some(json!({"method": Method::ResourcesRead.as_str(), "uri": item["uri"]})),
            Method::PromptsList => Some(json!({"method": Method::PromptsGet.as_str(), "name": item["name"]})),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use awooop_contracts::schema::{CompiledSchema, is_embeddable};

    fn takes(feature: Feature, arguments: &Value) -> bool {
        CompiledSchema::new(feature.input_schema().unwrap()).unwrap().is_valid(arguments)
    }

    #[test]
    fn every_method_is_taken_by_its_feature_with_its_own_arguments_and_no_others() {
        use Feature::{Completion, Prompts, Resources};
        let prompt = json!({"type": "ref/prompt", "name": "a"});
        let argument = json!({"name": "a", "value": ""});
        for (feature, good) in [
            (Resources, json!({"method": "resources/list"})),
            (Resources, json!({"method": "resources/templates/list", "cursor": "x"})),
            (Resources, json!({"method": "resources/read", "uri": "shop://a"})),
            (Resources, json!({"method": "resources/subscribe", "uri": "shop://a"})),
            (Prompts, json!({"method": "prompts/list", "cursor": ""})),
            (Prompts, json!({"method": "prompts/get", "name": "a"})),
            (Prompts, json!({"method": "prompts/get", "name": "a", "arguments": {"b": "c"}})),
            (Completion, json!({"method": "completion/complete", "ref": prompt, "argument": argument})),
            (
                Completion,
                json!({"method": "completion/complete", "ref": {"type": "ref/resource", "uri": "a:{b}"}, "argument": argument,
                       "context": {"arguments": {"c": "d"}}}),
            ),
        ] {
            assert!(takes(feature, &good), "{good}");
            assert_eq!(Method::parse(good["method"].as_str().unwrap()).map(Method::feature), Some(feature));
            for other in Feature::OFFERED.into_iter().filter(|other| *other != feature) {
                assert!(!takes(other, &good), "{other:?} {good}");
            }
            let mut more = good.clone();
            more["more"] = 1.into();
            assert!(!takes(feature, &more), "{more}");
        }
        for (feature, bad) in [
            (Resources, json!({})),
            (Resources, json!({"method": "tools/call", "uri": "a"})),
            (Resources, json!({"method": "resources/read"})),
            (Resources, json!({"method": "resources/read", "uri": 1})),
            (Resources, json!({"method": "resources/read", "uri": "a:b", "cursor": "x"})),
            (Resources, json!({"method": "resources/list", "uri": "a:b"})),
            (Prompts, json!({"method": "prompts/list", "name": "a"})),
            (Prompts, json!({"method": "prompts/get", "name": "a", "arguments": {"b": 1}})),
            (Completion, json!({"method": "completion/complete", "argument": argument})),
            (
                Completion,
                json!({"method": "completion/complete", "ref": {"type": "ref/tool", "name": "a"}, "argument": argument}),
            ),
            (Completion, json!({"method": "completion/complete", "ref": prompt, "argument": {"name": "a"}})),
        ] {
            assert!(!takes(feature, &bad), "{bad}");
        }
    }

    #[test]
    fn what_the_platform_says_of_a_feature_can_be_put_into_a_contract() {
        for feature in Feature::OFFERED {
            let definition = feature.definition().unwrap();
            assert!(is_embeddable(&definition["inputSchema"]), "{feature:?}");
            assert_eq!(definition["inputSchema"]["type"], "object");
            assert_eq!(Feature::parse(feature.as_str()), Some(feature));
        }
        assert_eq!((Feature::Tool.definition(), Feature::parse("tool")), (None, Some(Feature::Tool)));
    }

    #[test]
    fn a_definition_that_changes_is_a_drift_in_every_project() {
        let digests = Feature::OFFERED.map(|feature| {
            let digest = awooop_contracts::digest(&feature.definition().unwrap()).unwrap();
            hex::encode(&digest[..8])
        });
        assert_eq!(digests, ["29bced5fed345519", "684f83c0ba1dec1b", "097dd45ddd0e71b8"]);
    }

    #[test]
    fn a_capability_is_an_object_and_completion_has_another_name_there() {
        let capabilities = json!({"resources": {}, "prompts": null, "completions": {"a": 1}, "completion": {}});
        let offered: Vec<Feature> =
            Feature::OFFERED.into_iter().filter(|feature| feature.is_offered(&capabilities)).collect();
        assert_eq!(offered, [Feature::Resources, Feature::Completion]);
        assert!(!Feature::Resources.is_offered(&json!({"resources": true})));
    }

    #[test]
    fn the_use_of_an_item_is_what_its_feature_takes() {
        let resource = Method::ResourcesList.use_of(&json!({"uri": "a:b", "name": "x"})).unwrap();
        assert!(takes(Feature::Resources, &resource));
        let prompt = Method::PromptsList.use_of(&json!({"name": "x", "title": "y"})).unwrap();
        assert!(takes(Feature::Prompts, &prompt));
        assert_eq!(Method::ResourceTemplatesList.use_of(&json!({"uriTemplate": "a:{b}"})), None);
    }
}
