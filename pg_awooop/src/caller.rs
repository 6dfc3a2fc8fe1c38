//! Who is asking: the principal behind a credential or a database login, and what it may do in the bound project.

use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::mode::MigrationMode;
use awooop_policy::operation::Operation;
use awooop_policy::scope::ScopeSet;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::directory;
use crate::fault::{Outcome, Stop, fault};
use crate::tenant;

/// The way a call came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Http,
    Sql,
    /// The platform itself: the reaper, retention.
    Platform,
}

impl Door {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Door::Http => "http",
            Door::Sql => "sql",
            Door::Platform => "platform",
        }
    }
}

/// The project, and whether the operation asked for is on, as every decision needs them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProjectFacts {
    pub(crate) mode: MigrationMode,
    pub(crate) suspended: bool,
    pub(crate) switched_off: bool,
}

/// A run, and the lease that an agent shows to work in it.
#[derive(Clone, Debug)]
pub(crate) struct OfLease {
    pub(crate) run_id: Uuid,
    pub(crate) lease: LeaseText,
}

/// A lease's text. It is a secret, and has no Display.
#[derive(Clone)]
pub(crate) struct LeaseText(pub(crate) String);

impl std::fmt::Debug for LeaseText {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a lease")
    }
}

/// A proven caller in a bound project.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) project_id: String,
    pub(crate) principal_id: String,
    pub(crate) scopes: ScopeSet,
    pub(crate) door: Door,
    pub(crate) key_id: Option<String>,
    /// The outside issuer whose access token it is, where it is one.
    pub(crate) issuer: Option<String>,
    /// The only agent that the credential may speak for, where it is bound to one.
    pub(crate) agent_id: Option<String>,
    /// The channel whose secret the credential is, where it is one.
    pub(crate) channel: Option<String>,
    /// The person of a channel who acts, where it is one.
    pub(crate) subject: Option<String>,
    /// The only run that the credential is good for, where it is that run's lease.
    pub(crate) run: Option<OfLease>,
    pub(crate) project: ProjectFacts,
}

impl Caller {
    /// Somebody with these scopes, whose credential is bound to nothing but the project.
    pub(crate) fn new(
        project_id: &str,
        principal_id: String,
        scopes: ScopeSet,
        door: Door,
        project: ProjectFacts,
    ) -> Self {
        Caller {
            project_id: project_id.to_owned(),
            principal_id,
            scopes,
            door,
            key_id: None,
            issuer: None,
            agent_id: None,
            channel: None,
            subject: None,
            run: None,
            project,
        }
    }

    /// The platform acting in a project that is bound.
    pub(crate) fn platform(project_id: &str, principal_id: &str) -> Self {
        let project = ProjectFacts { mode: MigrationMode::LegacyAwoooiDefault, suspended: false, switched_off: false };
        Self::new(project_id, principal_id.to_owned(), ScopeSet::NONE, Door::Platform, project)
    }

    /// The login of this session, which works for the platform in every project, with these scopes.
    pub(crate) fn worker(project_id: &str, scopes: ScopeSet, project: ProjectFacts) -> Self {
        Self::new(project_id, format!("role:{}", Login::of_session().name()), scopes, Door::Sql, project)
    }

    /// The same caller, in the project as it is said to be.
    pub(crate) fn within(&self, project: ProjectFacts) -> Self {
        Caller { project, ..self.clone() }
    }

    /// Whether an operator or superuser acts here in their own name.
    pub(crate) fn is_platform(&self) -> bool {
        self.principal_id.starts_with("role:") && Login::of_session().is_operator()
    }

    /// Whether the caller may use an operation, in the project as it is.
    pub(crate) fn authorize(&self, operation: &Operation) -> Result<(), Problem> {
        if self.project.suspended && !operation.judges_the_project() {
            return Err(ErrorCode::TenantSuspended.into());
        }
        if self.project.switched_off {
            return Err(ErrorCode::OperationDisabled.into());
        }
        if self.run.is_some() && !operation.is_for_runs() {
            return Err(Problem::from(ErrorCode::AuthScope).with("required_scope", "of a credential that is no lease"));
        }
        match operation.scope {
            Some(scope) if !self.scopes.contains(scope) => {
                Err(Problem::from(ErrorCode::AuthScope).with("required_scope", scope.as_str()))
            }
            _ => Ok(()),
        }
    }
}

