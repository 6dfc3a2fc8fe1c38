//! Every function: how volatile, how parallel, with whose rights, for whom.

use std::collections::BTreeMap;

use awooop_policy::operation::OPERATIONS;

use super::{names, texts};
use crate::harness::superuser;

/// What a function must look like.
#[derive(Debug, PartialEq, Eq)]
struct Shape {
    /// `i`mmutable, `s`table, `v`olatile.
    volatility: char,
    /// `s`afe, `r`estricted, `u`nsafe.
    parallel: char,
    /// Runs with its owner's rights.
    definer: bool,
    owner: &'static str,
    /// Who may execute it besides the owner, sorted, comma-separated, without `awooop_`.
    callers: &'static str,
}

const fn shape(volatility: char, parallel: char, definer: bool, owner: &'static str, callers: &'static str) -> Shape {
    Shape { volatility, parallel, definer, owner, callers }
}

const OWNER: &str = "awooop_owner";
const SCHEDULER: &str = "awooop_scheduler";

/// Every function that is no operation.
const FUNCTIONS: [(&str, Shape); 74] = [
    ("allow_private_host", shape('v', 'u', true, OWNER, "operator")),
    ("audit_projects", shape('s', 's', true, SCHEDULER, "owner")),
    ("authenticate", shape('v', 'u', true, OWNER, "operator,tenant")),
    ("bind_role", shape('v', 'u', true, OWNER, "operator")),
    ("bindings_of_missing_roles", shape('s', 'r', true, SCHEDULER, "owner")),
    ("call", shape('v', 'u', true, OWNER, "gateway")),
    ("canonical_json", shape('i', 's', false, OWNER, "auditor,operator,tenant,worker")),
    ("create_issuer_courier", shape('v', 'u', true, OWNER, "operator")),
    ("create_project", shape('v', 'u', true, OWNER, "operator")),
    ("current_project_id", shape('s', 's', false, OWNER, "auditor,operator,scheduler,tenant,worker")),
    ("detach_audit_partition", shape('v', 'u', false, "a superuser", "")),
    ("detach_budget_partition", shape('v', 'u', false, "a superuser", "")),
    ("doctor", shape('s', 'r', true, OWNER, "auditor,operator")),
    ("due_approvals", shape('s', 's', true, SCHEDULER, "owner")),
    ("due_reservations", shape('s', 's', true, SCHEDULER, "owner")),
    ("due_runs", shape('s', 's', true, SCHEDULER, "owner")),
    ("enter_project", shape('v', 'u', false, OWNER, "operator,tenant")),
    ("error_entries", shape('i', 's', false, OWNER, "auditor,operator,tenant,worker")),
    ("expired_runs", shape('s', 's', true, SCHEDULER, "owner")),
    ("find_sensitive", shape('s', 'r', true, OWNER, "auditor,operator,tenant,worker")),
    ("forget_directory", shape('v', 'u', false, OWNER, "")),
    ("guard_approval", shape('v', 'u', false, OWNER, "")),
    ("guard_budget", shape('v', 'u', false, OWNER, "")),
    ("guard_mcp_call", shape('v', 'u', false, OWNER, "")),
    ("guard_run_transition", shape('v', 'u', false, OWNER, "")),
    ("guard_audit_proof", shape('v', 'u', false, OWNER, "")),
    ("health", shape('s', 'r', true, OWNER, "auditor,gateway,operator,worker")),
    ("inspect_project", shape('v', 'u', true, OWNER, "auditor")),
    ("issuer_key_sources", shape('s', 's', true, SCHEDULER, "owner")),
    ("issuers_to_fetch", shape('v', 'u', true, OWNER, "gateway")),
    ("json_schema_errors", shape('i', 's', false, OWNER, "auditor,operator,tenant,worker")),
    ("json_schema_valid", shape('i', 's', false, OWNER, "auditor,operator,tenant,worker")),
    ("maintain", shape('v', 'u', true, OWNER, "operator,scheduler,worker")),
    ("mcp_explain_table", shape('v', 'u', true, OWNER, "operator,tenant")),
    ("migrate", shape('v', 'u', false, "a superuser", "")),
    ("next_ready_project", shape('s', 's', true, SCHEDULER, "owner")),
    ("operation_list", shape('s', 'r', true, OWNER, "auditor,gateway,operator,tenant,worker")),
    ("platform_budget_check", shape('s', 'r', false, OWNER, "auditor")),
    ("platform_budget_status", shape('s', 'r', false, OWNER, "auditor,operator")),
    ("platform_tables", shape('i', 's', false, OWNER, "auditor,operator,tenant,worker")),
    ("prove_right", shape('v', 'u', true, OWNER, "operator,tenant")),
    ("reap_stale_runs", shape('v', 'u', true, OWNER, "operator,tenant,worker")),
    ("redact", shape('s', 'r', true, OWNER, "auditor,operator,tenant,worker")),
    ("redact_json", shape('s', 'r', true, OWNER, "auditor,operator,tenant,worker")),
    ("refuse_append_only", shape('v', 'u', false, OWNER, "")),
    ("refuse_change_of_ended_run", shape('v', 'u', false, OWNER, "")),
    ("refuse_contract_rewrite", shape('v', 'u', false, OWNER, "")),
    ("refuse_identity_rewrite", shape('v', 'u', false, OWNER, "")),
    ("refuse_run_delete", shape('v', 'u', false, OWNER, "")),
    ("refuse_run_rewrite", shape('v', 'u', false, OWNER, "")),
    ("repair_audit_log", shape('v', 'u', false, "a superuser", "")),
    ("revoke_issuer_courier", shape('v', 'u', true, OWNER, "operator")),
    ("run_transitions", shape('i', 's', false, OWNER, "auditor,operator,tenant,worker")),
    ("set_credential_namespaces", shape('v', 'u', true, OWNER, "operator")),
    ("set_operation", shape('v', 'u', true, OWNER, "operator")),
    ("set_platform_budget", shape('v', 'u', true, OWNER, "operator")),
    ("set_project_mode", shape('v', 'u', true, OWNER, "operator")),
    ("set_time_zone", shape('v', 'u', true, OWNER, "operator")),
    ("spending_projects", shape('s', 's', true, SCHEDULER, "owner")),
    ("store_issuer_keys", shape('v', 'u', true, OWNER, "gateway")),
    ("suspend_project", shape('v', 'u', true, OWNER, "operator")),
    ("switch_platform_budget", shape('v', 'u', true, OWNER, "operator")),
    ("unbind_role", shape('v', 'u', true, OWNER, "operator")),
    ("unsealed_projects", shape('s', 's', true, SCHEDULER, "owner")),
    ("due_feedback", shape('s', 's', true, SCHEDULER, "owner")),
    ("due_messages", shape('s', 's', true, SCHEDULER, "owner")),
    ("expired_conversations", shape('s', 's', true, SCHEDULER, "owner")),
    ("guard_outbound_message", shape('v', 'u', false, OWNER, "")),
    ("next_sending_project", shape('s', 's', true, SCHEDULER, "owner")),
    ("expired_sessions", shape('s', 's', true, SCHEDULER, "owner")),
    ("expired_shadow_cases", shape('s', 's', true, SCHEDULER, "owner")),
    ("next_endpoint_project", shape('s', 's', true, SCHEDULER, "owner")),
    ("projects_with_expired_counters", shape('s', 's', true, SCHEDULER, "owner")),
    ("set_legacy_owner", shape('v', 'u', true, OWNER, "operator")),
];

