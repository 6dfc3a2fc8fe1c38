-- Runs in shadow beside the legacy path: what each of the two made of one message, and whether they agree.

create table awooop.shadow_case (
    project_id  text collate "C" not null references awooop.projects,
    -- By which both paths know the message.
    message_key text        not null,
    agent_id    text,
    run_id      uuid,
    opened_at   timestamptz not null,
    -- Exact.
    outcome     jsonb,
    run_state   text,
    outcome_at  timestamptz,
    legacy      jsonb,
    legacy_at   timestamptz,
    -- Where they differ: JSON pointers. None of it before both are known.
    differing   text[],
    agrees      boolean,
    retain_until timestamptz not null,
    primary key (project_id, message_key),
    constraint shadow_case_compared check ((agrees is null) = (differing is null))
);
create index shadow_case_by_day on awooop.shadow_case (project_id, opened_at);
create index shadow_case_by_run on awooop.shadow_case (project_id, run_id) where run_id is not null;
-- For the scheduler alone.
create index shadow_case_expired on awooop.shadow_case (retain_until);

grant select (project_id, message_key, agent_id, run_id, opened_at, run_state, outcome_at, legacy_at, differing, agrees,
              retain_until)
    on awooop.shadow_case to awooop_auditor;
grant select (project_id, message_key, retain_until) on awooop.shadow_case to awooop_scheduler;
