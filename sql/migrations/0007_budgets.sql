-- Budgets: what may be spent (budget_limit, budget_switch, budget_price), what is granted of it (budget_counter and its
-- lanes), who holds what of the grants (budget_escrow, budget_reservation), and what happened (budget_ledger).
--
-- Names are chosen so that a restore, which goes by them, brings a counter before its lanes and lanes before escrows:
-- what is brought must be counted in what is there (awooop.guard_budget).

-- Where the project's days and months begin.
alter table awooop.projects add column time_zone text not null default 'UTC';

-- One row a project, once it has a limit or a reservation. Its lock, and after it those of all lanes of the project's
-- first counter, give the sight of everything.
create table awooop.budget_control (
    project_id text collate "C" not null primary key references awooop.projects,
    -- Another number after every change of limits, switches and time zone; the lanes of the first counter repeat it.
    version    bigint      not null,
    counters   integer     not null,
    updated_at timestamptz not null default clock_timestamp()
);

create table awooop.budget_limit (
    project_id     text collate "C" not null references awooop.projects,
    level          text collate "C" not null,
    -- The agent, subject or run; '*' for each of them, '' for the project.
    target         text collate "C" not null,
    period         text collate "C" not null,
    -- Who says so: an administrator, the policy contract, an agent's contract. Each holds for itself.
    source         text collate "C" not null,
    hard_tokens    bigint,
    hard_micro_usd bigint,
    soft_percent   smallint,
    burst_percent  smallint,
    changed_by     text        not null,
    changed_at     timestamptz not null default clock_timestamp(),
    primary key (project_id, level, target, period, source),
    constraint budget_limit_level check (level in ('project', 'agent', 'subject', 'run')),
    constraint budget_limit_target check ((level = 'project') = (target = '') and (level <> 'run' or target <> '*')),
    constraint budget_limit_period check (period in ('run', 'day', 'month', 'lifetime')
                                          and (level <> 'run' or period = 'run')),
    constraint budget_limit_source check (source in ('operation', 'policy', 'agent')),
    constraint budget_limit_hard check (hard_tokens is not null or hard_micro_usd is not null),
    constraint budget_limit_amounts check (hard_tokens between 0 and 1000000000000000
                                           and hard_micro_usd between 0 and 1000000000000000),
    constraint budget_limit_soft check (soft_percent between 1 and 99),
    constraint budget_limit_burst check (burst_percent between 1 and 100)
);

-- Paused: nothing new is admitted. Killed: what is under way stops as well. No row: neither.
create table awooop.budget_switch (
    project_id text collate "C" not null references awooop.projects,
    level      text collate "C" not null,
    target     text collate "C" not null,
    state      text        not null,
    reason     text,
    changed_by text        not null,
    changed_at timestamptz not null default clock_timestamp(),
    primary key (project_id, level, target),
    constraint budget_switch_level check (level in ('project', 'agent', 'subject', 'run')),
    constraint budget_switch_target check ((level = 'project') = (target = '')),
    constraint budget_switch_state check (state in ('paused', 'killed'))
);

-- What a million tokens of a model cost, in micro-USD, from a time on. Rows are never changed, so that a charge can be
-- computed again.
create table awooop.budget_price (
    project_id       text collate "C" not null references awooop.projects,
    model            text collate "C" not null,
    valid_from       timestamptz not null,
    input_micro_usd  bigint      not null,
    cached_micro_usd bigint      not null,
    output_micro_usd bigint      not null,
    changed_by       text        not null,
    recorded_at      timestamptz not null default clock_timestamp(),
    primary key (project_id, model, valid_from),
    constraint budget_price_amounts check (input_micro_usd between 0 and 1000000000000
        and cached_micro_usd between 0 and 1000000000000 and output_micro_usd between 0 and 1000000000000)
);