/// Operations that the platform worker may call: what it leased.
const OF_THE_WORKER: [&str; 16] = [
    "claim_messages",
    "claim_runs",
    "complete_run",
    "fail_run",
    "heartbeat",
    "mark_message",
    "mcp_begin_call",
    "mcp_finish_call",
    "mcp_relay",
    "mcp_suspend_call",
    "record_step",
    "release_budget",
    "request_approval",
    "reserve_budget",
    "settle_budget",
    "validate_output",
];

fn expected() -> BTreeMap<String, Shape> {
    let mut all: BTreeMap<String, Shape> =
        FUNCTIONS.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect();
    for operation in OPERATIONS {
        let callers =
            if OF_THE_WORKER.contains(&operation.name) { "operator,tenant,worker" } else { "operator,tenant" };
        all.insert(operation.name.to_owned(), shape('v', 'u', true, OWNER, callers));
    }
    all
}

const FOUND: &str = "select p.proname::text, p.provolatile, p.proparallel, p.prosecdef,
        case when r.rolsuper then 'a superuser' else r.rolname::text end,
        coalesce((select string_agg(case when a.grantee = 0 then 'PUBLIC' else
                      regexp_replace(a.grantee::regrole::text, '^awooop_', '') end, ',' order by
                      regexp_replace(a.grantee::regrole::text, '^awooop_', ''))
                  from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee <> p.proowner), '')
    from pg_proc p join pg_roles r on r.oid = p.proowner
    where p.pronamespace = 'awooop'::regnamespace order by 1";

