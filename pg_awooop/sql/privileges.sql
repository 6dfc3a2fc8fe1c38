-- Owners and rights of every function of the extension, set last so that none is left with the installer's.

do $$
declare
    f record;
begin
    for f in
        select p.oid::regprocedure as signature, p.proname
        from pg_catalog.pg_depend d
        join pg_catalog.pg_extension e on e.oid = d.refobjid
        join pg_catalog.pg_proc p on p.oid = d.objid
        where d.refclassid = 'pg_catalog.pg_extension'::regclass and d.classid = 'pg_catalog.pg_proc'::regclass
          and d.deptype = 'e' and e.extname = 'pg_awooop'
    loop
        execute pg_catalog.format('revoke all on function %s from public', f.signature);
        execute pg_catalog.format('alter function %s owner to %I', f.signature, case
            -- Run with their superuser caller's rights.
            when f.proname in ('migrate', 'detach_audit_partition', 'repair_audit_log',
                               'detach_budget_partition') then current_user
            -- The few that look through all projects, and hand out ids only.
            when f.proname in ('next_ready_project', 'due_runs', 'expired_runs', 'bindings_of_missing_roles',
                               'unsealed_projects', 'audit_projects', 'due_reservations', 'spending_projects',
                               'due_approvals', 'issuer_key_sources', 'next_sending_project',
                               'due_feedback', 'due_messages', 'expired_conversations', 'next_endpoint_project',
                               'expired_sessions', 'projects_with_expired_counters', 'expired_shadow_cases')
                then 'awooop_scheduler'
            else 'awooop_owner' end);
    end loop;
end
$$;

-- The gateway: one statement, the list it makes its routes from, and a probe.
grant execute on function awooop.call(text, text, text, text, text), awooop.operation_list(), awooop.health()
    to awooop_gateway;

-- With a courier's credential, which the login alone has not: key sets of tokens' issuers.
grant execute on function awooop.issuers_to_fetch(text), awooop.store_issuer_keys(text, text, text, text, text)
    to awooop_gateway;
grant execute on function awooop.create_issuer_courier(text, text), awooop.revoke_issuer_courier(text, text)
    to awooop_operator;

-- Every policy reads it, as the role that runs the statement.
grant execute on function awooop.current_project_id()
    to awooop_scheduler, awooop_worker, awooop_tenant, awooop_operator, awooop_auditor;

grant execute on function awooop.enter_project(text), awooop.prove_right(text), awooop.authenticate(text, text), awooop.reap_stale_runs()
    to awooop_tenant, awooop_operator;

grant execute on function awooop.create_project(text, text, text, integer),
    awooop.set_project_mode(text, text), awooop.set_time_zone(text, text), awooop.set_credential_namespaces(text, text[]), awooop.suspend_project(text, text, boolean),
    awooop.bind_role(text, text, text[], boolean, text), awooop.unbind_role(text, text), awooop.set_operation(text, boolean, text)
    to awooop_operator;
grant execute on function awooop.allow_private_host(text, text, boolean), awooop.set_legacy_owner(text, boolean)
    to awooop_operator;
-- It checks scope and project itself, as the operation of the same name does.
grant execute on function awooop.mcp_explain_table(text, text, text) to awooop_tenant, awooop_operator;
grant execute on function awooop.set_platform_budget(text, bigint, bigint, integer, integer),
    awooop.switch_platform_budget(text, text)
    to awooop_operator;
grant execute on function awooop.platform_budget_status() to awooop_operator, awooop_auditor;
grant execute on function awooop.platform_budget_check() to awooop_auditor;

-- Pure but for the bound project's settings: for everyone who writes or shows text.
grant execute on function awooop.redact(text), awooop.redact_json(jsonb), awooop.find_sensitive(text)
    to awooop_tenant, awooop_operator, awooop_auditor, awooop_worker;

-- Pure: for everyone who reads or writes documents.
grant execute on function awooop.json_schema_valid(jsonb, jsonb), awooop.json_schema_errors(jsonb, jsonb),
    awooop.canonical_json(text)
    to awooop_tenant, awooop_operator, awooop_auditor, awooop_worker;

grant execute on function awooop.doctor() to awooop_operator, awooop_auditor;
grant execute on function awooop.inspect_project(text, text, text) to awooop_auditor;
grant execute on function awooop.health() to awooop_operator, awooop_auditor, awooop_worker;
grant execute on function awooop.maintain() to awooop_scheduler, awooop_operator, awooop_worker;
grant execute on function awooop.reap_stale_runs() to awooop_worker;
grant execute on function awooop.next_ready_project(text), awooop.due_runs(integer), awooop.expired_runs(integer),
    awooop.bindings_of_missing_roles(), awooop.unsealed_projects(integer, boolean), awooop.audit_projects(),
    awooop.due_reservations(integer), awooop.spending_projects(), awooop.due_approvals(integer),
    awooop.issuer_key_sources(), awooop.next_sending_project(text), awooop.due_feedback(integer),
    awooop.due_messages(integer), awooop.expired_conversations(integer), awooop.next_endpoint_project(text),
    awooop.expired_sessions(integer), awooop.projects_with_expired_counters(), awooop.expired_shadow_cases(integer)
    to awooop_owner;

-- Behind the views of sql/current.
grant execute on function awooop.operation_list(), awooop.error_entries(), awooop.run_transitions(),
    awooop.platform_tables() to awooop_tenant, awooop_operator, awooop_auditor, awooop_worker;

-- The operations' own functions: callers of SQL, administrators, and of them a platform worker those of the run engine.
do $$
declare
    f record;
begin
    for f in
        select p.oid::regprocedure as signature, p.proname
        from pg_catalog.pg_proc p
        join pg_catalog.pg_depend d on d.objid = p.oid and d.classid = 'pg_catalog.pg_proc'::regclass and d.deptype = 'e'
        where p.pronamespace = 'awooop'::regnamespace and p.prosrc = 'awooop_operation'
    loop
        execute pg_catalog.format('grant execute on function %s to awooop_tenant, awooop_operator', f.signature);
        if f.proname in ('claim_runs', 'heartbeat', 'record_step', 'validate_output', 'complete_run',
                         'fail_run', 'reserve_budget', 'settle_budget', 'release_budget', 'request_approval', 'mcp_begin_call', 'mcp_suspend_call', 'mcp_relay',
                         'mcp_finish_call', 'claim_messages', 'mark_message') then
            execute pg_catalog.format('grant execute on function %s to awooop_worker', f.signature);
        end if;
    end loop;
end
$$;
