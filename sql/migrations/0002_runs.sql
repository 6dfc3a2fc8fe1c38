-- The run engine: the durable truth (run_state), the queue of what can be claimed (run_ready), who holds what
-- (run_lease) and what was done (step_journal).

create table awooop.run_state (
    project_id          text collate "C" not null,
    run_id              uuid        not null,
    agent_id            text        not null,
    platform_subject_id text        not null,
    channel_type        text collate "C" not null,
    channel_user_id     text collate "C" not null,
    mode                text        not null,
    state               text        not null,
    envelope            jsonb       not null,
    trace_id            text        not null,
    input               jsonb       not null,
    tags                jsonb       not null,
    idempotency_key     text,
    request_digest      bytea       not null,
    priority            smallint    not null,
    attempts            integer     not null,
    max_attempts        integer     not null,
    epoch               integer     not null,
    created_by          text        not null,
    created_at          timestamptz not null,
    updated_at          timestamptz not null,
    available_at        timestamptz not null,
    deadline_at         timestamptz not null,
    finished_at         timestamptz,
    retain_until        timestamptz,
    result              jsonb,
    error               jsonb,
    primary key (project_id, run_id),
    foreign key (project_id, agent_id) references awooop.agents,
    foreign key (project_id, channel_type, channel_user_id) references awooop.platform_subjects,
    constraint run_state_state check (state in ('pending', 'running', 'waiting_tool', 'waiting_approval',
                                                'completed', 'failed', 'cancelled', 'timed_out')),
    constraint run_state_mode check (mode in ('shadow', 'suggest', 'active')),
    constraint run_state_ended check ((state in ('completed', 'failed', 'cancelled', 'timed_out'))
                                      = (finished_at is not null)),
    constraint run_state_retained check ((finished_at is null) = (retain_until is null)),
    constraint run_state_attempts check (attempts between 0 and max_attempts and epoch >= attempts)
)
-- A run is updated a few times in its life, by its key only.
with (fillfactor = 80);

-- A key lives as long as its run, so it is a column of the run.
create unique index run_state_idempotency on awooop.run_state (project_id, idempotency_key)
    where idempotency_key is not null;
create index run_state_by_state on awooop.run_state (project_id, state, run_id);
create index run_state_by_agent on awooop.run_state (project_id, agent_id, run_id);
create index run_state_by_subject on awooop.run_state (project_id, platform_subject_id, run_id);
-- For the scheduler alone, which looks for what is due in all projects.
create index run_state_due on awooop.run_state (deadline_at) where finished_at is null;
create index run_state_expired on awooop.run_state (retain_until) where retain_until is not null;

-- Only what can be claimed, now or after its back-off; the index is the claim's ORDER BY.
create table awooop.run_ready (
    project_id   text collate "C" not null,
    run_id       uuid        not null,
    priority     smallint    not null,
    available_at timestamptz not null,
    deadline_at  timestamptz not null,
    primary key (project_id, run_id),
    foreign key (project_id, run_id) references awooop.run_state on delete cascade
);
create index run_ready_order on awooop.run_ready (project_id, priority desc, available_at, run_id);

-- One row for the latest lease of a run; only the digest of its secret is here.
create table awooop.run_lease (
    project_id   text collate "C" not null,
    run_id       uuid        not null,
    epoch        integer     not null,
    digest       bytea       not null,
    worker_id    text        not null,
    principal_id text        not null,
    granted_at   timestamptz not null,
    expires_at   timestamptz not null,
    closed_at    timestamptz,
    primary key (project_id, run_id),
    foreign key (project_id, run_id) references awooop.run_state on delete cascade,
    constraint run_lease_digest check (octet_length(digest) = 32)
)
with (fillfactor = 70);
-- For the scheduler alone.
create index run_lease_due on awooop.run_lease (expires_at) where closed_at is null;

