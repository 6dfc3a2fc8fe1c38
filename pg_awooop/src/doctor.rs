//! `awooop.doctor()`: what a DBA should know is wrong, each finding with what to do.

use pgrx::prelude::*;

use crate::fault::or_raise;
use crate::keyring;
use crate::statement::{column, statements};

statements! {
    // Only facts that the catalogues or the platform's own tables show: no tenant's rows.
    FINDINGS: reading [] =
        "select 'rls' as area, c.relname::text as subject,
                'row-level security is not enabled and forced on this table' as finding,
                format('alter table awooop.%I enable row level security, force row level security', c.relname) as remedy
         from pg_catalog.pg_class c
         where c.relnamespace = 'awooop'::regnamespace and c.relkind in ('r', 'p')
           and not (c.relrowsecurity and c.relforcerowsecurity)
         union all
         select 'ownership', c.relname::text, 'the table does not belong to awooop_owner',
                format('alter table awooop.%I owner to awooop_owner', c.relname)
         from pg_catalog.pg_class c
         where c.relnamespace = 'awooop'::regnamespace and c.relkind in ('r', 'p')
           and pg_catalog.pg_get_userbyid(c.relowner) <> 'awooop_owner'
         union all
         select 'trigger', c.relname::text, format('trigger %s is not ENABLE ALWAYS', t.tgname),
                format('alter table awooop.%I enable always trigger %I', c.relname, t.tgname)
         from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
         where c.relnamespace = 'awooop'::regnamespace and not t.tgisinternal and t.tgenabled <> 'A'
         union all
         select 'role', r.rolname::text, 'a role of AwoooP can bypass row-level security',
                format('alter role %I nosuperuser nobypassrls', r.rolname)
         from pg_catalog.pg_roles r
         where r.rolname like 'awooop\\_%' and (r.rolsuper or r.rolbypassrls)
         union all
         select 'role', m.rolname::text, 'this login is auditor and tenant at once',
                format('revoke awooop_auditor from %I', m.rolname)
         from pg_catalog.pg_roles m
         where not m.rolsuper
           and pg_catalog.pg_has_role(m.oid, 'awooop_auditor', 'member')
           and pg_catalog.pg_has_role(m.oid, 'awooop_tenant', 'member')
         union all
         select 'role', m.rolname::text, format('this login is a member of %s', r.rolname),
                format('revoke %I from %I', r.rolname, m.rolname)
         from pg_catalog.pg_auth_members a
         join pg_catalog.pg_roles r on r.oid = a.roleid join pg_catalog.pg_roles m on m.oid = a.member
         where r.rolname in ('awooop_owner', 'awooop_scheduler')
         union all
         select 'grant', c.relname::text, format('%s has %s on this table', coalesce(g.rolname, 'PUBLIC'),
                    string_agg(distinct a.privilege_type, ', ')),
                format('revoke all on awooop.%I from %s', c.relname, coalesce(quote_ident(g.rolname), 'public'))
         from pg_catalog.pg_class c
         cross join lateral pg_catalog.aclexplode(c.relacl) a
         left join pg_catalog.pg_roles g on g.oid = a.grantee
         where c.relnamespace = 'awooop'::regnamespace and c.relkind in ('r', 'p')
           and coalesce(g.rolname, '') not in ('awooop_owner', 'awooop_scheduler', 'awooop_operator', 'awooop_auditor')
         group by c.relname, g.rolname
         union all
         select 'binding', b.role_name, format('bound to project %s, and there is no such role', b.project_id),
                format('select awooop.unbind_role(%L, %L)', b.role_name, b.project_id)
         from awooop.bindings_of_missing_roles() b
         union all
         select 'audit', u.project_id, format('audit rows wait to be sealed since %s', u.waiting_since),
                'select awooop.maintain(); if it stays so, the server''s log says why'
         from awooop.unsealed_projects(1000, false) u
         where u.waiting_since < pg_catalog.clock_timestamp() - interval '10 minutes'
         union all
         select 'issuer', i.issuer,
                format('project %s: its key set was not fetched for an hour; after a day its tokens are refused', i.project_id),
                'give the gateway a courier (awooop.create_issuer_courier), and look into its log'
         from awooop.issuer_key_sources() i
         where coalesce(i.fetched_at, i.registered_at) < pg_catalog.clock_timestamp() - interval '1 hour'";
}

/// What is wrong with this installation, one row a finding; no rows, no findings. For operators and auditors.
#[allow(clippy::type_complexity)]
#[pg_extern(stable, parallel_restricted, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn doctor()
-> TableIterator<'static, (name!(area, String), name!(subject, String), name!(finding, String), name!(remedy, String))>
{
    let mut findings: Vec<(String, String, String, String)> = or_raise(
        FINDINGS.with(|s| s.rows(&[], |row| Ok((column(row, 1)?, column(row, 2)?, column(row, 3)?, column(row, 4)?)))),
    );
    let logs = or_raise(crate::audit::disagreements()).into_iter();
    findings.extend(logs.map(|(project, finding, remedy)| ("audit".to_owned(), project, finding, remedy.to_owned())));
    findings.extend(about_maintenance());
    findings.extend(keyring::what_is_missing().into_iter().map(|why| {
        let (finding, remedy) = why.finding();
        ("setting".to_owned(), "awooop.keyring_file".to_owned(), finding, remedy)
    }));
    TableIterator::new(findings)
}

/// What keeps the maintenance worker from serving this database.
fn about_maintenance() -> Option<(String, String, String, String)> {
    let finding = |subject: &str, finding: &str, remedy: String| {
        Some(("setting".to_owned(), subject.to_owned(), finding.to_owned(), remedy))
    };
    if !setting(c"shared_preload_libraries").split(',').any(|library| library.trim() == "pg_awooop") {
        return finding(
            "shared_preload_libraries",
            "pg_awooop is not preloaded, so no maintenance worker runs",
            "add pg_awooop to shared_preload_libraries and restart, or call awooop.maintain() regularly".to_owned(),
        );
    }
    // SAFETY: get_database_name returns a palloc'd C string for the database this backend is in.
    let database = unsafe {
        let name = pg_sys::get_database_name(pg_sys::MyDatabaseId);
        if name.is_null() { String::new() } else { std::ffi::CStr::from_ptr(name).to_string_lossy().into_owned() }
    };
    if setting(c"awooop.database") == database {
        return None;
    }
    finding(
        "awooop.database",
        "the maintenance worker serves no or another database",
        format!("alter system set awooop.database = {}, and restart", spi::quote_literal(database)),
    )
}

/// A server setting. Read past the privilege check: an operator may learn these two from us.
fn setting(name: &std::ffi::CStr) -> String {
    // SAFETY: with missing_ok = true an unknown setting is a null pointer; the value is copied at once.
    unsafe {
        let value = pg_sys::GetConfigOption(name.as_ptr(), true, false);
        if value.is_null() { String::new() } else { std::ffi::CStr::from_ptr(value).to_string_lossy().into_owned() }
    }
}

/// Bindings whose role is gone, in all projects: a new role of that name would inherit them. Belongs to
/// awooop_scheduler; it hands out names only.
#[pg_extern(stable, parallel_restricted, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn bindings_of_missing_roles() -> TableIterator<'static, (name!(project_id, String), name!(role_name, String))> {
    statements! {
        FIND: reading [] =
            "select b.project_id, b.role_name from awooop.role_bindings b
             where not exists (select from pg_catalog.pg_roles r where r.rolname = b.role_name)";
    }
    TableIterator::new(or_raise(FIND.with(|s| s.rows(&[], |row| Ok((column(row, 1)?, column(row, 2)?))))))
}
