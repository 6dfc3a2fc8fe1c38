-- Channels: what came in (conversation_event, once for each thing that happened: conversation_seen), and what goes out
-- (outbound_message; outbound_chat, by which the messages of a chat keep their order; outbound_channel, its pace).

-- A key that is a channel's secret: what comes with it is an event of that channel, and nothing else.
alter table awooop.api_keys add column channel text collate "C";
-- The key of the keyring that makes the secret, where events come signed.
alter table awooop.api_keys add column signs_with text collate "C";
alter table awooop.failed_authentication_log drop constraint failed_authentication_kind,
    add constraint failed_authentication_kind check (kind in ('api_key', 'lease', 'token', 'courier', 'signature'));
create trigger api_key_channel before update of channel, signs_with on awooop.api_keys
    for each row execute function awooop.refuse_identity_rewrite();
alter table awooop.api_keys enable always trigger api_key_channel;

-- For ever: an event may come again after its mirror's time is over.
create table awooop.conversation_seen (
    project_id  text collate "C" not null references awooop.projects,
    channel     text collate "C" not null,
    -- By which the channel knows it.
    external_id text collate "C" not null,
    event_id    uuid not null,
    primary key (project_id, channel, external_id)
);

-- Partitioned by the time at which it came in, which its id has.
create table awooop.conversation_event (
    project_id          text collate "C" not null,
    event_id            uuid        not null,
    received_at         timestamptz not null,
    channel             text collate "C" not null,
    channel_type        text collate "C" not null,
    external_id         text collate "C" not null,
    kind                text collate "C" not null,
    channel_user_id     text collate "C",
    channel_chat_id     text collate "C",
    thread_id           text,
    -- Of the message, as the channel has it.
    channel_message_id  text,
    platform_subject_id text,
    occurred_at         timestamptz,
    trace_id            text        not null,
    -- Redacted.
    body                jsonb       not null,
    -- What came of it: a run, or why there is none.
    outcome             text collate "C" not null,
    run_id              uuid,
    code                text,
    retain_until        timestamptz not null,
    primary key (project_id, event_id, received_at),
    constraint conversation_event_outcome check ((outcome = 'run') = (run_id is not null))
) partition by range (received_at);
create index conversation_event_by_chat on awooop.conversation_event (project_id, channel, channel_chat_id, event_id);
-- For the scheduler alone.
create index conversation_event_expired on awooop.conversation_event (retain_until);

create trigger append_only before update on awooop.conversation_event
    for each row execute function awooop.refuse_append_only();
create trigger append_only_retained before delete on awooop.conversation_event
    for each row when (old.retain_until > clock_timestamp()) execute function awooop.refuse_append_only();
create trigger append_only_truncate before truncate on awooop.conversation_event
    for each statement execute function awooop.refuse_append_only();
alter table awooop.conversation_event enable always trigger append_only;
alter table awooop.conversation_event enable always trigger append_only_retained;
alter table awooop.conversation_event enable always trigger append_only_truncate;
create trigger conversation_seen_kept before update or delete on awooop.conversation_seen
    for each row execute function awooop.refuse_append_only();
create trigger conversation_seen_truncate before truncate on awooop.conversation_seen
    for each statement execute function awooop.refuse_append_only();
alter table awooop.conversation_seen enable always trigger conversation_seen_kept;
alter table awooop.conversation_seen enable always trigger conversation_seen_truncate;

-- A run that somebody waits for in a chat: where its answer goes, and what they were told meanwhile.
create table awooop.channel_run (
    project_id         text collate "C" not null,
    run_id             uuid        not null,
    channel            text collate "C" not null,
    channel_chat_id    text collate "C" not null,
    thread_id          text,
    -- Of the message that it answers.
    channel_message_id text,
    event_id           uuid        not null,
    -- When they are told next that it goes on, how often they were, and by which message.
    tell_at            timestamptz,
    told               integer     not null default 0,
    feedback_id        uuid,
    primary key (project_id, run_id),
    foreign key (project_id, run_id) references awooop.run_state on delete cascade
);
-- For the scheduler alone.
create index channel_run_due on awooop.channel_run (tell_at) where tell_at is not null;

