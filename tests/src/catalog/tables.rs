//! Tables, partitions, keys, indexes, triggers, views and the grants on them.

use super::{names, texts};
use crate::harness::{Session, superuser};

/// Tables and partitions of the schema.
const TABLES: &str = "select c.relname::text from pg_class c
                      where c.relnamespace = 'awooop'::regnamespace and c.relkind in ('r', 'p') order by 1";

/// Indexes of tenant tables that do not lead with the project, each with its reason.
const INDEXES_OF_THE_SCHEDULER: [(&str, &str); 11] = [
    ("channel_run_due", "the scheduler looks for people who wait in all projects"),
    ("conversation_session_expired", "the scheduler looks for ended sessions in all projects"),
    ("anomaly_counter_expired", "the scheduler looks for buckets out of their window in all projects"),
    ("shadow_case_expired", "the scheduler looks for ended retention in all projects"),
    ("outbound_message_due", "the scheduler looks for messages that were not sent in time in all projects"),
    ("outbound_message_expired", "the scheduler looks for ended retention in all projects"),
    ("approval_request_due", "the scheduler looks for undecided requests in all projects"),
    ("budget_escrow_due", "the scheduler looks for expired reservations in all projects"),
    ("run_state_due", "the scheduler looks for passed deadlines in all projects"),
    ("run_state_expired", "the scheduler looks for ended retention in all projects"),
    ("run_lease_due", "the scheduler looks for expired leases in all projects"),
];

fn platform_tables(session: &mut Session) -> Vec<String> {
    names(session, "select table_name from awooop.platform_table order by 1")
}

/// Tables and partitions whose rows belong to projects.
fn tenant_tables(session: &mut Session) -> Vec<String> {
    let platform = platform_tables(session);
    names(session, TABLES).into_iter().filter(|table| !platform.contains(table)).collect()
}

#[test]
fn a_table_without_row_security_enabled_forced_and_a_policy_is_open_to_its_owner() {
    let mut admin = superuser();
    let open = names(
        &mut admin,
        "select c.relname::text from pg_class c
         where c.relnamespace = 'awooop'::regnamespace and c.relkind in ('r', 'p')
           and not (c.relrowsecurity and c.relforcerowsecurity and exists (select from pg_policy p where p.polrelid = c.oid))",
    );
    assert_eq!(open, Vec::<String>::new());
    assert!(names(&mut admin, TABLES).len() > 20);
}

#[test]
fn a_table_of_another_owner_escapes_the_migrations() {
    let foreign = names(
        &mut superuser(),
        "select c.relname::text from pg_class c
         where c.relnamespace = 'awooop'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S', 'i', 'I')
           and c.relowner <> 'awooop_owner'::regrole",
    );
    assert_eq!(foreign, Vec::<String>::new());
}

#[test]
fn a_policy_that_decides_by_anything_but_the_context_is_a_listed_exception() {
    let mut admin = superuser();
    let context = "(project_id = awooop.current_project_id())";
    for policy in texts(
        &mut admin,
        "select tablename, policyname, permissive, array_to_string(roles, ','), cmd, coalesce(qual, ''),
                coalesce(with_check, '') from pg_policies where schemaname = 'awooop' order by 1, 2",
    ) {
        let [table, name, permissive, roles, command, using, check] = policy.try_into().expect("seven columns");
        let expected = match name.as_str() {
            "tenant_isolation" => ("public", "ALL", context, context),
            "audit_everything" => ("awooop_auditor", "SELECT", "true", ""),
            "schedule" => ("awooop_scheduler", "SELECT", "true", ""),
            "platform" => ("awooop_owner", "ALL", "true", "true"),
            "read" => ("awooop_auditor,awooop_operator", "SELECT", "true", ""),
            other => panic!("{table} has the policy {other}, which nobody listed"),
        };
        let mut readers: Vec<&str> = roles.split(',').collect();
        readers.sort_unstable();
        let found = (readers.join(","), command.as_str(), using.as_str(), check.as_str());
        assert_eq!(found, (expected.0.to_owned(), expected.1, expected.2, expected.3), "{table}.{name}");
        assert_eq!(permissive, "PERMISSIVE");
    }
    let platform = platform_tables(&mut admin);
    for row in texts(&mut admin, "select tablename, policyname from pg_policies where schemaname = 'awooop'") {
        let of_the_platform = ["platform", "read"].contains(&row[1].as_str());
        assert_eq!(platform.contains(&row[0]), of_the_platform, "{row:?}");
        // What the scheduler's functions look through in all projects.
        let scheduled = [
            "approval_request",
            "anomaly_counter",
            "channel_run",
            "conversation_event",
            "conversation_session",
            "outbound_chat",
            "outbound_message",
            "audit_head",
            "audit_pending",
            "budget_control",
            "budget_escrow",
            "role_bindings",
            "run_lease",
            "run_ready",
            "run_state",
            "shadow_case",
            "token_issuer",
        ]
        .contains(&row[0].as_str());
        assert!(row[1] != "schedule" || scheduled, "{row:?}");
    }
}