/// What the session's login is to the bound project.
pub(crate) enum Standing {
    /// Nothing: not bound to it.
    Unknown,
    /// A superuser or an operator; `project` is absent where there is no such project.
    Platform { role: String, scopes: ScopeSet, project: Option<ProjectFacts> },
    /// A login that awooop.bind_role bound to it.
    Bound { principal_id: String, scopes: ScopeSet, project: ProjectFacts },
}

/// What the login of this session is to the bound project, asking for `operation` (empty for none). Identity is
/// `session_user`: SECURITY DEFINER wrappers and SET ROLE do not change it.
pub(crate) fn standing_of_session(operation: &str) -> Outcome<Standing> {
    let Some(project_id) = tenant::current() else {
        return fault(ErrorCode::TenantNoContext);
    };
    let login = Login::of_session();
    let platform_scopes = if login.is_superuser() {
        Some(ScopeSet::EVERY)
    } else if login.is_member_of(c"awooop_operator") {
        Some(ScopeSet::OPERATOR)
    } else {
        None
    };
    if let Some(scopes) = platform_scopes {
        let project = facts_of(&project_id, operation)?;
        return Ok(Standing::Platform { role: login.name(), scopes, project });
    }
    // Nobody is auditor and tenant at once.
    if login.is_auditor() {
        return Ok(Standing::Unknown);
    }
    let Some(binding) = directory::binding(&project_id, &login.name())? else {
        return Ok(Standing::Unknown);
    };
    Ok(match facts_of(&project_id, operation)? {
        Some(project) => Standing::Bound { principal_id: binding.principal_id, scopes: binding.scopes, project },
        None => Standing::Unknown,
    })
}

/// The facts of the bound project, asking for `operation` (empty for none); `None` where there is no such project.
pub(crate) fn facts_of(project_id: &str, operation: &str) -> Outcome<Option<ProjectFacts>> {
    let Some(project) = directory::project(project_id)? else {
        return Ok(None);
    };
    let switched_off = !operation.is_empty() && directory::is_switched_off(operation)?;
    Ok(Some(ProjectFacts { mode: project.mode, suspended: project.suspended, switched_off }))
}

/// The caller behind this session, in the bound project, asking for `operation`.
pub(crate) fn of_session(operation: &str) -> Outcome<Caller> {
    let standing = standing_of_session(operation)?;
    let Some(project_id) = tenant::current() else {
        return fault(ErrorCode::TenantNoContext);
    };
    let (principal_id, scopes, project) = match standing {
        Standing::Bound { principal_id, scopes, project } => (principal_id, scopes, project),
        Standing::Platform { role, scopes, project: Some(project) } => (format!("role:{role}"), scopes, project),
        Standing::Platform { project: None, .. } => return fault(ErrorCode::TenantUnavailable),
        Standing::Unknown => return Err(Stop::Fault(ErrorCode::TenantNotBound.into())),
    };
    Ok(Caller::new(&project_id, principal_id, scopes, Door::Sql, project))
}

/// A database login.
#[derive(Clone, Copy)]
pub(crate) struct Login(pg_sys::Oid);

impl Login {
    /// The login this session authenticated as.
    pub(crate) fn of_session() -> Self {
        // SAFETY: reads a backend-local variable.
        Self(unsafe { pg_sys::GetSessionUserId() })
    }

    /// The role of that name, if there is one.
    pub(crate) fn named(role: &str) -> Option<Self> {
        let role = std::ffi::CString::new(role).ok()?;
        // SAFETY: with missing_ok = true an unknown role is InvalidOid.
        let oid = unsafe { pg_sys::get_role_oid(role.as_ptr(), true) };
        (oid != pg_sys::InvalidOid).then_some(Self(oid))
    }

    pub(crate) fn name(self) -> String {
        // SAFETY: with noerr = false it returns a palloc'd C string or raises.
        unsafe { std::ffi::CStr::from_ptr(pg_sys::GetUserNameFromId(self.0, false)) }.to_string_lossy().into_owned()
    }

    pub(crate) fn is_superuser(self) -> bool {
        // SAFETY: a catalogue look-up by oid.
        unsafe { pg_sys::superuser_arg(self.0) }
    }