-- Who a person of a channel is among the project's principals, where they are known by other credentials as well.
-- `roles_from` is who gave them their latest role: whose hand they count as, where they are nobody else.
alter table awooop.platform_subjects add column principal_id text, add column roles_from text;

-- A button under a question to those who approve. Its secret is in the chat alone.
create table awooop.channel_button (
    project_id      text collate "C" not null,
    digest          bytea       not null,
    channel         text collate "C" not null,
    channel_chat_id text collate "C" not null,
    approval_id     uuid        not null,
    decision        text collate "C" not null,
    message_id      uuid        not null,
    primary key (project_id, digest),
    foreign key (project_id, approval_id) references awooop.approval_request on delete cascade,
    constraint channel_button_digest check (octet_length(digest) = 32),
    constraint channel_button_decision check (decision in ('approve', 'reject'))
);
create index channel_button_by_approval on awooop.channel_button (project_id, approval_id);

-- Who has pressed it: once each.
create table awooop.channel_press (
    project_id          text collate "C" not null,
    digest              bytea       not null,
    platform_subject_id text        not null,
    event_id            uuid        not null,
    pressed_at          timestamptz not null default clock_timestamp(),
    primary key (project_id, digest, platform_subject_id),
    foreign key (project_id, digest) references awooop.channel_button on delete cascade
);

-- One for each account that messages are sent from.
create table awooop.outbound_channel (
    project_id   text collate "C" not null references awooop.projects,
    channel      text collate "C" not null,
    -- When the next message has its turn, at the channel's pace.
    turn_at      timestamptz not null default '-infinity',
    -- The channel has asked for a pause.
    paused_until timestamptz not null default '-infinity',
    primary key (project_id, channel)
)
with (fillfactor = 50);

-- One for each chat that a message was ever queued for. Whoever queues one holds the row, so the order of the numbers is that
-- of the commits.
create table awooop.outbound_chat (
    project_id      text collate "C" not null,
    channel         text collate "C" not null,
    channel_chat_id text collate "C" not null,
    last_seq        bigint      not null default 0,
    -- Messages that wait to be sent.
    queued          integer     not null default 0,
    -- When the first of them may be sent, and when the next has its turn at the chat's pace.
    ready_at        timestamptz not null default '-infinity',
    turn_at         timestamptz not null default '-infinity',
    -- Who sends the first of them just now.
    epoch           integer     not null default 0,
    lease_digest    bytea,
    leased_until    timestamptz,
    primary key (project_id, channel, channel_chat_id),
    foreign key (project_id, channel) references awooop.outbound_channel,
    constraint outbound_chat_queued check (queued >= 0),
    constraint outbound_chat_lease check ((lease_digest is null) = (leased_until is null)
                                          and octet_length(lease_digest) = 32)
)
with (fillfactor = 60);
create index outbound_chat_waiting on awooop.outbound_chat (project_id, channel, ready_at) where queued > 0;

create table awooop.outbound_message (
    project_id           text collate "C" not null,
    message_id           uuid        not null,
    channel              text collate "C" not null,
    channel_chat_id      text collate "C" not null,
    thread_id            text,
    -- In its chat; none for one that was never queued.
    seq                  bigint,
    kind                 text collate "C" not null,
    purpose              text collate "C" not null,
    -- Exact: what is sent, in parts.
    body                 jsonb       not null,
    -- The message that this one changes or takes back.
    target_id            uuid,
    run_id               uuid,
    agent_id             text,
    platform_subject_id  text,
    trace_id             text,
    idempotency_key      text,
    -- The message that was sent in vain before.
    redrive_of           uuid,
    created_by           text        not null,
    created_at           timestamptz not null,
    expires_at           timestamptz not null,
    retain_until         timestamptz not null,
    state                text collate "C" not null,
    available_at         timestamptz not null,
    attempts             integer     not null default 0,
    parts_sent           integer     not null default 0,
    -- As the channel has them, one for each part that was sent.
    provider_message_ids text[]      not null default '{}',
    error                jsonb,
    decided_by           text,
    ended_at             timestamptz,
    primary key (project_id, message_id),
    constraint outbound_message_state check (state in ('held', 'queued', 'sent', 'dead', 'expired', 'recorded', 'discarded')),
    constraint outbound_message_kind check (kind in ('send', 'edit', 'delete', 'acknowledge')),
    constraint outbound_message_ended check ((state in ('held', 'queued')) = (ended_at is null)),
    constraint outbound_message_seq check (seq is not null or state in ('held', 'recorded', 'discarded'))
)
with (fillfactor = 80);
create unique index outbound_message_order on awooop.outbound_message (project_id, channel, channel_chat_id, seq)
    where state = 'queued';
