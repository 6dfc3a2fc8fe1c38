//! Projects and who may act for them: the operator's functions, in SQL only.
//!
//! A project's life is administration of the platform, so it takes the operator role (or a superuser) and no API key
//! can do it. Each change is in the project's own audit log.

use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::mode::MigrationMode;
use awooop_policy::name::{MAX_DISPLAY_NAME, MAX_ID, NameRule};
use awooop_policy::operation::Operation;
use awooop_policy::scope::{Scope, ScopeSet};
use pgrx::prelude::*;
use serde_json::{Value, json};

use crate::audit;
use crate::budget;
use crate::caller::{Caller, Door, Login, ProjectFacts, facts_of};
use crate::contracts::effects;
use crate::fault::{Outcome, fault, or_raise};
use crate::principals::{self, LOGIN};
use crate::shadow;
use crate::statement::{column, rfc3339, statements};
use crate::tenant;

macro_rules! project_json {
    () => {
        concat!(
            "json_build_object('project_id', p.project_id, 'display_name', p.display_name,
                'migration_mode', p.migration_mode, 'suspended_at', ",
            rfc3339!("p.suspended_at"),
            ",
                'retention_days', p.retention_days, 'created_at', ",
            rfc3339!("p.created_at"),
            ",
                'updated_at', ",
            rfc3339!("p.updated_at"),
            ")::text"
        )
    };
}

statements! {
    INSERT: writing [TEXTOID, TEXTOID, TEXTOID, INT4OID] = concat!(
        "insert into awooop.projects as p (project_id, display_name, migration_mode, retention_days)
         values ($1, $2, $3, $4) on conflict (project_id) do nothing returning ", project_json!());
    SET_MODE: writing [TEXTOID, TEXTOID, TEXTOID] = concat!(
        "update awooop.projects p set migration_mode = $2, updated_at = clock_timestamp()
         where p.project_id = $1 and p.migration_mode = $3 returning ", project_json!());
    LOCK: writing [TEXTOID] = "select true from awooop.projects where project_id = $1 for no key update";
    FOLLOW: writing [TEXTOID, TEXTOID, INT4OID] =
        "update awooop.projects p
         set migration_mode = coalesce($2, p.migration_mode), retention_days = coalesce($3, p.retention_days),
             updated_at = clock_timestamp()
         where p.project_id = $1";
    SET_NAMESPACES: writing [TEXTOID, TEXTARRAYOID] =
        "update awooop.projects p set credential_namespaces = $2, updated_at = clock_timestamp()
         where p.project_id = $1 returning true";
    SUSPEND: writing [TEXTOID, BOOLOID] = concat!(
        "update awooop.projects p
         set suspended_at = case when $2 then coalesce(p.suspended_at, clock_timestamp()) end,
             updated_at = clock_timestamp()
         where p.project_id = $1 returning ", project_json!());
    BIND_ROLE: writing [TEXTOID, TEXTOID, TEXTOID, TEXTARRAYOID, BOOLOID] =
        "with before as (select pinned from awooop.role_bindings where project_id = $1 and role_name = $2)
         insert into awooop.role_bindings as b (project_id, role_name, principal_id, scopes, pinned)
         values ($1, $2, $3, $4, $5)
         on conflict (project_id, role_name) do update
            set scopes = excluded.scopes, pinned = excluded.pinned, principal_id = excluded.principal_id
         returning coalesce((select pinned from before), false)";
    UNBIND_ROLE: writing [TEXTOID, TEXTOID] =
        "delete from awooop.role_bindings where project_id = $1 and role_name = $2 returning pinned";
    SET_OPERATION: writing [TEXTOID, BOOLOID, TEXTOID, TEXTOID] =
        "insert into awooop.operation_override as o (name, enabled, reason, changed_by) values ($1, $2, $3, $4)
         on conflict (name) do update
            set enabled = excluded.enabled, reason = excluded.reason, changed_by = excluded.changed_by,
                changed_at = clock_timestamp()";
}

/// The operator behind this session, about to change `project_id`.
pub(crate) fn operator(project_id: &str) -> Outcome<Caller> {
    let login = Login::of_session();
    if !login.is_operator() {
        return fault(ErrorCode::AuthOperator);
    }
    Ok(operator_as(project_id, &format!("role:{}", login.name())))
}

/// An operator whose right was proved, about to change `project_id`.
pub(crate) fn operator_as(project_id: &str, principal_id: &str) -> Caller {
    let project = ProjectFacts { mode: MigrationMode::LegacyAwoooiDefault, suspended: false, switched_off: false };
    Caller::new(project_id, principal_id.to_owned(), ScopeSet::OPERATOR, Door::Sql, project)
}

pub(crate) fn text<'a>(name: &str, value: Option<&'a str>, rule: NameRule, max: usize) -> Outcome<&'a str> {
    match value {
        None => fault(Problem::from(ErrorCode::InputMissing).with("argument", name)),
        Some(text) if rule.admits(text) && text.chars().count() <= max => Ok(text),
        Some(_) => fault(invalid(name, &format!("{}, at most {max} characters", rule.in_words()))),
    }
}

fn invalid(argument: &str, expected: &str) -> Problem {
    Problem::from(ErrorCode::InputInvalid).with("argument", argument).with("expected", expected)
}

fn mode(name: Option<&str>) -> Outcome<MigrationMode> {
    let parsed = name.and_then(MigrationMode::parse);
    parsed
        .map_or_else(|| fault(invalid("migration_mode", &MigrationMode::ALL.map(MigrationMode::as_str).join(", "))), Ok)
}

/// The JSON a statement returned; we wrote it, so it reads back.
fn document(body: &str) -> Outcome<pgrx::JsonB> {
    Ok(pgrx::JsonB(serde_json::from_str(body)?))
}

/// Creates a project. A new one is in `legacy_awoooi_default` unless `migration_mode` says otherwise, and its ended
/// runs are kept for `retention_days`. Returns the project as JSON.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn create_project(
    project_id: Option<&str>,
    display_name: default!(Option<&str>, "NULL"),
    migration_mode: default!(Option<&str>, "'legacy_awoooi_default'"),
    retention_days: default!(Option<i32>, 90),
) -> pgrx::JsonB {
    or_raise((|| {
        let project_id = text("project_id", project_id, NameRule::Id, MAX_ID)?;
        let caller = operator(project_id)?;
        if let Some(name) = display_name {
            text("display_name", Some(name), NameRule::Line, MAX_DISPLAY_NAME)?;
        }
        let mode = mode(migration_mode)?;
        let Some(days) = retention_days.filter(|days| (1..=36500).contains(days)) else {
            return fault(invalid("retention_days", "a whole number from 1 to 36500"));
        };
        tenant::within(project_id, || {
            let body = INSERT.with(|s| {
                s.row(&[project_id.into(), display_name.into(), mode.as_str().into(), days.into()], |row| {
                    column::<String>(row, 1)
                })
            })?;
            let Some(body) = body else {
                return fault(ErrorCode::TenantExists);
            };
            audit::open_head(project_id)?;
            let entry = audit::Entry::default().with("migration_mode", mode.as_str()).with("retention_days", days);
            audit::done(&caller, "project_created", entry)?;
            document(&body)
        })
    })())
}

