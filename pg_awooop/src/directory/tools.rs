//! What calls of tools need and administrators change: servers, their tools, grants, namespaces of credentials.

use std::rc::Rc;

use awooop_policy::feature::Feature;
use uuid::Uuid;

use super::{insert, keep, kept, read};
use crate::fault::Outcome;
use crate::statement::{column, statements, uuid_column};

statements! {
    TOOL: reading [TEXTOID, TEXTOID] =
        "select s.server_id, s.transport, s.address, s.credential_reference, s.credential_placement, s.credential_name,
                s.max_concurrency, s.max_response_bytes, s.disabled_at is null,
                exists (select from awooop.mcp_private_host h where h.host = s.host),
                t.upstream_name, t.digest, t.disabled_at is null, t.gone_at is not null, t.feature
         from awooop.mcp_tool t
         join awooop.mcp_server s on s.project_id = t.project_id and s.server_id = t.server_id
         where t.project_id = $1 and t.name = $2";
    GRANT: reading [TEXTOID, TEXTOID, TEXTOID] =
        "select grant_id, constraints::text,
                (extract(epoch from expires_at - timestamptz '2000-01-01 00:00:00+00') * 1000000)::int8,
                rate_count, rate_window_seconds
         from awooop.mcp_grant where project_id = $1 and agent_id = $2 and tool = $3 and revoked_at is null";
    NAMESPACES: reading [TEXTOID] = "select credential_namespaces from awooop.projects where project_id = $1";
}

/// A tool that a server has listed, and the server.
pub(crate) struct Tool {
    pub(crate) server_id: String,
    pub(crate) transport: String,
    pub(crate) address: String,
    /// Reference, placement, name.
    pub(crate) credential: Option<[Option<String>; 3]>,
    pub(crate) max_concurrency: i32,
    pub(crate) max_response_bytes: i32,
    pub(crate) server_enabled: bool,
    pub(crate) private_host_allowed: bool,
    pub(crate) upstream_name: String,
    pub(crate) digest: String,
    pub(crate) enabled: bool,
    pub(crate) gone: bool,
    /// What it is: a tool, or what the server offers besides.
    pub(crate) feature: Feature,
}

impl Tool {
    /// The method that a call with these arguments is of; nothing for a tool.
    pub(crate) fn method<'a>(&self, arguments: &'a serde_json::Value) -> Option<&'a str> {
        arguments["method"].as_str().filter(|_| self.feature != Feature::Tool)
    }
}

/// A grant that was not revoked.
pub(crate) struct Grant {
    pub(crate) grant_id: Uuid,
    pub(crate) constraints: Option<String>,
    /// PostgreSQL's microseconds; `None` for never.
    pub(crate) expires_at: Option<i64>,
    /// Calls, and in how many seconds.
    pub(crate) rate: Option<(i32, i32)>,
}

/// The tool of that name, if a server has ever listed it.
pub(crate) fn tool(project_id: &str, name: &str) -> Outcome<Option<Rc<Tool>>> {
    let key = (project_id.to_owned(), name.to_owned());
    if let Some(known) = kept(|kept| kept.tools.get(&key).cloned()) {
        return Ok(Some(known));
    }
    let (found, fresh) = read(&TOOL, &[project_id.into(), name.into()], |row| {
        let credential = [row.get::<String>(4)?, row.get::<String>(5)?, row.get::<String>(6)?];
        Ok(Rc::new(Tool {
            server_id: column(row, 1)?,
            transport: column(row, 2)?,
            address: column(row, 3)?,
            credential: credential[0].is_some().then_some(credential),
            max_concurrency: column(row, 7)?,
            max_response_bytes: column(row, 8)?,
            server_enabled: column(row, 9)?,
            private_host_allowed: column(row, 10)?,
            upstream_name: column(row, 11)?,
            digest: column(row, 12)?,
            enabled: column(row, 13)?,
            gone: column(row, 14)?,
            feature: Feature::parse(&column::<String>(row, 15)?).unwrap_or(Feature::Tool),
        }))
    })?;
    if let (Some(tool), true) = (&found, fresh) {
        keep(|kept| insert(&mut kept.tools, key, Rc::clone(tool)));
    }
    Ok(found)
}

/// The grant of a tool to an agent, if there is one.
pub(crate) fn grant(project_id: &str, agent_id: &str, tool: &str) -> Outcome<Option<Rc<Grant>>> {
    let key = (project_id.to_owned(), agent_id.to_owned(), tool.to_owned());
    if let Some(known) = kept(|kept| kept.grants.get(&key).cloned()) {
        return Ok(Some(known));
    }
    let (found, fresh) = read(&GRANT, &[project_id.into(), agent_id.into(), tool.into()], |row| {
        Ok(Rc::new(Grant {
            grant_id: uuid_column(row, 1)?,
            constraints: row.get(2)?,
            expires_at: row.get(3)?,
            rate: row.get::<i32>(4)?.zip(row.get::<i32>(5)?),
        }))
    })?;
    if let (Some(grant), true) = (&found, fresh) {
        keep(|kept| insert(&mut kept.grants, key, Rc::clone(grant)));
    }
    Ok(found)
}

/// The namespaces, besides its own, that the project may name credentials in.
pub(crate) fn namespaces(project_id: &str) -> Outcome<Rc<Vec<String>>> {
    if let Some(known) = kept(|kept| kept.namespaces.get(project_id).cloned()) {
        return Ok(known);
    }
    let (found, fresh) = read(&NAMESPACES, &[project_id.into()], |row| Ok(Rc::new(column::<Vec<String>>(row, 1)?)))?;
    let found = found.unwrap_or_default();
    if fresh {
        keep(|kept| insert(&mut kept.namespaces, project_id.to_owned(), Rc::clone(&found)));
    }
    Ok(found)
}
