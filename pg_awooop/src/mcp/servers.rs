//! MCP servers: where they are, and what they are shown.

use awooop_contracts::model::text::CredentialReference;
use awooop_policy::argument::Arguments;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::{tool_name, upstream as address};
use serde_json::{Value, json};

use crate::audit;
use crate::caller::Caller;
use crate::contracts;
use crate::door::Answer;
use crate::fault::{Outcome, fault};
use crate::redaction;
use crate::statement::{column, rfc3339, statements};

/// SQL for the credential that `s`, a row of awooop.mcp_server, names.
macro_rules! credential_json {
    () => {
        "case when s.credential_reference is not null then json_build_object('reference', s.credential_reference,
              'placement', s.credential_placement, 'name', s.credential_name) end"
    };
}
macro_rules! server_json {
    () => {
        concat!(
            "json_build_object('server_id', s.server_id, 'title', s.title, 'transport', s.transport, 'address', s.address,
                 'credential', ",
            credential_json!(),
            ", 'max_concurrency', s.max_concurrency, 'max_response_bytes', s.max_response_bytes,
                 'enabled', s.disabled_at is null, 'registered_by', s.registered_by,
                 'registered_at', ",
            rfc3339!("s.registered_at"),
            ", 'updated_at', ",
            rfc3339!("s.updated_at"),
            ", 'imported_at', ",
            rfc3339!("s.imported_at"),
            ")"
        )
    };
}

