//! Sessions, anomalies, and runs in shadow: what is remembered, what is counted, and what is compared.

use super::{CHANNEL_ID, CREDENTIAL, CURSOR, DOCUMENT, ID, PAGE};
use crate::argument::{Argument, Kind};
use crate::name::NameRule;
use crate::operation::{Operation, result};
use crate::scope::Scope;

const CHANNEL: Argument =
    Argument::optional("channel", ID, "null", "The channel of the conversation; the run's own where a run is named.");
const CHAT: Argument = Argument::optional("channel_chat_id", CHANNEL_ID, "null", "Its chat, as the channel names it.");
const RUN: Argument =
    Argument::optional("run_id", Kind::Uuid, "null", "A run that came of the conversation, with its lease.");
const LEASE: Argument = Argument::optional("lease", CREDENTIAL, "null", "The run's lease.");
const KEY: Kind = Kind::Text { rule: NameRule::Line, max: 240 };
/// One of a channel's event has the channel's name before what the channel knows it by.
const ANY_KEY: Kind = Kind::Text { rule: NameRule::Line, max: 400 };
const TARGET: Kind = Kind::Text { rule: NameRule::Free, max: 256 };
const DAY: Kind = Kind::Text { rule: NameRule::Line, max: 10 };

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "get_session",
        scope: Some(Scope::ConversationsRead),
        method: "GET",
        path: "/v1/platform/sessions",
        summary: "Show what is remembered of a conversation",
        description: "What was said last, and what the agent keeps. Exact for who may write it, redacted for others; empty where \
                      there is nothing, or its time is over.",
        status: 200,
        arguments: &[CHANNEL, CHAT, RUN, LEASE],
        result: result::session,
    },
    Operation {
        name: "put_session",
        scope: Some(Scope::ConversationsWrite),
        method: "PUT",
        path: "/v1/platform/sessions",
        summary: "Keep something for a conversation",
        description: "Replaces what the agent keeps; what was said the platform remembers by itself. Too much is refused, by the \
                      channel's or the project's contract.",
        status: 200,
        arguments: &[
            Argument::required("state", DOCUMENT, "What to keep: any JSON."),
            CHANNEL,
            CHAT,
            RUN,
            LEASE,
            Argument::optional(
                "expected_version",
                Kind::Integer { min: 0, max: i64::MAX >> 11 },
                "null",
                "The version that it was changed from; refused where it is another by now.",
            ),
        ],
        result: result::session,
    },
    Operation {
        name: "end_session",
        scope: Some(Scope::ConversationsWrite),
        method: "POST",
        path: "/v1/platform/sessions/end",
        summary: "Forget a conversation",
        description: "What is remembered of it is deleted, under every key.",
        status: 200,
        arguments: &[
            Argument::required("channel", ID, "The channel of the conversation."),
            Argument::required("channel_chat_id", CHANNEL_ID, "Its chat, as the channel names it."),
        ],
        result: result::ended_session,
    },
    Operation {
        name: "count_anomaly",
        scope: Some(Scope::AnomaliesWrite),
        method: "POST",
        path: "/v1/platform/anomalies/{counter}/count",
        summary: "Count something that should be rare",
        description: "In the sliding window of the counter that the policy names so. Past its threshold it is an anomaly, once until \
                      it is below again: recorded, and acted upon as the policy says.",
        status: 200,
        arguments: &[
            Argument::required("counter", ID, "The counter's name in the policy."),
            Argument::optional(
                "target",
                TARGET,
                "\"\"",
                "What it is counted for, such as an agent; the project where empty.",
            ),
            Argument::optional("by", Kind::Integer { min: 0, max: 1_000_000 }, "1", "How many; 0 only looks."),
        ],
        result: result::counted_anomaly,
    },
    Operation {
        name: "list_anomalies",
        scope: Some(Scope::AuditRead),
        method: "GET",
        path: "/v1/platform/anomalies",
        summary: "List anomalies, newest first",
        description: "Each time that a threshold was crossed, and until when.",
        status: 200,
        arguments: &[
            Argument::optional("counter", ID, "null", "Only those of this counter."),
            Argument::optional("open", Kind::Boolean, "false", "Only those that are not over."),
            PAGE,
            CURSOR,
        ],
        result: result::anomalies,
    },
    Operation {
        name: "shadow_execute",
        scope: Some(Scope::RunsWrite),
        method: "POST",
        path: "/v1/platform/shadow/runs",
        summary: "Create a run in shadow",
        description: "A run without side effects, whatever mode the project is in: write tools are refused, messages are recorded and \
                      not sent. What it comes to is kept for comparison with what the legacy path makes of the same message. \
                      Repeating it with the same key returns the same run.",
        status: 201,
        arguments: &[
            Argument::required("envelope", Kind::Object, "The envelope, unchanged."),
            Argument::required("message_key", KEY, "By which both paths know the message."),
            Argument::optional("input", DOCUMENT, "{}", "What the agent gets: any JSON, kept as it is."),
            Argument::optional("tags", Kind::Tags, "{}", "Labels, kept beside the envelope."),
        ],
        result: result::created_run,
    },
    Operation {
        name: "report_legacy_outcome",
        scope: Some(Scope::RunsWrite),
        method: "POST",
        path: "/v1/platform/shadow/legacy-outcomes",
        summary: "Say what the legacy path made of a message",
        description: "Compared with what the run in shadow came to, as soon as both are known. Saying it again with another outcome is \
                      refused.",
        status: 200,
        arguments: &[
            Argument::required("message_key", ANY_KEY, "By which both paths know the message."),
            Argument::required("outcome", DOCUMENT, "What came of it there: any JSON."),
        ],
        result: result::shadow_case,
    },
    Operation {
        name: "shadow_report",
        scope: Some(Scope::RunsRead),
        method: "GET",
        path: "/v1/platform/shadow/report",
        summary: "Compare runs in shadow with the legacy path",
        description: "By agent and day: how many messages both paths have handled, and how many of them alike. With some that differ, \
                      and where.",
        status: 200,
        arguments: &[
            Argument::optional("agent_id", ID, "null", "Only this agent."),
            Argument::optional(
                "from_day",
                DAY,
                "null",
                "From this day on, YYYY-MM-DD in the project's time zone; the last 30 where null.",
            ),
            Argument::optional("to_day", DAY, "null", "Up to this day, itself included."),
        ],
        result: result::shadow_report,
    },
];