#[test]
fn a_table_without_a_project_is_on_the_closed_list_with_its_reason() {
    let mut admin = superuser();
    let without = names(
        &mut admin,
        "select c.relname::text from pg_class c
         where c.relnamespace = 'awooop'::regnamespace and c.relkind in ('r', 'p')
           and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'project_id')
         order by 1",
    );
    assert_eq!(without, platform_tables(&mut admin));
    assert_eq!(admin.value("select count(*) from awooop.platform_table where length(reason) < 20"), "0");
    let expected = [
        "budget_platform",
        "budget_platform_due",
        "budget_platform_pot",
        "budget_platform_switch",
        "budget_platform_told",
        "budget_platform_window",
        "failed_authentication",
        "failed_authentication_log",
        "issuer_courier",
        "legacy_namespace",
        "mcp_private_host",
        "operation_override",
        "schema_version",
        "worker",
    ];
    assert_eq!(without, expected, "a platform table is a decision: list it here as well");
}

#[test]
fn a_key_that_does_not_lead_with_the_project_tells_of_other_projects() {
    let mut admin = superuser();
    let tenants = tenant_tables(&mut admin);
    let mut keyed = Vec::new();
    for row in texts(
        &mut admin,
        "select t.relname::text, i.relname::text, x.indisprimary, x.indisunique, coalesce(a.attname::text, ''), a.attnotnull
         from pg_index x join pg_class t on t.oid = x.indrelid join pg_class i on i.oid = x.indexrelid
         left join pg_attribute a on a.attrelid = t.oid and a.attnum = x.indkey[0]
         where t.relnamespace = 'awooop'::regnamespace order by 1, 2",
    ) {
        let [table, index, primary, unique, first, _] = row.try_into().expect("six columns");
        if !tenants.contains(&table) {
            continue;
        }
        // Of a partition the name is its own.
        let of_retention = table.starts_with("conversation_event") && first == "retain_until";
        let excepted = of_retention || INDEXES_OF_THE_SCHEDULER.iter().any(|(name, _)| *name == index);
        assert!(first == "project_id" || excepted, "{index} of {table} leads with {first}");
        assert!(!excepted || unique == "f", "{index} is unique over all projects");
        if primary == "t" {
            keyed.push(table);
        }
    }
    keyed.sort();
    assert_eq!(keyed, tenants, "tables with a primary key that leads with the project");
}

#[test]
fn a_foreign_key_that_does_not_carry_the_project_finds_rows_of_others() {
    let mut admin = superuser();
    let constraints = texts(
        &mut admin,
        "select conname::text, pg_get_constraintdef(oid) from pg_constraint
         where connamespace = 'awooop'::regnamespace and contype = 'f'",
    );
    assert!(constraints.len() > 5);
    for constraint in constraints {
        let (from, to) = constraint[1].split_once(" REFERENCES ").expect("a foreign key refers to something");
        let to = to.split_once('(').map(|(_, columns)| columns).unwrap_or_default();
        assert!(from.starts_with("FOREIGN KEY (project_id") && to.starts_with("project_id"), "{constraint:?}");
    }
    let elsewhere = "select count(*) from pg_constraint where contype = 'f'
                     and (select relnamespace from pg_class where oid = confrelid) = 'awooop'::regnamespace
                     and connamespace <> 'awooop'::regnamespace";
    assert_eq!(admin.value(elsewhere), "0");
}

#[test]
fn a_grant_on_a_table_is_on_the_list() {
    let mut admin = superuser();
    let platform = platform_tables(&mut admin);
    let views = names(
        &mut admin,
        "select relname::text from pg_class where relnamespace = 'awooop'::regnamespace and relkind = 'v'",
    );
    for row in texts(
        &mut admin,
        "select c.relname::text, pg_get_userbyid(c.relowner), coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC'),
                a.privilege_type, c.relispartition, a.is_grantable
         from pg_class c, aclexplode(c.relacl) a where c.relnamespace = 'awooop'::regnamespace",
    ) {
        let [relation, owner, grantee, privilege, partition, grantable] = row.try_into().expect("six columns");
        if grantee == owner {
            continue;
        }
        assert_eq!(
            (privilege.as_str(), partition.as_str(), grantable.as_str()),
            ("SELECT", "f", "f"),
            "{relation}: {grantee}"
        );
        let readers: &[&str] = if views.contains(&relation) {
            &["awooop_tenant", "awooop_operator", "awooop_auditor", "awooop_worker"]
        } else if platform.contains(&relation) {
            &["awooop_operator", "awooop_auditor"]
        } else {
            &["awooop_auditor"]
        };
        assert!(readers.contains(&grantee.as_str()), "{grantee} may read {relation}");
    }
    let columns = texts(
        &mut admin,
        "select c.relname::text, a.attname::text, x.grantee::regrole::text, x.privilege_type
         from pg_attribute a join pg_class c on c.oid = a.attrelid, aclexplode(a.attacl) x
         where c.relnamespace = 'awooop'::regnamespace",
    );
    for column in columns {
        assert_eq!(column[3], "SELECT", "{column:?}");
        let reads_the_platform = column[2] == "awooop_operator" && platform.contains(&column[0]);
        assert!(
            reads_the_platform || ["awooop_auditor", "awooop_scheduler"].contains(&column[2].as_str()),
            "{column:?}"
        );
        assert!(!column[1].contains("digest"), "a digest is shown: {column:?}");
        let content = ["input", "envelope", "result", "error", "tags", "request"].contains(&column[1].as_str());
        assert!(!(content && column[2] == "awooop_scheduler"), "the scheduler reads content: {column:?}");
        let exact = ["input", "tags", "result", "request"].contains(&column[1].as_str());
        assert!(!exact, "what is shown redacted is read exact: {column:?}");
    }
}