create unique index outbound_message_key on awooop.outbound_message (project_id, idempotency_key)
    where idempotency_key is not null;
create index outbound_message_by_run on awooop.outbound_message (project_id, run_id) where run_id is not null;
create index outbound_message_by_state on awooop.outbound_message (project_id, state, message_id);
-- For the scheduler alone.
create index outbound_message_due on awooop.outbound_message (expires_at) where state in ('held', 'queued');
create index outbound_message_expired on awooop.outbound_message (retain_until) where ended_at is not null;

-- What no DML may do, whoever asks: to say something else afterwards, or to say again what was said.
create trigger outbound_message_immutable before update of project_id, message_id, channel, channel_chat_id, thread_id, kind,
        purpose, body, target_id, run_id, agent_id, platform_subject_id, trace_id, idempotency_key, redrive_of, created_by,
        created_at
    on awooop.outbound_message for each row execute function awooop.guard_outbound_message();
create trigger outbound_message_ended before update on awooop.outbound_message
    for each row when (old.ended_at is not null) execute function awooop.guard_outbound_message();
create trigger outbound_message_kept before delete on awooop.outbound_message
    for each row when (old.ended_at is null or old.retain_until > clock_timestamp())
    execute function awooop.guard_outbound_message();
create trigger outbound_message_truncate before truncate on awooop.outbound_message
    for each statement execute function awooop.guard_outbound_message();
alter table awooop.outbound_message enable always trigger outbound_message_immutable;
alter table awooop.outbound_message enable always trigger outbound_message_ended;
alter table awooop.outbound_message enable always trigger outbound_message_kept;
alter table awooop.outbound_message enable always trigger outbound_message_truncate;

grant select (channel, signs_with) on awooop.api_keys to awooop_auditor;
grant select (principal_id, roles_from) on awooop.platform_subjects to awooop_auditor;
grant select (project_id, channel, channel_chat_id, approval_id, decision, message_id) on awooop.channel_button to awooop_auditor;
grant select (project_id, platform_subject_id, event_id, pressed_at) on awooop.channel_press to awooop_auditor;
grant select on awooop.conversation_seen, awooop.conversation_event, awooop.channel_run, awooop.outbound_channel to awooop_auditor;
grant select (project_id, channel, channel_chat_id, last_seq, queued, ready_at, turn_at, epoch, leased_until)
    on awooop.outbound_chat to awooop_auditor;
grant select (project_id, message_id, channel, channel_chat_id, thread_id, seq, kind, purpose, target_id, run_id, agent_id,
              platform_subject_id, trace_id, idempotency_key, redrive_of, created_by, created_at, expires_at, retain_until,
              state, available_at, attempts, parts_sent, provider_message_ids, error, decided_by, ended_at)
    on awooop.outbound_message to awooop_auditor;

-- What awooop_scheduler's functions look through: ids, times and the order of the queue.
grant select (project_id, channel, queued, ready_at, leased_until) on awooop.outbound_chat to awooop_scheduler;
grant select (project_id, message_id, state, expires_at, ended_at, retain_until) on awooop.outbound_message to awooop_scheduler;
grant select (project_id, event_id, received_at, retain_until) on awooop.conversation_event to awooop_scheduler;
grant select (project_id, run_id, tell_at) on awooop.channel_run to awooop_scheduler;
