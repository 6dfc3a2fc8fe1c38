-- Outside issuers whose access tokens are credentials of a project (token_issuer), the public keys that verify them
-- (token_issuer_key), and who may bring key sets into the database (issuer_courier, of the platform).

create table awooop.token_issuer (
    project_id      text collate "C" not null references awooop.projects,
    issuer          text collate "C" not null,
    jwks_uri        text        not null,
    -- Of that URL, without its port.
    host            text collate "C" not null,
    audience        text        not null,
    scopes          text[]      not null,
    agent_claim     text,
    subject_claim   text        not null,
    project_claim   text,
    reason          text,
    -- Whose hand its subjects are, and who may change it.
    registered_by   text        not null,
    registered_at   timestamptz not null default clock_timestamp(),
    updated_at      timestamptz not null default clock_timestamp(),
    -- Where a key registered it that ends: tokens must not outlive that.
    expires_at      timestamptz,
    -- When somebody last brought a key set, be it the same.
    keys_fetched_at timestamptz,
    primary key (project_id, issuer)
);

create table awooop.token_issuer_key (
    project_id text collate "C" not null,
    issuer     text collate "C" not null,
    kid        text collate "C" not null,
    -- The members of the JWK that make the key, all of them public.
    jwk        text        not null,
    stored_at  timestamptz not null default clock_timestamp(),
    primary key (project_id, issuer, kid),
    foreign key (project_id, issuer) references awooop.token_issuer
);

-- Only the SHA-256 of a credential is here.
create table awooop.issuer_courier (
    courier_id    text        not null primary key,
    name          text        not null,
    digest        bytea       not null,
    reason        text,
    created_by    text        not null,
    created_at    timestamptz not null default clock_timestamp(),
    revoked_by    text,
    revoked_at    timestamptz,
    revoke_reason text,
    constraint issuer_courier_digest check (octet_length(digest) = 32),
    constraint issuer_courier_revoked check ((revoked_by is null) = (revoked_at is null))
);
create unique index issuer_courier_in_force on awooop.issuer_courier (name) where revoked_at is null;

alter table awooop.failed_authentication_log
    drop constraint failed_authentication_kind,
    add constraint failed_authentication_kind check (kind in ('api_key', 'lease', 'token', 'courier'));

-- Sessions keep what they have proven by these. Not when a set was fetched again: that only ever lets it last longer, and
-- would make every session forget everything each time.
create trigger forget_directory after insert or delete or truncate
        or update of project_id, issuer, audience, scopes, agent_claim, subject_claim, project_claim, registered_by, expires_at
    on awooop.token_issuer for each statement execute function awooop.forget_directory();
create trigger forget_directory after insert or update or delete or truncate on awooop.token_issuer_key
    for each statement execute function awooop.forget_directory();
alter table awooop.token_issuer enable always trigger forget_directory;
alter table awooop.token_issuer_key enable always trigger forget_directory;

grant select on awooop.token_issuer, awooop.token_issuer_key to awooop_auditor;
grant select (courier_id, name, reason, created_by, created_at, revoked_by, revoked_at, revoke_reason)
    on awooop.issuer_courier to awooop_operator, awooop_auditor;
-- For awooop.issuer_key_sources().
grant select (project_id, issuer, jwks_uri, host, registered_at, keys_fetched_at) on awooop.token_issuer to awooop_scheduler;
