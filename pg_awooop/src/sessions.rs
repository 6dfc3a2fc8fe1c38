//! What is remembered of conversations: the latest of what was said, and what agents keep, for a while and within bounds.
//!
//! A session is the project's, by its channel and chat: two projects never share a key. While a project moves here from the legacy
//! path, and if the keys without a project are its own, each session is written under both keys, and read from the project's key
//! first, else taken over from the other, which stays until that phase ends.

use awooop_contracts::model::project::Sessions;
use awooop_contracts::{Contract, Kind};
use awooop_policy::argument::Arguments;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::name::{MAX_ID, NameRule};
use awooop_policy::scope::Scope;
use awooop_policy::session::{self, Said};
use pgrx::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit;
use crate::caller::{Caller, facts_of};
use crate::channels;
use crate::contracts::active;
use crate::door::Answer;
use crate::fault::{Outcome, fault, or_raise};
use crate::projects;
use crate::redaction;
use crate::runs;
use crate::statement::{column, rfc3339, statements};
use crate::tenant;
use crate::turn;

statements! {
    OWNS_LEGACY: reading [TEXTOID] =
        "select exists (select from awooop.legacy_namespace where owner_project = $1)";
    READ: reading [TEXTOID, TEXTOID, BOOLOID] = concat!(
        "select messages::text, state::text, version, ", rfc3339!("started_at"), ", ", rfc3339!("updated_at"), ", ",
                rfc3339!("expires_at"), "
         from awooop.conversation_session
         where project_id = $1 and session_key = $2 and is_legacy = $3 and expires_at > clock_timestamp()");
    // What is over begins anew. Of two that come at once, one makes the row and the other waits for it.
    HOLD: writing [TEXTOID, TEXTOID, BOOLOID, TEXTOID, TEXTOID] =
        "insert into awooop.conversation_session as c
                (project_id, session_key, is_legacy, channel, channel_chat_id, messages, state, version, started_at, updated_at,
                 expires_at)
         select $1, $2, $3, $4, $5, '[]', 'null', 0, t.at, t.at, t.at + interval '1 minute'
         from (select clock_timestamp() as at) t
         on conflict (project_id, session_key, is_legacy) do update
            set messages = case when c.expires_at > clock_timestamp() then c.messages else excluded.messages end,
                state = case when c.expires_at > clock_timestamp() then c.state else excluded.state end,
                version = case when c.expires_at > clock_timestamp() then c.version else 0 end,
                started_at = case when c.expires_at > clock_timestamp() then c.started_at else excluded.started_at end
         returning messages::text, state::text, version";
    WRITE: writing [TEXTOID, TEXTOID, BOOLOID, TEXTOID, TEXTOID, INT8OID, INT8OID] = concat!(
        "update awooop.conversation_session
         set messages = $4::jsonb, state = $5::jsonb, version = $6, updated_at = t.at,
             expires_at = t.at + $7 * interval '1 second'
         from (select clock_timestamp() as at) t
         where project_id = $1 and session_key = $2 and is_legacy = $3
         returning ", rfc3339!("updated_at"));
    END: writing [TEXTOID, TEXTOID, TEXTOID] =
        "delete from awooop.conversation_session where project_id = $1 and channel = $2 and channel_chat_id = $3";
    EXPIRED: reading [INT4OID] = "select e.project_id, e.session_key from awooop.expired_sessions($1) e";
    FORGET: writing [TEXTOID, TEXTOID] =
        "delete from awooop.conversation_session
         where project_id = $1 and session_key = $2 and expires_at <= clock_timestamp()";
    SET_OWNER: writing [TEXTOID, TEXTOID] =
        "insert into awooop.legacy_namespace (owner_project, set_by) values ($1, $2)
         on conflict (the_one) do nothing";
    UNSET_OWNER: writing [TEXTOID] = "delete from awooop.legacy_namespace where owner_project = $1";
}

/// Where a session is kept.
struct Place<'a> {
    project_id: &'a str,
    channel: &'a str,
    chat: &'a str,
}

/// By which it is known there: a chat may be called so that both forms are the same text.
struct Key {
    text: String,
    is_legacy: bool,
}

impl Place<'_> {
    fn key(&self) -> Key {
        Key { text: format!("{}:{}:{}", self.project_id, self.channel, self.chat), is_legacy: false }
    }

    fn legacy_key(&self) -> Key {
        Key { text: format!("{}:{}", self.channel, self.chat), is_legacy: true }
    }
}