#[test]
fn a_function_that_is_new_or_has_changed_its_rights_is_noticed() {
    let mut expected = expected();
    for row in texts(&mut superuser(), FOUND) {
        let [name, volatility, parallel, definer, owner, callers] = row.try_into().expect("six columns");
        let Some(shape) = expected.remove(&name) else { panic!("{name} is new, or there twice: list it") };
        let found = (volatility.as_str(), parallel.as_str(), definer.as_str(), owner.as_str(), callers.as_str());
        let (volatility, parallel) = (shape.volatility.to_string(), shape.parallel.to_string());
        let definer = if shape.definer { "t" } else { "f" };
        assert_eq!(found, (volatility.as_str(), parallel.as_str(), definer, shape.owner, shape.callers), "{name}");
    }
    assert!(expected.is_empty(), "gone: {expected:?}");
}

#[test]
fn a_function_with_its_owners_rights_and_the_callers_path_runs_the_callers_code() {
    let loose = names(
        &mut superuser(),
        "select p.proname::text from pg_proc p
         where p.pronamespace = 'awooop'::regnamespace and (p.prosecdef or p.proname = 'migrate')
           and not coalesce(p.proconfig @> array['search_path=pg_catalog, pg_temp'], false)",
    );
    assert_eq!(loose, Vec::<String>::new());
}

#[test]
fn a_function_that_is_no_member_of_the_extension_escapes_its_upgrades() {
    let strangers = names(
        &mut superuser(),
        "select p.proname::text from pg_proc p
         where p.pronamespace = 'awooop'::regnamespace
           and not exists (select from pg_depend d join pg_extension e on e.oid = d.refobjid
                           where d.objid = p.oid and d.classid = 'pg_proc'::regclass and d.deptype = 'e'
                             and e.extname = 'pg_awooop')",
    );
    assert_eq!(strangers, Vec::<String>::new());
}

#[test]
fn a_table_among_the_extensions_members_would_lose_its_policies_in_a_dump() {
    let members =
        "select count(*) from pg_depend d join pg_extension e on e.oid = d.refobjid and e.extname = 'pg_awooop'
                   where d.classid = 'pg_class'::regclass and d.deptype = 'e'";
    assert_eq!(superuser().value(members), "0");
}

#[test]
fn a_function_that_takes_a_tables_row_type_breaks_upgrades() {
    let users = names(
        &mut superuser(),
        "select p.proname::text from pg_proc p, unnest(p.proargtypes::oid[] || p.prorettype) t (type_id)
         join pg_type y on y.oid = t.type_id
         where p.pronamespace = 'awooop'::regnamespace and y.typnamespace = 'awooop'::regnamespace",
    );
    assert_eq!(users, Vec::<String>::new());
}

#[test]
fn policies_and_triggers_call_only_the_frozen_functions() {
    let called = names(
        &mut superuser(),
        "select distinct p.proname::text from pg_depend d join pg_proc p on p.oid = d.refobjid
         where d.refclassid = 'pg_proc'::regclass and p.pronamespace = 'awooop'::regnamespace
           and d.classid in ('pg_policy'::regclass, 'pg_trigger'::regclass, 'pg_constraint'::regclass, 'pg_attrdef'::regclass)
         order by 1",
    );
    let frozen = [
        "current_project_id",
        "forget_directory",
        "guard_approval",
        "guard_audit_proof",
        "guard_budget",
        "guard_mcp_call",
        "guard_outbound_message",
        "guard_run_transition",
        "refuse_append_only",
        "refuse_change_of_ended_run",
        "refuse_contract_rewrite",
        "refuse_identity_rewrite",
        "refuse_run_delete",
        "refuse_run_rewrite",
    ];
    assert_eq!(called, frozen);
}
