-- What is remembered of conversations (conversation_session), and how often things happen (anomaly_counter), with what came of
-- crossing a threshold (anomaly_event). While a project moves here from the legacy path, both may be shared with that.

-- Of the platform: whose the keys without a project are. One project alone.
create table awooop.legacy_namespace (
    the_one       boolean     not null primary key default true,
    owner_project text collate "C" not null,
    set_by        text        not null,
    set_at        timestamptz not null default clock_timestamp(),
    constraint legacy_namespace_one check (the_one)
);

create table awooop.conversation_session (
    project_id      text collate "C" not null references awooop.projects,
    -- {project}:{channel}:{chat}; of a legacy one {channel}:{chat}.
    session_key     text collate "C" not null,
    is_legacy       boolean     not null,
    channel         text collate "C" not null,
    channel_chat_id text collate "C" not null,
    -- Exact: what was said last, oldest first, and whatever the agent keeps.
    messages        jsonb       not null,
    state           jsonb       not null,
    version         bigint      not null,
    started_at      timestamptz not null,
    updated_at      timestamptz not null,
    expires_at      timestamptz not null,
    primary key (project_id, session_key)
)
with (fillfactor = 70);
-- For the scheduler alone.
create index conversation_session_expired on awooop.conversation_session (expires_at);

-- A bucket for each sixtieth of a counter's window in which something was counted.
create table awooop.anomaly_counter (
    project_id text collate "C" not null references awooop.projects,
    counter    text collate "C" not null,
    -- What it counts for: an agent, a person; empty for the project.
    target     text collate "C" not null,
    is_legacy  boolean     not null,
    bucket_at  timestamptz not null,
    count      bigint      not null,
    expires_at timestamptz not null,
    primary key (project_id, counter, target, is_legacy, bucket_at),
    constraint anomaly_counter_count check (count > 0)
);
-- For the scheduler alone.
create index anomaly_counter_expired on awooop.anomaly_counter (expires_at);

-- A threshold that was crossed; open until the count is below it again.
create table awooop.anomaly_event (
    project_id     text collate "C" not null references awooop.projects,
    anomaly_id     uuid        not null,
    counter        text collate "C" not null,
    target         text collate "C" not null,
    count          bigint      not null,
    threshold      bigint      not null,
    window_seconds integer     not null,
    action         text        not null,
    crossed_at     timestamptz not null,
    ended_at       timestamptz,
    primary key (project_id, anomaly_id)
);
create unique index anomaly_event_open on awooop.anomaly_event (project_id, counter, target) where ended_at is null;

grant select (project_id, session_key, is_legacy, channel, channel_chat_id, version, started_at, updated_at, expires_at)
    on awooop.conversation_session to awooop_auditor;
grant select on awooop.anomaly_counter, awooop.anomaly_event to awooop_auditor;
grant select on awooop.legacy_namespace to awooop_operator, awooop_auditor;
grant select (project_id, session_key, expires_at) on awooop.conversation_session to awooop_scheduler;
grant select (project_id, expires_at) on awooop.anomaly_counter to awooop_scheduler;
