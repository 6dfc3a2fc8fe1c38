//! What a contract refers to: other contracts, and credentials. Whether they exist and may be used is decided where the
//! rows are.

use crate::model::text::CredentialReference;
use crate::violation::escaped;
use crate::{Contract, Kind};

/// A contract that another one names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link<'a> {
    /// Where it is named, as a JSON pointer.
    pub pointer: String,
    pub kind: Kind,
    pub name: &'a str,
}

/// A credential that a contract names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialUse<'a> {
    /// Where it is named, as a JSON pointer.
    pub pointer: String,
    pub reference: &'a CredentialReference,
}

impl Contract {
    /// Every contract of the same project that this one names: tools, run contracts, agents.
    pub fn links(&self) -> Vec<Link<'_>> {
        let link = |pointer: String, kind, name| Link { pointer, kind, name };
        match self {
            Self::Agent(agent) => {
                let tools = agent.tools.iter().flat_map(|tools| tools.entries().keys());
                let tools = tools.map(|tool| link(format!("/tools/{}", tool.as_str()), Kind::Tool, tool.as_str()));
                let run = agent.run_contract.iter().map(|run| link("/run_contract".into(), Kind::Run, run.as_str()));
                tools.chain(run).collect()
            }
            Self::Policy(policy) => {
                let tools = policy.tool_risk.iter().flat_map(|tools| tools.entries().keys());
                let tools = tools.map(|tool| link(format!("/tool_risk/{}", tool.as_str()), Kind::Tool, tool.as_str()));
                let agents = policy.budgets.iter().flat_map(|budgets| &budgets.agents);
                let agents = agents.flat_map(|agents| agents.entries().keys());
                let agents = agents
                    .map(|agent| link(format!("/budgets/agents/{}", agent.as_str()), Kind::Agent, agent.as_str()));
                tools.chain(agents).collect()
            }
            Self::Channel(channel) => {
                let listener = channel.listener.iter();
                let agent = listener.clone().map(|l| link("/listener/agent".into(), Kind::Agent, l.agent.as_str()));
                let commands = listener.flat_map(|l| &l.commands).flat_map(|commands| commands.entries());
                let commands = commands.map(|(command, agent)| {
                    link(format!("/listener/commands/{}", escaped(command.as_str())), Kind::Agent, agent.as_str())
                });
                agent.chain(commands).collect()
            }
            Self::Project(_) | Self::Tool(_) | Self::Run(_) => Vec::new(),
        }
    }

    /// Every credential that this contract names. A tenant can write any reference; which namespaces are its own is the
    /// platform's to say.
    pub fn credentials(&self) -> Vec<CredentialUse<'_>> {
        let credential = |pointer: String, reference| CredentialUse { pointer, reference };
        match self {
            Self::Agent(agent) => {
                let model = agent.model.credential.iter().map(|c| credential("/model/credential".into(), c));
                let models = agent.fallback_models.iter().flat_map(|models| models.as_slice().iter().enumerate());
                let models = models.filter_map(|(at, model)| {
                    Some(credential(format!("/fallback_models/{at}/credential"), model.credential.as_ref()?))
                });
                let endpoint = agent.endpoint.iter().filter_map(|endpoint| endpoint.credential.as_ref());
                let endpoint = endpoint.map(|c| credential("/endpoint/credential".into(), c));
                endpoint.chain(models).chain(model).collect()
            }
            Self::Tool(tool) => {
                tool.credential.iter().map(|c| credential("/credential/reference".into(), &c.reference)).collect()
            }
            Self::Channel(channel) => {
                let secret = channel.inbound.iter().flat_map(|inbound| &inbound.secret);
                let secret = secret.map(|c| credential("/inbound/secret".into(), c));
                let key = channel.outbound.iter().map(|o| credential("/outbound/credential".into(), &o.credential));
                secret.chain(key).collect()
            }
            Self::Project(_) | Self::Policy(_) | Self::Run(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::tests::{documents, places};

    #[test]
    fn no_credential_of_a_contract_is_overlooked() {
        for &kind in Kind::ALL {
            for (name, document) in documents(kind, "valid") {
                let contract = Contract::from_value(&document).unwrap();
                let mut told: Vec<String> = contract.credentials().into_iter().map(|used| used.pointer).collect();
                told.sort();
                let is_reference = |place: &String| {
                    document.pointer(place).and_then(Value::as_str).is_some_and(|text| text.starts_with("k8s://"))
                };
                let there: Vec<String> = places(&document).into_iter().filter(is_reference).collect();
                assert_eq!(told, there, "{name}");
            }
        }
    }

    #[test]
    fn a_link_leads_to_what_the_document_names() {
        let mut kinds = Vec::new();
        for &kind in Kind::ALL {
            let document: Value = serde_json::from_str(kind.full_example()).unwrap();
            let contract = Contract::from_value(&document).unwrap();
            for link in contract.links() {
                let there = document.pointer(&link.pointer).unwrap();
                assert!(there == link.name || link.pointer.ends_with(link.name), "{link:?}");
                kinds.push((kind, link.kind));
            }
        }
        kinds.dedup();
        let expected = [
            (Kind::Agent, Kind::Tool),
            (Kind::Agent, Kind::Run),
            (Kind::Policy, Kind::Tool),
            (Kind::Policy, Kind::Agent),
            (Kind::Channel, Kind::Agent),
        ];
        assert_eq!(kinds, expected);
    }
}
