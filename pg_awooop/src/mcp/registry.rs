//! The tools that servers list, and what else they offer, each with the digest of what was said of it; and whether that is what was
//! reviewed.

use std::collections::HashMap;

use awooop_contracts::{Contract, Kind, canonical_json, diff};
use awooop_policy::argument::Arguments;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::tool_name;
use serde_json::{Map, Value, json};

use super::offer;
use crate::audit;
use crate::caller::Caller;
use crate::contracts::active;
use crate::door::Answer;
use crate::fault::{Outcome, Stop, fault};
use crate::redaction;
use crate::statement::{column, rfc3339, statements};

macro_rules! tool_columns {
    () => {
        concat!(
            "t.name, t.server_id, t.upstream_name, t.digest, t.definition::text, t.pinned_digest, t.pinned_definition::text,
             t.gone_at is not null, t.disabled_at is not null, ",
            rfc3339!("t.first_seen_at"),
            ", ",
            rfc3339!("t.seen_at"),
            ", ",
            rfc3339!("t.changed_at"),
            ", t.feature"
        )
    };
}

statements! {
    LOCK_SERVER: writing [TEXTOID, TEXTOID] =
        "update awooop.mcp_server set imported_at = clock_timestamp() where project_id = $1 and server_id = $2";
    SEEN: writing [TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID] =
        "insert into awooop.mcp_tool as t (project_id, name, server_id, upstream_name, definition, digest, feature)
         values ($1, $2, $3, $4, $5::jsonb, $6, $7)
         on conflict (project_id, name) do update
            set definition = excluded.definition, digest = excluded.digest, feature = excluded.feature, seen_at = excluded.seen_at, gone_at = null,
                changed_at = case when t.digest = excluded.digest then t.changed_at else excluded.changed_at end
            where t.upstream_name = excluded.upstream_name
         returning name";
    PIN: writing [TEXTOID, TEXTOID] =
        "update awooop.mcp_tool set pinned_definition = definition, pinned_digest = digest
         where project_id = $1 and name = $2 and pinned_digest is distinct from digest";
    GONE: writing [TEXTOID, TEXTOID, TEXTARRAYOID, BOOLOID] =
        "update awooop.mcp_tool set gone_at = clock_timestamp()
         where project_id = $1 and server_id = $2 and not name = any ($3) and gone_at is null and ($4 or feature = 'tool')
         returning name";
    SWITCH: writing [TEXTOID, TEXTOID, BOOLOID] =
        "update awooop.mcp_tool
         set disabled_at = case when not $3 then coalesce(disabled_at, clock_timestamp()) end
         where project_id = $1 and name = $2 returning name";
    FIND: reading [TEXTOID, TEXTOID] = concat!(
        "select ", tool_columns!(), " from awooop.mcp_tool t where t.project_id = $1 and t.name = $2");
    LIST: reading [TEXTOID, TEXTOID, TEXTOID, INT8OID] = concat!(
        "select ", tool_columns!(), " from awooop.mcp_tool t
         where t.project_id = $1 and ($2 is null or t.server_id = $2) and ($3 is null or t.name > $3)
         order by t.name limit $4");
}

/// A tool as the registry has it.
struct Tool {
    name: String,
    server_id: String,
    upstream_name: String,
    digest: String,
    definition: String,
    pinned_digest: Option<String>,
    pinned_definition: Option<String>,
    is_gone: bool,
    is_disabled: bool,
    times: [String; 3],
    feature: String,
}

impl Tool {
    fn read(row: &pgrx::spi::SpiTupleTable) -> Result<Self, pgrx::spi::Error> {
        Ok(Tool {
            name: column(row, 1)?,
            server_id: column(row, 2)?,
            upstream_name: column(row, 3)?,
            digest: column(row, 4)?,
            definition: column(row, 5)?,
            pinned_digest: row.get(6)?,
            pinned_definition: row.get(7)?,
            is_gone: column(row, 8)?,
            is_disabled: column(row, 9)?,
            times: [column(row, 10)?, column(row, 11)?, column(row, 12)?],
            feature: column(row, 13)?,
        })
    }

    /// The digest that its active contract names, if it has one.
    fn contracted(&self, project_id: &str) -> Outcome<Option<String>> {
        match active::of(project_id, Kind::Tool, &self.name) {
            Ok(loaded) => Ok(loaded.and_then(|loaded| match &loaded.contract {
                Contract::Tool(tool) => Some(tool.upstream_digest.as_str().to_owned()),
                _ => None,
            })),
            // One that nobody vouches for counts as none.
            Err(Stop::Refused(_)) => Ok(None),
            Err(stop) => Err(stop),
        }
    }

    fn state(&self, contracted: Option<&str>) -> &'static str {
        match contracted {
            _ if self.is_gone => "gone",
            _ if self.is_disabled => "disabled",
            None => "new",
            Some(digest) if digest == self.digest => "callable",
            Some(_) => "drifted",
        }
    }

    /// How it differs from what was reviewed, as far as that is known.
    fn changes(&self, contracted: Option<&str>) -> Outcome<Vec<Value>> {
        match (&self.pinned_definition, contracted) {
            (Some(pinned), Some(digest)) if digest != self.digest && self.pinned_digest.as_deref() == Some(digest) => {
                Ok(diff::changes(&serde_json::from_str(pinned)?, &serde_json::from_str(&self.definition)?))
            }
            _ => Ok(Vec::new()),
        }
    }

    fn shown(&self, project_id: &str) -> Outcome<Value> {
        let [first_seen_at, seen_at, changed_at] = &self.times;
        let contracted = self.contracted(project_id)?;
        Ok(json!({
            "tool": self.name, "server_id": self.server_id, "feature": self.feature, "upstream_name": self.upstream_name, "digest": self.digest,
            "pinned_digest": contracted, "state": self.state(contracted.as_deref()), "changes": self.changes(contracted.as_deref())?,
            "first_seen_at": first_seen_at, "seen_at": seen_at, "changed_at": changed_at
        }))
    }
}

