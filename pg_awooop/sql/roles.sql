-- The roles of AwoooP. They belong to the cluster, so they may exist already, from another database or an earlier
-- installation; one that exists with attributes that would break the isolation is refused, not corrected silently.

do $$
declare
    wanted record;
    found pg_catalog.pg_roles;
begin
    if pg_catalog.current_setting('server_encoding') <> 'UTF8' then
        raise exception using errcode = '55000',
            message = 'E-INSTALL-005: the database encoding is not UTF8',
            detail = '{"code": "E-INSTALL-005", "status": 500}',
            hint = 'Create the database with ENCODING ''UTF8''.';
    end if;
    -- Whoever owns the schema may drop what is in it.
    if (select pg_catalog.pg_get_userbyid(nspowner) from pg_catalog.pg_namespace where nspname = 'awooop')
       <> current_user then
        raise exception using errcode = '42501',
            message = 'E-INSTALL-006: a schema named awooop exists and belongs to somebody else',
            detail = '{"code": "E-INSTALL-006", "status": 500}',
            hint = 'Rename or drop that schema, or make it yours: ALTER SCHEMA awooop OWNER TO CURRENT_USER;';
    end if;
    for wanted in
        select * from (values
            ('awooop_owner', false), ('awooop_scheduler', false), ('awooop_gateway', true), ('awooop_worker', true),
            ('awooop_tenant', false), ('awooop_operator', false), ('awooop_auditor', false)
        ) as r (name, can_login)
    loop
        select * into found from pg_catalog.pg_roles where rolname = wanted.name;
        if not found.rolname is null then
            if found.rolsuper or found.rolbypassrls or found.rolcreaterole or found.rolreplication
               or found.rolcanlogin <> wanted.can_login
               -- A member of the owner is the owner; a membership of ours brings another role's rights in.
               or (wanted.name in ('awooop_owner', 'awooop_scheduler')
                   and exists (select from pg_catalog.pg_auth_members where roleid = found.oid))
               or (wanted.name in ('awooop_owner', 'awooop_scheduler')
                   and exists (select from pg_catalog.pg_auth_members m join pg_catalog.pg_roles r on r.oid = m.roleid
                               where m.member = found.oid and r.rolname <> 'awooop_tenant')) then
                raise exception using errcode = '42501',
                    message = 'E-INSTALL-003: a role that belongs to AwoooP exists with the wrong attributes',
                    detail = pg_catalog.format('{"code": "E-INSTALL-003", "status": 500, "role": "%s"}', wanted.name),
                    hint = pg_catalog.format('Drop it, or: ALTER ROLE %I NOSUPERUSER NOBYPASSRLS NOCREATEROLE '
                                             'NOREPLICATION %s; and revoke it from its members.', wanted.name,
                                             case when wanted.can_login then 'LOGIN' else 'NOLOGIN' end);
            end if;
        else
            execute pg_catalog.format('create role %I %s nosuperuser nobypassrls nocreaterole nocreatedb noreplication',
                                      wanted.name, case when wanted.can_login then 'login' else 'nologin' end);
        end if;
    end loop;
end
$$;

-- Credentials travel as bound parameters. Neither they nor a plan that has them folded in may reach the server's log,
-- whatever logging is on.
alter role awooop_gateway set log_parameter_max_length = 0;
alter role awooop_gateway set log_parameter_max_length_on_error = 0;
alter role awooop_gateway set plan_cache_mode = force_generic_plan;
alter role awooop_worker set log_parameter_max_length = 0;
alter role awooop_worker set log_parameter_max_length_on_error = 0;
alter role awooop_worker set plan_cache_mode = force_generic_plan;

-- auto_explain prints bound parameters of its own accord, from 16 on; 15 does not know the setting.
do $$
begin
    if pg_catalog.current_setting('server_version_num')::int >= 160000 then
        alter role awooop_gateway set auto_explain.log_parameter_max_length = 0;
        alter role awooop_worker set auto_explain.log_parameter_max_length = 0;
    end if;
end
$$;

-- awooop.bind_role makes logins members of awooop_tenant, as awooop_owner.
grant awooop_tenant to awooop_owner with admin option;

grant usage, create on schema awooop to awooop_owner;
grant usage on schema awooop to awooop_scheduler, awooop_gateway, awooop_worker, awooop_tenant, awooop_operator,
    awooop_auditor;
