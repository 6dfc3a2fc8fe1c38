-- Row-level security, re-applied at every migrate so that the library and the policies never disagree. A tenant's row
-- is visible and writable in its own project's context only, for everyone but superusers; no context, no rows.

do $$
declare
    tenant_table text;
begin
    foreach tenant_table in array array['projects', 'principals', 'role_bindings', 'api_keys', 'agents',
        'platform_subjects', 'audit_log', 'audit_pending', 'audit_head', 'audit_leaf', 'audit_node', 'audit_checkpoint',
        'audit_archive', 'redaction_family', 'redaction_rule', 'contracts', 'contract_revisions', 'active_contracts',
        'contract_signatures', 'run_state', 'run_ready', 'run_lease', 'step_journal', 'budget_control', 'budget_limit',
        'budget_switch', 'budget_price', 'budget_counter', 'budget_counter_lane', 'budget_escrow', 'budget_reservation',
        'budget_ledger', 'budget_opening', 'approval_request', 'approval_decision', 'approval_use',
        'mcp_server', 'mcp_tool', 'mcp_grant', 'mcp_call', 'mcp_rate', 'mcp_rate_hit',
        'token_issuer', 'token_issuer_key', 'conversation_seen', 'conversation_event', 'channel_run', 'outbound_channel',
        'outbound_chat', 'outbound_message', 'channel_button', 'channel_press', 'conversation_session', 'anomaly_counter',
        'anomaly_event', 'shadow_case']
    loop
        execute format('alter table awooop.%I enable row level security', tenant_table);
        execute format('alter table awooop.%I force row level security', tenant_table);
        execute format('drop policy if exists tenant_isolation on awooop.%I', tenant_table);
        execute format('create policy tenant_isolation on awooop.%I
                            using (project_id = awooop.current_project_id())
                            with check (project_id = awooop.current_project_id())', tenant_table);
        execute format('drop policy if exists audit_everything on awooop.%I', tenant_table);
        execute format('create policy audit_everything on awooop.%I for select to awooop_auditor using (true)',
                       tenant_table);
    end loop;

    -- What the scheduler looks through in all projects: only to learn where there is something to do.
    foreach tenant_table in array array['run_state', 'run_ready', 'run_lease', 'role_bindings', 'audit_pending', 'audit_head',
        'budget_escrow', 'budget_control', 'approval_request', 'token_issuer', 'conversation_event', 'channel_run', 'outbound_chat', 'outbound_message',
        'conversation_session', 'anomaly_counter', 'shadow_case']
    loop
        execute format('drop policy if exists schedule on awooop.%I', tenant_table);
        execute format('create policy schedule on awooop.%I for select to awooop_scheduler using (true)', tenant_table);
    end loop;
end
$$;

-- Platform tables belong to the platform as a whole: their owner's functions alone touch them; operators and auditors
-- read them.
do $$
declare
    platform_table text;
begin
    foreach platform_table in array array['schema_version', 'operation_override', 'failed_authentication',
        'failed_authentication_log', 'worker', 'budget_platform', 'budget_platform_due', 'budget_platform_pot',
        'budget_platform_switch', 'budget_platform_told', 'budget_platform_window', 'mcp_private_host',
        'issuer_courier', 'legacy_namespace']
    loop
        execute format('alter table awooop.%I enable row level security', platform_table);
        execute format('alter table awooop.%I force row level security', platform_table);
        execute format('drop policy if exists platform on awooop.%I', platform_table);
        execute format('create policy platform on awooop.%I to awooop_owner using (true) with check (true)',
                       platform_table);
        execute format('drop policy if exists read on awooop.%I', platform_table);
        execute format('create policy read on awooop.%I for select to awooop_operator, awooop_auditor using (true)',
                       platform_table);
    end loop;
end
$$;
