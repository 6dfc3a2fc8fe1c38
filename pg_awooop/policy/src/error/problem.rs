//! One occurrence of an error, as SQL callers, HTTP clients and the audit log get to know it.

use serde_json::{Map, Value, json};

use super::ErrorCode;

/// An [`ErrorCode`] with the facts of one occurrence: argument names, limits, states. Never input.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Which error it is.
    pub code: ErrorCode,
    /// Facts a program can act on, as members of DETAIL and of the problem document.
    pub facts: Map<String, Value>,
    /// The same for the caller alone, who wrote what they are about: the log has a fact of that name without it.
    pub told: Map<String, Value>,
}

impl From<ErrorCode> for Problem {
    fn from(code: ErrorCode) -> Self {
        Problem { code, facts: Map::new(), told: Map::new() }
    }
}

impl Problem {
    /// The same problem with one more fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// The same problem with one more fact, of which the audit log gets to know only `logged`.
    #[must_use]
    pub fn telling(mut self, name: &str, value: impl Into<Value>, logged: impl Into<Value>) -> Self {
        self.told.insert(name.to_owned(), value.into());
        self.with(name, logged)
    }

    /// What the caller is told besides the code.
    fn caller_facts(&self) -> Map<String, Value> {
        let mut facts = self.facts.clone();
        facts.extend(self.told.clone());
        facts
    }

    /// MESSAGE of the SQL error: the code, then the sentence.
    pub fn sql_message(&self) -> String {
        let entry = self.code.entry();
        format!("{}: {}", entry.code, entry.message)
    }

    /// DETAIL of the SQL error: one JSON object with `code`, `status` and the facts.
    pub fn sql_detail(&self) -> String {
        let entry = self.code.entry();
        let mut detail = self.caller_facts();
        detail.insert("code".into(), entry.code.into());
        detail.insert("status".into(), entry.status.into());
        Value::Object(detail).to_string()
    }

    /// The problem document of RFC 9457, with `code`, `hint` and the facts as extension members.
    pub fn to_document(&self) -> Value {
        let entry = self.code.entry();
        let mut document = self.caller_facts();
        document.insert("type".into(), format!("urn:awooop:error:{}", entry.code).into());
        document.insert("title".into(), entry.message.into());
        document.insert("status".into(), entry.status.into());
        document.insert("code".into(), entry.code.into());
        document.insert("hint".into(), entry.hint.into());
        Value::Object(document)
    }
}

/// The JSON Schema of a problem document.
pub fn problem_schema() -> Value {
    json!({
        "type": "object",
        "title": "Problem",
        "description": "RFC 9457 problem document; further members are facts of the occurrence.",
        "required": ["type", "title", "status", "code", "hint"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string", "pattern": "^E-[A-Z]+(-[A-Z]+)?-[0-9]{3}$"},
            "hint": {"type": "string"}
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_caller_is_told_is_not_what_is_logged() {
        let problem = Problem::from(ErrorCode::OutputRefused).telling("errors", vec!["got 4711"], vec!["got a number"]);
        assert_eq!(problem.to_document()["errors"][0], "got 4711");
        assert!(problem.sql_detail().contains("4711"));
        assert_eq!(problem.facts["errors"][0], "got a number");
    }

    #[test]
    fn facts_never_replace_the_members_a_client_relies_on() {
        let document = Problem::from(ErrorCode::AuthFailed).with("status", 200).with("code", "fine").to_document();
        assert_eq!(document["status"], 401);
        assert_eq!(document["code"], "E-AUTH-001");
    }
}
