-- A ceiling for the platform as a whole; off until somebody sets one. What is left of it lies in pots, over which sessions
-- spread: whoever takes something locks the pots that it comes from and no others, and never waits for those that somebody
-- else holds, so that no tenant's open transaction keeps another from what is left.

-- What was set. Its lock keeps projects from beginning to spend while what all of them have spent is counted.
create table awooop.budget_platform (
    period         text collate "C" not null primary key,
    hard_tokens    bigint,
    hard_micro_usd bigint,
    soft_percent   smallint,
    burst_percent  smallint,
    changed_by     text        not null,
    changed_at     timestamptz not null default clock_timestamp(),
    constraint budget_platform_period check (period in ('day', 'month', 'lifetime')),
    constraint budget_platform_hard check (hard_tokens is not null or hard_micro_usd is not null),
    constraint budget_platform_amounts check (hard_tokens between 0 and 1000000000000000
                                              and hard_micro_usd between 0 and 1000000000000000),
    constraint budget_platform_soft check (soft_percent between 1 and 99),
    constraint budget_platform_burst check (burst_percent between 1 and 100)
);

-- One row, where the platform is paused or killed.
create table awooop.budget_platform_switch (
    one        boolean     not null primary key default true,
    state      text        not null,
    reason     text,
    changed_by text        not null,
    changed_at timestamptz not null default clock_timestamp(),
    constraint budget_platform_switch_one check (one),
    constraint budget_platform_switch_state check (state in ('paused', 'killed'))
);

-- Those below follow from the ledgers, from which they are counted anew where a window is missing. So nobody but the
-- extension inserts into them: what a restore brings is passed over (awooop.guard_budget).

-- The windows that are open, with the limit that their pots and dues add up to.
create table awooop.budget_platform_window (
    period         text collate "C" not null,
    window_start   timestamptz not null,
    window_end     timestamptz not null,
    hard_tokens    bigint      not null,
    hard_micro_usd bigint      not null,
    primary key (period, window_start)
);

-- Of which windows the soft limit was told. Apart from them, so that whoever tells holds no row that others need.
create table awooop.budget_platform_told (
    period       text collate "C" not null,
    window_start timestamptz not null,
    soft_at      timestamptz not null default clock_timestamp(),
    primary key (period, window_start)
);

-- What nobody has taken of a window.
create table awooop.budget_platform_pot (
    period       text collate "C" not null,
    window_start timestamptz not null,
    pot          smallint    not null,
    tokens       bigint      not null,
    micro_usd    bigint      not null,
    primary key (period, window_start, pot),
    constraint budget_platform_pot_number check (pot between 0 and 31),
    constraint budget_platform_pot_amounts check (tokens >= 0 and micro_usd >= 0)
)
-- Updated by its key only.
with (fillfactor = 30);

-- What the pots owe (above nothing: used without having been taken from one, or a limit that was lowered), or are owed
-- (below: given back while all of them were held, or a limit that was raised). Whoever takes something pays what is owed.
create table awooop.budget_platform_due (
    period       text collate "C" not null,
    window_start timestamptz not null,
    due_id       uuid        not null,
    tokens       bigint      not null,
    micro_usd    bigint      not null,
    primary key (period, window_start, due_id)
);

do $$
declare
    guarded text;
begin
    foreach guarded in array array['budget_platform_due', 'budget_platform_pot', 'budget_platform_told',
                                   'budget_platform_window'] loop
        execute format('create trigger guard before update or delete or truncate on awooop.%I
                            for each statement execute function awooop.guard_budget()', guarded);
        execute format('create trigger guard_insert before insert on awooop.%I
                            for each row execute function awooop.guard_budget()', guarded);
        execute format('alter table awooop.%I enable always trigger guard', guarded);
        execute format('alter table awooop.%I enable always trigger guard_insert', guarded);
    end loop;
    foreach guarded in array array['budget_platform', 'budget_platform_switch'] loop
        execute format('create trigger forget_directory after insert or update or delete or truncate on awooop.%I
                            for each statement execute function awooop.forget_directory()', guarded);
        execute format('alter table awooop.%I enable always trigger forget_directory', guarded);
    end loop;
end
$$;

grant select on awooop.budget_platform, awooop.budget_platform_due, awooop.budget_platform_pot,
    awooop.budget_platform_switch, awooop.budget_platform_told, awooop.budget_platform_window to awooop_operator, awooop_auditor;
-- Which projects have counters.
grant select (project_id) on awooop.budget_control to awooop_scheduler;
