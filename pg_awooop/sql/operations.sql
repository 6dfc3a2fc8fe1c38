-- Made from pg_awooop/policy/src/operation/list.rs by `cargo xtask docs`: one function for each operation, all
-- with one body, which reads the operation's name off the function.

create function awooop.whoami()
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.whoami is 'The project, the principal and the scopes that the presented credential or bound role stands for.';

create function awooop.build_envelope(agent_id text, channel_type text, channel_user_id text, channel_chat_id text default null, display_name text default null, extra_tags jsonb default '{}')
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.build_envelope is 'Records the sender as a subject of the project and returns the nine-key envelope that create_run takes as it is. The project''s migration_mode must be at least shadow.';

create function awooop.upsert_platform_subject(channel_type text, channel_user_id text, channel_chat_id text default null, display_name text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.upsert_platform_subject is 'First sight creates the subject with the role viewer; later ones update last_seen_at, and chat and name where given. Roles, first_seen_at and the id never change here.';

create function awooop.link_subject(platform_subject_id text, principal_id text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.link_subject is 'From then on what the person decides in chats counts as the principal''s hand, in the principal''s roles. Without one they are a principal of their own, with the roles that they have as a subject.';

create function awooop.grant_subject_role(platform_subject_id text, role text)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.grant_subject_role is 'Adds the role to the subject''s roles; giving it twice changes nothing.';

create function awooop.revoke_subject_role(platform_subject_id text, role text)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.revoke_subject_role is 'What the person may do in chats by the role ends with it. Taking it twice changes nothing.';

create function awooop.create_agent(agent_id text, display_name text default null, enabled boolean default true)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.create_agent is 'Runs can be created for registered, enabled agents only. Repeating it updates name and switch.';

create function awooop.create_run(envelope jsonb, input jsonb default '{}', idempotency_key text default null, priority integer default null, max_attempts integer default null, deadline_seconds integer default null, tags jsonb default '{}', reserve_tokens bigint default null, reserve_micro_usd bigint default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.create_run is 'Takes an envelope as build_envelope returned it. With an idempotency key, the same request returns the first run (status 200, created false), and another request with that key is refused; the trace, which differs with every envelope, is not compared. Keys live as long as their run.';

create function awooop.list_runs(state text default null, agent_id text default null, platform_subject_id text default null, created_after timestamptz default null, created_before timestamptz default null, page_size integer default 50, cursor text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.list_runs is 'Pages by key, so that runs created meanwhile neither repeat nor hide one.';

create function awooop.claim_runs(worker_id text, max_runs integer default 1, lease_seconds integer default null, with_endpoint boolean default false, places integer default null, holding jsonb default '{}')
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.claim_runs is 'Gives each claimed run a lease that every further write of the worker names, and the steps already recorded, which must not run again. An empty list means there is nothing to do.';

create function awooop.get_run(run_id uuid)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.get_run is 'State, envelope, input, and result or error.';

create function awooop.list_steps(run_id uuid, after_seq integer default 0, page_size integer default 50)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.list_steps is 'Every recorded step in order.';

create function awooop.cancel_run(run_id uuid, reason text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.cancel_run is 'Ends the run at once; a worker that holds it is refused from then on. Cancelling a cancelled run changes nothing.';

create function awooop.heartbeat(run_id uuid, lease text, lease_seconds integer default null, other_leases text[] default '{}')
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.heartbeat is 'One call of a worker extends all its leases of the project. Work on a run under `lost` must stop.';

create function awooop.record_step(run_id uuid, lease text, step_key text, result jsonb default null, request jsonb default null, kind text default 'step', phase text default 'completed', tool text default null, approval_token text default null, tokens bigint default null, micro_usd bigint default null, model text default null, input_tokens bigint default null, cached_tokens bigint default null, output_tokens bigint default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.record_step is 'A step that was completed before is `replayed`: its recorded result comes back and must be used. Before an effect outside, record phase `started` and commit: if an earlier attempt started the step and never completed it, the outcome is `unknown`, and whether it happened must be found out before it is tried again. What it has used is charged with it, once: tokens, micro_usd, or the usage of a model.';

create function awooop.validate_output(run_id uuid, lease text, raw text, attempt integer default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.validate_output is 'Reads the document in the text, mends what can be mended in one way only, and checks it by the output schemas of the run''s contracts. If it fails, `errors` says what to tell the model. Three outputs of a run may fail, whichever worker sends them; with the third the run fails (E-SCHEMA-001). Each is recorded as a step of kind `output`.';

create function awooop.complete_run(run_id uuid, lease text, result jsonb default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.complete_run is 'Ends the run with its result, which must satisfy what validate_output checks. One that does not is refused (E-SCHEMA-004) and counts as an output that failed; the third of the run ends it (E-SCHEMA-001). Repeating it with the same lease returns the run again.';

create function awooop.fail_run(run_id uuid, lease text, error_code text default 'worker_error', message text default null, retryable boolean default true)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.fail_run is 'Where attempts are left and the failure may be retried, the run waits and becomes claimable again; else it ends as failed.';

create function awooop.ingest_event(event jsonb, channel text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.ingest_event is 'Mirrors the event, once for ever: one that comes again changes nothing. Where the channel''s contract says that an agent listens, a run is created with it, or `code` says why not. A channel of type telegram takes updates of the Bot API as they are; others an object with id, chat_id, user_id and text.';

create function awooop.ingest_events(events jsonb, channel text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.ingest_events is 'What people say to each other in a group comes to nothing but its mirror, and many of it are taken in at once. The answers are in the order of the events, each as of ingest_event. Where one is null the event was not taken in, because there is more to do about it, or it came before: bring it by ingest_event.';

create function awooop.list_events(channel text default null, channel_chat_id text default null, page_size integer default 50, cursor text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.list_events is 'Each with what came of it. Texts are redacted.';

create function awooop.queue_message(channel text, channel_chat_id text, text text, thread_id text default null, target_id uuid default null, idempotency_key text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.queue_message is 'It is sent after those that were queued for the chat before it, in parts where it is too long for one. In shadow it is recorded and not sent; in suggest it is held until somebody decides, but for what the platform itself says.';

create function awooop.list_messages(state text default null, channel text default null, channel_chat_id text default null, run_id uuid default null, page_size integer default 50, cursor text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.list_messages is 'Those that could not be sent have the state dead. Texts are redacted.';

create function awooop.get_message(message_id uuid)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.get_message is 'Its state, what the channel knows it by, and why it was not sent. Its text is exact for who queued it, redacted for others.';

create function awooop.decide_message(message_id uuid, decision text, reason text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.decide_message is 'What an agent says in suggest waits for somebody who is not who queued it.';

create function awooop.redrive_message(message_id uuid)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.redrive_message is 'Queues another with the same text behind what waits for its chat now; once for each that is dead or expired.';

create function awooop.claim_messages(sender_id text, max_messages integer default 20, lease_seconds integer default 60, places integer default null, holding jsonb default '{}')
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.claim_messages is 'The first message of each chat that has its turn, at the pace of the channel and the chat; each is to be sent `send_after_ms` from now. An empty list means that there is nothing to send just now.';

create function awooop.mark_message(message_id uuid, lease text, report text, provider_message_id text default null, retry_after_seconds integer default null, pauses_channel boolean default false, error_code text default null, error text default null, part integer default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.mark_message is 'After each part that was sent, and where one could not be. What is decided of it (again later, given up) comes back.';

create function awooop.get_session(channel text default null, channel_chat_id text default null, run_id uuid default null, lease text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.get_session is 'What was said last, and what the agent keeps. Exact for who may write it, redacted for others; empty where there is nothing, or its time is over.';

create function awooop.put_session(state jsonb, channel text default null, channel_chat_id text default null, run_id uuid default null, lease text default null, expected_version bigint default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.put_session is 'Replaces what the agent keeps; what was said the platform remembers by itself. Too much is refused, by the channel''s or the project''s contract.';

create function awooop.end_session(channel text, channel_chat_id text)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.end_session is 'What is remembered of it is deleted, under every key.';

create function awooop.count_anomaly(counter text, target text default '', by integer default 1)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.count_anomaly is 'In the sliding window of the counter that the policy names so. Past its threshold it is an anomaly, once until it is below again: recorded, and acted upon as the policy says.';

create function awooop.list_anomalies(counter text default null, open boolean default false, page_size integer default 50, cursor text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.list_anomalies is 'Each time that a threshold was crossed, and until when.';

create function awooop.shadow_execute(envelope jsonb, message_key text, input jsonb default '{}', tags jsonb default '{}')
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.shadow_execute is 'A run without side effects, whatever mode the project is in: write tools are refused, messages are recorded and not sent. What it comes to is kept for comparison with what the legacy path makes of the same message. Repeating it with the same key returns the same run.';

create function awooop.report_legacy_outcome(message_key text, outcome jsonb)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.report_legacy_outcome is 'Compared with what the run in shadow came to, as soon as both are known. Saying it again with another outcome is refused.';

create function awooop.shadow_report(agent_id text default null, from_day text default null, to_day text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.shadow_report is 'By agent and day: how many messages both paths have handled, and how many of them alike. With some that differ, and where.';

create function awooop.set_budget(level text, period text, target text default null, hard_tokens bigint default null, hard_micro_usd bigint default null, soft_percent integer default null, burst_percent integer default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.set_budget is 'Takes the place of the limit that was set before for the same level, target and period; without hard_tokens and hard_micro_usd it is removed. What contracts say holds beside it, and the strictest decides. A limit below what is used already admits nothing.';

create function awooop.switch_budget(level text, state text, target text default null, reason text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.switch_budget is 'paused: nothing new is admitted. killed: what is under way stops as well, at its next call. active: neither.';

create function awooop.budget_status(level text default null, target text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.budget_status is 'Every limit with what is spent, reserved and left in its present window, and when it is exhausted at the pace so far; switches; and the runs that budgets stopped last.';

create function awooop.budget_check()
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.budget_check is 'Adds the ledger up and compares, to the unit, with every counter, every escrow and every open reservation. `differences` is empty where `ok` is true.';

create function awooop.budget_metrics()
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.budget_metrics is 'Gauges of every limit and switch in the text format of Prometheus; over HTTP as text/plain. The scraper sends the project''s key as its bearer token.';

create function awooop.list_ledger(escrow_id uuid, after_seq integer default 0, page_size integer default 50)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.list_ledger is 'Every entry in order: reserve, settle, release, expire, adjust.';

create function awooop.set_price(model text, input_micro_usd bigint, output_micro_usd bigint, cached_micro_usd bigint default null, valid_from timestamptz default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.set_price is 'Prices are never changed, so that a charge can be computed again: a new one begins now or later.';

create function awooop.list_prices(model text default null, page_size integer default 50, cursor text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.list_prices is 'Newest first for each model.';

create function awooop.reserve_budget(envelope jsonb, tokens bigint default null, micro_usd bigint default null, model text default null, input_tokens bigint default null, cached_tokens bigint default null, output_tokens bigint default null, kind text default 'llm', lease text default null, expires_seconds integer default 300, idempotency_key text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.reserve_budget is 'Takes an envelope as build_envelope returned it, or one of a run together with its lease. What does not fit into every limit is refused whole. A reservation ends by settle_budget or release_budget; one that nobody reports on is booked whole when it expires, or when its run''s lease does.';

create function awooop.settle_budget(reservation_id uuid default null, run_id uuid default null, tokens bigint default null, micro_usd bigint default null, model text default null, input_tokens bigint default null, cached_tokens bigint default null, output_tokens bigint default null, lease text default null, idempotency_key text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.settle_budget is 'With reservation_id, ends that reservation; with run_id alone, charges the run. What exceeds the reservation takes what is left; what exceeds that too is booked as overrun, and stops the run. Sent again, it is the same charge.';

create function awooop.release_budget(reservation_id uuid, lease text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.release_budget is 'For work that did not take place. Releasing what was released changes nothing.';

create function awooop.adjust_budget(escrow_id uuid, reason text, tokens bigint default null, micro_usd bigint default null, idempotency_key text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.adjust_budget is 'For a run or a reservation that has ended, when a bill says otherwise: an entry of its own in the ledger. What is added counts as overrun, since nobody granted it.';

create function awooop.validate_contract(kind text, document text)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.validate_contract is 'Everything that would keep it from being published in this project: each with its place, the rule, what was expected and what is there.';

create function awooop.draft_contract(kind text, document text)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.draft_contract is 'A new contract, or a further revision of one. A draft may be unfinished (its violations are told); it needs its kind and name. Whoever writes it is its author, whose signature does not count.';

create function awooop.edit_contract(revision_id uuid, document text, digest text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.edit_contract is 'Replaces the draft''s document; kind and name stay. The editor becomes one of its authors. With digest, only if nobody edited it in between.';

create function awooop.discard_contract(revision_id uuid)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.discard_contract is 'Only drafts can be discarded; what was published stays for ever.';

create function awooop.publish_contract(revision_id uuid, digest text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.publish_contract is 'Gives it the contract''s next number, its canonical bytes (RFC 8785), their digest and the platform''s signature (HMAC-SHA-256, with the key''s id). From then on it never changes. Publishing it again changes nothing, but for a new signature where the key of the old one was rotated out.';

create function awooop.sign_contract(revision_id uuid, digest text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.sign_contract is 'One signature a hand, in a role that the active policy names; an author''s is refused.';

create function awooop.activate_contract(revision_id uuid)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.activate_contract is 'Verifies its signature, counts the signatures of distinct hands against the quorum of the active policy (two, of any role, before there is one), and takes the place of the revision before it. Revisions with lower numbers are superseded. Activating the active revision changes nothing.';

create function awooop.revoke_contract(revision_id uuid, reason text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.revoke_contract is 'At once and for good, by one person: what an active one allowed is over. Runs of an agent without an active contract stop. Revoking a policy stops new runs; its quorum holds until another is active.';

create function awooop.get_contract(revision_id uuid)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.get_contract is 'Its document, its life, and its signatures.';

create function awooop.list_contracts(kind text default null, page_size integer default 50, cursor text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.list_contracts is 'Each with its active revision and its newest one.';

create function awooop.active_contract(kind text, name text)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.active_contract is 'The one that the platform acts by, once its signatures have been verified.';

create function awooop.contract_history(kind text, name text, page_size integer default 50, cursor text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.contract_history is 'Drafts first, then published revisions by number, each with who did what and when.';

create function awooop.diff_contracts(revision_id uuid, from_revision_id uuid default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.diff_contracts is 'What turns one document into the other, as a JSON Patch (RFC 6902) whose operations also say what was there before. Without from_revision_id, from the revision that is active.';

create function awooop.verify_contract(revision_id uuid)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.verify_contract is 'Computes its canonical bytes, digest and signatures again, and counts its signatures against the quorum that holds now, telling of each that does not count why.';

create function awooop.export_contract(revision_id uuid)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.export_contract is 'The revision as it was signed, with its signatures: what import_contract takes, and what `awooop-gateway contract verify` verifies without the database.';

create function awooop.import_contract(exported text)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.import_contract is 'Takes the document of a file that export_contract made, here or elsewhere; its signatures hold for the revision that was exported, so the draft is published and signed anew. A file whose signature this platform can check, and finds wrong, is refused.';

create function awooop.request_approval(run_id uuid, lease text, step_key text, tool text, arguments jsonb default '{}', estimated_tokens bigint default null, estimated_micro_usd bigint default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.request_approval is 'What the tool''s contract, the agent''s, the policy and the mode say of the call: it is `allowed`, or denied, or people must approve it (`waiting`): then the run gives up its lease and waits. Once it is approved a worker claims the run again and asks again for the same step: `approved`, with the token. In the mode suggest the request is a proposal.';

create function awooop.issue_approval(approval_id uuid, digest text default null, reason text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.issue_approval is 'Counts for the caller''s own hand, once, in a role that the policy names; never for who asked or created the run. With enough of them the run goes on, and the token that stands for the call comes back.';

create function awooop.reject_approval(approval_id uuid, digest text default null, reason text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.reject_approval is 'One who may approve it is enough: the request ends, and its run is cancelled.';

create function awooop.approval_status(approval_id uuid, arguments jsonb default null, lease text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.approval_status is 'What will happen in plain words, the arguments (redacted for all but who created the run and its worker), who decided what, and what became of it: the outcome of a call that was begun and never reported on is `unknown`. With `arguments`, how they differ from those that were asked about.';

create function awooop.list_approvals(state text default null, agent_id text default null, tool text default null, risk text default null, mode text default null, run_id uuid default null, cursor text default null, page_size integer default 50)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.list_approvals is 'The newest first, with how long each has waited.';

create function awooop.approval_metrics()
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.approval_metrics is 'Requests by state, the longest wait, and uses of tokens that had been used, in the text format.';

create function awooop.mcp_register_server(server_id text, address text, transport text default 'http', title text default null, credential_reference text default null, credential_placement text default null, credential_name text default null, max_concurrency integer default 16, max_response_bytes integer default 524288)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.mcp_register_server is 'Its tools are `{tool}__{server_id}`. Nothing of it can be called before its tools are imported, their contracts are active and agents have grants.';

create function awooop.mcp_switch_server(server_id text, enabled boolean, reason text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.mcp_switch_server is 'While it is off, every call of its tools is denied.';

create function awooop.mcp_list_servers()
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.mcp_list_servers is 'By name; credentials as references.';

create function awooop.mcp_upstream(server_id text)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.mcp_upstream is 'What the gateway needs to ask the server for its tools. Audited.';

create function awooop.mcp_import_tools(server_id text, tools jsonb)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.mcp_import_tools is 'Pins the digest of each definition. What differs from the one that the tool''s active contract names has drifted: it cannot be called until a contract with the new digest is active, and `changes` says what is different. `proposal` is a contract to begin with. With the server''s capabilities, its resources, prompts and completion are taken in as tools `mcp-resources__{server_id}`, `mcp-prompts__{server_id}` and `mcp-completion__{server_id}`.';

create function awooop.mcp_list_registry(server_id text default null, cursor text default null, page_size integer default 50)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.mcp_list_registry is 'Each with its state: `callable`, `new` (no active contract), `drifted`, `gone`, `disabled`; and what changed.';

create function awooop.mcp_switch_tool(tool text, enabled boolean, reason text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.mcp_switch_tool is 'While it is off, every call of it is denied.';

create function awooop.mcp_grant_tool(agent_id text, tool text, constraints jsonb default null, rate_count integer default null, rate_window_seconds integer default null, expires_in_seconds integer default null, reason text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.mcp_grant_tool is 'Takes the place of an earlier grant. The agent''s contract must name the tool as well: a grant alone opens nothing.';

create function awooop.mcp_revoke_grant(agent_id text, tool text, reason text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.mcp_revoke_grant is 'Holds for every call that begins after it.';

create function awooop.mcp_list_grants(agent_id text default null, tool text default null, cursor text default null, page_size integer default 50)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.mcp_list_grants is 'The newest first, revoked ones among them.';

create function awooop.mcp_list_tools(agent_id text default null, server_id text default null, cursor text default null, page_size integer default 50)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.mcp_list_tools is 'As MCP lists tools, by name: descriptions and schemas are those of the contracts. What gates 1 to 3 would deny whatever the arguments is not there. `features` names the tools that stand for servers'' resources, prompts and completion.';

create function awooop.mcp_begin_call(tool text, arguments jsonb default '{}', agent_id text default null, envelope jsonb default null, run_id uuid default null, lease text default null, step_key text default null, call_key text default null, request_state text default null, ask boolean default true)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.mcp_begin_call is 'The five gates, in order: a denial is a problem `E-MCP-GATE-001` to `008`. `allowed` says where the tool is, and by which reference its credential; `waiting` that people must approve the call: begin it again with `request_state`; `replayed` that it was made before. A call outside of a run makes one.';

create function awooop.mcp_suspend_call(call_id uuid, lease text, ticket text, upstream_state text default null, questions jsonb default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.mcp_suspend_call is 'The call goes on with begin_call and the `request_state` that comes back, which keeps the server''s own. What was asked comes back as the caller may see it, if the tool''s contract lets its server ask that (`E-MCP-022`).';

create function awooop.mcp_relay(call_id uuid, lease text, ticket text, kind text, message jsonb)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.mcp_relay is 'Redacts and bounds it, for the caller to see. A question counts as one of `mcp_suspend_call` does, and takes the same leave; there are at most 1,000 reports and lines of a log in a call (`E-MCP-024`).';

create function awooop.mcp_finish_call(call_id uuid, lease text, ticket text, outcome text, result jsonb default null, micro_usd bigint default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.mcp_finish_call is 'Redacts the result and bounds it, settles its reservation, and ends the run that was made for it. What comes back is what the agent may see, for a tool an object with `content`, for a method of the protocol its result. `not_sent` and `unresolved` (`E-MCP-GATE-009`) give the reservation back.';

create function awooop.mcp_explain(agent_id text, tool text, arguments jsonb default '{}')
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.mcp_explain is 'Every check with its verdict and why, by the function that decides calls, and without any effect.';

create function awooop.mcp_list_calls(agent_id text default null, tool text default null, run_id uuid default null, cursor text default null, page_size integer default 50)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.mcp_list_calls is 'The newest first, redacted, each with what its decision was based on. Denied calls are in the audit log.';

create function awooop.list_principals()
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.list_principals is 'Each with its roles and the hand it counts as: principals that one of them brought into being count as that one, whatever their credentials.';

create function awooop.grant_principal_role(principal_id text, role text)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.grant_principal_role is 'Roles say whose signatures and approvals count. Nobody gives a role to themselves, or to a principal that they brought into being. Giving it twice changes nothing.';

create function awooop.revoke_principal_role(principal_id text, role text)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.revoke_principal_role is 'Signatures that needed the role stop counting. Taking it twice changes nothing.';

create function awooop.create_api_key(name text, scopes text[], expires_in_seconds integer default null, principal_id text default null, agent_id text default null, channel text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.create_api_key is 'Returns the key once; only a digest is kept. A key can hand out no scope it does not have.';

create function awooop.list_api_keys()
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.list_api_keys is 'Every key of the project, revoked ones included, without secrets.';

create function awooop.rotate_api_key(key_id text, grace_seconds integer default 0)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.rotate_api_key is 'The new key has the same name, principal, scopes and expiry; the old one stops after the grace period. For the key''s own principal, who brought it into being, and operators.';

create function awooop.revoke_api_key(key_id text)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.revoke_api_key is 'It stops working at once, and for good.';

create function awooop.set_token_issuer(issuer text, jwks_uri text, audience text, scopes text[], agent_claim text default null, subject_claim text default 'sub', project_claim text default null, reason text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.set_token_issuer is 'From then on access tokens (OAuth 2.1, RFC 9068) that it signed for `audience` are credentials of the project. What was registered of the issuer before is replaced, by whoever registered it or an operator. Its subjects count as the hand of who registered it; as their own, where that was an operator.';

create function awooop.remove_token_issuer(issuer text, reason text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.remove_token_issuer is 'Its tokens stop working at once. Who its subjects were, and whose hands, stays.';

create function awooop.list_token_issuers()
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.list_token_issuers is 'Each with what was registered, and the ids of the keys that verify its tokens now.';

create function awooop.list_audit(action text default null, page_size integer default 50, cursor text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.list_audit is 'Decisions (refusals too) and changes of state, with who, through which door and under which trace.';

create function awooop.audit_checkpoint(tree_size bigint default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.audit_checkpoint is 'The latest one, or the one of a size: a signed note (C2SP tlog-checkpoint). Keep it outside the database: any change below it can be found with it.';

create function awooop.audit_proof(audit_id uuid default null, tree_size bigint default null, from_size bigint default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.audit_proof is 'RFC 6962 proofs against the tree of tree_size: with audit_id that the row is in it, with from_size that the smaller tree is its beginning. Without tree_size, the latest signed checkpoint''s that will do.';

create function awooop.audit_verify(checkpoint text default null)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.audit_verify is 'Hashes every sealed row again and compares it with its leaf, the leaves with the stored tree, and the roots with every stored checkpoint and the one given. Only a checkpoint held outside the database finds what somebody with all rights over it rewrote. Detached partitions are verified while their tables exist; afterwards, that the log tells of exactly these leaves.';

create function awooop.export_audit(from_leaf bigint default 0, page_size integer default 200)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.export_audit is 'Leaves in order, each with the exact document that was hashed; a line of each item is what `awooop-gateway audit verify` reads. The document is null where its partition is gone; detached_by is the row of the log that tells of it.';

create function awooop.get_redaction()
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.get_redaction is 'Every family with its mode, and the project''s own rules.';

create function awooop.set_redaction_family(family text, mode text)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.set_redaction_family is 'ip and crypto_address are let through unless a project redacts them, all others are redacted unless it allows them. Credentials (private_key, auth_token, vendor_token, secret, url_credential) can''t be allowed. Audit rows and errors are redacted in all nine families whatever a project allows.';

create function awooop.set_redaction_rule(rule_id text, family text, shape text, keywords text[] default '{}')
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.set_redaction_rule is 'What the shape matches becomes [REDACTED:<family>], in texts that hold one of the keywords. At most 50 rules a project.';

create function awooop.remove_redaction_rule(rule_id text)
    returns jsonb language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_operation';
comment on function awooop.remove_redaction_rule is 'The platform''s own rules stay.';
