//! Channels: what comes in, and what goes out.

use super::{CHANNEL_ID, CREDENTIAL, CURSOR, DOCUMENT, ID, PAGE};
use crate::argument::{Argument, Kind};
use crate::channel::outbox::{Decision, MessageState, Report};
use crate::name::NameRule;
use crate::operation::{Operation, result};
use crate::scope::Scope;
use crate::share;

/// The longest text of one message before it is cut into parts, in characters.
const TEXT: Kind = Kind::Text { rule: NameRule::Free, max: 65_536 };
const KEY: Kind = Kind::Text { rule: NameRule::Line, max: 255 };
const REASON: Kind = Kind::Text { rule: NameRule::Free, max: 2000 };
const MESSAGE_ID: Argument = Argument::required("message_id", Kind::Uuid, "The message.");

fn states() -> Vec<&'static str> {
    MessageState::ALL.iter().map(|state| state.as_str()).collect()
}

fn reports() -> Vec<&'static str> {
    Report::ALL.iter().map(|report| report.as_str()).collect()
}

fn decisions() -> Vec<&'static str> {
    Decision::ALL.iter().map(|decision| decision.as_str()).collect()
}

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "ingest_event",
        scope: Some(Scope::ChannelsIngest),
        method: "POST",
        path: "/v1/platform/events",
        summary: "Take in what happened in a channel",
        description: "Mirrors the event, once for ever: one that comes again changes nothing. Where the channel's contract says \
                      that an agent listens, a run is created with it, or `code` says why not. A channel of type telegram takes \
                      updates of the Bot API as they are; others an object with id, chat_id, user_id and text.",
        status: 200,
        arguments: &[
            Argument::required("event", DOCUMENT, "The event, unchanged."),
            Argument::optional(
                "channel",
                ID,
                "null",
                "The channel that it happened in; where null, the one that the credential is the secret of.",
            ),
        ],
        result: result::ingested,
    },
    Operation {
        name: "ingest_events",
        scope: Some(Scope::ChannelsIngest),
        method: "POST",
        path: "/v1/platform/events/batch",
        summary: "Take in at once what nobody hears",
        description: "What people say to each other in a group comes to nothing but its mirror, and many of it are taken in at once. \
                      The answers are in the order of the events, each as of ingest_event. Where one is null the event was not \
                      taken in, because there is more to do about it, or it came before: bring it by ingest_event.",
        status: 200,
        arguments: &[
            Argument::required(
                "events",
                Kind::Json { max_bytes: 768 * 1024 },
                "At most 100 objects, each with the `event`, unchanged, and maybe the `traceparent` that it came in.",
            ),
            Argument::optional(
                "channel",
                ID,
                "null",
                "The channel that they happened in; where null, the one that the credential is the secret of.",
            ),
        ],
        result: result::ingested_together,
    },
    Operation {
        name: "list_events",
        scope: Some(Scope::ConversationsRead),
        method: "GET",
        path: "/v1/platform/events",
        summary: "List what happened in channels, newest first",
        description: "Each with what came of it. Texts are redacted.",
        status: 200,
        arguments: &[
            Argument::optional("channel", ID, "null", "Only events of this channel."),
            Argument::optional("channel_chat_id", CHANNEL_ID, "null", "Only events of this chat, with its channel."),
            PAGE,
            CURSOR,
        ],
        result: result::events,
    },
    Operation {
        name: "queue_message",
        scope: Some(Scope::MessagesWrite),
        method: "POST",
        path: "/v1/platform/messages",
        summary: "Queue a message to a chat",
        description: "It is sent after those that were queued for the chat before it, in parts where it is too long for one. In \
                      shadow it is recorded and not sent; in suggest it is held until somebody decides, but for what the platform \
                      itself says.",
        status: 201,
        arguments: &[
            Argument::required("channel", ID, "The channel to send it by."),
            Argument::required("channel_chat_id", CHANNEL_ID, "The chat, as the channel names it."),
            Argument::required("text", TEXT, "What to say, marked up as the channel's contract has it."),
            Argument::optional("thread_id", CHANNEL_ID, "null", "A topic of the chat."),
            Argument::optional(
                "target_id",
                Kind::Uuid,
                "null",
                "A message that was queued for the chat before: it is changed in place, instead of sending another.",
            ),
            Argument::optional(
                "idempotency_key",
                KEY,
                "null",
                "Makes a repeat return the first message; also as the header Idempotency-Key.",
            ),
        ],
        result: result::queued_message,
    },
    Operation {
        name: "list_messages",
        scope: Some(Scope::ConversationsRead),
        method: "GET",
        path: "/v1/platform/messages",
        summary: "List messages, newest first",
        description: "Those that could not be sent have the state dead. Texts are redacted.",
        status: 200,
        arguments: &[
            Argument::optional("state", Kind::Word(states), "null", "Only messages in this state."),
            Argument::optional("channel", ID, "null", "Only messages of this channel."),
            Argument::optional("channel_chat_id", CHANNEL_ID, "null", "Only messages to this chat."),
            Argument::optional("run_id", Kind::Uuid, "null", "Only messages of this run."),
            PAGE,
            CURSOR,
        ],
        result: result::messages,
    },
    Operation {
        name: "get_message",
        scope: Some(Scope::ConversationsRead),
        method: "GET",
        path: "/v1/platform/messages/{message_id}",
        summary: "Show one message",
        description: "Its state, what the channel knows it by, and why it was not sent. Its text is exact for who queued it, \
                      redacted for others.",
        status: 200,
        arguments: &[MESSAGE_ID],
        result: result::message,
    },
    Operation {
        name: "decide_message",
        scope: Some(Scope::ApprovalsDecide),
        method: "POST",
        path: "/v1/platform/messages/{message_id}/decide",
        summary: "Send a message that is held, or discard it",
        description: "What an agent says in suggest waits for somebody who is not who queued it.",
        status: 200,
        arguments: &[
            MESSAGE_ID,
            Argument::required("decision", Kind::Word(decisions), "send, or discard."),
            Argument::optional("reason", REASON, "null", "Why, for people to read."),
        ],
        result: result::message,
    },
    Operation {
        name: "redrive_message",
        scope: Some(Scope::MessagesWrite),
        method: "POST",
        path: "/v1/platform/messages/{message_id}/redrive",
        summary: "Send a message again that could not be sent",
        description: "Queues another with the same text behind what waits for its chat now; once for each that is dead or expired.",
        status: 201,
        arguments: &[MESSAGE_ID],
        result: result::queued_message,
    },
    Operation {
        name: "claim_messages",
        scope: Some(Scope::MessagesSend),
        method: "POST",
        path: "/v1/platform/messages/claim",
        summary: "Claim messages to send",
        description: "The first message of each chat that has its turn, at the pace of the channel and the chat; each is to be \
                      sent `send_after_ms` from now. An empty list means that there is nothing to send just now.",
        status: 200,
        arguments: &[
            Argument::required("sender_id", ID, "The sender's name, for people to read."),
            Argument::optional("max_messages", Kind::Integer { min: 1, max: 100 }, "20", "How many at most."),
            Argument::optional(
                "lease_seconds",
                Kind::Integer { min: 5, max: 600 },
                "60",
                "How long each is this sender's alone, in seconds.",
            ),
            share::PLACES,
            share::HOLDING,
        ],
        result: result::claimed_messages,
    },
    Operation {
        name: "mark_message",
        scope: Some(Scope::MessagesSend),
        method: "POST",
        path: "/v1/platform/messages/{message_id}/mark",
        summary: "Say what became of a message",
        description: "After each part that was sent, and where one could not be. What is decided of it (again later, given up) \
                      comes back.",
        status: 200,
        arguments: &[
            MESSAGE_ID,
            Argument::required("lease", CREDENTIAL, "The lease that claim_messages gave for this message."),
            Argument::required(
                "report",
                Kind::Word(reports),
                "sent: one part, and the last one ends the message. later: the channel asks for a pause. failed: it may work \
                 another time. refused: it never will.",
            ),
            Argument::optional("provider_message_id", CHANNEL_ID, "null", "What the channel knows the part by."),
            Argument::optional(
                "retry_after_seconds",
                Kind::Integer { min: 0, max: 86_400 },
                "null",
                "How long the channel asks to wait, in seconds.",
            ),
            Argument::optional(
                "pauses_channel",
                Kind::Boolean,
                "false",
                "Whether the pause is for all chats of the channel.",
            ),
            Argument::optional("error_code", ID, "null", "The sender's own code for what went wrong."),
            Argument::optional("error", REASON, "null", "What went wrong, for people to read."),
            Argument::optional(
                "part",
                Kind::Integer { min: 0, max: 1000 },
                "null",
                "Which part it is about, from 0; the next one where null. One that was reported before changes nothing.",
            ),
        ],
        result: result::marked_message,
    },
];
