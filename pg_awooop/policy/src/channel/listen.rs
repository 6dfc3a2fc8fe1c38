//! Whether an agent listens to an event, and which: what the channel's contract says of who may talk, where and how.

use awooop_contracts::model::channel::{ChannelContract, Groups, Who};
use awooop_contracts::words;

use super::incoming::{Attachment, EventKind, Incoming};

words! {
    /// Why nobody listens.
    pub enum Silence {
        /// It is no message, but something else that happened.
        NotAMessage = "not_a_message",
        /// It has no person, or no place, that could be answered.
        Nobody = "nobody_to_answer",
        /// A bot said it.
        FromABot = "from_a_bot",
        /// The channel does not listen in groups, or was not spoken to.
        Group = "not_spoken_to",
        /// It is too long ago.
        TooOld = "too_old",
        /// There is nothing in it that the channel takes in.
        Empty = "nothing_taken_in",
        /// The channel has no listener.
        NoListener = "no_listener",
        /// The sender is none of those who may talk to the agent.
        NotAdmitted = "not_admitted",
        /// There was too much of it.
        Rate = "rate",
    }
}

impl Silence {
    /// Whether the sender is told that nobody will answer.
    pub const fn is_told(self) -> bool {
        matches!(self, Self::NotAdmitted | Self::Empty)
    }
}

/// Who listens to the event, of a sender who has these roles; `age_seconds` is how long ago it happened.
///
/// # Errors
/// Why nobody does.
pub fn listener<'c>(
    contract: &'c ChannelContract,
    event: &Incoming,
    roles: &[String],
    age_seconds: i64,
) -> Result<&'c str, Silence> {
    let (Some(inbound), Some(listener)) = (&contract.inbound, &contract.listener) else {
        return Err(Silence::NoListener);
    };
    if event.kind != EventKind::Message {
        return Err(Silence::NotAMessage);
    }
    let (Some(sender), Some(chat)) = (&event.sender, &event.chat) else { return Err(Silence::Nobody) };
    if sender.is_bot {
        return Err(Silence::FromABot);
    }
    if chat.is_group && !hears_groups(listener.groups(), event) {
        return Err(Silence::Group);
    }
    if age_seconds > i64::try_from(inbound.max_age_seconds()).unwrap_or(i64::MAX) {
        return Err(Silence::TooOld);
    }
    if event.text.is_none() && taken_in(contract, event).next().is_none() {
        return Err(Silence::Empty);
    }
    if let Some(admission) = contract.admission.as_ref().filter(|admission| admission.who == Who::Roles) {
        let admitted = admission.roles.iter().flat_map(|roles| roles.as_slice());
        if !admitted.into_iter().any(|role| roles.iter().any(|held| held == role.as_str())) {
            return Err(Silence::NotAdmitted);
        }
    }
    let commanded = event.command.as_ref().and_then(|command| {
        let commands = listener.commands.as_ref()?.entries();
        commands.iter().find(|(name, _)| name.as_str() == command.name).map(|(_, agent)| agent.as_str())
    });
    Ok(commanded.unwrap_or(listener.agent.as_str()))
}

/// Whether what was said in a group is for the agent. A command to another account is not, wherever it was given.
fn hears_groups(groups: Groups, event: &Incoming) -> bool {
    let to_another = event.command.as_ref().is_some_and(|command| command.to.is_some()) && !event.is_addressed;
    match groups {
        Groups::Never => false,
        Groups::WhenMentioned => event.is_addressed,
        Groups::Always => !to_another,
    }
}

