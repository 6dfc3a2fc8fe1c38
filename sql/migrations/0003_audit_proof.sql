-- What makes the audit log provable: a queue of rows without a leaf, the leaves and nodes of each project's Merkle tree,
-- its head, its signed checkpoints, and what was detached of the log.

-- Written by the statement that writes the row, so nothing else has to decide which rows are new: neither times, nor
-- ids, nor transaction ids. The leaf was hashed when the row was: from then on an edit of the row shows.
create table awooop.audit_pending (
    project_id  text collate "C" not null,
    audit_id    uuid        not null,
    recorded_at timestamptz not null,
    leaf_hash   bytea       not null,
    primary key (project_id, audit_id),
    constraint audit_pending_leaf check (octet_length(leaf_hash) = 32)
)
-- Every row lives for seconds: the queue is vacuumed by what passed through it, not by what is left in it.
with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_threshold = -1,
      autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);

-- One row a project, locked by whoever seals. What it says follows from the leaves.
create table awooop.audit_head (
    project_id  text collate "C" not null primary key references awooop.projects,
    tree_size   bigint      not null default 0,
    -- The roots of the complete subtrees, the largest first: all that adding a leaf needs.
    peaks       bytea       not null default '',
    -- The size of the latest signed checkpoint.
    signed_size bigint      not null default 0,
    constraint audit_head_peaks check (tree_size >= 0 and octet_length(peaks) % 32 = 0),
    constraint audit_head_signed check (signed_size between 0 and tree_size)
)
with (fillfactor = 50);
-- For the scheduler: logs that grew while there was no key.
create index audit_head_unsigned on awooop.audit_head (project_id) where signed_size < tree_size;

create table awooop.audit_leaf (
    project_id  text collate "C" not null,
    leaf_index  bigint      not null,
    audit_id    uuid        not null,
    recorded_at timestamptz not null,
    leaf_hash   bytea       not null,
    primary key (project_id, leaf_index),
    unique (project_id, audit_id),
    constraint audit_leaf_hash check (leaf_index >= 0 and octet_length(leaf_hash) = 32)
);

-- The complete subtrees of 16, 256, 4096, … leaves; the others are computed from these.
create table awooop.audit_node (
    project_id text collate "C" not null,
    level      smallint    not null,
    node_index bigint      not null,
    node_hash  bytea       not null,
    primary key (project_id, level, node_index),
    constraint audit_node_hash check (level > 0 and level % 4 = 0 and octet_length(node_hash) = 32)
);

create table awooop.audit_checkpoint (
    project_id text collate "C" not null,
    tree_size  bigint      not null,
    root       bytea       not null,
    -- A signed note, as C2SP tlog-checkpoint has it.
    note       text        not null,
    key_id     text        not null,
    signed_at  timestamptz not null default clock_timestamp(),
    primary key (project_id, tree_size),
    constraint audit_checkpoint_root check (tree_size > 0 and octet_length(root) = 32)
);

-- Which part of a project's log was detached (awooop.detach_audit_partition). audit_id is the row of the log that tells
-- of it, and document that row's exact document: it names the leaves, and its hash must be its own leaf. The other
-- columns say the same again, for readers.
create table awooop.audit_archive (
    project_id  text collate "C" not null,
    audit_id    uuid        not null,
    table_name  text        not null,
    range_from  timestamptz not null,
    range_to    timestamptz not null,
    row_count   bigint      not null,
    tree_size   bigint      not null,
    detached_at timestamptz not null default clock_timestamp(),
    -- Without it a record proves nothing, and verification says so.
    document    text        not null default '',
    primary key (project_id, audit_id),
    constraint audit_archive_table check (table_name ~ '^audit_log_[0-9]{4}_[0-9]{2}$')
);

do $$
declare
    appended text;
begin
    foreach appended in array array['audit_leaf', 'audit_node', 'audit_checkpoint', 'audit_archive']
    loop
        execute format('create trigger append_only before update or delete on awooop.%I
                            for each row execute function awooop.refuse_append_only()', appended);
        execute format('create trigger append_only_truncate before truncate on awooop.%I
                            for each statement execute function awooop.refuse_append_only()', appended);
        execute format('alter table awooop.%I enable always trigger append_only', appended);
        execute format('alter table awooop.%I enable always trigger append_only_truncate', appended);
    end loop;
end
$$;

-- What the sealer goes by, it alone writes: DML of anybody else would be signed, or stop it, or take rows from it. A
-- restore may bring back what was there.
do $$
declare
    proof text;
begin
    foreach proof in array array['audit_pending', 'audit_leaf', 'audit_node', 'audit_checkpoint', 'audit_archive']
    loop
        execute format('create trigger own_only before insert on awooop.%I
                            for each row execute function awooop.guard_audit_proof()', proof);
        execute format('alter table awooop.%I enable always trigger own_only', proof);
    end loop;
end
$$;
create trigger own_only_taken before delete on awooop.audit_pending
    for each statement execute function awooop.guard_audit_proof();
create trigger own_only_moved before update on awooop.audit_head
    for each statement execute function awooop.guard_audit_proof();
alter table awooop.audit_pending enable always trigger own_only_taken;
alter table awooop.audit_head enable always trigger own_only_moved;

-- The sealer takes rows from the queue and moves the head on; nothing else happens to either.
create trigger queue_only before update on awooop.audit_pending
    for each row execute function awooop.refuse_append_only();
create trigger queue_only_truncate before truncate on awooop.audit_pending
    for each statement execute function awooop.refuse_append_only();
create trigger one_head before delete on awooop.audit_head
    for each row execute function awooop.refuse_append_only();
create trigger one_head_truncate before truncate on awooop.audit_head
    for each statement execute function awooop.refuse_append_only();
alter table awooop.audit_pending enable always trigger queue_only;
alter table awooop.audit_pending enable always trigger queue_only_truncate;
alter table awooop.audit_head enable always trigger one_head;
alter table awooop.audit_head enable always trigger one_head_truncate;

grant select on awooop.audit_pending, awooop.audit_head, awooop.audit_leaf, awooop.audit_node, awooop.audit_checkpoint,
    awooop.audit_archive to awooop_auditor;
-- What the scheduler looks through: where something waits to be sealed or signed, and since when.
grant select (project_id, audit_id, recorded_at) on awooop.audit_pending to awooop_scheduler;
grant select (project_id, tree_size, signed_size) on awooop.audit_head to awooop_scheduler;