    /// Whether the login is a member of `role`, directly or not.
    pub(crate) fn is_member_of(self, role: &std::ffi::CStr) -> bool {
        // SAFETY: with missing_ok = true an unknown role is InvalidOid; both calls only read catalogues.
        unsafe {
            let role = pg_sys::get_role_oid(role.as_ptr(), true);
            role != pg_sys::InvalidOid && pg_sys::is_member_of_role(self.0, role)
        }
    }

    /// Whether the login reads every project, and so may act for none.
    pub(crate) fn is_auditor(self) -> bool {
        !self.is_superuser() && self.is_member_of(c"awooop_auditor")
    }

    /// Whether the role may log in now and act for a project.
    pub(crate) fn may_act(self) -> bool {
        let logs_in = Spi::connect(|client| {
            client
                .select(
                    "select rolcanlogin and coalesce(rolvaliduntil > clock_timestamp(), true)
                     from pg_catalog.pg_roles where oid = $1",
                    Some(1),
                    &[self.0.into()],
                )?
                .first()
                .get_one::<bool>()
        });
        matches!(logs_in, Ok(Some(true))) && !self.is_auditor()
    }

    /// Whether the login is a platform worker.
    pub(crate) fn is_worker(self) -> bool {
        !self.is_superuser() && self.is_member_of(c"awooop_worker")
    }

    /// Whether the role is one of AwoooP's own, or one that they are members of.
    pub(crate) fn is_platform_role(self) -> bool {
        const OWN: [&str; 7] = [
            "awooop_owner",
            "awooop_scheduler",
            "awooop_gateway",
            "awooop_worker",
            "awooop_tenant",
            "awooop_operator",
            "awooop_auditor",
        ];
        // SAFETY: a catalogue look-up by oids; every role is a member of itself.
        OWN.into_iter().filter_map(Self::named).any(|own| unsafe { pg_sys::is_member_of_role(own.0, self.0) })
    }

    /// Superuser or operator: who may administer the platform.
    pub(crate) fn is_operator(self) -> bool {
        self.is_superuser() || self.is_member_of(c"awooop_operator")
    }

    /// Makes the login a member of awooop_tenant, which may execute the operations' functions. awooop_owner, as whom
    /// this runs, holds that role's admin option.
    pub(crate) fn join_tenants(self) -> Outcome<()> {
        Ok(Spi::run(&format!("grant awooop_tenant to {}", spi::quote_identifier(self.name())))?)
    }

    /// Pins the login's sessions in this database to a project, or takes the pin back. PostgreSQL lets only a superuser
    /// do that, so it runs as the session's own login.
    pub(crate) fn pin(self, project_id: Option<&str>) -> Outcome<()> {
        let session = Login::of_session();
        if !session.is_superuser() {
            return fault(
                Problem::from(ErrorCode::InputInvalid)
                    .with("argument", "pin")
                    .with("expected", "a superuser's session: only a superuser can pin a login, or take a pin back"),
            );
        }
        let database = Spi::connect(|client| {
            client.select("select current_database()::text", Some(1), &[])?.first().get_one::<String>()
        })?
        .unwrap_or_default();
        let (login, database) = (spi::quote_identifier(self.name()), spi::quote_identifier(database));
        let setting = match project_id {
            Some(project_id) => format!("set awooop.project_id = {}", spi::quote_literal(project_id)),
            None => "reset awooop.project_id".to_owned(),
        };
        session.acting(|| Ok(Spi::run(&format!("alter role {login} in database {database} {setting}"))?))
    }

    /// Gives up the process's own login for this one, until the process ends.
    ///
    /// # Safety
    /// Only for a background worker, before its first statement of a transaction.
    pub(crate) unsafe fn become_for_good(self) {
        // SAFETY: sets backend-local variables; only a session that authenticated as a superuser may, and this one did.
        unsafe { pg_sys::SetSessionAuthorization(self.0, false) };
    }

    /// Does something with this login's own rights instead of this function's owner's.
    pub(crate) fn acting<T>(self, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        let (mut user, mut context) = (pg_sys::InvalidOid, 0);
        // SAFETY: a raised error resets user and context with the transaction; otherwise they are put back below.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
            pg_sys::SetUserIdAndSecContext(self.0, context);
        }
        let outcome = work();
        // SAFETY: as above.
        unsafe { pg_sys::SetUserIdAndSecContext(user, context) };
        outcome
    }
}
