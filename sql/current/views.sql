-- What a DBA reads. Views run with the reader's rights, so row-level security holds for them too.

create or replace view awooop.operation with (security_invoker = true) as
    select o.name, o.scope, o.method, o.path, o.summary, o.description, o.success_status,
           o.args_schema, o.result_schema, o.enabled
    from awooop.operation_list() o;
comment on view awooop.operation is
    'Every operation of the platform: scope, route, argument and result schema; switch one off with awooop.set_operation.';

create or replace view awooop.error_catalog with (security_invoker = true) as
    select e.code, e.sqlstate, e.http_status, e.message, e.hint from awooop.error_entries() e;
comment on view awooop.error_catalog is 'Every error and refusal, with what to do about it.';

create or replace view awooop.run_transition with (security_invoker = true) as
    select t.from_state, t.to_state, t.event from awooop.run_transitions() t;
comment on view awooop.run_transition is 'Everything that can happen to a run; the trigger on run_state refuses the rest.';

create or replace view awooop.platform_table with (security_invoker = true) as
    select t.table_name, t.reason from awooop.platform_tables() t;
comment on view awooop.platform_table is 'The tables without a project, each with its reason.';