statements! {
    PUT: writing [TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, INT4OID,
                  TEXTOID] = concat!(
        "insert into awooop.mcp_server as s (project_id, server_id, title, transport, address, host, credential_reference,
                credential_placement, credential_name, max_concurrency, max_response_bytes, registered_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (project_id, server_id) do update
            set title = excluded.title, transport = excluded.transport, address = excluded.address, host = excluded.host,
                credential_reference = excluded.credential_reference,
                credential_placement = excluded.credential_placement, credential_name = excluded.credential_name,
                max_concurrency = excluded.max_concurrency, max_response_bytes = excluded.max_response_bytes,
                registered_by = excluded.registered_by, updated_at = clock_timestamp()
         returning ", server_json!(), "::text");
    MOVED: writing [TEXTOID, TEXTOID, TEXTOID] =
        "update awooop.mcp_tool t set gone_at = coalesce(t.gone_at, clock_timestamp())
         from awooop.mcp_server s
         where t.project_id = $1 and t.server_id = $2 and s.project_id = $1 and s.server_id = $2 and s.address <> $3";
    SWITCH: writing [TEXTOID, TEXTOID, BOOLOID] = concat!(
        "update awooop.mcp_server s
         set disabled_at = case when not $3 then coalesce(s.disabled_at, clock_timestamp()) end, updated_at = clock_timestamp()
         where s.project_id = $1 and s.server_id = $2 returning ", server_json!(), "::text");
    LIST: reading [TEXTOID] = concat!(
        "select coalesce(json_agg(", server_json!(), " order by s.server_id), '[]')::text
         from awooop.mcp_server s where s.project_id = $1");
    UPSTREAM: reading [TEXTOID, TEXTOID] = concat!(
        "select json_build_object('server_id', s.server_id, 'transport', s.transport, 'address', s.address,
                    'private_host_allowed', exists (select from awooop.mcp_private_host h where h.host = s.host),
                    'max_concurrency', s.max_concurrency, 'max_response_bytes', s.max_response_bytes,
                    'credential', ", credential_json!(), ")::text
         from awooop.mcp_server s where s.project_id = $1 and s.server_id = $2");
}

fn invalid<T>(argument: &str, expected: &str) -> Outcome<T> {
    fault(Problem::from(ErrorCode::InputInvalid).with("argument", argument).with("expected", expected))
}

/// Reference, placement and name of the credential that the arguments name.
fn ensure_credential(caller: &Caller, arguments: &Arguments) -> Outcome<()> {
    let (reference, placement, name) = (
        arguments.optional_text("credential_reference"),
        arguments.optional_text("credential_placement"),
        arguments.optional_text("credential_name"),
    );
    let Some(reference) = reference else {
        return match placement.or(name) {
            Some(_) => invalid("credential_reference", "a reference, where there is a placement or a name"),
            None => Ok(()),
        };
    };
    let Ok(reference) = CredentialReference::try_from(reference.to_owned()) else {
        return invalid("credential_reference", "k8s://namespace/secret/key");
    };
    if !contracts::is_own_namespace(caller, reference.parts().0)? {
        return invalid("credential_reference", "a reference into a namespace of the project");
    }
    let is_named = matches!(placement, Some("header" | "query" | "environment"));
    // The gateway starts one process of a local server, and shows it what it needs by its environment.
    let is_local = arguments.text("transport") == "local";
    match placement {
        None => invalid("credential_placement", "where the credential's value goes"),
        Some(placement) if (placement == "environment") != is_local => {
            invalid("credential_placement", "`environment` for a local server, and for no other")
        }
        Some(_) if is_named != name.is_some() => {
            invalid("credential_name", "a name where the placement is header, query or environment, and none otherwise")
        }
        Some(_) => Ok(()),
    }
}

/// Operation `mcp_register_server`.
pub(crate) fn register(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (server_id, target) = (arguments.text("server_id"), arguments.text("address"));
    if !tool_name::is_provider(server_id) {
        return fault(ErrorCode::McpServerName);
    }
    let wrong = |expected: &str| fault(Problem::from(ErrorCode::McpAddress).with("expected", expected));
    let host = match arguments.text("transport") {
        "local" if address::is_local(target) => None,
        "local" => return wrong(address::LOCAL_IN_WORDS),
        _ => match address::host(target) {
            // A key in a URL would be in every list and log.
            Some(_) if redaction::holds_credential(target) => return wrong("a URL that holds no credential"),
            Some(host) => Some(host),
            None => return wrong(address::URL_IN_WORDS),
        },
    };
    ensure_credential(caller, arguments)?;
    let number = |name: &str| i32::try_from(arguments.integer(name)).unwrap_or(i32::MAX);
    let parameters = [
        caller.project_id.as_str().into(),
        server_id.into(),
        arguments.optional_text("title").into(),
        arguments.text("transport").into(),
        target.into(),
        host.as_deref().into(),
        arguments.optional_text("credential_reference").into(),
        arguments.optional_text("credential_placement").into(),
        arguments.optional_text("credential_name").into(),
        number("max_concurrency").into(),
        number("max_response_bytes").into(),
        caller.principal_id.as_str().into(),
    ];
    // Another place is another server: what was reviewed of the one before says nothing of it until its tools are imported.
    MOVED.with(|s| s.run(&[caller.project_id.as_str().into(), server_id.into(), target.into()]))?;
    let body = PUT.with(|s| s.row(&parameters, |row| column::<String>(row, 1)))?.unwrap_or_default();
    let entry = audit::Entry::default()
        .with("server_id", server_id)
        .with("transport", arguments.text("transport"))
        .with("address", target)
        .with("credential", arguments.optional_text("credential_reference"));
    audit::done(caller, "mcp_server_registered", entry)?;
    Ok(Answer::ok(body))
}

/// Operation `mcp_switch_server`.
pub(crate) fn switch(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (server_id, enabled) = (arguments.text("server_id"), arguments.boolean("enabled"));
    let parameters = [caller.project_id.as_str().into(), server_id.into(), enabled.into()];
    let Some(body) = SWITCH.with(|s| s.row(&parameters, |row| column::<String>(row, 1)))? else {
        return fault(ErrorCode::McpServerUnknown);
    };
    let reason = redaction::stored(arguments.optional_text("reason"));
    let entry = audit::Entry::default().with("server_id", server_id).with("enabled", enabled).with("reason", reason);
    audit::done(caller, "mcp_server_switched", entry)?;
    Ok(Answer::ok(body))
}

/// Operation `mcp_list_servers`.
pub(crate) fn list(caller: &Caller, _: &Arguments) -> Outcome<Answer> {
    let items = LIST.with(|s| s.row(&[caller.project_id.as_str().into()], |row| column::<String>(row, 1)))?;
    Ok(Answer::ok(format!("{{\"items\":{}}}", items.unwrap_or_default())))
}

/// Operation `mcp_upstream`.
pub(crate) fn upstream(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let server_id = arguments.text("server_id");
    let parameters = [caller.project_id.as_str().into(), server_id.into()];
    let Some(body) = UPSTREAM.with(|s| s.row(&parameters, |row| column::<String>(row, 1)))? else {
        return fault(ErrorCode::McpServerUnknown);
    };
    // Namespaces may have been taken away since it was registered.
    let shown: Value = serde_json::from_str(&body)?;
    if let Some(reference) = shown["credential"]["reference"].as_str() {
        let namespace = reference.trim_start_matches("k8s://").split('/').next().unwrap_or_default();
        if !contracts::is_own_namespace(caller, namespace)? {
            return fault(Problem::from(ErrorCode::GateCredential).with("reason", "namespace_of_another"));
        }
    }
    audit::done(caller, "mcp_server_asked", audit::Entry::default().with("server_id", server_id))?;
    Ok(Answer::ok(json!(shown).to_string()))
}