/// Operation `mcp_import_tools`.
pub(crate) fn import(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (project_id, server_id) = (caller.project_id.as_str(), arguments.text("server_id"));
    let offer = offer::read(server_id, arguments.json("tools"))?;
    // Its row is locked: of two imports at once, the later one counts.
    if LOCK_SERVER.with(|s| s.run(&[project_id.into(), server_id.into()]))? == 0 {
        return fault(ErrorCode::McpServerUnknown);
    }
    let mut before = HashMap::new();
    for tool in &offer.listed {
        if let Some(known) = find(project_id, &tool.name)? {
            // What was reviewed is kept, to tell what changes.
            if known.contracted(project_id)?.as_ref() == Some(&known.digest) {
                PIN.with(|s| s.run(&[project_id.into(), tool.name.as_str().into()]))?;
            }
            before.insert(tool.name.as_str(), known.digest);
        }
        let parameters = [
            project_id.into(),
            tool.name.as_str().into(),
            server_id.into(),
            tool.upstream_name.into(),
            canonical_json(&tool.definition)?.into(),
            tool.digest.as_str().into(),
            tool.feature.as_str().into(),
        ];
        if SEEN.with(|s| s.run(&parameters))? == 0 {
            return fault(Problem::from(ErrorCode::McpNameTaken).with("name", tool.name.as_str()));
        }
    }
    let names: Vec<String> = offer.listed.iter().map(|tool| tool.name.clone()).collect();
    let parameters = [project_id.into(), server_id.into(), names.into(), offer.has_capabilities.into()];
    let gone = GONE.with(|s| s.rows(&parameters, |row| column::<String>(row, 1)))?;
    let mut shown = Vec::with_capacity(offer.listed.len() + gone.len());
    let mut changed = Vec::new();
    let known = offer.listed.iter().map(|tool| (&tool.name, Some(&*tool.definition)));
    for (name, definition) in known.chain(gone.iter().map(|name| (name, None))) {
        let Some(tool) = find(project_id, name)? else { continue };
        let contracted = tool.contracted(project_id)?;
        let state = tool.state(contracted.as_deref());
        if contracted.as_ref() == Some(&tool.digest) {
            PIN.with(|s| s.run(&[project_id.into(), name.as_str().into()]))?;
        }
        let changes = tool.changes(contracted.as_deref())?;
        let proposal = definition.filter(|_| matches!(state, "new" | "drifted")).map(|d| proposal(&tool, d));
        let is_news = before.get(name.as_str()) != Some(&tool.digest) || definition.is_none();
        if is_news {
            changed.push(json!({"tool": name, "state": state, "digest": tool.digest, "pinned": contracted}));
        }
        shown.push(json!({
            "tool": name, "feature": tool.feature, "upstream_name": tool.upstream_name, "digest": tool.digest, "state": state, "changes": changes,
            "proposal": proposal
        }));
    }
    let entry = audit::Entry::default()
        .with("server_id", server_id)
        .with("tools", offer.listed.len())
        .with("changed", changed)
        .with("unreadable", json!(offer.unreadable));
    audit::done(caller, "mcp_tools_imported", entry)?;
    Ok(Answer::ok(json!({"server_id": server_id, "tools": shown, "unreadable": offer.unreadable}).to_string()))
}

