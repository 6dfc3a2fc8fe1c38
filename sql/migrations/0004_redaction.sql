-- What a project redacts: which families, and rules of its own.

create table awooop.redaction_family (
    project_id text collate "C" not null references awooop.projects,
    family     text        not null,
    mode       text        not null,
    changed_by text        not null,
    changed_at timestamptz not null default clock_timestamp(),
    primary key (project_id, family),
    constraint redaction_family_mode check (mode in ('redact', 'allow')),
    -- Credentials are nobody's to show: no row can allow them, whoever writes it.
    constraint redaction_family_credential check (mode = 'redact' or family in
        ('email', 'phone', 'payment_card', 'national_id', 'ip', 'crypto_address'))
);

create table awooop.redaction_rule (
    project_id text collate "C" not null references awooop.projects,
    rule_id    text collate "C" not null,
    family     text        not null,
    keywords   text[]      not null,
    shape      text        not null,
    changed_by text        not null,
    changed_at timestamptz not null default clock_timestamp(),
    primary key (project_id, rule_id),
    constraint redaction_rule_shape check (octet_length(shape) between 1 and 4000)
);

-- Sessions keep a project's rules compiled; a change tells all of them, with its commit.
create trigger forget_directory after insert or update or delete or truncate on awooop.redaction_family
    for each statement execute function awooop.forget_directory();
alter table awooop.redaction_family enable always trigger forget_directory;
create trigger forget_directory after insert or update or delete or truncate on awooop.redaction_rule
    for each statement execute function awooop.forget_directory();
alter table awooop.redaction_rule enable always trigger forget_directory;

grant select on awooop.redaction_family, awooop.redaction_rule to awooop_auditor;
