//! What is kept of events: that each was seen, once for ever, and its mirror.

use awooop_contracts::model::channel::ChannelContract;
use uuid::Uuid;

use super::{Arrival, Came};
use crate::channels::terms;
use crate::fault::Outcome;
use crate::redaction;
use crate::runs;
use crate::statement::{column, optional_uuid_column, pg_uuid, statements, uuid_column};

statements! {
    // The loser of a race waits for the winner, then inserts nothing. In one order, so that nobody waits for each other.
    SEE: writing_alike [TEXTOID, TEXTOID, TEXTARRAYOID, UUIDARRAYOID] =
        "insert into awooop.conversation_seen (project_id, channel, external_id, event_id)
         select $1, $2, e.external_id, e.event_id from unnest($3, $4) as e (external_id, event_id) order by e.external_id
         on conflict do nothing returning event_id";
    SEEN: reading [TEXTOID, TEXTOID, TEXTOID] =
        "select event_id from awooop.conversation_seen where project_id = $1 and channel = $2 and external_id = $3";
    // Its id says when it came in, so one partition is looked into.
    OUTCOME: reading [TEXTOID, UUIDOID, INT8OID] =
        "select e.outcome, e.run_id, e.code from awooop.conversation_event e
         where e.project_id = $1 and e.event_id = $2 and e.received_at = to_timestamp($3 / 1000.0)";
    MIRROR: writing_alike [TEXTOID, TEXTOID, TEXTOID, INT8OID, UUIDARRAYOID, INT8ARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
                           TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, INT8ARRAYOID,
                           TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, UUIDARRAYOID, TEXTARRAYOID] =
        "insert into awooop.conversation_event
                (project_id, channel, channel_type, retain_until, event_id, received_at, external_id, kind, channel_user_id,
                 channel_chat_id, thread_id, channel_message_id, platform_subject_id, occurred_at, trace_id, body, outcome,
                 run_id, code)
         select $1, $2, $3, to_timestamp(e.received_ms / 1000.0) + $4 * interval '1 day', e.event_id,
                to_timestamp(e.received_ms / 1000.0), e.external_id, e.kind, e.user_id, e.chat_id, e.thread_id, e.message_id,
                e.subject_id, to_timestamp(e.occurred_s), e.trace_id, e.body::jsonb, e.outcome, e.run_id, e.code
         from unnest($5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
                as e (event_id, received_ms, external_id, kind, user_id, chat_id, thread_id, message_id, subject_id, occurred_s,
                      trace_id, body, outcome, run_id, code)";
}

/// The latest moment that is kept of when something happened, in seconds since 1970.
const LAST_MOMENT: i64 = 253_402_300_799;

/// Notes that these were seen; the ids of those that were not before.
pub(super) fn see(project_id: &str, channel: &str, arrivals: &[&Arrival]) -> Outcome<Vec<Uuid>> {
    let external_ids: Vec<&str> = arrivals.iter().map(|arrival| arrival.event.external_id.as_str()).collect();
    let event_ids: Vec<pgrx::Uuid> = arrivals.iter().map(|arrival| pg_uuid(arrival.event_id)).collect();
    let parameters = [project_id.into(), channel.into(), external_ids.into(), event_ids.into()];
    SEE.with(|s| s.rows(&parameters, |row| uuid_column(row, 1)))
}

/// The id under which the event was taken in first.
pub(super) fn first(project_id: &str, channel: &str, external_id: &str) -> Outcome<Option<Uuid>> {
    SEEN.with(|s| s.row(&[project_id.into(), channel.into(), external_id.into()], |row| uuid_column(row, 1)))
}

/// What came of an event, unless its mirror's time is over.
pub(super) fn outcome(project_id: &str, event_id: Uuid) -> Outcome<Option<Came>> {
    let key = [project_id.into(), pg_uuid(event_id).into(), runs::created_ms(event_id).into()];
    OUTCOME.with(|s| {
        s.row(&key, |row| {
            let outcome = column::<String>(row, 1)?.into();
            Ok(Came { outcome, run_id: optional_uuid_column(row, 2)?, code: row.get(3)? })
        })
    })
}

/// Keeps what happened, redacted, with what came of it.
pub(super) fn keep(project_id: &str, contract: &ChannelContract, kept: &[(&Arrival, &Came)]) -> Outcome<()> {
    let mut bodies = Vec::with_capacity(kept.len());
    for (arrival, _) in kept {
        bodies.push(redaction::kept_json(&arrival.body)?.into_owned());
    }
    let texts = |of: for<'b> fn(&'b Arrival<'b>) -> Option<&'b str>| -> Vec<Option<String>> {
        kept.iter().map(|(arrival, _)| of(arrival).map(str::to_owned)).collect()
    };
    let parameters = [
        project_id.into(),
        contract.name.as_str().into(),
        contract.channel_type.as_str().into(),
        terms::conversation_days(project_id)?.into(),
        kept.iter().map(|(arrival, _)| pg_uuid(arrival.event_id)).collect::<Vec<_>>().into(),
        kept.iter().map(|(arrival, _)| runs::created_ms(arrival.event_id)).collect::<Vec<_>>().into(),
        texts(|arrival| Some(&arrival.event.external_id)).into(),
        texts(|arrival| Some(arrival.event.kind.as_str())).into(),
        texts(|arrival| arrival.event.sender.as_ref().map(|sender| sender.id.as_str())).into(),
        texts(|arrival| arrival.event.chat.as_ref().map(|chat| chat.id.as_str())).into(),
        texts(|arrival| arrival.event.thread_id.as_deref()).into(),
        texts(|arrival| arrival.event.message_id.as_deref()).into(),
        texts(|arrival| arrival.subject_id.as_deref()).into(),
        kept.iter()
            .map(|(arrival, _)| arrival.event.occurred_at.filter(|at| (0..=LAST_MOMENT).contains(at)))
            .collect::<Vec<_>>()
            .into(),
        texts(|arrival| Some(&arrival.trace_id)).into(),
        bodies.into(),
        kept.iter().map(|(_, came)| came.outcome.to_string()).collect::<Vec<_>>().into(),
        kept.iter().map(|(_, came)| came.run_id.map(pg_uuid)).collect::<Vec<_>>().into(),
        kept.iter().map(|(_, came)| came.code.clone()).collect::<Vec<_>>().into(),
    ];
    MIRROR.with(|s| s.run(&parameters)).map(drop)
}
