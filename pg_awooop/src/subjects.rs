//! Platform subjects: the people a project has seen on its channels.

use awooop_policy::argument::Arguments;
use awooop_policy::envelope::platform_subject_id;
use awooop_policy::error::ErrorCode;

use pgrx::datum::DatumWithOid;

use crate::audit;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault, refuse};
use crate::principals;
use crate::statement::{column, rfc3339, statements};

macro_rules! subject_json {
    () => {
        concat!(
            "json_build_object('platform_subject_id', s.platform_subject_id, 'channel_type', s.channel_type,
                'channel_user_id', s.channel_user_id, 'channel_chat_id', s.channel_chat_id,
                'display_name', s.display_name, 'roles', s.roles,
                'first_seen_at', ",
            rfc3339!("s.first_seen_at"),
            ", 'last_seen_at', ",
            rfc3339!("s.last_seen_at"),
            ")::text"
        )
    };
}

statements! {
    PRINCIPAL: reading [TEXTOID, TEXTOID, TEXTOID] =
        "select coalesce(principal_id, 'subject:' || channel_type || ':' || channel_user_id)
         from awooop.platform_subjects where project_id = $1 and channel_type = $2 and channel_user_id = $3";
    // Who of these was seen within a minute, with nothing new about them.
    SEEN_LATELY: reading_alike [TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID] =
        "select w.n from unnest($2, $3, $4, $5) with ordinality as w (channel_type, user_id, chat_id, name, n)
         join awooop.platform_subjects s
           on s.project_id = $1 and s.channel_type = w.channel_type and s.channel_user_id = w.user_id
         where s.last_seen_at > clock_timestamp() - interval '1 minute'
           and coalesce(s.channel_chat_id = w.chat_id, w.chat_id is null) and coalesce(s.display_name = w.name, w.name is null)";
    // Nearly every sighting is of a person seen before: a plain update costs a third less than an upsert, which locks
    // the row and logs the lock first.
    SEE_AGAIN: writing [TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID] =
        "update awooop.platform_subjects s
         set last_seen_at = greatest(s.last_seen_at, clock_timestamp()),
             channel_chat_id = coalesce($4, s.channel_chat_id), display_name = coalesce($5, s.display_name)
         where s.project_id = $1 and s.channel_type = $2 and s.channel_user_id = $3
         returning true";
    // `excluded` in the update, so that the statement holds on distributed tables too. xmax is 0 in a row that was
    // just inserted and the updater's own id in one that existed.
    SEE: writing [TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID] =
        "insert into awooop.platform_subjects as s
                (project_id, channel_type, channel_user_id, channel_chat_id, display_name, roles,
                 first_seen_at, last_seen_at)
         select $1, $2, $3, $4, $5, '{viewer}', now.at, now.at from (select clock_timestamp() as at) now
         on conflict (project_id, channel_type, channel_user_id) do update
            set last_seen_at = greatest(s.last_seen_at, excluded.last_seen_at),
                channel_chat_id = coalesce(excluded.channel_chat_id, s.channel_chat_id),
                display_name = coalesce(excluded.display_name, s.display_name)
         returning s.xmax = 0";
    SHOW: reading [TEXTOID, TEXTOID, TEXTOID] = concat!(
        "select ", subject_json!(), " from awooop.platform_subjects s
         where s.project_id = $1 and s.channel_type = $2 and s.channel_user_id = $3");
    LINK: writing [TEXTOID, TEXTOID, TEXTOID, TEXTOID] =
        "update awooop.platform_subjects set principal_id = $4
         where project_id = $1 and channel_type = $2 and channel_user_id = $3";
    GRANT_ROLE: writing [TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID] = concat!(
        "update awooop.platform_subjects s
         set roles = case when $4 = any (s.roles) then s.roles else s.roles || $4 end, roles_from = $5
         where s.project_id = $1 and s.channel_type = $2 and s.channel_user_id = $3
         returning ", subject_json!());
    REVOKE_ROLE: writing [TEXTOID, TEXTOID, TEXTOID, TEXTOID] = concat!(
        "update awooop.platform_subjects s set roles = array_remove(s.roles, $4)
         where s.project_id = $1 and s.channel_type = $2 and s.channel_user_id = $3
         returning ", subject_json!());
}

/// A person as a channel names them.
pub(crate) struct Sighting<'a> {
    pub(crate) channel_type: &'a str,
    pub(crate) channel_user_id: &'a str,
    pub(crate) channel_chat_id: Option<&'a str>,
    pub(crate) display_name: Option<&'a str>,
}

impl<'a> Sighting<'a> {
    pub(crate) fn from_arguments(arguments: &'a Arguments) -> Self {
        Sighting {
            channel_type: arguments.text("channel_type"),
            channel_user_id: arguments.text("channel_user_id"),
            channel_chat_id: arguments.optional_text("channel_chat_id"),
            display_name: arguments.optional_text("display_name"),
        }
    }
}

/// Records that a person was seen. First sight is audited, with the trace and agent it came with; later ones are not.
pub(crate) fn see(caller: &Caller, sighting: &Sighting, trace_id: Option<&str>, agent_id: Option<&str>) -> Outcome<()> {
    let parameters = parameters(caller, sighting);
    if SEE_AGAIN.with(|s| s.run(&parameters))? > 0 {
        return Ok(());
    }
    // Of several first sights at once, one inserts and the others update: the table's key decides.
    if SEE.with(|s| s.row(&parameters, |row| column::<bool>(row, 1)))? == Some(true) {
        let subject = platform_subject_id(&caller.project_id, sighting.channel_type, sighting.channel_user_id);
        let entry = audit::Entry { trace_id, agent_id, platform_subject_id: Some(&subject), ..audit::Entry::default() };
        audit::done(caller, "subject_first_seen", entry.with("channel_type", sighting.channel_type))?;
    }
    Ok(())
}

/// The same, but that a person was seen again within a minute is not written: who talks is seen with everything that they say.
pub(crate) fn notice(caller: &Caller, sighting: &Sighting, trace_id: Option<&str>) -> Outcome<()> {
    match seen_lately(caller, std::slice::from_ref(sighting))?.is_empty() {
        true => see(caller, sighting, trace_id, None),
        false => Ok(()),
    }
}

/// Which of these need not be written, because they were seen within a minute and nothing about them is new.
pub(crate) fn seen_lately(caller: &Caller, sightings: &[Sighting]) -> Outcome<Vec<usize>> {
    if sightings.is_empty() {
        return Ok(Vec::new());
    }
    let texts = |of: for<'b> fn(&'b Sighting<'b>) -> Option<&'b str>| -> Vec<Option<String>> {
        sightings.iter().map(|sighting| of(sighting).map(str::to_owned)).collect()
    };
    let parameters = [
        caller.project_id.as_str().into(),
        texts(|sighting| Some(sighting.channel_type)).into(),
        texts(|sighting| Some(sighting.channel_user_id)).into(),
        texts(|sighting| sighting.channel_chat_id).into(),
        texts(|sighting| sighting.display_name).into(),
    ];
    let numbers = SEEN_LATELY.with(|s| s.rows(&parameters, |row| column::<i64>(row, 1)))?;
    Ok(numbers.into_iter().filter_map(|n| usize::try_from(n - 1).ok()).collect())
}

fn parameters<'a>(caller: &'a Caller, sighting: &Sighting<'a>) -> [DatumWithOid<'a>; 5] {
    [
        caller.project_id.as_str().into(),
        sighting.channel_type.into(),
        sighting.channel_user_id.into(),
        sighting.channel_chat_id.into(),
        sighting.display_name.into(),
    ]
}

/// Operation `upsert_platform_subject`.
pub(crate) fn upsert(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let sighting = Sighting::from_arguments(arguments);
    see(caller, &sighting, None, None)?;
    let body = SHOW.with(|s| {
        s.row(
            &[caller.project_id.as_str().into(), sighting.channel_type.into(), sighting.channel_user_id.into()],
            |row| column::<String>(row, 1),
        )
    })?;
    body.map_or_else(|| fault(ErrorCode::SubjectUnknown), |body| Ok(Answer::ok(body)))
}

/// Operation `grant_subject_role`.
pub(crate) fn grant_role(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let subject = arguments.text("platform_subject_id");
    let role = arguments.text("role");
    let (channel_type, channel_user_id) = parts(&caller.project_id, subject)?;
    // An operator's word makes nobody their hand.
    let from = (!caller.is_platform()).then_some(caller.principal_id.as_str());
    let body = GRANT_ROLE.with(|s| {
        s.row(
            &[caller.project_id.as_str().into(), channel_type.into(), channel_user_id.into(), role.into(), from.into()],
            |row| column::<String>(row, 1),
        )
    })?;
    let Some(body) = body else {
        return fault(ErrorCode::SubjectUnknown);
    };
    let entry = audit::Entry { platform_subject_id: Some(subject), ..audit::Entry::default() };
    audit::done(caller, "subject_role_granted", entry.with("role", role))?;
    Ok(Answer::ok(body))
}

/// Operation `revoke_subject_role`.
pub(crate) fn revoke_role(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (subject, role) = (arguments.text("platform_subject_id"), arguments.text("role"));
    let (channel_type, channel_user_id) = parts(&caller.project_id, subject)?;
    let parameters = [caller.project_id.as_str().into(), channel_type.into(), channel_user_id.into(), role.into()];
    let Some(body) = REVOKE_ROLE.with(|s| s.row(&parameters, |row| column::<String>(row, 1)))? else {
        return fault(ErrorCode::SubjectUnknown);
    };
    let entry = audit::Entry { platform_subject_id: Some(subject), ..audit::Entry::default() };
    audit::done(caller, "subject_role_revoked", entry.with("role", role))?;
    Ok(Answer::ok(body))
}

/// Channel type and user of a subject of the caller's project. Project and channel type hold no ':', so the id splits one way;
/// another project's id is simply unknown here.
fn parts<'a>(project_id: &str, subject: &'a str) -> Outcome<(&'a str, &'a str)> {
    let mut parts = subject.splitn(3, ':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(project), Some(channel_type), Some(user)) if project == project_id => Ok((channel_type, user)),
        _ => fault(ErrorCode::SubjectUnknown),
    }
}

