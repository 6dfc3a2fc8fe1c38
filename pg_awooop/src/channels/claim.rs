//! Claiming messages: of each chat the first, in its turn at the pace of the channel and of the chat.
//!
//! The channel's row is held while turns are given out, so two senders never count one turn twice; who finds it held goes on to the
//! next channel. Turns are given out up to a second ahead, so that a sender who asks now and then keeps the pace all the same.

use awooop_contracts::model::channel::{ChannelContract, Outbound};
use awooop_policy::argument::Arguments;
use awooop_policy::channel::outbox::MessageKind;
use awooop_policy::credential::LeaseSecret;
use awooop_policy::mode::MigrationMode;
use awooop_policy::scope::Scope;
use awooop_policy::share;
use pgrx::prelude::*;
use pgrx::spi::SpiTupleTable;
use serde_json::{Value, json};
use uuid::Uuid;

use super::mark::{self, Ended};
use super::terms;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, or_raise};
use crate::mcp;
use crate::rounds::Claiming;
use crate::statement::{column, microseconds, optional_uuid_column, pg_uuid, rfc3339, statements, uuid_column};

/// How far ahead turns are given out, in microseconds.
const AHEAD: i64 = 1_000_000;

statements! {
    WAITING: reading [TEXTOID] =
        "select c.channel from awooop.outbound_channel c
         where c.project_id = $1 and c.paused_until <= clock_timestamp()
           and exists (select from awooop.outbound_chat w
                       where w.project_id = $1 and w.channel = c.channel and w.queued > 0 and w.ready_at <= clock_timestamp()
                         and (w.leased_until is null or w.leased_until <= clock_timestamp()))
         order by c.turn_at";
    HOLD_CHANNEL: writing [TEXTOID, TEXTOID] = concat!(
        "select ", microseconds!("turn_at"), " from awooop.outbound_channel
         where project_id = $1 and channel = $2 and paused_until <= clock_timestamp()
         for no key update skip locked");
    // SKIP LOCKED must see the rows it locks and no more, hence MATERIALIZED.
    PICK: writing [TEXTOID, TEXTOID, INT8OID] = concat!(
        "with waiting as materialized (
             select w.channel_chat_id, w.turn_at, w.epoch from awooop.outbound_chat w
             where w.project_id = $1 and w.channel = $2 and w.queued > 0 and w.ready_at <= clock_timestamp()
               and (w.leased_until is null or w.leased_until <= clock_timestamp())
             order by w.ready_at limit $3 for no key update skip locked
         )
         select w.channel_chat_id, ", microseconds!("w.turn_at"), ", w.epoch + 1, m.message_id,
                m.expires_at <= clock_timestamp(), m.kind, m.attempts, m.parts_sent, m.body::text, m.seq,
                m.thread_id, m.trace_id, coalesce(t.provider_message_ids, '{}'), m.run_id, m.agent_id,
                m.platform_subject_id
         from waiting w
         cross join lateral (select q.* from awooop.outbound_message q
                             where q.project_id = $1 and q.channel = $2 and q.channel_chat_id = w.channel_chat_id
                               and q.state = 'queued'
                             order by q.seq limit 1) m
         left join awooop.outbound_message t on t.project_id = $1 and t.message_id = m.target_id");
    LEASE: writing [TEXTOID, TEXTOID, TEXTARRAYOID, BYTEAARRAYOID, INT8ARRAYOID, UUIDARRAYOID, INT8OID] = concat!(
        "with wanted as (
             select * from unnest($3, $4, $5, $6) as w (chat, digest, turn, message_id)
         ), told as (
             update awooop.outbound_message m set attempts = m.attempts + 1
             from wanted w where m.project_id = $1 and m.message_id = w.message_id
         )
         update awooop.outbound_chat c
         set epoch = c.epoch + 1, lease_digest = w.digest, leased_until = clock_timestamp() + $7 * interval '1 second',
             turn_at = timestamptz '2000-01-01 00:00:00+00' + w.turn * interval '1 microsecond'
         from wanted w
         where c.project_id = $1 and c.channel = $2 and c.channel_chat_id = w.chat
         returning w.message_id, ", rfc3339!("c.leased_until"));
    NOT_YET: writing [TEXTOID, TEXTOID, TEXTOID, INT8OID] =
        "update awooop.outbound_chat
         set ready_at = timestamptz '2000-01-01 00:00:00+00' + $4 * interval '1 microsecond'
         where project_id = $1 and channel = $2 and channel_chat_id = $3";
    TURN: writing [TEXTOID, TEXTOID, INT8OID] =
        "update awooop.outbound_channel
         set turn_at = timestamptz '2000-01-01 00:00:00+00' + $3 * interval '1 microsecond'
         where project_id = $1 and channel = $2";
    NEXT_PROJECT: reading [TEXTOID] = "select awooop.next_sending_project($1)";
}

/// The first message of a chat that waits.
struct Head {
    chat: String,
    /// When the chat's next message has its turn.
    turn: i64,
    epoch: i32,
    message_id: Uuid,
    is_expired: bool,
    kind: String,
    attempts: i32,
    parts_sent: i32,
    body: String,
    seq: i64,
    thread_id: Option<String>,
    trace_id: Option<String>,
    target: Vec<String>,
    run_id: Option<Uuid>,
    agent_id: Option<String>,
    platform_subject_id: Option<String>,
}

impl Head {
    fn read(row: &SpiTupleTable) -> Result<Head, pgrx::spi::Error> {
        Ok(Head {
            chat: column(row, 1)?,
            turn: column(row, 2)?,
            epoch: column(row, 3)?,
            message_id: uuid_column(row, 4)?,
            is_expired: column(row, 5)?,
            kind: column(row, 6)?,
            attempts: column(row, 7)?,
            parts_sent: column(row, 8)?,
            body: column(row, 9)?,
            seq: column(row, 10)?,
            thread_id: row.get(11)?,
            trace_id: row.get(12)?,
            target: column(row, 13)?,
            run_id: optional_uuid_column(row, 14)?,
            agent_id: row.get(15)?,
            platform_subject_id: row.get(16)?,
        })
    }

    /// How it ends without being sent, where it does: its time is over, or what it would change was never said.
    fn ends(&self) -> Option<Ended> {
        if self.is_expired {
            return Some(Ended::Expired);
        }
        (self.kind == MessageKind::Delete.as_str() && self.target.is_empty()).then_some(Ended::NothingToDo)
    }
}

/// Operation `claim_messages`, in the bound project.
pub(crate) fn claim(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    Ok(answer(&claim_in_project(caller, arguments)?))
}

fn answer(messages: &[Value]) -> Answer {
    Answer::ok(json!({"messages": messages}).to_string())
}

fn claim_in_project(caller: &Caller, arguments: &Arguments) -> Outcome<Vec<Value>> {
    // Back in shadow, what was queued before is not sent either; it waits, and expires.
    if caller.project.mode <= MigrationMode::Shadow {
        return Ok(Vec::new());
    }
    let most = share::of(arguments, &caller.project_id, arguments.integer("max_messages"));
    let most = usize::try_from(most).unwrap_or_default();
    if most == 0 {
        return Ok(Vec::new());
    }
    let channels = WAITING.with(|s| s.rows(&[caller.project_id.as_str().into()], |row| column::<String>(row, 1)))?;
    let mut claimed = Vec::new();
    for name in channels {
        if claimed.len() >= most {
            break;
        }
        // A channel that has no contract any more keeps what it has until that expires.
        let Some(channel) = terms::active_channel(&caller.project_id, &name)? else { continue };
        let contract = channel.contract()?;
        let Some(outbound) = &contract.outbound else { continue };
        claim_of_channel(caller, contract, outbound, most - claimed.len(), arguments, &mut claimed)?;
    }
    Ok(claimed)
}

fn claim_of_channel(
    caller: &Caller,
    contract: &ChannelContract,
    outbound: &Outbound,
    most: usize,
    arguments: &Arguments,
    claimed: &mut Vec<Value>,
) -> Outcome<()> {
    let (project_id, name) = (caller.project_id.as_str(), contract.name.as_str());
    let key = [project_id.into(), name.into()];
    let Some(mut turn) = HOLD_CHANNEL.with(|s| s.row(&key, |row| column::<i64>(row, 1)))? else { return Ok(()) };
    // SAFETY: reads the clock.
    let now = unsafe { pg_sys::GetCurrentTimestamp() };
    let of_channel = terms::pace_of_channel(outbound);
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let heads = PICK.with(|s| s.rows(&[project_id.into(), name.into(), most.into()], Head::read))?;
    let mut leased = Vec::new();
    for head in heads {
        if let Some(ended) = head.ends() {
            mark::end_unsent(caller, name, &head.chat, head.message_id, ended, head.entry())?;
            continue;
        }
        let of_chat = terms::pace_of_chat(contract.channel_type.as_str(), outbound, &head.chat);
        let (chats_turn, next_of_chat) = of_chat.next(head.turn, now);
        let (channels_turn, next_of_channel) = of_channel.next(turn, now);
        if chats_turn > now + AHEAD {
            NOT_YET.with(|s| s.run(&[project_id.into(), name.into(), head.chat.as_str().into(), chats_turn.into()]))?;
            continue;
        }
        if channels_turn > now + AHEAD {
            break;
        }
        turn = next_of_channel;
        leased.push((head, chats_turn.max(channels_turn), next_of_chat, LeaseSecret::new()?));
    }
    if leased.is_empty() {
        return Ok(());
    }
    TURN.with(|s| s.run(&[project_id.into(), name.into(), turn.into()]))?;
    let parameters = [
        project_id.into(),
        name.into(),
        leased.iter().map(|(head, ..)| head.chat.clone()).collect::<Vec<_>>().into(),
        leased.iter().map(|(.., secret)| secret.digest().as_bytes().to_vec()).collect::<Vec<_>>().into(),
        leased.iter().map(|(_, _, next, _)| *next).collect::<Vec<_>>().into(),
        leased.iter().map(|(head, ..)| pg_uuid(head.message_id)).collect::<Vec<_>>().into(),
        arguments.integer("lease_seconds").into(),
    ];
    let until = LEASE.with(|s| s.rows(&parameters, |row| Ok((uuid_column(row, 1)?, column::<String>(row, 2)?))))?;
    for (head, leaves, _, secret) in leased {
        let until = until.iter().find(|(message_id, _)| *message_id == head.message_id);
        let Some((_, until)) = until else { continue };
        claimed.push(head.to_json(caller, contract, outbound, secret, (leaves - now) / 1000, until)?);
    }
    Ok(())
}

impl Head {
    fn entry(&self) -> crate::audit::Entry<'_> {
        crate::audit::Entry {
            trace_id: self.trace_id.as_deref(),
            agent_id: self.agent_id.as_deref(),
            platform_subject_id: self.platform_subject_id.as_deref(),
            run_id: self.run_id,
            ..Default::default()
        }
    }

    fn to_json(
        &self,
        caller: &Caller,
        contract: &ChannelContract,
        outbound: &Outbound,
        secret: LeaseSecret,
        send_after_ms: i64,
        until: &str,
    ) -> Outcome<Value> {
        let body: Value = serde_json::from_str(&self.body)?;
        // What should be changed was not said: it is said now.
        let is_unsaid = self.kind == MessageKind::Edit.as_str() && self.target.is_empty();
        let kind = if is_unsaid { MessageKind::Send.as_str() } else { self.kind.as_str() };
        let address = outbound.address.as_ref().map(|address| address.as_str());
        let private_host_allowed = address.map_or(Ok(false), mcp::is_private_host_allowed)?;
        Ok(json!({
            "message_id": self.message_id, "project_id": caller.project_id,
            "lease": secret.into_message_lease(&caller.project_id, self.message_id, self.epoch),
            "lease_expires_at": until, "send_after_ms": send_after_ms.max(0), "channel": contract.name.as_str(),
            "channel_type": contract.channel_type.as_str(), "channel_chat_id": self.chat, "thread_id": self.thread_id,
            "seq": self.seq, "kind": kind, "parts": body["parts"], "buttons": body["buttons"],
            "reply_to": body["reply_to"], "parts_sent": self.parts_sent, "attempt": self.attempts + 1,
            "target": self.target, "identity": outbound.identity.as_str(), "credential": outbound.credential.as_str(),
            "trace_id": self.trace_id, "address": address, "private_host_allowed": private_host_allowed
        }))
    }
}