/// A session as it is stored.
struct Stored {
    messages: String,
    state: String,
    version: i64,
}

/// What contracts say of sessions.
struct Bounds {
    idle_seconds: i64,
    max_bytes: usize,
    /// It is shared with the legacy path.
    is_shared: bool,
}

impl Bounds {
    fn of(place: &Place) -> Outcome<Bounds> {
        let project = active::vouched(place.project_id, Kind::Project, place.project_id)?;
        let (of_project, wants_sharing) = match project.as_deref().map(|loaded| &loaded.contract) {
            Some(Contract::Project(project)) => {
                (project.sessions.unwrap_or_default(), project.migration_aids.unwrap_or_default().legacy_session_keys())
            }
            _ => (Sessions::default(), false),
        };
        let of_channel = channels::sessions_of(place.project_id, place.channel)?;
        let idle = of_channel.and_then(|sessions| sessions.idle_seconds).map(|seconds| seconds.get());
        let bytes = of_channel.and_then(|sessions| sessions.max_bytes).map(|bytes| bytes.get());
        Ok(Bounds {
            idle_seconds: i64::try_from(idle.unwrap_or_else(|| of_project.idle_seconds())).unwrap_or(i64::MAX),
            max_bytes: usize::try_from(bytes.unwrap_or_else(|| of_project.max_bytes())).unwrap_or(usize::MAX),
            is_shared: wants_sharing && owns_legacy(place.project_id)?,
        })
    }
}

/// Whether the keys without a project are the project's.
pub(crate) fn owns_legacy(project_id: &str) -> Outcome<bool> {
    Ok(OWNS_LEGACY.with(|s| s.row(&[project_id.into()], |row| column::<bool>(row, 1)))?.unwrap_or_default())
}

/// Holds the session until the end of the transaction; one that the legacy path had is taken over.
fn hold(place: &Place, bounds: &Bounds) -> Outcome<Stored> {
    let mut stored = hold_one(place, &place.key())?;
    if stored.version == 0 && bounds.is_shared {
        let legacy = hold_one(place, &place.legacy_key())?;
        if legacy.version > 0 {
            stored = legacy;
        }
    }
    Ok(stored)
}

fn hold_one(place: &Place, key: &Key) -> Outcome<Stored> {
    let (text, is_legacy) = (key.text.as_str(), key.is_legacy);
    let parameters = [place.project_id.into(), text.into(), is_legacy.into(), place.channel.into(), place.chat.into()];
    let held = HOLD.with(|s| {
        s.row(&parameters, |row| {
            Ok(Stored { messages: column(row, 1)?, state: column(row, 2)?, version: column(row, 3)? })
        })
    })?;
    held.map_or_else(|| fault(ErrorCode::SystemInternal), Ok)
}

/// Writes what is held, under both keys where it is shared.
fn write(place: &Place, bounds: &Bounds, stored: &Stored) -> Outcome<()> {
    let write = |key: &Key| {
        WRITE.with(|s| {
            s.run(&[
                place.project_id.into(),
                key.text.as_str().into(),
                key.is_legacy.into(),
                stored.messages.as_str().into(),
                stored.state.as_str().into(),
                stored.version.into(),
                bounds.idle_seconds.into(),
            ])
        })
    };
    write(&place.key())?;
    if bounds.is_shared {
        hold_one(place, &place.legacy_key())?;
        write(&place.legacy_key())?;
    }
    Ok(())
}