-- What a limit's window has granted. The first of a project counts all there ever was, limited or not.
create table awooop.budget_counter (
    project_id         text collate "C" not null,
    counter_id         integer     not null,
    level              text collate "C" not null,
    target             text collate "C" not null,
    period             text collate "C" not null,
    window_start       timestamptz not null,
    window_end         timestamptz not null,
    -- What may be given to the lanes: the hard limits, with burst; never less than what has been given.
    granted_tokens     bigint      not null,
    granted_micro_usd  bigint      not null,
    -- What has been given to them.
    allotted_tokens    bigint      not null,
    allotted_micro_usd bigint      not null,
    -- Spent in the window before this counter was there, as the ledger says.
    opening_tokens     bigint      not null,
    opening_micro_usd  bigint      not null,
    -- Used past every reservation.
    overrun_tokens     bigint      not null,
    overrun_micro_usd  bigint      not null,
    -- When the soft limit was told of.
    soft_at            timestamptz,
    primary key (project_id, counter_id),
    unique (project_id, level, target, period, window_start),
    foreign key (project_id) references awooop.budget_control,
    constraint budget_counter_level check (level in ('project', 'agent', 'subject')),
    constraint budget_counter_period check (period in ('day', 'month', 'lifetime')),
    constraint budget_counter_window check (window_start < window_end),
    constraint budget_counter_granted check (allotted_tokens between 0 and granted_tokens
                                             and allotted_micro_usd between 0 and granted_micro_usd),
    constraint budget_counter_amounts check (opening_tokens >= 0 and opening_micro_usd >= 0
                                             and overrun_tokens >= 0 and overrun_micro_usd >= 0)
);

-- A counter's lanes: sessions spread over them, so that one project's admissions do not wait for each other's commits.
-- A session that holds the lane of the first counter may change the same lane of the others.
create table awooop.budget_counter_lane (
    project_id         text collate "C" not null,
    counter_id         integer     not null,
    lane               smallint    not null,
    version            bigint      not null,
    -- More has been given to the lanes than the limit admits, by burst or because it was lowered: what is free here admits
    -- nothing before all of them have been looked at.
    capped             boolean     not null default false,
    granted_tokens     bigint      not null,
    granted_micro_usd  bigint      not null,
    reserved_tokens    bigint      not null,
    reserved_micro_usd bigint      not null,
    spent_tokens       bigint      not null,
    spent_micro_usd    bigint      not null,
    -- No foreign key: every admission would pay for a look at whether it has to be checked. The guard looks at what is
    -- inserted, whoever drops a counter drops its lanes, and budget_check finds those that have none.
    primary key (project_id, counter_id, lane),
    constraint budget_lane_granted check (spent_tokens + reserved_tokens <= granted_tokens
                                          and spent_micro_usd + reserved_micro_usd <= granted_micro_usd),
    constraint budget_lane_amounts check (least(spent_tokens, reserved_tokens, spent_micro_usd, reserved_micro_usd) >= 0)
)
-- Updated at every admission, by its key only.
with (fillfactor = 30);

-- What was taken from the counters and is held: by a run, or by a reservation outside of one. Charges change this row
-- alone; the counters learn of them when it closes.
create table awooop.budget_escrow (
    project_id          text collate "C" not null,
    -- The run's id, or the reservation's.
    escrow_id           uuid        not null,
    opened_at           timestamptz not null,
    run_id              uuid,
    kind                text collate "C" not null,
    agent_id            text        not null,
    platform_subject_id text        not null,
    trace_id            text        not null,
    principal_id        text        not null,
    lane                smallint    not null,
    -- When the present grant was taken; its windows are those of this time.
    window_at           timestamptz not null,
    granted_tokens      bigint      not null,
    granted_micro_usd   bigint      not null,
    -- Of the grant: held for calls that are under way, and used.
    reserved_tokens     bigint      not null default 0,
    reserved_micro_usd  bigint      not null default 0,
    spent_tokens        bigint      not null default 0,
    spent_micro_usd     bigint      not null default 0,
    -- Used of earlier grants.
    booked_tokens       bigint      not null default 0,
    booked_micro_usd    bigint      not null default 0,
    overrun_tokens      bigint      not null default 0,
    overrun_micro_usd   bigint      not null default 0,
    -- A lease of an earlier epoch charges nothing.
    fence               integer     not null default 0,
    entries             integer     not null,
    idempotency_key     text,
    request_digest      bytea,
    expires_at          timestamptz,
    closed_at           timestamptz,
    outcome             text collate "C",
    soft_at             timestamptz,
    primary key (project_id, escrow_id),
    -- What more could be checked here, the extension alone writes (guard_budget): a check is read anew by every statement,
    -- and these rows are written by every charge.
    constraint budget_escrow_granted check (spent_tokens + reserved_tokens <= granted_tokens
                                            and spent_micro_usd + reserved_micro_usd <= granted_micro_usd),
    constraint budget_escrow_amounts check (least(spent_tokens, reserved_tokens, spent_micro_usd, reserved_micro_usd) >= 0)
)
with (fillfactor = 50);
create unique index budget_escrow_idempotency on awooop.budget_escrow (project_id, idempotency_key)
    where idempotency_key is not null;