/// The files of an event that the channel takes in.
pub fn taken_in<'e>(contract: &'e ChannelContract, event: &'e Incoming) -> impl Iterator<Item = &'e Attachment> {
    event.attachments.iter().filter(move |file| {
        let Some(terms) = &contract.attachments else { return false };
        let fits = file.bytes.is_none_or(|bytes| bytes <= terms.max_bytes.get());
        let is_of = |range: &str| match (range.split_once('/'), &file.media_type) {
            (Some((class, "*")), Some(media_type)) => media_type.split('/').next() == Some(class),
            (_, media_type) => media_type.as_deref() == Some(range),
        };
        fits && terms.media_types.as_slice().iter().any(|range| is_of(range.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::incoming::{Chat, Command, Sender};
    use super::*;

    fn contract(more: serde_json::Value) -> ChannelContract {
        let mut contract = json!({"kind": "channel", "contract_version": 1, "name": "shop", "channel_type": "telegram",
            "inbound": {"secret": "k8s://a/b/c", "verification": "header_token"}, "listener": {"agent": "support"}});
        for (name, value) in more.as_object().unwrap() {
            contract[name] = value.clone();
        }
        serde_json::from_value(contract).unwrap()
    }

    fn said(text: &str) -> Incoming {
        Incoming {
            kind: EventKind::Message,
            chat: Some(Chat { id: "1".into(), is_group: false }),
            sender: Some(Sender { id: "2".into(), display_name: None, is_bot: false }),
            text: Some(text.to_owned()).filter(|text| !text.is_empty()),
            command: super::super::incoming::command(text),
            ..Incoming::unknown("7".into())
        }
    }

    fn in_group(text: &str, is_addressed: bool) -> Incoming {
        let mut event = said(text);
        event.chat = Some(Chat { id: "-1".into(), is_group: true });
        event.is_addressed = is_addressed;
        event
    }

    #[test]
    fn each_event_goes_to_whom_the_contract_says() {
        let plain = contract(json!({}));
        let commands = contract(json!({"listener": {"agent": "support", "commands": {"/order": "orders"}}}));
        let groups = |word: &str| contract(json!({"listener": {"agent": "support", "groups": word}}));
        let roles = contract(json!({"admission": {"who": "roles", "roles": ["staff"]}}));
        let sends_only = serde_json::from_value(json!({"kind": "channel", "contract_version": 1, "name": "shop",
            "channel_type": "telegram", "outbound": {"identity": "x", "credential": "k8s://a/b/c"}}));
        let edited = Incoming { kind: EventKind::Edited, ..said("x") };
        let mut of_a_bot = said("x");
        of_a_bot.sender.as_mut().unwrap().is_bot = true;
        let held = |role: &str| vec!["viewer".to_owned(), role.to_owned()];
        let to_another = Incoming {
            command: Some(Command { name: "/order".into(), to: Some("other".into()) }),
            ..in_group("/order@other", false)
        };
        for (contract, event, roles, age, expected) in [
            (&plain, said("x"), held("x"), 0, Ok("support")),
            (&plain, said("/order 7"), held("x"), 0, Ok("support")),
            (&commands, said("/order 7"), held("x"), 0, Ok("orders")),
            (&commands, said("/ORDER"), held("x"), 0, Ok("orders")),
            (&commands, said("/else"), held("x"), 0, Ok("support")),
            (&plain, edited, held("x"), 0, Err(Silence::NotAMessage)),
            (&plain, of_a_bot, held("x"), 0, Err(Silence::FromABot)),
            (&plain, Incoming { sender: None, ..said("x") }, held("x"), 0, Err(Silence::Nobody)),
            (&plain, in_group("x", true), held("x"), 0, Err(Silence::Group)),
            (&groups("when_mentioned"), in_group("x", true), held("x"), 0, Ok("support")),
            (&groups("when_mentioned"), in_group("x", false), held("x"), 0, Err(Silence::Group)),
            (&groups("always"), in_group("x", false), held("x"), 0, Ok("support")),
            (&groups("always"), to_another, held("x"), 0, Err(Silence::Group)),
            (&plain, said("x"), held("x"), 86_401, Err(Silence::TooOld)),
            (&plain, said("x"), held("x"), -60, Ok("support")),
            (&plain, said(""), held("x"), 0, Err(Silence::Empty)),
            (&roles, said("x"), held("x"), 0, Err(Silence::NotAdmitted)),
            (&roles, said("x"), held("staff"), 0, Ok("support")),
            (&sends_only.unwrap(), said("x"), held("x"), 0, Err(Silence::NoListener)),
        ] {
            assert_eq!(listener(contract, &event, &roles, age), expected, "{event:?}");
        }
    }

    #[test]
    fn files_are_taken_in_by_type_and_size() {
        let file = |media_type: &str, bytes| Attachment {
            kind: "document".into(),
            file_id: "f".into(),
            media_type: Some(media_type.into()),
            name: None,
            bytes,
        };
        let takes = contract(json!({"attachments": {"media_types": ["image/*", "application/pdf"], "max_bytes": 10}}));
        let event = Incoming {
            attachments: vec![
                file("image/png", Some(10)),
                file("image/png", Some(11)),
                file("application/pdf", None),
                file("application/zip", Some(1)),
                file("images/png", Some(1)),
            ],
            ..said("")
        };
        assert_eq!(taken_in(&takes, &event).count(), 2);
        assert_eq!(listener(&takes, &event, &[], 0), Ok("support"));
        assert_eq!(taken_in(&contract(json!({})), &event).count(), 0);
    }
}