/// Remembers something that was said in a chat.
pub(crate) fn remember(project_id: &str, channel: &str, chat: &str, role: &str, text: &str) -> Outcome<()> {
    let place = Place { project_id, channel, chat };
    let bounds = Bounds::of(&place)?;
    let mut stored = hold(&place, &bounds)?;
    let said = Said { role, text, at: &crate::contracts::now() };
    let most = bounds.max_bytes.saturating_sub(stored.state.len());
    stored.messages = session::remember(&stored.messages, &said, most);
    stored.version += 1;
    write(&place, &bounds, &stored)
}

/// What was said in a run's chat before, as the agent's contract wants it; nothing where the run is of no chat.
pub(crate) fn history(project_id: &str, run_id: Uuid, most: u64, most_bytes: u64) -> Outcome<Value> {
    let Some((channel, chat)) = channels::chat_of_run(project_id, run_id)? else { return Ok(json!([])) };
    let place = Place { project_id, channel: &channel, chat: &chat };
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let messages = match read(&place, &place.key())? {
        Some(shown) => shown["messages"].clone(),
        None => json!([]),
    };
    Ok(session::history(&messages, number(most), number(most_bytes)))
}

/// The chat that the caller names: itself, or by a run whose lease it has.
fn named<'a>(
    caller: &Caller,
    arguments: &'a Arguments,
    of_run: &'a mut Option<(String, String)>,
) -> Outcome<(&'a str, &'a str)> {
    if let Some(run_id) = arguments.optional_uuid("run_id") {
        runs::ensure_lease(caller, run_id, arguments.text("lease"))?;
        *of_run = channels::chat_of_run(&caller.project_id, run_id)?;
        return match of_run {
            Some((channel, chat)) => Ok((channel, chat)),
            None => fault(ErrorCode::SessionNone),
        };
    }
    match (arguments.optional_text("channel"), arguments.optional_text("channel_chat_id")) {
        (Some(channel), Some(chat)) => Ok((channel, chat)),
        (None, _) => fault(Problem::from(ErrorCode::InputMissing).with("argument", "channel")),
        (_, None) => fault(Problem::from(ErrorCode::InputMissing).with("argument", "channel_chat_id")),
    }
}

fn read(place: &Place, key: &Key) -> Outcome<Option<Value>> {
    let found = READ.with(|s| {
        s.row(&[place.project_id.into(), key.text.as_str().into(), key.is_legacy.into()], |row| {
            Ok((
                column::<String>(row, 1)?,
                column::<String>(row, 2)?,
                column::<i64>(row, 3)?,
                [row.get::<String>(4)?, row.get::<String>(5)?, row.get::<String>(6)?],
            ))
        })
    })?;
    let Some((messages, state, version, [started_at, updated_at, expires_at])) = found.filter(|found| found.2 > 0)
    else {
        return Ok(None);
    };
    let messages: Value = serde_json::from_str(&messages)?;
    let state: Value = serde_json::from_str(&state)?;
    Ok(Some(json!({
        "channel": place.channel, "channel_chat_id": place.chat, "messages": messages, "state": state, "version": version,
        "started_at": started_at, "updated_at": updated_at, "expires_at": expires_at
    })))
}

/// The session as the caller may see it.
fn shown(caller: &Caller, place: &Place, bounds: &Bounds) -> Outcome<Answer> {
    let (found, source) = match read(place, &place.key())? {
        Some(found) => (Some(found), "project"),
        None if bounds.is_shared => (read(place, &place.legacy_key())?, "legacy"),
        None => (None, "none"),
    };
    let mut session = match found {
        Some(session) => session,
        None => json!({
            "channel": place.channel, "channel_chat_id": place.chat, "messages": [], "state": null, "version": 0,
            "started_at": null, "updated_at": null, "expires_at": null
        }),
    };
    let is_redacted = !caller.scopes.contains(Scope::ConversationsWrite);
    if is_redacted {
        for member in ["messages", "state"] {
            session[member] = redaction::shown_json(&session[member])?;
        }
    }
    session["source"] = if session["version"] == 0 { "none" } else { source }.into();
    session["redacted"] = is_redacted.into();
    Ok(Answer::ok(session.to_string()))
}