/// Moves a project to another migration mode: from the next statement on it decides what the
/// project's agents may do. Returns the project as JSON.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn set_project_mode(project_id: Option<&str>, migration_mode: Option<&str>) -> pgrx::JsonB {
    or_raise((|| {
        let project_id = text("project_id", project_id, NameRule::Id, MAX_ID)?;
        let caller = operator(project_id)?;
        let to = mode(migration_mode)?;
        tenant::within(project_id, || {
            // Locked first: an activation that is under way has its say before this, or after it.
            LOCK.with(|s| s.run(&[project_id.into()]))?;
            let Some(facts) = facts_of(project_id, "")? else {
                return fault(ErrorCode::TenantUnavailable);
            };
            if let Some(furthest) = effects::furthest_mode(project_id)?
                && to > furthest
            {
                return fault(effects::sealed("project", project_id));
            }
            if let Some(problem) = shadow::ensure_promotable(project_id, facts.mode, to)? {
                let entry = audit::Entry::default().with("from", facts.mode.as_str()).with("to", to.as_str());
                audit::refused(&caller, "project_mode_set", &problem, entry)?;
                return Ok(pgrx::JsonB(problem.to_document()));
            }
            let body = SET_MODE.with(|s| {
                s.row(&[project_id.into(), to.as_str().into(), facts.mode.as_str().into()], |row| {
                    column::<String>(row, 1)
                })
            })?;
            // Another operator changed it in between: look again.
            let Some(body) = body else {
                return fault(ErrorCode::SystemRetry);
            };
            let entry = audit::Entry::default().with("from", facts.mode.as_str()).with("to", to.as_str());
            audit::done(&caller, "project_mode_set", entry)?;
            document(&body)
        })
    })())
}