-- Partitioned by the creation time of the run, which the run id fixes: so the key is unique over all time.
create table awooop.step_journal (
    project_id     text collate "C" not null,
    run_id         uuid        not null,
    run_created_at timestamptz not null,
    step_key       text        not null,
    phase          text        not null,
    seq            integer     not null,
    kind           text        not null,
    epoch          integer     not null,
    request        jsonb,
    request_digest bytea       not null,
    result         jsonb,
    recorded_at    timestamptz not null default clock_timestamp(),
    primary key (project_id, run_id, step_key, phase, run_created_at),
    unique (project_id, run_id, seq, run_created_at),
    constraint step_journal_phase check (phase in ('started', 'completed'))
) partition by range (run_created_at);

-- What no DML may do, whoever asks. ALWAYS: session_replication_role does not switch these off. They act on changes
-- of existing rows only, so that a backup can be restored.
create trigger run_state_transition before update of state on awooop.run_state
    for each row when (old.state is distinct from new.state) execute function awooop.guard_run_transition();
create trigger run_state_immutable before update of project_id, run_id, agent_id, platform_subject_id, channel_type,
        channel_user_id, mode, envelope, trace_id, input, tags, idempotency_key, request_digest, max_attempts,
        created_by, created_at
    on awooop.run_state for each row execute function awooop.refuse_run_rewrite();
create trigger run_state_ended before update on awooop.run_state
    for each row when (old.finished_at is not null) execute function awooop.refuse_change_of_ended_run();
create trigger run_state_epoch before update of epoch on awooop.run_state
    for each row when (new.epoch < old.epoch) execute function awooop.refuse_run_rewrite();
create trigger run_state_retention before delete on awooop.run_state
    for each row when (old.retain_until is null or old.retain_until > clock_timestamp())
    execute function awooop.refuse_run_delete();
create trigger run_state_truncate before truncate on awooop.run_state
    for each statement execute function awooop.refuse_run_delete();
alter table awooop.run_state enable always trigger run_state_transition;
alter table awooop.run_state enable always trigger run_state_immutable;
alter table awooop.run_state enable always trigger run_state_ended;
alter table awooop.run_state enable always trigger run_state_epoch;
alter table awooop.run_state enable always trigger run_state_retention;
alter table awooop.run_state enable always trigger run_state_truncate;

create trigger append_only before update or delete on awooop.audit_log
    for each row execute function awooop.refuse_append_only();
create trigger append_only_truncate before truncate on awooop.audit_log
    for each statement execute function awooop.refuse_append_only();
create trigger append_only before update or delete on awooop.step_journal
    for each row execute function awooop.refuse_append_only();
create trigger append_only_truncate before truncate on awooop.step_journal
    for each statement execute function awooop.refuse_append_only();
alter table awooop.audit_log enable always trigger append_only;
alter table awooop.audit_log enable always trigger append_only_truncate;
alter table awooop.step_journal enable always trigger append_only;
alter table awooop.step_journal enable always trigger append_only_truncate;

-- What runs were given, and what they made of it, is exact in these tables: an auditor reads everything but that, and
-- no digests of it, from which a short text can be guessed.
grant select (project_id, run_id, agent_id, platform_subject_id, channel_type, channel_user_id, mode, state, envelope,
              trace_id, idempotency_key, priority, attempts, max_attempts, epoch, created_by, created_at, updated_at,
              available_at, deadline_at, finished_at, retain_until, error)
    on awooop.run_state to awooop_auditor;
grant select (project_id, run_id, run_created_at, step_key, seq, kind, phase, epoch, recorded_at)
    on awooop.step_journal to awooop_auditor;
grant select on awooop.run_ready to awooop_auditor;
grant select (project_id, run_id, epoch, worker_id, principal_id, granted_at, expires_at, closed_at)
    on awooop.run_lease to awooop_auditor;

-- What awooop_scheduler's functions look through: ids, times and the order of the queue.
grant select (project_id, run_id, priority, available_at, deadline_at) on awooop.run_ready to awooop_scheduler;
grant select (project_id, run_id, expires_at, closed_at) on awooop.run_lease to awooop_scheduler;
grant select (project_id, run_id, deadline_at, finished_at, retain_until) on awooop.run_state to awooop_scheduler;