-- For the scheduler alone, and for those who open a counter.
create index budget_escrow_due on awooop.budget_escrow (expires_at) where closed_at is null and expires_at is not null;
create index budget_escrow_open on awooop.budget_escrow (project_id) where granted_tokens > 0 or granted_micro_usd > 0;

-- A domain: a session keeps what it checks, where a table's check is read anew by every statement.
create domain awooop.budget_entry as text
    constraint budget_entry check (value in ('reserve', 'settle', 'release', 'expire', 'adjust'));

-- Append-only. Partitioned by the opening of the escrow, which its id fixes: so the key is unique over all time.
create table awooop.budget_ledger (
    project_id          text collate "C" not null,
    escrow_id           uuid        not null,
    opened_at           timestamptz not null,
    seq                 integer     not null,
    entry               awooop.budget_entry collate "C" not null,
    run_id              uuid,
    reservation_id      uuid,
    agent_id            text        not null,
    platform_subject_id text        not null,
    actor               text        not null,
    trace_id            text        not null,
    idempotency_key     text,
    window_at           timestamptz not null,
    recorded_at         timestamptz not null,
    -- What it is about.
    tokens              bigint      not null,
    micro_usd           bigint      not null,
    -- What it changes in the counters.
    reserved_tokens     bigint      not null,
    reserved_micro_usd  bigint      not null,
    spent_tokens        bigint      not null,
    spent_micro_usd     bigint      not null,
    overrun_tokens      bigint      not null,
    overrun_micro_usd   bigint      not null,
    -- What the amounts were computed from.
    model               text,
    input_tokens        bigint,
    cached_tokens       bigint,
    output_tokens       bigint,
    price_from          timestamptz,
    note                text,
    primary key (project_id, escrow_id, seq, opened_at)
) partition by range (opened_at);
-- A charge that is sent again is the same charge. (Of what is reserved, escrows and reservations have the key.)
create unique index budget_ledger_idempotency on awooop.budget_ledger (project_id, escrow_id, idempotency_key, opened_at)
    where idempotency_key is not null and entry <> 'reserve';

-- What was in months of the ledger that have been detached: sums to the quarter of an hour, at one of which every time
-- zone's days begin.
create table awooop.budget_opening (
    project_id          text collate "C" not null,
    partition           text        not null,
    agent_id            text        not null,
    platform_subject_id text        not null,
    window_at           timestamptz not null,
    entries             bigint      not null,
    spent_tokens        bigint      not null,
    spent_micro_usd     bigint      not null,
    overrun_tokens      bigint      not null,
    overrun_micro_usd   bigint      not null,
    primary key (project_id, partition, agent_id, platform_subject_id, window_at)
);