/// The principal as whom a person decides: the one that they are linked to, or their own.
pub(crate) fn principal_of(project_id: &str, subject: &str) -> Outcome<Option<String>> {
    let (channel_type, channel_user_id) = parts(project_id, subject)?;
    let key = [project_id.into(), channel_type.into(), channel_user_id.into()];
    PRINCIPAL.with(|s| s.row(&key, |row| column::<String>(row, 1)))
}

/// Operation `link_subject`.
pub(crate) fn link(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (subject, principal_id) = (arguments.text("platform_subject_id"), arguments.optional_text("principal_id"));
    let (channel_type, channel_user_id) = parts(&caller.project_id, subject)?;
    let project_id = caller.project_id.as_str();
    if let Some(principal_id) = principal_id {
        if principals::maker(project_id, principal_id)?.is_none() {
            return fault(ErrorCode::PrincipalUnknown);
        }
        // Whoever presses buttons as somebody decides in their name.
        let is_own = principal_id == caller.principal_id || principals::is_made_by(caller, principal_id)?;
        if !is_own && !caller.is_platform() {
            return refuse(ErrorCode::AuthPrincipal);
        }
    }
    let linked =
        LINK.with(|s| s.run(&[project_id.into(), channel_type.into(), channel_user_id.into(), principal_id.into()]))?;
    if linked == 0 {
        return fault(ErrorCode::SubjectUnknown);
    }
    let entry = audit::Entry { platform_subject_id: Some(subject), ..audit::Entry::default() };
    audit::done(caller, "subject_linked", entry.with("principal", principal_id))?;
    Ok(Answer::ok(serde_json::json!({"platform_subject_id": subject, "principal_id": principal_id}).to_string()))
}
