//! Taking in at once what comes at once and nobody hears: what people say to each other in a group. Of each such event nothing comes
//! but its mirror, so three statements do for all of them. What needs more is left, to be brought alone.

use std::collections::BTreeSet;

use awooop_policy::argument::Arguments;
use awooop_policy::channel::listen::{self, Silence};
use awooop_policy::error::{ErrorCode, Problem};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Arrival, Came, channel_of, mirror};
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault, whole};
use crate::subjects::{self, Sighting};

/// Events of one call.
const MOST: usize = 100;

/// Operation `ingest_events`.
pub(crate) fn ingest_together(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let channel = channel_of(caller, arguments)?;
    let (project_id, contract) = (caller.project_id.as_str(), channel.contract()?);
    let brought = brought(arguments.json("events"))?;
    // One that is wrong is told so when it comes alone.
    let arrivals: Vec<Option<(Arrival, Came)>> = brought
        .into_iter()
        .map(|(body, trace)| {
            let arrival = Arrival::new(caller, &channel, body, trace).ok()?;
            let silence = arrival.unheard()?;
            Some((arrival, Came::silent(silence)))
        })
        .collect();
    let strangers = strangers(caller, arrivals.iter().flatten().map(|(arrival, _)| arrival))?;
    let of_known = || arrivals.iter().flatten().filter(|(arrival, _)| !strangers.contains(&arrival.event_id));
    let candidates: Vec<&Arrival> = of_known().map(|(arrival, _)| arrival).collect();
    let mut new = BTreeSet::new();
    if !candidates.is_empty() {
        new.extend(mirror::see(project_id, contract.name.as_str(), &candidates)?);
    }
    let kept: Vec<(&Arrival, &Came)> = of_known()
        .filter(|(arrival, _)| new.contains(&arrival.event_id))
        .map(|(arrival, came)| (arrival, came))
        .collect();
    if !kept.is_empty() {
        // As with one alone: that it was seen is not kept without its mirror.
        whole(mirror::keep(project_id, contract, &kept))?;
    }
    let answers: Vec<Value> = arrivals
        .iter()
        .map(|arrival| match arrival {
            Some((arrival, came)) if new.contains(&arrival.event_id) => came.to_json(arrival.event_id, false),
            _ => Value::Null,
        })
        .collect();
    Ok(Answer::ok(json!({"answers": answers}).to_string()))
}

/// Those whose sender is to be written, because nobody has seen them lately or something about them is new.
fn strangers<'a>(caller: &Caller, arrivals: impl Iterator<Item = &'a Arrival<'a>>) -> Outcome<BTreeSet<Uuid>> {
    let (mut seen, sightings): (Vec<Option<Uuid>>, Vec<Sighting>) =
        arrivals.filter_map(|arrival| Some((Some(arrival.event_id), arrival.sighting()?))).unzip();
    for known in subjects::seen_lately(caller, &sightings)? {
        if let Some(event_id) = seen.get_mut(known) {
            *event_id = None;
        }
    }
    Ok(seen.into_iter().flatten().collect())
}

/// The events, each with the trace that it came in.
fn brought(events: &Value) -> Outcome<Vec<(&Value, Option<&str>)>> {
    let wrong = || {
        let expected =
            format!("a list of at most {MOST} objects, each with an object `event`, and maybe a `traceparent`");
        Problem::from(ErrorCode::InputInvalid).with("argument", "events").with("expected", expected)
    };
    let Some(items) = events.as_array().filter(|items| items.len() <= MOST) else { return fault(wrong()) };
    let mut brought = Vec::with_capacity(items.len());
    for item in items {
        match (item.get("event"), item.get("traceparent").and_then(Value::as_str)) {
            (Some(event), trace) if event.is_object() => brought.push((event, trace)),
            _ => return fault(wrong()),
        }
    }
    Ok(brought)
}

impl Arrival<'_> {
    /// Why nobody hears it, where it is so that nothing comes of it but its mirror.
    fn unheard(&self) -> Option<Silence> {
        if self.event.action.is_some() {
            return None;
        }
        let silence = listen::listener(self.contract, &self.event, &[], self.age()).err()?;
        // Whether somebody is admitted is a matter of roles, and whoever talks to the account itself is told.
        (silence != Silence::NotAdmitted && !(silence.is_told() && self.is_in_own_chat())).then_some(silence)
    }
}
