//! A contract: a document that its schema accepts, as a type.

use serde::Serialize;
use serde_json::Value;

use crate::model::{
    AgentContract, ChannelContract, PolicyContract, ProjectContract, RunContract, ToolContract, reader,
};
use crate::schema::{self, CompiledSchema};
use crate::violation::SchemaViolation;
use crate::{Kind, strict};

/// The longest contract, in bytes of its text.
pub const MAX_CONTRACT_BYTES: usize = 256 * 1024;

/// How many violations are told of at most.
pub const MAX_VIOLATIONS: usize = 50;

/// A contract of one of the six kinds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Contract {
    Project(Box<ProjectContract>),
    Agent(Box<AgentContract>),
    Policy(Box<PolicyContract>),
    Tool(Box<ToolContract>),
    Channel(Box<ChannelContract>),
    Run(Box<RunContract>),
}

impl Contract {
    /// Reads a contract of the kind that it says it is.
    ///
    /// # Errors
    /// What is wrong with it, never empty: with the text as JSON, with its kind, or with what its schema asks.
    pub fn parse(text: &str) -> Result<Self, Vec<SchemaViolation>> {
        let document = strict::parse(text, MAX_CONTRACT_BYTES).map_err(|violation| vec![violation.into()])?;
        Self::from_value(&document)
    }

    /// As [`Contract::parse`], for a document that [`strict::parse`] or [`strict::check`] accepted.
    ///
    /// # Errors
    /// As [`Contract::parse`].
    pub fn from_value(document: &Value) -> Result<Self, Vec<SchemaViolation>> {
        let kind = kind_of(document).map_err(|violation| vec![violation])?;
        Self::of_kind(kind, document)
    }

    /// Reads a contract that must be of this kind.
    ///
    /// # Errors
    /// As [`Contract::parse`]; another kind is one of the violations.
    pub fn of_kind(kind: Kind, document: &Value) -> Result<Self, Vec<SchemaViolation>> {
        let violations = schema::violations(kind, document, MAX_VIOLATIONS);
        if !violations.is_empty() {
            return Err(violations);
        }
        Self::typed(kind, document).ok_or_else(|| vec![apart()])
    }

    /// Reads the document by the type alone. The schema is not asked: what it accepts and the type refuses would be a
    /// mistake of this crate, which its tests look for.
    pub(crate) fn typed(kind: Kind, document: &Value) -> Option<Self> {
        Some(match kind {
            Kind::Project => Self::Project(Box::new(reader::read(document).ok()?)),
            Kind::Agent => Self::Agent(Box::new(reader::read(document).ok()?)),
            Kind::Policy => Self::Policy(Box::new(reader::read(document).ok()?)),
            Kind::Tool => Self::Tool(Box::new(reader::read(document).ok()?)),
            Kind::Channel => Self::Channel(Box::new(reader::read(document).ok()?)),
            Kind::Run => Self::Run(Box::new(reader::read(document).ok()?)),
        })
    }

    /// What it is about.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Project(_) => Kind::Project,
            Self::Agent(_) => Kind::Agent,
            Self::Policy(_) => Kind::Policy,
            Self::Tool(_) => Kind::Tool,
            Self::Channel(_) => Kind::Channel,
            Self::Run(_) => Kind::Run,
        }
    }

    /// The name of the thing that it is about; with the kind, unique in a project.
    pub fn name(&self) -> &str {
        match self {
            Self::Project(contract) => contract.name.as_str(),
            Self::Agent(contract) => contract.name.as_str(),
            Self::Policy(contract) => contract.name.as_str(),
            Self::Tool(contract) => contract.name.as_str(),
            Self::Channel(contract) => contract.name.as_str(),
            Self::Run(contract) => contract.name.as_str(),
        }
    }

    /// The document again: what was given, without the defaults of what was not.
    ///
    /// # Errors
    /// Never, for a contract that was parsed.
    pub fn to_value(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(self)
    }

    /// The schemas that the contract holds, each with its place in the document.
    pub fn embedded_schemas(&self) -> Vec<(&'static str, &Value)> {
        let (input, output) = match self {
            Self::Agent(agent) => (None, agent.output_schema.as_ref()),
            Self::Tool(tool) => {
                (Some(tool.input_schema.as_embedded()), tool.output_schema.as_ref().map(|s| s.as_embedded()))
            }
            Self::Run(run) => (Some(&run.input_schema), Some(&run.output_schema)),
            Self::Project(_) | Self::Policy(_) | Self::Channel(_) => (None, None),
        };
        let input = input.map(|schema| ("/input_schema", schema.as_value()));
        let output = output.map(|schema| ("/output_schema", schema.as_value()));
        input.into_iter().chain(output).collect()
    }

    /// What keeps the contract from being published although its shape is right: a schema in it that cannot be
    /// compiled, for a reference to nothing or a pattern that is none or too large.
    pub fn unusable_schemas(&self) -> Vec<SchemaViolation> {
        let broken = |(place, schema): (&str, &Value)| {
            CompiledSchema::new(schema.clone())
                .err()
                .map(|violation| SchemaViolation { pointer: format!("{place}{}", violation.pointer), ..violation })
        };
        self.embedded_schemas().into_iter().filter_map(broken).collect()
    }
}

/// The kind that a document says it is.
fn kind_of(document: &Value) -> Result<Kind, SchemaViolation> {
    let violation = |pointer: &str, keyword: &str, expected: &str, got: &str| SchemaViolation {
        pointer: pointer.into(),
        keyword: keyword.into(),
        expected: expected.into(),
        got: got.into(),
    };
    let Value::Object(members) = document else {
        return Err(violation("", "type", "an object", "something else"));
    };
    let Some(kind) = members.get("kind") else {
        return Err(violation("", "required", "the property kind", "an object without it"));
    };
    kind.as_str().and_then(Kind::parse).ok_or_else(|| {
        let words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        violation("/kind", "enum", &format!("one of: {}", words.join(", ")), "another kind")
    })
}

fn apart() -> SchemaViolation {
    SchemaViolation {
        pointer: String::new(),
        keyword: "model".into(),
        expected: "what the typed model holds".into(),
        got: "a document that only the schema accepts".into(),
    }
}