/// Operation `get_session`.
pub(crate) fn get(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let mut of_run = None;
    let (channel, chat) = named(caller, arguments, &mut of_run)?;
    let place = Place { project_id: &caller.project_id, channel, chat };
    shown(caller, &place, &Bounds::of(&place)?)
}

/// Operation `put_session`.
pub(crate) fn put(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let mut of_run = None;
    let (channel, chat) = named(caller, arguments, &mut of_run)?;
    let place = Place { project_id: &caller.project_id, channel, chat };
    let bounds = Bounds::of(&place)?;
    let state = arguments.json("state").to_string();
    // What is kept must leave room for what was said last.
    if state.len() > bounds.max_bytes / 2 {
        return fault(
            Problem::from(ErrorCode::InputTooLarge).with("argument", "state").with("limit_bytes", bounds.max_bytes / 2),
        );
    }
    let mut stored = hold(&place, &bounds)?;
    if let Some(expected) = arguments.optional_integer("expected_version")
        && expected != stored.version
    {
        return fault(Problem::from(ErrorCode::SessionVersion).with("version", stored.version));
    }
    stored.state = state;
    stored.messages = session::fitted(&stored.messages, bounds.max_bytes - stored.state.len());
    stored.version += 1;
    write(&place, &bounds, &stored)?;
    shown(caller, &place, &bounds)
}

/// Operation `end_session`.
pub(crate) fn end(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (channel, chat) = (arguments.text("channel"), arguments.text("channel_chat_id"));
    let ended = END.with(|s| s.run(&[caller.project_id.as_str().into(), channel.into(), chat.into()]))?;
    audit::done(caller, "session_ended", audit::Entry::default().with("channel", channel))?;
    Ok(Answer::ok(json!({"channel": channel, "channel_chat_id": chat, "ended": ended}).to_string()))
}

/// Forgets sessions whose time is over; how many.
pub(crate) fn forget_due() -> Outcome<i64> {
    turn::forget_due(&EXPIRED, &FORGET)
}

/// Sessions whose time is over, in all projects. Belongs to awooop_scheduler; it hands out keys only.
#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn expired_sessions(at_most: i32) -> TableIterator<'static, (name!(project_id, String), name!(session_key, String))> {
    statements! {
        FIND: reading [INT4OID] =
            "select project_id, session_key from awooop.conversation_session
             where expires_at <= clock_timestamp() order by expires_at limit $1";
    }
    let due = or_raise(
        FIND.with(|s| s.rows(&[at_most.into()], |row| Ok((column::<String>(row, 1)?, column::<String>(row, 2)?)))),
    );
    TableIterator::new(due)
}

/// Says that the keys of sessions and counters without a project are this project's, or are no more; one project alone can have
/// them. For operators. Returns `{"project_id", "owns"}`.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn set_legacy_owner(project_id: Option<&str>, owns: default!(Option<bool>, true)) -> pgrx::JsonB {
    let project_id = projects::text("project_id", project_id, NameRule::Id, MAX_ID);
    pgrx::JsonB(or_raise(project_id.and_then(|project_id| set_owner(project_id, owns.unwrap_or(true)))))
}

fn set_owner(project_id: &str, owns: bool) -> Outcome<Value> {
    let caller = projects::operator(project_id)?;
    tenant::within(project_id, || {
        if facts_of(project_id, "")?.is_none() {
            return fault(ErrorCode::TenantUnavailable);
        }
        if owns {
            SET_OWNER.with(|s| s.run(&[project_id.into(), caller.principal_id.as_str().into()]))?;
            if !owns_legacy(project_id)? {
                return fault(ErrorCode::SessionLegacy);
            }
        } else {
            UNSET_OWNER.with(|s| s.run(&[project_id.into()]))?;
        }
        audit::done(&caller, "legacy_namespace_set", audit::Entry::default().with("owns", owns))?;
        Ok(json!({"project_id": project_id, "owns": owns}))
    })
}
