//! Operation `list_events`: what happened in channels, as it was mirrored.

use awooop_policy::argument::Arguments;

use crate::caller::Caller;
use crate::door::{Answer, page_after};
use crate::fault::Outcome;
use crate::statement::{column, rfc3339, statements};

statements! {
    LIST: reading [TEXTOID, TEXTOID, TEXTOID, UUIDOID, INT8OID] = concat!(
        "select json_build_object('event_id', e.event_id, 'received_at', ", rfc3339!("e.received_at"), ",
                    'occurred_at', ", rfc3339!("e.occurred_at"), ", 'channel', e.channel, 'channel_type', e.channel_type,
                    'external_id', e.external_id, 'kind', e.kind, 'channel_user_id', e.channel_user_id,
                    'channel_chat_id', e.channel_chat_id, 'thread_id', e.thread_id,
                    'channel_message_id', e.channel_message_id, 'platform_subject_id', e.platform_subject_id,
                    'trace_id', e.trace_id, 'body', e.body, 'outcome', e.outcome, 'run_id', e.run_id,
                    'code', e.code)::text, e.event_id::text
         from awooop.conversation_event e
         where e.project_id = $1 and ($2 is null or e.channel = $2) and ($3 is null or e.channel_chat_id = $3)
           and ($4 is null or e.event_id < $4)
         order by e.event_id desc
         limit $5");
}

/// Operation `list_events`.
pub(crate) fn list(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let limit = arguments.integer("page_size");
    let rows = LIST.with(|s| {
        s.rows(
            &[
                caller.project_id.as_str().into(),
                arguments.optional_text("channel").into(),
                arguments.optional_text("channel_chat_id").into(),
                page_after(arguments)?.into(),
                (limit + 1).into(),
            ],
            |row| Ok((column::<String>(row, 1)?, column::<String>(row, 2)?)),
        )
    })?;
    Ok(Answer::page(rows, limit))
}
