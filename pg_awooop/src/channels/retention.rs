//! What time alone does to conversations: messages that nobody sent or decided about in time end, and what was said is forgotten
//! when its time is over. That something was taken in stays known for ever. Waits for nobody.

use pgrx::prelude::*;
use uuid::Uuid;

use super::mark::{self, Ended};
use crate::audit;
use crate::caller::Caller;
use crate::fault::{Outcome, or_raise};
use crate::runs;
use crate::statement::{column, optional_uuid_column, pg_uuid, statements, uuid_column};
use crate::turn;

statements! {
    DUE: reading [INT4OID] = "select d.project_id, d.message_id from awooop.due_messages($1) d";
    // Its chat first, as everybody takes it; who sends it just now says what became of it.
    HOLD_CHAT: writing [TEXTOID, UUIDOID] =
        "select m.channel, m.channel_chat_id from awooop.outbound_message m
         join awooop.outbound_chat c
           on c.project_id = $1 and c.channel = m.channel and c.channel_chat_id = m.channel_chat_id
         where m.project_id = $1 and m.message_id = $2 and (c.leased_until is null or c.leased_until <= clock_timestamp())
         for no key update of c skip locked";
    STILL: reading [TEXTOID, UUIDOID] =
        "select state from awooop.outbound_message
         where project_id = $1 and message_id = $2 and state in ('held', 'queued') and expires_at <= clock_timestamp()";
    EXPIRE_HELD: writing [TEXTOID, UUIDOID] =
        "update awooop.outbound_message
         set state = 'expired', ended_at = clock_timestamp(), error = '{\"code\": \"expired\", \"message\": null}'
         where project_id = $1 and message_id = $2 and state = 'held'";
    EXPIRED: reading [INT4OID] = "select e.project_id, e.event_id, e.message_id from awooop.expired_conversations($1) e";
    FORGET_EVENT: writing [TEXTOID, UUIDOID, INT8OID] =
        "delete from awooop.conversation_event
         where project_id = $1 and event_id = $2 and received_at = to_timestamp($3 / 1000.0)
           and retain_until <= clock_timestamp()";
    FORGET_MESSAGE: writing [TEXTOID, UUIDOID] =
        "delete from awooop.outbound_message
         where project_id = $1 and message_id = $2 and ended_at is not null and retain_until <= clock_timestamp()";
}

/// Ends messages whose time is over; how many.
pub(crate) fn expire_due_messages() -> Outcome<i64> {
    turn::each_due(&DUE, expire)
}

fn expire(project_id: &str, message_id: Uuid) -> Outcome<bool> {
    let key = [project_id.into(), pg_uuid(message_id).into()];
    let caller = Caller::platform(project_id, "platform:channels");
    if EXPIRE_HELD.with(|s| s.run(&key))? > 0 {
        let entry = audit::Entry::default().with("message_id", message_id.to_string());
        audit::done(&caller, "message_expired", entry)?;
        return Ok(true);
    }
    let place = HOLD_CHAT.with(|s| s.row(&key, |row| Ok((column::<String>(row, 1)?, column::<String>(row, 2)?))))?;
    let Some((channel, chat)) = place else { return Ok(false) };
    if STILL.with(|s| s.row(&key, |row| column::<String>(row, 1)))?.as_deref() != Some("queued") {
        return Ok(false);
    }
    mark::end_unsent(&caller, &channel, &chat, message_id, Ended::Expired, audit::Entry::default())?;
    Ok(true)
}

/// Forgets what was said so long ago that its retention is over; how much.
pub(crate) fn forget_due() -> Outcome<i64> {
    let find = |at_most: i32| {
        EXPIRED.with(|s| {
            s.rows(&[at_most.into()], |row| {
                Ok((column::<String>(row, 1)?, (optional_uuid_column(row, 2)?, optional_uuid_column(row, 3)?)))
            })
        })
    };
    turn::each(find, |project_id, ids| {
        Ok(match *ids {
            (Some(event_id), _) => {
                let key = [project_id.into(), pg_uuid(event_id).into(), runs::created_ms(event_id).into()];
                FORGET_EVENT.with(|s| s.run(&key))? > 0
            }
            (_, Some(message_id)) => {
                FORGET_MESSAGE.with(|s| s.run(&[project_id.into(), pg_uuid(message_id).into()]))? > 0
            }
            (None, None) => false,
        })
    })
}

/// Messages whose time to be sent or decided about is over, in all projects. Belongs to awooop_scheduler; it hands out ids only.
#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn due_messages(at_most: i32) -> TableIterator<'static, (name!(project_id, String), name!(message_id, pgrx::Uuid))> {
    statements! {
        FIND: reading [INT4OID] =
            "select project_id, message_id from awooop.outbound_message
             where state in ('held', 'queued') and expires_at <= clock_timestamp()
             order by expires_at limit $1";
    }
    let due =
        or_raise(FIND.with(|s| s.rows(&[at_most.into()], |row| Ok((column::<String>(row, 1)?, uuid_column(row, 2)?)))));
    TableIterator::new(due.into_iter().map(|(project_id, message_id)| (project_id, pg_uuid(message_id))))
}

/// Events and messages whose retention is over, in all projects. Belongs to awooop_scheduler; it hands out ids only.
#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn expired_conversations(
    at_most: i32,
) -> TableIterator<
    'static,
    (name!(project_id, String), name!(event_id, Option<pgrx::Uuid>), name!(message_id, Option<pgrx::Uuid>)),
> {
    statements! {
        FIND: reading [INT4OID] =
            "(select project_id, event_id, null::uuid from awooop.conversation_event
              where retain_until <= clock_timestamp() order by retain_until limit $1)
             union all
             (select project_id, null::uuid, message_id from awooop.outbound_message
              where ended_at is not null and retain_until <= clock_timestamp() order by retain_until limit $1)";
    }
    let due = or_raise(FIND.with(|s| {
        s.rows(&[at_most.into()], |row| {
            Ok((column::<String>(row, 1)?, row.get::<pgrx::Uuid>(2)?, row.get::<pgrx::Uuid>(3)?))
        })
    }));
    TableIterator::new(due)
}
