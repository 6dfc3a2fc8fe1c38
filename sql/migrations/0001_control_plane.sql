-- Tenants and who may act for them. Every tenant table leads its key with project_id and is guarded by row-level
-- security (sql/current/policies.sql). Tables are created by awooop_owner, which has neither SUPERUSER nor BYPASSRLS.

create table awooop.projects (
    project_id      text collate "C" not null primary key,
    display_name    text,
    migration_mode  text        not null,
    suspended_at    timestamptz,
    retention_days  integer     not null,
    created_at      timestamptz not null default clock_timestamp(),
    updated_at      timestamptz not null default clock_timestamp(),
    constraint projects_id check (project_id ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'),
    constraint projects_mode check (migration_mode in ('legacy_awoooi_default', 'shadow', 'suggest', 'active')),
    constraint projects_retention check (retention_days between 1 and 36500)
);

-- A person or service; several credentials may stand for one.
create table awooop.principals (
    project_id   text collate "C" not null references awooop.projects,
    principal_id text        not null,
    kind         text        not null,
    created_at   timestamptz not null default clock_timestamp(),
    primary key (project_id, principal_id),
    constraint principals_kind check (kind in ('person', 'service'))
);

-- A database login that may act for a project (awooop.bind_role).
create table awooop.role_bindings (
    project_id   text collate "C" not null,
    role_name    text        not null,
    principal_id text        not null,
    scopes       text[]      not null,
    pinned       boolean     not null default false,
    created_at   timestamptz not null default clock_timestamp(),
    primary key (project_id, role_name),
    foreign key (project_id, principal_id) references awooop.principals
);

-- Only the SHA-256 of a key is here; a digest is no way back to 256 random bits.
create table awooop.api_keys (
    project_id   text collate "C" not null,
    key_id       text        not null,
    principal_id text        not null,
    name         text        not null,
    digest       bytea       not null,
    scopes       text[]      not null,
    created_at   timestamptz not null default clock_timestamp(),
    expires_at   timestamptz,
    -- When a key that was rotated stops working; its successor inherits expires_at, not this.
    retires_at   timestamptz,
    revoked_at   timestamptz,
    rotated_from text,
    primary key (project_id, key_id),
    foreign key (project_id, principal_id) references awooop.principals,
    constraint api_keys_digest check (octet_length(digest) = 32)
);

create table awooop.agents (
    project_id   text collate "C" not null references awooop.projects,
    agent_id     text        not null,
    display_name text,
    enabled      boolean     not null,
    created_at   timestamptz not null default clock_timestamp(),
    updated_at   timestamptz not null default clock_timestamp(),
    primary key (project_id, agent_id)
);

create table awooop.platform_subjects (
    project_id          text collate "C" not null,
    channel_type        text collate "C" not null,
    channel_user_id     text collate "C" not null,
    platform_subject_id text        not null
        generated always as (project_id || ':' || channel_type || ':' || channel_user_id) stored,
    channel_chat_id     text,
    display_name        text,
    roles               text[]      not null,
    first_seen_at       timestamptz not null,
    last_seen_at        timestamptz not null,
    primary key (project_id, channel_type, channel_user_id),
    foreign key (project_id) references awooop.projects
)
-- Every message of a person updates last_seen_at: room on the page keeps that update off the indexes.
with (fillfactor = 70);

create table awooop.audit_log (
    project_id          text collate "C" not null,
    audit_id            uuid        not null,
    -- Given by the extension, to the microsecond: it is in the document whose hash is the row's leaf.
    recorded_at         timestamptz not null,
    action              text        not null,
    decision            text        not null,
    code                text,
    principal_id        text,
    door                text        not null,
    trace_id            text,
    agent_id            text,
    platform_subject_id text,
    run_id              uuid,
    facts               jsonb       not null,
    primary key (project_id, audit_id, recorded_at),
    constraint audit_log_decision check (decision in ('done', 'refused')),
    constraint audit_log_door check (door in ('http', 'sql', 'platform'))
) partition by range (recorded_at);

-- Platform tables: no project, out of tenants' reach. Each has its reason in awooop.platform_table.

create table awooop.operation_override (
    name       text        not null primary key,
    enabled    boolean     not null,
    reason     text,
    changed_by text        not null,
    changed_at timestamptz not null default clock_timestamp()
);

-- A failed authentication belongs to no project: nobody has proved to be of one.
create table awooop.failed_authentication (
    bucket      integer     not null,
    minute      timestamptz not null,
    failures    integer     not null,
    last_at     timestamptz not null,
    primary key (bucket, minute)
);

create table awooop.failed_authentication_log (
    failed_at   timestamptz not null default clock_timestamp(),
    id          uuid        not null primary key,
    kind        text        not null,
    bucket      integer     not null,
    trace_id    text,
    constraint failed_authentication_kind check (kind in ('api_key', 'lease'))
);
create index on awooop.failed_authentication_log (failed_at);

-- Where each platform worker goes on in its round over the projects.
create table awooop.worker (
    role_name     text        not null,
    worker_id     text        not null,
    last_project  text        not null,
    last_claim_at timestamptz not null,
    primary key (role_name, worker_id)
);

-- Every session keeps what these tables say until one of them changes (pg_awooop/src/directory.rs).
create trigger forget_directory after insert or update or delete or truncate on awooop.projects
    for each statement execute function awooop.forget_directory();
create trigger forget_directory after insert or update or delete or truncate on awooop.role_bindings
    for each statement execute function awooop.forget_directory();
create trigger forget_directory after insert or update or delete or truncate on awooop.api_keys
    for each statement execute function awooop.forget_directory();
create trigger forget_directory after insert or update or delete or truncate on awooop.operation_override
    for each statement execute function awooop.forget_directory();
alter table awooop.projects enable always trigger forget_directory;
alter table awooop.role_bindings enable always trigger forget_directory;
alter table awooop.api_keys enable always trigger forget_directory;
alter table awooop.operation_override enable always trigger forget_directory;

grant select on awooop.projects, awooop.principals, awooop.role_bindings, awooop.agents, awooop.platform_subjects,
    awooop.audit_log to awooop_auditor;
grant select (project_id, key_id, principal_id, name, scopes, created_at, expires_at, retires_at, revoked_at, rotated_from)
    on awooop.api_keys to awooop_auditor;
grant select on awooop.failed_authentication, awooop.failed_authentication_log, awooop.operation_override,
    awooop.worker to awooop_operator, awooop_auditor;
-- For awooop.doctor(): bindings whose role is gone.
grant select (project_id, role_name) on awooop.role_bindings to awooop_scheduler;