/// What a project's contract says of its row, from the activation on: a mode that lies beyond it is taken back.
pub(crate) fn follow_contract(caller: &Caller, furthest: MigrationMode, run_days: Option<u64>) -> Outcome<()> {
    let project_id = caller.project_id.as_str();
    LOCK.with(|s| s.run(&[project_id.into()]))?;
    let Some(facts) = facts_of(project_id, "")? else { return fault(ErrorCode::TenantUnavailable) };
    let lower = (facts.mode > furthest).then_some(furthest.as_str());
    let days = run_days.and_then(|days| i32::try_from(days).ok());
    FOLLOW.with(|s| s.run(&[project_id.into(), lower.into(), days.into()]))?;
    if let Some(to) = lower {
        let entry = audit::Entry::default().with("from", facts.mode.as_str()).with("to", to);
        audit::done(caller, "project_mode_set", entry)?;
    }
    Ok(())
}

/// Says in which time zone a project's days and months begin. Budgets of the day and the month that is, begin anew by what
/// the ledger says of it. Returns `{"project_id", "time_zone"}`.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn set_time_zone(project_id: Option<&str>, time_zone: Option<&str>) -> pgrx::JsonB {
    or_raise((|| {
        let project_id = text("project_id", project_id, NameRule::Id, MAX_ID)?;
        let caller = operator(project_id)?;
        let time_zone = text("time_zone", time_zone, NameRule::Line, 64)?;
        tenant::within(project_id, || {
            if facts_of(project_id, "")?.is_none() {
                return fault(ErrorCode::TenantUnavailable);
            }
            budget::set_time_zone(&caller, time_zone)?;
            Ok(pgrx::JsonB(json!({"project_id": project_id, "time_zone": time_zone})))
        })
    })())
}

/// Says in which Kubernetes namespaces, besides the one of its own id, a project's contracts may name credentials. It
/// takes the place of what was said before. Returns `{"project_id", "credential_namespaces"}`.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn set_credential_namespaces(project_id: Option<&str>, namespaces: Option<Vec<Option<String>>>) -> pgrx::JsonB {
    or_raise((|| {
        let project_id = text("project_id", project_id, NameRule::Id, MAX_ID)?;
        let caller = operator(project_id)?;
        let names: Vec<String> = namespaces.unwrap_or_default().into_iter().map(Option::unwrap_or_default).collect();
        let is_namespace = |name: &String| NameRule::Id.admits(name) && name.len() <= MAX_ID;
        if names.len() > 64 || !names.iter().all(is_namespace) {
            return fault(invalid("namespaces", "at most 64 names of Kubernetes namespaces"));
        }
        tenant::within(project_id, || {
            let set = SET_NAMESPACES.with(|s| s.run(&[project_id.into(), names.clone().into()]))?;
            if set == 0 {
                return fault(ErrorCode::TenantUnavailable);
            }
            let entry = audit::Entry::default().with("credential_namespaces", names.clone());
            audit::done(&caller, "credential_namespaces_set", entry)?;
            Ok(pgrx::JsonB(json!({"project_id": project_id, "credential_namespaces": names})))
        })
    })())
}

/// Suspends a project (every operation is refused, its queue waits), or lifts the suspension. Returns the project.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn suspend_project(
    project_id: Option<&str>,
    reason: default!(Option<&str>, "NULL"),
    suspended: default!(Option<bool>, true),
) -> pgrx::JsonB {
    or_raise((|| {
        let project_id = text("project_id", project_id, NameRule::Id, MAX_ID)?;
        let caller = operator(project_id)?;
        if let Some(reason) = reason {
            text("reason", Some(reason), NameRule::Line, 500)?;
        }
        let suspended = suspended.unwrap_or(true);
        tenant::within(project_id, || {
            let body =
                SUSPEND.with(|s| s.row(&[project_id.into(), suspended.into()], |row| column::<String>(row, 1)))?;
            let Some(body) = body else {
                return fault(ErrorCode::TenantUnavailable);
            };
            let action = if suspended { "project_suspended" } else { "project_resumed" };
            audit::done(&caller, action, audit::Entry::default().with("reason", reason))?;
            document(&body)
        })
    })())
}

/// Suspends the project that is bound, by what its policy says of an anomaly.
pub(crate) fn suspend_by_policy(caller: &Caller, counter: &str) -> Outcome<()> {
    SUSPEND.with(|s| s.run(&[caller.project_id.as_str().into(), true.into()]))?;
    audit::done(caller, "project_suspended", audit::Entry::default().with("counter", counter))
}