/// `claim_messages` of the platform's sender, which belongs to no project.
pub(crate) fn across_projects(arguments: &Arguments) -> Outcome<Answer> {
    // A worker of the same name goes a round of its own.
    let sender = format!("sender:{}", arguments.text("sender_id"));
    Ok(answer(&claiming(arguments).across_projects(&sender, &NEXT_PROJECT)?))
}

/// The same in a transaction that is bound already.
pub(crate) fn in_bound_project(project_id: &str, arguments: &Arguments) -> Outcome<Answer> {
    Ok(answer(&claiming(arguments).in_bound_project(project_id)?))
}

fn claiming(arguments: &Arguments) -> Claiming<impl Fn(&Caller) -> Outcome<Vec<Value>>> {
    Claiming {
        operation: "claim_messages",
        scope: Scope::MessagesSend,
        claim: |caller: &Caller| claim_in_project(caller, arguments),
    }
}

/// The first project after `after`, by id, that has a message which may be sent. Belongs to awooop_scheduler.
#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn next_sending_project(after: &str) -> Option<String> {
    thread_local! {
        static NEXT: crate::statement::Statement = const {
            crate::statement::Statement::reading(
                "select c.project_id from awooop.outbound_chat c
                 where c.project_id > $1 and c.queued > 0 and c.ready_at <= clock_timestamp()
                   and (c.leased_until is null or c.leased_until <= clock_timestamp())
                 order by c.project_id limit 1",
                &[pgrx::pg_sys::TEXTOID],
            )
        };
    }
    or_raise(NEXT.with(|s| s.row(&[after.into()], |row| column::<String>(row, 1))))
}