fn find(project_id: &str, name: &str) -> Outcome<Option<Tool>> {
    FIND.with(|s| s.row(&[project_id.into(), name.into()], Tool::read))
}

/// A contract to begin with: what the server says, held for as harmful as its annotations leave open. A person reviews it; a
/// hint that a tool only reads is believed only by whoever signs.
fn proposal(tool: &Tool, definition: &Value) -> Value {
    let mut contract = Map::new();
    let said = |text: Option<&str>, most: usize| -> Option<String> {
        let text: String = text?.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).take(most).collect();
        (!text.is_empty()).then_some(text)
    };
    let hint = |name: &str| definition["annotations"][name].as_bool();
    let side_effects = match (hint("readOnlyHint"), hint("destructiveHint")) {
        (Some(true), _) => "none",
        (_, Some(false)) => "reversible",
        _ => "irreversible",
    };
    let title = definition["title"].as_str().or(definition["annotations"]["title"].as_str());
    contract.insert("kind".into(), "tool".into());
    contract.insert("contract_version".into(), 1.into());
    contract.insert("name".into(), tool.name.as_str().into());
    if let Some(title) = said(title, 120) {
        contract.insert("title".into(), title.replace(['\n', '\t'], " ").into());
    }
    let description = said(definition["description"].as_str(), 4000);
    contract.insert("description".into(), description.unwrap_or_else(|| tool.upstream_name.clone()).into());
    contract.insert("upstream_name".into(), tool.upstream_name.as_str().into());
    contract.insert("upstream_digest".into(), tool.digest.as_str().into());
    contract.insert("input_schema".into(), embeddable(&definition["inputSchema"]));
    if definition["outputSchema"]["type"] == "object" {
        contract.insert("output_schema".into(), embeddable(&definition["outputSchema"]));
    }
    contract.insert("side_effects".into(), side_effects.into());
    contract.insert("risk".into(), if side_effects == "irreversible" { "high" } else { "medium" }.into());
    Value::Object(contract)
}

/// The schema without what a contract refuses at its root.
fn embeddable(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(members) = schema.as_object_mut() {
        members.remove("$id");
        if members.get("$schema").is_some_and(|dialect| dialect != "https://json-schema.org/draft/2020-12/schema") {
            members.remove("$schema");
        }
    }
    schema
}

/// Operation `mcp_switch_tool`.
pub(crate) fn switch(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (project_id, tool, enabled) =
        (caller.project_id.as_str(), arguments.text("tool"), arguments.boolean("enabled"));
    if SWITCH.with(|s| s.run(&[project_id.into(), tool.into(), enabled.into()]))? == 0 {
        return fault(ErrorCode::McpToolUnknown);
    }
    let reason = redaction::stored(arguments.optional_text("reason"));
    let entry = audit::Entry::default().with("tool", tool).with("enabled", enabled).with("reason", reason);
    audit::done(caller, "mcp_tool_switched", entry)?;
    match find(project_id, tool)? {
        Some(tool) => Ok(Answer::ok(tool.shown(project_id)?.to_string())),
        None => fault(ErrorCode::McpToolUnknown),
    }
}

/// Operation `mcp_list_registry`.
pub(crate) fn list(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (project_id, limit) = (caller.project_id.as_str(), arguments.integer("page_size"));
    let parameters =
        [project_id.into(), arguments.optional_text("server_id").into(), after(arguments)?.into(), (limit + 1).into()];
    let tools = LIST.with(|s| s.rows(&parameters, Tool::read))?;
    let rows: Outcome<Vec<(String, String)>> =
        tools.into_iter().map(|tool| Ok((tool.shown(project_id)?.to_string(), tool.name))).collect();
    Ok(Answer::page(rows?, limit))
}

/// The tool after which a page of a list of them begins: the last of the page before.
pub(super) fn after(arguments: &Arguments) -> Outcome<Option<&str>> {
    match arguments.optional_text("cursor") {
        Some(cursor) if tool_name::parts(cursor).is_none() => fault(ErrorCode::InputCursor),
        cursor => Ok(cursor),
    }
}