/// Lets a database login act for a project with these scopes, as the person or service `principal_id` (`role.<name>` where
/// that is null), whatever other logins and keys that one has. With `pin`, which takes
/// a superuser, every session of the login in this database is bound to the project and to no other.
/// Returns the binding as JSON.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn bind_role(
    role: Option<&str>,
    project_id: Option<&str>,
    scopes: default!(Option<Vec<Option<String>>>, "'{}'"),
    pin: default!(Option<bool>, false),
    principal_id: default!(Option<&str>, "NULL"),
) -> pgrx::JsonB {
    or_raise((|| {
        let project_id = text("project_id", project_id, NameRule::Id, MAX_ID)?;
        let caller = operator(project_id)?;
        let role = text("role", role, NameRule::Line, 63)?;
        let pinned = pin.unwrap_or(false);
        let names = scopes.unwrap_or_default();
        // A NULL among them is no scope.
        let Some(scopes) = ScopeSet::parse(names.iter().map(|name| name.as_deref().unwrap_or_default())) else {
            return fault(invalid("scopes", &format!("a list of: {}", Scope::ALL.map(Scope::as_str).join(", "))));
        };
        let login = Login::named(role)
            .filter(|login| !login.is_superuser() && !login.is_auditor() && !login.is_platform_role());
        let Some(login) = login else {
            return fault(invalid(
                "role",
                "an existing role that is no superuser, no auditor and none of AwoooP's own",
            ));
        };
        tenant::within(project_id, || {
            if facts_of(project_id, "")?.is_none() {
                return fault(ErrorCode::TenantUnavailable);
            }
            let principal_id = match principal_id {
                Some(principal_id) => text("principal_id", Some(principal_id), NameRule::Id, MAX_ID)?.to_owned(),
                None => format!("{LOGIN}{role}"),
            };
            let scopes: Vec<String> = scopes.names().into_iter().map(str::to_owned).collect();
            principals::make(project_id, &principal_id, None)?;
            let was_pinned = BIND_ROLE.with(|s| {
                s.row(
                    &[
                        project_id.into(),
                        role.into(),
                        principal_id.as_str().into(),
                        scopes.clone().into(),
                        pinned.into(),
                    ],
                    |row| column::<bool>(row, 1),
                )
            })?;
            let entry =
                audit::Entry::default().with("role", role).with("scopes", scopes.clone()).with("pinned", pinned);
            audit::done(&caller, "role_bound", entry)?;
            login.join_tenants()?;
            if pinned || was_pinned == Some(true) {
                login.pin(pinned.then_some(project_id))?;
            }
            Ok(pgrx::JsonB(json!({
                "role": role, "project_id": project_id, "principal_id": principal_id, "scopes": scopes, "pinned": pinned
            })))
        })
    })())
}

/// Ends what `bind_role` began: the login may no longer act for the project, and is no longer pinned to it. Bindings are
/// by name, so unbind a role before it is dropped. Returns `{"role", "project_id", "unbound"}`.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn unbind_role(role: Option<&str>, project_id: Option<&str>) -> pgrx::JsonB {
    or_raise((|| {
        let project_id = text("project_id", project_id, NameRule::Id, MAX_ID)?;
        let caller = operator(project_id)?;
        let role = text("role", role, NameRule::Line, 63)?;
        tenant::within(project_id, || {
            let pinned =
                UNBIND_ROLE.with(|s| s.row(&[project_id.into(), role.into()], |row| column::<bool>(row, 1)))?;
            if let (Some(pinned), login) = (pinned, Login::named(role)) {
                if let (true, Some(login)) = (pinned, login) {
                    login.pin(None)?;
                }
                audit::done(&caller, "role_unbound", audit::Entry::default().with("role", role))?;
            }
            Ok(pgrx::JsonB(json!({"role": role, "project_id": project_id, "unbound": pinned.is_some()})))
        })
    })())
}

/// Switches an operation off or on for everybody. Returns what now holds as JSON.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn set_operation(name: Option<&str>, enabled: Option<bool>, reason: default!(Option<&str>, "NULL")) -> pgrx::JsonB {
    or_raise((|| {
        let caller = operator("")?;
        let Some(operation) = name.and_then(Operation::named) else {
            return fault(ErrorCode::OperationUnknown);
        };
        let Some(enabled) = enabled else {
            return fault(Problem::from(ErrorCode::InputMissing).with("argument", "enabled"));
        };
        if let Some(reason) = reason {
            text("reason", Some(reason), NameRule::Line, 500)?;
        }
        SET_OPERATION.with(|s| {
            s.run(&[operation.name.into(), enabled.into(), reason.into(), caller.principal_id.as_str().into()])
        })?;
        let body: Value = json!({"name": operation.name, "enabled": enabled, "reason": reason});
        Ok(pgrx::JsonB(body))
    })())
}