#[test]
fn a_trigger_that_is_not_always_on_is_switched_off_by_a_setting() {
    let mut admin = superuser();
    let lax = names(
        &mut admin,
        "select c.relname || '.' || t.tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid
         where c.relnamespace = 'awooop'::regnamespace and not t.tgisinternal and t.tgenabled <> 'A'",
    );
    assert_eq!(lax, Vec::<String>::new());
}

#[test]
fn an_append_only_table_and_each_of_its_partitions_refuses_every_change() {
    let mut admin = superuser();
    let unguarded = names(
        &mut admin,
        "select c.relname::text from pg_class c
         where c.relnamespace = 'awooop'::regnamespace and c.relkind in ('r', 'p')
           and (c.relname in ('audit_log', 'step_journal', 'audit_leaf', 'audit_node', 'audit_checkpoint', 'audit_archive',
                              'budget_ledger', 'budget_price', 'conversation_event', 'conversation_seen')
                or exists (select from pg_inherits i where i.inhrelid = c.oid))
           and not ((select count(*) from pg_trigger t where t.tgrelid = c.oid and t.tgenabled = 'A'
                     and t.tgfoid = 'awooop.refuse_append_only()'::regprocedure)
                    -- Events go when their retention is over, and not before.
                    = case when c.relname like 'conversation_event%' then 3 else 2 end)",
    );
    assert_eq!(unguarded, Vec::<String>::new());
}

#[test]
fn a_table_that_says_what_was_granted_is_written_by_the_extension_alone() {
    let mut admin = superuser();
    let guarded = names(
        &mut admin,
        "select c.relname::text from pg_class c join pg_trigger t on t.tgrelid = c.oid
         where c.relnamespace = 'awooop'::regnamespace and t.tgfoid = 'awooop.guard_budget()'::regprocedure
           and t.tgenabled = 'A'
         group by 1
         -- Before anything of the statement: insert for each row; update, delete and truncate for each statement.
         having array_agg(t.tgtype order by t.tgtype) = array[7, 58]::int2[] order by 1",
    );
    let expected = [
        "budget_control",
        "budget_counter",
        "budget_counter_lane",
        "budget_escrow",
        "budget_platform_due",
        "budget_platform_pot",
        "budget_platform_told",
        "budget_platform_window",
        "budget_reservation",
    ];
    assert_eq!(guarded, expected);
}

#[test]
fn a_view_runs_with_its_readers_rights() {
    let mut admin = superuser();
    let lenders = names(
        &mut admin,
        "select relname::text from pg_class where relnamespace = 'awooop'::regnamespace and relkind in ('v', 'm')
         and not coalesce(reloptions @> array['security_invoker=true'], false)",
    );
    assert_eq!(lenders, Vec::<String>::new());
}

#[test]
fn an_object_of_a_kind_nobody_thought_of_is_noticed() {
    let kinds = "select string_agg(distinct relkind::text, '' order by relkind::text) from pg_class
                 where relnamespace = 'awooop'::regnamespace";
    // Tables, partitioned tables, views, and the indexes of both.
    assert_eq!(superuser().value(kinds), "Iiprv");
    let strangers = "select (select count(*) from pg_operator where oprnamespace = 'awooop'::regnamespace)
                          + (select count(*) from pg_type where typnamespace = 'awooop'::regnamespace
                             and typrelid = 0 and typelem = 0 and typname <> 'budget_entry')
                          + (select count(*) from pg_rewrite r join pg_class c on c.oid = r.ev_class
                             where c.relnamespace = 'awooop'::regnamespace and c.relkind <> 'v')
                          + (select count(*) from pg_event_trigger)";
    assert_eq!(superuser().value(strangers), "0");
}
