-- The MCP gateway: servers (mcp_server), the tools that they list (mcp_tool), who may call them (mcp_grant), and the calls
-- (mcp_call); how often what was called (mcp_rate, mcp_rate_hit); and which private hosts servers may have
-- (mcp_private_host, of the platform).

-- A key that is bound to an agent speaks for no other.
alter table awooop.api_keys add column agent_id text;
create trigger api_key_agent before update of agent_id on awooop.api_keys
    for each row execute function awooop.refuse_identity_rewrite();
alter table awooop.api_keys enable always trigger api_key_agent;
-- A run that is there for one call: whoever makes the call goes on with it, and nobody claims it.
alter table awooop.run_state add column call_id uuid;
create trigger run_state_call before update of call_id on awooop.run_state
    for each row execute function awooop.refuse_run_rewrite();
alter table awooop.run_state enable always trigger run_state_call;

create table awooop.mcp_server (
    project_id           text collate "C" not null references awooop.projects,
    server_id            text collate "C" not null,
    title                text,
    -- http: `address` is a URL. local: it is the name of a server that the gateway starts.
    transport            text collate "C" not null,
    address              text        not null,
    -- Of a URL, without its port.
    host                 text collate "C",
    -- What the server is shown unless a tool's contract says otherwise: a reference, and where its value goes.
    credential_reference text,
    credential_placement text collate "C",
    credential_name      text,
    max_concurrency      integer     not null,
    max_response_bytes   integer     not null,
    disabled_at          timestamptz,
    registered_by        text        not null,
    registered_at        timestamptz not null default clock_timestamp(),
    updated_at           timestamptz not null default clock_timestamp(),
    imported_at          timestamptz,
    primary key (project_id, server_id),
    constraint mcp_server_transport check (transport in ('http', 'local')),
    constraint mcp_server_credential check ((credential_reference is null) = (credential_placement is null)),
    constraint mcp_server_placement check (credential_placement in ('bearer', 'basic', 'header', 'query', 'environment')
        and (credential_placement in ('header', 'query', 'environment')) = (credential_name is not null))
);

-- What a server says of a tool. What was reviewed of it the tool's contract says, by a digest.
create table awooop.mcp_tool (
    project_id        text collate "C" not null,
    -- {tool}__{provider}
    name              text collate "C" not null,
    server_id         text collate "C" not null,
    upstream_name     text        not null,
    definition        jsonb       not null,
    digest            text        not null,
    -- The latest definition that an active contract pinned when it was seen: what a drift is told against.
    pinned_definition jsonb,
    pinned_digest     text,
    first_seen_at     timestamptz not null default clock_timestamp(),
    seen_at           timestamptz not null default clock_timestamp(),
    changed_at        timestamptz not null default clock_timestamp(),
    gone_at           timestamptz,
    disabled_at       timestamptz,
    primary key (project_id, name),
    unique (project_id, server_id, upstream_name),
    foreign key (project_id, server_id) references awooop.mcp_server
);

create table awooop.mcp_grant (
    project_id          text collate "C" not null,
    grant_id            uuid        not null,
    agent_id            text        not null,
    tool                text collate "C" not null,
    -- A JSON Schema that the arguments must satisfy besides the tool's.
    constraints         jsonb,
    rate_count          integer,
    rate_window_seconds integer,
    expires_at          timestamptz,
    reason              text,
    granted_by          text        not null,
    granted_at          timestamptz not null default clock_timestamp(),
    revoked_by          text,
    revoked_at          timestamptz,
    primary key (project_id, grant_id),
    foreign key (project_id, agent_id) references awooop.agents,
    foreign key (project_id, tool) references awooop.mcp_tool,
    constraint mcp_grant_rate check ((rate_count is null) = (rate_window_seconds is null)),
    constraint mcp_grant_revoked check ((revoked_by is null) = (revoked_at is null))
);
create unique index mcp_grant_in_force on awooop.mcp_grant (project_id, agent_id, tool) where revoked_at is null;
create index mcp_grant_by_tool on awooop.mcp_grant (project_id, tool);

