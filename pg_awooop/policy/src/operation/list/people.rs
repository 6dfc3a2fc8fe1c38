//! Who asks and who is served: the caller, envelopes, subjects, agents.

use super::{CHANNEL_ID, ID, NAME, SUBJECT};
use crate::argument::{Argument, Kind};
use crate::operation::{Operation, result};
use crate::scope::Scope;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "whoami",
        scope: None,
        method: "GET",
        path: "/v1/platform/whoami",
        summary: "Show whose credential this is",
        description: "The project, the principal and the scopes that the presented credential or bound role stands for.",
        status: 200,
        arguments: &[],
        result: result::whoami,
    },
    Operation {
        name: "build_envelope",
        scope: Some(Scope::EnvelopeWrite),
        method: "POST",
        path: "/v1/platform/envelopes",
        summary: "Build the platform envelope of a message",
        description: "Records the sender as a subject of the project and returns the nine-key envelope that create_run \
                      takes as it is. The project's migration_mode must be at least shadow.",
        status: 200,
        arguments: &[
            Argument::required("agent_id", ID, "The agent the message is for."),
            Argument::required("channel_type", ID, "The channel's type, such as telegram; an open set."),
            Argument::required("channel_user_id", CHANNEL_ID, "The sender, as the channel names them."),
            Argument::optional("channel_chat_id", CHANNEL_ID, "null", "The chat, as the channel names it."),
            Argument::optional("display_name", NAME, "null", "The sender's name, for people to read."),
            Argument::optional("extra_tags", Kind::Tags, "{}", "Labels for the log event; never part of the envelope."),
        ],
        result: result::envelope,
    },
    Operation {
        name: "upsert_platform_subject",
        scope: Some(Scope::SubjectsWrite),
        method: "PUT",
        path: "/v1/platform/subjects",
        summary: "Record that a person was seen on a channel",
        description: "First sight creates the subject with the role viewer; later ones update last_seen_at, and chat and \
                      name where given. Roles, first_seen_at and the id never change here.",
        status: 200,
        arguments: &[
            Argument::required("channel_type", ID, "The channel's type."),
            Argument::required("channel_user_id", CHANNEL_ID, "The person, as the channel names them."),
            Argument::optional("channel_chat_id", CHANNEL_ID, "null", "The chat, as the channel names it."),
            Argument::optional("display_name", NAME, "null", "The person's name."),
        ],
        result: result::subject,
    },
    Operation {
        name: "link_subject",
        scope: Some(Scope::PrincipalsAdmin),
        method: "POST",
        path: "/v1/platform/subjects/link",
        summary: "Say who a person of a channel is",
        description: "From then on what the person decides in chats counts as the principal's hand, in the principal's roles. Without \
                      one they are a principal of their own, with the roles that they have as a subject.",
        status: 200,
        arguments: &[
            Argument::required("platform_subject_id", SUBJECT, "The person."),
            Argument::optional("principal_id", ID, "null", "Who they are; nobody else than themselves where null."),
        ],
        result: result::linked_subject,
    },
    Operation {
        name: "grant_subject_role",
        scope: Some(Scope::SubjectsAdmin),
        method: "POST",
        path: "/v1/platform/subjects/roles",
        summary: "Give a subject a role",
        description: "Adds the role to the subject's roles; giving it twice changes nothing.",
        status: 200,
        arguments: &[
            Argument::required("platform_subject_id", SUBJECT, "The subject."),
            Argument::required("role", ID, "The role, such as approver."),
        ],
        result: result::subject,
    },
    Operation {
        name: "revoke_subject_role",
        scope: Some(Scope::SubjectsAdmin),
        method: "DELETE",
        path: "/v1/platform/subjects/roles",
        summary: "Take a role from a subject",
        description: "What the person may do in chats by the role ends with it. Taking it twice changes nothing.",
        status: 200,
        arguments: &[
            Argument::required("platform_subject_id", SUBJECT, "The subject."),
            Argument::required("role", ID, "The role, such as approver."),
        ],
        result: result::subject,
    },
    Operation {
        name: "create_agent",
        scope: Some(Scope::AgentsWrite),
        method: "PUT",
        path: "/v1/platform/agents/{agent_id}",
        summary: "Register an agent, or change it",
        description: "Runs can be created for registered, enabled agents only. Repeating it updates name and switch.",
        status: 200,
        arguments: &[
            Argument::required("agent_id", ID, "The agent."),
            Argument::optional(
                "display_name",
                NAME,
                "null",
                "Its name, for people to read; null keeps the one it has.",
            ),
            Argument::optional("enabled", Kind::Boolean, "true", "false stops new runs of it."),
        ],
        result: result::agent,
    },
];
