-- Approvals: what was asked (approval_request), who decided what (approval_decision), and what the tokens that came of it
-- were used for (approval_use). All of it lives as long as the run.

create table awooop.approval_request (
    project_id          text collate "C" not null,
    approval_id         uuid        not null,
    run_id              uuid        not null,
    step_key            text        not null,
    agent_id            text        not null,
    platform_subject_id text        not null,
    trace_id            text        not null,
    tool                text        not null,
    tool_revision_id    uuid        not null,
    -- execute: a call that needs an approval; suggest: a proposal.
    mode                text collate "C" not null,
    risk                text collate "C" not null,
    side_effects        text collate "C" not null,
    -- Exact, for whoever asked and for the run's worker; `shown` is for everybody else.
    arguments           jsonb       not null,
    shown               jsonb       not null,
    -- Keyed, of the canonical arguments, and by which key of the keyring.
    digest              bytea       not null,
    digest_key          text        not null,
    -- What will happen, in plain words.
    summary             text        not null,
    estimated_tokens    bigint,
    estimated_micro_usd bigint,
    -- The principals who must not decide: who asked, and who created the run.
    asked_by            text        not null,
    created_by          text        not null,
    -- How many must agree, and in which roles; null: whoever may decide at all.
    approvers           smallint    not null,
    roles               text[],
    reason_required     boolean     not null,
    token_seconds       integer     not null,
    asked_at            timestamptz not null,
    expires_at          timestamptz not null,
    -- Vouches for all of the above with the key that the digest is made with: a request that was changed is none.
    mac                 bytea,
    -- How it ended, or how far it is. That it was approved is vouched for as well.
    approved_at         timestamptz,
    token_until         timestamptz,
    grant_key           text,
    grant_mac           bytea,
    rejected_at         timestamptz,
    expired_at          timestamptz,
    cancelled_at        timestamptz,
    primary key (project_id, approval_id),
    foreign key (project_id, run_id) references awooop.run_state on delete cascade,
    constraint approval_request_mode check (mode in ('execute', 'suggest')),
    constraint approval_request_risk check (risk in ('low', 'medium', 'high', 'critical')),
    constraint approval_request_approvers check (approvers between 1 and 10),
    constraint approval_request_digest check (octet_length(digest) = 32 and octet_length(mac) = 32),
    constraint approval_request_approved check (num_nulls(approved_at, token_until, grant_key, grant_mac) in (0, 4)),
    constraint approval_request_one_end check (num_nonnulls(approved_at, rejected_at, expired_at, cancelled_at) <= 1)
);
-- One open request a run, and one a step until its token has lapsed.
create unique index approval_request_open on awooop.approval_request (project_id, run_id)
    where approved_at is null and rejected_at is null and expired_at is null and cancelled_at is null;
create index approval_request_by_run on awooop.approval_request (project_id, run_id, step_key, asked_at);
-- For the scheduler alone.
create index approval_request_due on awooop.approval_request (expires_at)
    where approved_at is null and rejected_at is null and expired_at is null and cancelled_at is null;

-- One row a decision, vouched for by the platform's key: a row that was slipped in counts for nothing.
create table awooop.approval_decision (
    project_id   text collate "C" not null,
    approval_id  uuid        not null,
    decision_id  uuid        not null,
    decision     text collate "C" not null,
    principal_id text        not null,
    credential   text        not null,
    -- Redacted.
    reason       text,
    decided_at   timestamptz not null,
    key_id       text        not null,
    mac          bytea       not null,
    primary key (project_id, approval_id, decision_id),
    foreign key (project_id, approval_id) references awooop.approval_request on delete cascade,
    constraint approval_decision_decision check (decision in ('approve', 'reject')),
    constraint approval_decision_mac check (octet_length(mac) = 32)
);

-- One row a token that was used: its insert is the use.
create table awooop.approval_use (
    project_id  text collate "C" not null,
    approval_id uuid        not null,
    run_id      uuid        not null,
    step_key    text        not null,
    epoch       integer     not null,
    used_by     text        not null,
    used_at     timestamptz not null,
    primary key (project_id, approval_id),
    foreign key (project_id, approval_id) references awooop.approval_request on delete cascade
);

-- What no DML may do, whoever asks; deleting is left to the run's retention.
do $$
declare
    guarded text;
begin
    create trigger approval_immutable before update of project_id, approval_id, run_id, step_key, agent_id,
            platform_subject_id, trace_id, tool, tool_revision_id, mode, risk, side_effects, arguments, shown, digest, digest_key,
            summary, estimated_tokens, estimated_micro_usd, asked_by, created_by, approvers, roles, reason_required, token_seconds,
            asked_at, expires_at
        on awooop.approval_request for each row execute function awooop.guard_approval();
    create trigger approval_ended before update on awooop.approval_request
        for each row when (num_nonnulls(old.approved_at, old.rejected_at, old.expired_at, old.cancelled_at) > 0)
        execute function awooop.guard_approval();
    create trigger append_only before update on awooop.approval_decision
        for each row execute function awooop.guard_approval();
    create trigger append_only before update on awooop.approval_use
        for each row execute function awooop.guard_approval();
    foreach guarded in array array['approval_request', 'approval_decision', 'approval_use'] loop
        execute format('create trigger approval_kept before delete on awooop.%I
                            for each row execute function awooop.guard_approval()', guarded);
        execute format('create trigger approval_truncate before truncate on awooop.%I
                            for each statement execute function awooop.guard_approval()', guarded);
        execute format('alter table awooop.%I enable always trigger approval_kept', guarded);
        execute format('alter table awooop.%I enable always trigger approval_truncate', guarded);
    end loop;
end
$$;
alter table awooop.approval_request enable always trigger approval_immutable;
alter table awooop.approval_request enable always trigger approval_ended;
alter table awooop.approval_decision enable always trigger append_only;
alter table awooop.approval_use enable always trigger append_only;

grant select (project_id, approval_id, run_id, step_key, agent_id, platform_subject_id, trace_id, tool, tool_revision_id, mode,
              risk, side_effects, shown, summary, estimated_tokens, estimated_micro_usd, asked_by, created_by, approvers, roles,
              asked_at, expires_at, approved_at, token_until, rejected_at, expired_at, cancelled_at)
    on awooop.approval_request to awooop_auditor;
grant select (project_id, approval_id, decision_id, decision, principal_id, credential, reason, decided_at, key_id)
    on awooop.approval_decision to awooop_auditor;
grant select on awooop.approval_use to awooop_auditor;
grant select (project_id, approval_id, expires_at, approved_at, rejected_at, expired_at, cancelled_at)
    on awooop.approval_request to awooop_scheduler;