-- Calls under way within a run: each holds a part of the run's escrow.
create table awooop.budget_reservation (
    project_id      text collate "C" not null,
    reservation_id  uuid        not null,
    escrow_id       uuid        not null,
    kind            text collate "C" not null,
    principal_id    text        not null,
    tokens          bigint      not null,
    micro_usd       bigint      not null,
    idempotency_key text,
    request_digest  bytea       not null,
    reserved_at     timestamptz not null,
    closed_at       timestamptz,
    outcome         text collate "C",
    -- What it came to.
    used_tokens     bigint,
    used_micro_usd  bigint,
    settle_digest   bytea,
    -- No foreign key: its check would cost more than the row. It goes with its escrow.
    primary key (project_id, reservation_id),
    constraint budget_reservation_amounts check (tokens >= 0 and micro_usd >= 0),
    constraint budget_reservation_outcome check ((closed_at is null) = (outcome is null)
        and outcome in ('settled', 'released', 'expired'))
)
with (fillfactor = 70);
create unique index budget_reservation_idempotency on awooop.budget_reservation (project_id, escrow_id, idempotency_key)
    where idempotency_key is not null;
create index budget_reservation_open on awooop.budget_reservation (project_id, escrow_id) where closed_at is null;

-- What no DML may do, whoever asks: counters, lanes and escrows are written by this extension alone.
do $$
declare
    guarded text;
begin
    foreach guarded in array array['budget_control', 'budget_counter', 'budget_counter_lane', 'budget_escrow',
                                   'budget_reservation'] loop
        execute format('create trigger guard before update or delete or truncate on awooop.%I
                            for each statement execute function awooop.guard_budget()', guarded);
        execute format('create trigger guard_insert before insert on awooop.%I
                            for each row execute function awooop.guard_budget()', guarded);
        execute format('alter table awooop.%I enable always trigger guard', guarded);
        execute format('alter table awooop.%I enable always trigger guard_insert', guarded);
    end loop;
    foreach guarded in array array['budget_ledger', 'budget_opening', 'budget_price'] loop
        execute format('create trigger append_only before update or delete on awooop.%I
                            for each row execute function awooop.refuse_append_only()', guarded);
        execute format('create trigger append_only_truncate before truncate on awooop.%I
                            for each statement execute function awooop.refuse_append_only()', guarded);
        execute format('alter table awooop.%I enable always trigger append_only', guarded);
        execute format('alter table awooop.%I enable always trigger append_only_truncate', guarded);
    end loop;
end
$$;

-- Sessions keep agents, limits and what is switched off; a change tells all of them, with its commit.
create trigger forget_directory after insert or update or delete or truncate on awooop.agents
    for each statement execute function awooop.forget_directory();
alter table awooop.agents enable always trigger forget_directory;
create trigger forget_directory after insert or update or delete or truncate on awooop.budget_limit
    for each statement execute function awooop.forget_directory();
create trigger forget_directory after insert or update or delete or truncate on awooop.budget_switch
    for each statement execute function awooop.forget_directory();
alter table awooop.budget_limit enable always trigger forget_directory;
alter table awooop.budget_switch enable always trigger forget_directory;

grant select on awooop.budget_control, awooop.budget_limit, awooop.budget_switch, awooop.budget_price,
    awooop.budget_counter, awooop.budget_counter_lane, awooop.budget_ledger, awooop.budget_opening to awooop_auditor;
grant select (project_id, escrow_id, opened_at, run_id, kind, agent_id, platform_subject_id, trace_id, principal_id, lane,
              window_at, granted_tokens, granted_micro_usd, reserved_tokens, reserved_micro_usd, spent_tokens,
              spent_micro_usd, booked_tokens, booked_micro_usd, overrun_tokens, overrun_micro_usd, fence, entries,
              idempotency_key, expires_at, closed_at, outcome, soft_at)
    on awooop.budget_escrow to awooop_auditor;
grant select (project_id, reservation_id, escrow_id, kind, principal_id, tokens, micro_usd, idempotency_key, reserved_at,
              closed_at, outcome, used_tokens, used_micro_usd)
    on awooop.budget_reservation to awooop_auditor;
grant select (project_id, escrow_id, expires_at, closed_at) on awooop.budget_escrow to awooop_scheduler;
