-- Contracts: what is drafted, published, signed and active; and what a run was created under.

-- Kubernetes namespaces whose secrets the project may name, besides the one that has its own id.
alter table awooop.projects add column credential_namespaces text[] not null default '{}';
-- Whose signature and approval counts for what.
alter table awooop.principals add column roles text[] not null default '{}';
-- Whom its signatures count as: whoever stands at the beginning of the chain of makers. Null in rows from before this
-- column, whose maker says it.
alter table awooop.principals add column hand text;
-- Whose a key or principal is never changes, whoever asks.
create trigger principal_identity before update of project_id, principal_id, created_by, hand on awooop.principals
    for each row execute function awooop.refuse_identity_rewrite();
alter table awooop.principals enable always trigger principal_identity;
create trigger api_key_identity before update of project_id, key_id, principal_id, digest, scopes on awooop.api_keys
    for each row execute function awooop.refuse_identity_rewrite();
alter table awooop.api_keys enable always trigger api_key_identity;

create table awooop.contracts (
    project_id text collate "C" not null references awooop.projects,
    kind       text collate "C" not null,
    name       text collate "C" not null,
    created_by text        not null,
    created_at timestamptz not null default clock_timestamp(),
    primary key (project_id, kind, name),
    constraint contracts_kind check (kind in ('project', 'agent', 'policy', 'tool', 'channel', 'run'))
);

create table awooop.contract_revisions (
    project_id    text collate "C" not null,
    revision_id   uuid        not null,
    kind          text collate "C" not null,
    name          text collate "C" not null,
    number        integer,
    -- What is being written, until it is published.
    draft         text,
    -- The canonical text (RFC 8785) that was published.
    document      text,
    -- SHA-256 of the text, of the draft's or of the document's.
    digest        bytea       not null,
    authors       text[]      not null,
    created_at    timestamptz not null,
    edited_at     timestamptz not null,
    published_by  text,
    published_at  timestamptz,
    activated_by  text,
    activated_at  timestamptz,
    superseded_at timestamptz,
    revoked_by    text,
    revoked_at    timestamptz,
    revoke_reason text,
    -- The times say it all.
    state         text collate "C" not null generated always as (case
                      when revoked_at is not null then 'revoked'
                      when superseded_at is not null then 'superseded'
                      when activated_at is not null then 'active'
                      when published_at is not null then 'published'
                      else 'draft' end) stored,
    primary key (project_id, revision_id),
    -- What an active pointer refers to: a revision that is active.
    unique (project_id, kind, name, revision_id, state),
    unique (project_id, kind, name, number),
    foreign key (project_id, kind, name) references awooop.contracts,
    constraint contract_revisions_draft check ((published_at is null) = (draft is not null)
        and (published_at is null) = (document is null) and (published_at is null) = (number is null)
        and (published_at is null) = (published_by is null)),
    constraint contract_revisions_life check (published_at is not null
        or (activated_at is null and superseded_at is null and revoked_at is null)),
    constraint contract_revisions_end check (superseded_at is null or revoked_at is null),
    constraint contract_revisions_number check (number > 0),
    constraint contract_revisions_digest check (octet_length(digest) = 32)
);
-- One active revision of a contract, whoever writes.
create unique index contract_revisions_active on awooop.contract_revisions (project_id, kind, name)
    where state = 'active';

-- What the platform acts by. A row can name an active revision only, and none can stop being active while it is named.
create table awooop.active_contracts (
    project_id  text collate "C" not null,
    kind        text collate "C" not null,
    name        text collate "C" not null,
    revision_id uuid        not null,
    state       text collate "C" not null default 'active',
    since       timestamptz not null default clock_timestamp(),
    primary key (project_id, kind, name),
    foreign key (project_id, kind, name, revision_id, state)
        references awooop.contract_revisions (project_id, kind, name, revision_id, state),
    constraint active_contracts_state check (state = 'active')
);

