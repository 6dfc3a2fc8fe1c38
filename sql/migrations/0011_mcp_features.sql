-- What MCP servers offer besides tools (mcp_tool.feature), and what they say and ask while a call is under way (mcp_call).

alter table awooop.mcp_tool add column feature text collate "C" not null default 'tool';
alter table awooop.mcp_tool add constraint mcp_tool_feature
    check (feature in ('tool', 'resources', 'prompts', 'completion'));
-- A tool's name follows from its server's for it, so it says that these are unique; and a tool that is called as the platform calls
-- a feature now has another name than it had before.
alter table awooop.mcp_tool drop constraint mcp_tool_project_id_server_id_upstream_name_key;
create index mcp_tool_by_server on awooop.mcp_tool (project_id, server_id, name);

-- Of a feature: which of its methods. How many questions its server has asked without waiting for the answer, how much it has
-- reported and logged, and what it has asked, each time: redacted, and no more of it than shows what it was about.
alter table awooop.mcp_call add column method text collate "C";
alter table awooop.mcp_call add column questions integer not null default 0;
alter table awooop.mcp_call add column relays integer not null default 0;
alter table awooop.mcp_call add column asked jsonb not null default '[]';

create trigger mcp_call_method before update of method on awooop.mcp_call
    for each row execute function awooop.guard_mcp_call();
alter table awooop.mcp_call enable always trigger mcp_call_method;

grant select (method, questions, relays) on awooop.mcp_call to awooop_auditor;
