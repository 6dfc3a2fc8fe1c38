//! The list itself, by concern.

mod approvals;
mod audit;
mod budgets;
mod calls;
mod channels;
mod contracts;
mod conversations;
mod keys;
mod people;
mod principals;
mod redaction;
mod runs;
mod tools;

use super::Operation;
use crate::argument::{Argument, Kind};
use crate::name::{MAX_CHANNEL_ID, MAX_DISPLAY_NAME, MAX_ID, NameRule};

const ID: Kind = Kind::Text { rule: NameRule::Id, max: MAX_ID };
const CHANNEL_ID: Kind = Kind::Text { rule: NameRule::Line, max: MAX_CHANNEL_ID };
const NAME: Kind = Kind::Text { rule: NameRule::Line, max: MAX_DISPLAY_NAME };
/// `{project}:{channel type}:{channel user}`.
const SUBJECT: Kind = Kind::Text { rule: NameRule::Line, max: MAX_CHANNEL_ID + 2 * MAX_ID + 2 };
const CREDENTIAL: Kind = Kind::Text { rule: NameRule::Line, max: 256 };
const LIMIT: Kind = Kind::Integer { min: 1, max: 200 };
const DOCUMENT: Kind = Kind::Json { max_bytes: 512 * 1024 };

const CURSOR: Argument = Argument::optional("cursor", CREDENTIAL, "null", "`next_cursor` of the page before.");
const PAGE: Argument = Argument::optional("page_size", LIMIT, "50", "How many to return at most.");

const PARTS: &[&[Operation]] = &[
    people::OPERATIONS,
    runs::OPERATIONS,
    channels::OPERATIONS,
    conversations::OPERATIONS,
    budgets::OPERATIONS,
    contracts::OPERATIONS,
    approvals::OPERATIONS,
    tools::OPERATIONS,
    calls::OPERATIONS,
    principals::OPERATIONS,
    keys::OPERATIONS,
    audit::OPERATIONS,
    redaction::OPERATIONS,
];

/// Every operation, in the order of the documentation.
pub const OPERATIONS: &[Operation] = &joined::<{ length() }>();

const fn length() -> usize {
    let (mut length, mut part) = (0, 0);
    while part < PARTS.len() {
        length += PARTS[part].len();
        part += 1;
    }
    length
}

const fn joined<const N: usize>() -> [Operation; N] {
    let mut all = [PARTS[0][0]; N];
    let (mut n, mut part) = (0, 0);
    while part < PARTS.len() {
        let mut at = 0;
        while at < PARTS[part].len() {
            all[n] = PARTS[part][at];
            n += 1;
            at += 1;
        }
        part += 1;
    }
    all
}