-- A call that the gates let through, or that waits for people. It lives as long as its run.
create table awooop.mcp_call (
    project_id          text collate "C" not null,
    call_id             uuid        not null,
    run_id              uuid        not null,
    -- The run was made for it.
    is_whole_run        boolean     not null,
    -- Within its run.
    step_key            text        not null,
    -- The caller's own name for a call outside of a run.
    call_key            text,
    principal_id        text        not null,
    agent_id            text        not null,
    platform_subject_id text        not null,
    trace_id            text        not null,
    tool                text collate "C" not null,
    server_id           text collate "C" not null,
    grant_id            uuid        not null,
    -- What the decision was based on.
    basis               jsonb       not null,
    -- Redacted; exact they are in the run.
    arguments           jsonb       not null,
    -- Keyed, of the canonical arguments, and by which key of the keyring.
    digest              bytea       not null,
    digest_key          text        not null,
    reservation_id      uuid,
    -- What the tool's contract says that it costs, and what was booked.
    cost_micro_usd      bigint      not null,
    used_micro_usd      bigint,
    -- Of the secret that whoever was told to make the call has, and says with how it ended.
    ticket_digest       bytea,
    -- When the latest of them was told so, how many were told to send it anew, and by which contract of the tool.
    told_at             timestamptz,
    sends               integer     not null default 0,
    tool_revision_id    uuid        not null,
    asked_at            timestamptz not null,
    begun_at            timestamptz,
    -- The server asked something back: the call goes on with the answer.
    suspended_at        timestamptz,
    -- How often it has, and what it wants to have back: exact, and for the server alone.
    suspensions         integer     not null default 0,
    upstream_state      text,
    finished_at         timestamptz,
    outcome             text collate "C",
    -- Redacted and bounded.
    result              jsonb,
    result_bytes        integer,
    cut_bytes           integer,
    primary key (project_id, call_id),
    foreign key (project_id, run_id) references awooop.run_state on delete cascade,
    constraint mcp_call_digest check (octet_length(digest) = 32),
    constraint mcp_call_finished check ((finished_at is null) = (outcome is null)),
    constraint mcp_call_outcome check (outcome in ('succeeded', 'failed', 'timed_out', 'cancelled', 'not_sent', 'unresolved',
                                                   'refused'))
)
with (fillfactor = 80);
create index mcp_call_by_run on awooop.mcp_call (project_id, run_id, step_key);
create unique index mcp_call_key on awooop.mcp_call (project_id, principal_id, call_key) where call_key is not null;

-- Of everything that a rate counts for: how many there have been, and when the latest were.
create table awooop.mcp_rate (
    project_id text collate "C" not null references awooop.projects,
    key        text collate "C" not null,
    calls      bigint      not null,
    primary key (project_id, key)
)
with (fillfactor = 50);
create table awooop.mcp_rate_hit (
    project_id text collate "C" not null,
    key        text collate "C" not null,
    call       bigint      not null,
    at         timestamptz not null,
    primary key (project_id, key, call)
);

-- Of the platform: the hosts in private networks that MCP servers may have, by name.
create table awooop.mcp_private_host (
    host       text collate "C" not null primary key,
    reason     text,
    allowed_by text        not null,
    allowed_at timestamptz not null default clock_timestamp()
);

-- Sessions keep servers, tools and grants; a change tells all of them, with its commit.
do $$
declare
    kept text;
begin
    foreach kept in array array['mcp_server', 'mcp_tool', 'mcp_grant', 'mcp_private_host'] loop
        execute format('create trigger forget_directory after insert or update or delete or truncate on awooop.%I
                            for each statement execute function awooop.forget_directory()', kept);
        execute format('alter table awooop.%I enable always trigger forget_directory', kept);
    end loop;
end
$$;

-- What no DML may do, whoever asks: to decide otherwise afterwards, or to say that a call ended in another way.
create trigger mcp_call_immutable before update of project_id, call_id, run_id, is_whole_run, step_key, call_key, principal_id,
        agent_id, platform_subject_id, trace_id, tool, server_id, grant_id, arguments, digest, digest_key, cost_micro_usd,
        asked_at
    on awooop.mcp_call for each row execute function awooop.guard_mcp_call();
create trigger mcp_call_begun before update of begun_at, basis on awooop.mcp_call
    for each row when (old.begun_at is not null) execute function awooop.guard_mcp_call();
create trigger mcp_call_ended before update on awooop.mcp_call
    for each row when (old.finished_at is not null) execute function awooop.guard_mcp_call();
create trigger mcp_call_kept before delete on awooop.mcp_call
    for each row execute function awooop.guard_mcp_call();
create trigger mcp_call_truncate before truncate on awooop.mcp_call
    for each statement execute function awooop.guard_mcp_call();
alter table awooop.mcp_call enable always trigger mcp_call_immutable;
alter table awooop.mcp_call enable always trigger mcp_call_begun;
alter table awooop.mcp_call enable always trigger mcp_call_ended;
alter table awooop.mcp_call enable always trigger mcp_call_kept;
alter table awooop.mcp_call enable always trigger mcp_call_truncate;

grant select on awooop.mcp_server, awooop.mcp_tool, awooop.mcp_grant, awooop.mcp_rate, awooop.mcp_rate_hit to awooop_auditor;
grant select (project_id, call_id, run_id, is_whole_run, step_key, call_key, principal_id, agent_id, platform_subject_id,
              trace_id, tool, server_id, grant_id, basis, arguments, reservation_id, cost_micro_usd, used_micro_usd, asked_at, begun_at,
              told_at, sends, tool_revision_id, suspended_at, suspensions, finished_at, outcome, result_bytes, cut_bytes)
    on awooop.mcp_call to awooop_auditor;
grant select (agent_id) on awooop.api_keys to awooop_auditor;
grant select (call_id) on awooop.run_state to awooop_auditor;
grant select on awooop.mcp_private_host to awooop_operator, awooop_auditor;
