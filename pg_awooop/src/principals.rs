//! The people and services of a project: their roles, and whose hand each is.

use awooop_policy::argument::Arguments;
use awooop_policy::error::ErrorCode;

use pgrx::prelude::*;

use crate::audit;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault, raise, refuse};
use crate::statement::{Statement, column, rfc3339, statements};

/// SQL for the hand of `p`, a row of awooop.principals.
macro_rules! hand {
    () => {
        "coalesce(p.hand, case when p.created_by is null or p.created_by like 'role:%' then p.principal_id
                               else p.created_by end)"
    };
}
macro_rules! principal_json {
    () => {
        concat!(
            "json_build_object('principal_id', p.principal_id, 'kind', p.kind, 'roles', p.roles,
                               'hand', ",
            hand!(),
            ", 'created_at', ",
            rfc3339!("p.created_at"),
            ")::text"
        )
    };
}

statements! {
    // Its hand is its maker's, who is there before it and whose hand never changes; without one, or an operator's, its own.
    MAKE: writing [TEXTOID, TEXTOID, TEXTOID] = concat!(
        "insert into awooop.principals (project_id, principal_id, kind, created_by, hand)
         values ($1, $2, 'service', $3,
                 coalesce((select ", hand!(), " from awooop.principals p where p.project_id = $1 and p.principal_id = $3),
                          $2))
         on conflict (project_id, principal_id) do nothing returning true");
    FOLLOW: writing [TEXTOID, TEXTOID, TEXTARRAYOID] =
        "update awooop.principals set roles = $3 where project_id = $1 and principal_id = $2 and roles <> $3";
    // In a statement of its own, after that one: of two that bring a principal into being at once, one sees the other's.
    // A login's principal is nobody else's, whoever made it.
    IS_MADE_BY: writing [TEXTOID, TEXTOID, TEXTOID] =
        "select coalesce(p.created_by = $3, false)
                and not exists (select from awooop.role_bindings b where b.project_id = $1 and b.principal_id = $2)
         from awooop.principals p where p.project_id = $1 and p.principal_id = $2";
    MAKER: reading [TEXTOID, TEXTOID] =
        "select coalesce(p.created_by, '') from awooop.principals p where p.project_id = $1 and p.principal_id = $2";
    // Writing, for a snapshot of after a lock that the caller took. Who is no principal, an operator, is their own hand.
    STANDINGS: writing [TEXTOID, TEXTARRAYOID] = concat!(
        "select case when p.principal_id is null then asked.principal_id else ", hand!(), " end, coalesce(p.roles, '{}')
         from unnest($2) with ordinality asked (principal_id, n)
         left join awooop.principals p on p.project_id = $1 and p.principal_id = asked.principal_id
         order by asked.n");
    LIST: reading [TEXTOID] = concat!(
        "select ", principal_json!(), " from awooop.principals p where p.project_id = $1 order by p.principal_id");
    GRANT_ROLE: writing [TEXTOID, TEXTOID, TEXTOID] = concat!(
        "update awooop.principals p
         set roles = case when $3 = any (p.roles) then p.roles else p.roles || $3 end
         where p.project_id = $1 and p.principal_id = $2 returning ", principal_json!());
    REVOKE_ROLE: writing [TEXTOID, TEXTOID, TEXTOID] = concat!(
        "update awooop.principals p set roles = array_remove(p.roles, $3)
         where p.project_id = $1 and p.principal_id = $2 returning ", principal_json!());
}

/// How the principals of logins begin, of those that are yet to be bound as well.
pub(crate) const LOGIN: &str = "role.";

/// Brings a principal into being, if it is not there; whether it was not.
pub(crate) fn make(project_id: &str, principal_id: &str, maker: Option<&str>) -> Outcome<bool> {
    Ok(MAKE.with(|s| s.run(&[project_id.into(), principal_id.into(), maker.into()]))? > 0)
}

/// Makes sure that a person of a channel is a principal, with the roles that they have as a subject, and the hand of whoever gave
/// them the latest of these: giving roles to several accounts makes nobody several hands.
pub(crate) fn follow_subject(
    project_id: &str,
    principal_id: &str,
    roles: &[String],
    roles_from: Option<&str>,
) -> Outcome<()> {
    make(project_id, principal_id, roles_from)?;
    FOLLOW.with(|s| s.run(&[project_id.into(), principal_id.into(), roles.to_vec().into()])).map(drop)
}

/// Who brought a principal into being, empty where nobody is told of; nothing where it is not there.
pub(crate) fn maker(project_id: &str, principal_id: &str) -> Outcome<Option<String>> {
    MAKER.with(|s| s.row(&[project_id.into(), principal_id.into()], |row| column::<String>(row, 1)))
}

/// Whether the caller brought the principal into being, and no login is bound as it.
pub(crate) fn is_made_by(caller: &Caller, principal_id: &str) -> Outcome<bool> {
    let parameters = [caller.project_id.as_str().into(), principal_id.into(), caller.principal_id.as_str().into()];
    Ok(IS_MADE_BY.with(|s| s.row(&parameters, |row| column::<bool>(row, 1)))?.unwrap_or_default())
}

/// What a principal counts as.
pub(crate) struct Standing {
    /// Whose hand it is.
    pub(crate) hand: String,
    pub(crate) roles: Vec<String>,
}

/// The standing of each of these, in their order.
pub(crate) fn standings(project_id: &str, principals: &[String]) -> Outcome<Vec<Standing>> {
    STANDINGS.with(|s| {
        s.rows(&[project_id.into(), principals.to_vec().into()], |row| {
            Ok(Standing { hand: column(row, 1)?, roles: column(row, 2)? })
        })
    })
}

/// The hands of these.
pub(crate) fn hands(project_id: &str, principals: &[String]) -> Outcome<Vec<String>> {
    Ok(standings(project_id, principals)?.into_iter().map(|standing| standing.hand).collect())
}

/// Operation `list_principals`.
pub(crate) fn list(caller: &Caller, _: &Arguments) -> Outcome<Answer> {
    let items = LIST.with(|s| s.rows(&[caller.project_id.as_str().into()], |row| column::<String>(row, 1)))?;
    Ok(Answer::ok(format!("{{\"items\":[{}]}}", items.join(","))))
}

/// Operation `grant_principal_role`.
pub(crate) fn grant_role(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let principal_id = arguments.text("principal_id");
    let both = [principal_id.to_owned(), caller.principal_id.clone()];
    let both = standings(&caller.project_id, &both)?;
    if !caller.is_platform() && both[0].hand == both[1].hand {
        return refuse(ErrorCode::PrincipalOwnRole);
    }
    change(caller, arguments, &GRANT_ROLE, "principal_role_granted")
}

/// Operation `revoke_principal_role`.
pub(crate) fn revoke_role(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    change(caller, arguments, &REVOKE_ROLE, "principal_role_revoked")
}

fn change(
    caller: &Caller,
    arguments: &Arguments,
    statement: &'static std::thread::LocalKey<Statement>,
    action: &str,
) -> Outcome<Answer> {
    let (principal_id, role) = (arguments.text("principal_id"), arguments.text("role"));
    let parameters = [caller.project_id.as_str().into(), principal_id.into(), role.into()];
    let Some(body) = statement.with(|s| s.row(&parameters, |row| column::<String>(row, 1)))? else {
        return fault(ErrorCode::PrincipalUnknown);
    };
    let entry = audit::Entry::default().with("role", role);
    audit::done(caller, action, entry.with("subject_principal_id", principal_id))?;
    Ok(Answer::ok(body))
}

/// Refuses to change whose a key or principal is.
#[pg_trigger]
fn refuse_identity_rewrite<'a>(
    _: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, pgrx::AllocatedByPostgres>>, PgTriggerError> {
    raise(&ErrorCode::AuthIdentity.into())
}