create table awooop.contract_signatures (
    project_id   text collate "C" not null,
    revision_id  uuid        not null,
    signature_id uuid        not null,
    purpose      text        not null,
    principal_id text        not null,
    -- The API key or database role that was used.
    credential   text        not null,
    signed_at    timestamptz not null,
    key_id       text        not null,
    mac          bytea       not null,
    -- No foreign key: it would lock the revision until the signer commits, and a revocation waits for nobody who signs.
    -- What is published is never deleted.
    primary key (project_id, revision_id, signature_id),
    constraint contract_signatures_purpose check (purpose in ('publish', 'approve', 'activate')),
    constraint contract_signatures_mac check (octet_length(mac) = 32)
);

-- Published bytes never change, and a life goes one way, whoever asks. As for runs, inserting stays free, so that a
-- backup can be restored: what nobody signed is never acted by.
create trigger contract_revision_published
    before update of project_id, revision_id, kind, name, number, draft, document, digest, authors, created_at, edited_at,
        published_by, published_at
    on awooop.contract_revisions for each row when (old.published_at is not null)
    execute function awooop.refuse_contract_rewrite();
create trigger contract_revision_activated before update of activated_by, activated_at
    on awooop.contract_revisions for each row when (old.activated_at is not null or old.published_at is null)
    execute function awooop.refuse_contract_rewrite();
create trigger contract_revision_ended
    before update of activated_by, activated_at, superseded_at, revoked_by, revoked_at, revoke_reason
    on awooop.contract_revisions for each row when (old.superseded_at is not null or old.revoked_at is not null)
    execute function awooop.refuse_contract_rewrite();
create trigger contract_revision_kept before delete on awooop.contract_revisions
    for each row when (old.published_at is not null) execute function awooop.refuse_contract_rewrite();
create trigger contract_revision_truncate before truncate on awooop.contract_revisions
    for each statement execute function awooop.refuse_contract_rewrite();
create trigger append_only before update or delete on awooop.contract_signatures
    for each row execute function awooop.refuse_append_only();
create trigger append_only_truncate before truncate on awooop.contract_signatures
    for each statement execute function awooop.refuse_append_only();
alter table awooop.contract_revisions enable always trigger contract_revision_published;
alter table awooop.contract_revisions enable always trigger contract_revision_activated;
alter table awooop.contract_revisions enable always trigger contract_revision_ended;
alter table awooop.contract_revisions enable always trigger contract_revision_kept;
alter table awooop.contract_revisions enable always trigger contract_revision_truncate;
alter table awooop.contract_signatures enable always trigger append_only;
alter table awooop.contract_signatures enable always trigger append_only_truncate;

-- Sessions keep what is active; a change tells all of them, with its commit.
create trigger forget_directory after insert or update or delete or truncate on awooop.active_contracts
    for each statement execute function awooop.forget_directory();
alter table awooop.active_contracts enable always trigger forget_directory;

-- What a run was created under: it does not change while it runs. No foreign keys, which would lock one row of a contract
-- for every run: published revisions are never deleted.
alter table awooop.run_state
    add column agent_revision_id  uuid,
    add column run_revision_id    uuid,
    add column policy_revision_id uuid,
    add column lease_seconds      integer not null default 60,
    add column max_steps          integer,
    -- Null for the project's.
    add column retention_days     integer;
create trigger run_state_terms
    before update of agent_revision_id, run_revision_id, policy_revision_id, lease_seconds, max_steps, retention_days
    on awooop.run_state for each row execute function awooop.refuse_run_rewrite();
alter table awooop.run_state enable always trigger run_state_terms;
-- As long as it was given for, a lease is extended.
alter table awooop.run_lease add column lease_seconds integer not null default 60;

grant select on awooop.contracts, awooop.contract_signatures, awooop.active_contracts to awooop_auditor;
-- A draft is its authors'.
grant select (project_id, revision_id, kind, name, number, document, authors, created_at, edited_at, published_by,
              published_at, activated_by, activated_at, superseded_at, revoked_by, revoked_at, revoke_reason, state)
    on awooop.contract_revisions to awooop_auditor;
grant select (agent_revision_id, run_revision_id, policy_revision_id, lease_seconds, max_steps, retention_days)
    on awooop.run_state to awooop_auditor;
grant select (lease_seconds) on awooop.run_lease to awooop_auditor;
