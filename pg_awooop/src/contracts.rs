//! Contracts: drafted, published, signed, activated; and what the platform acts by.
//!
//! A published revision is a row that never changes, with the platform's signature (HMAC-SHA-256 with a key that is in no
//! table). What is active is loaded by [`active`], which believes no row that the keyring does not vouch for: whoever
//! edits rows, with whatever rights, can stop a contract and not make one. Every write about a contract locks its row in
//! awooop.contracts first, so activations of one contract come one after the other.

mod activate;
pub(crate) mod active;
mod check;
mod draft;
pub(crate) mod effects;
mod file;
mod guard;
mod publish;
mod revision;
mod show;
mod sign;
mod signatures;
mod verify;

pub(crate) use activate::{activate, revoke};
pub(crate) use check::{is_own_namespace, validate};
pub(crate) use draft::{discard, draft, edit};
pub(crate) use file::{export, import};
pub(crate) use publish::publish;
pub(crate) use show::{active as show_active, diff, get, history, list};
pub(crate) use sign::sign;
pub(crate) use signatures::{credential as credential_of, credential_lives, hold_signers, now};
pub(crate) use verify::verify;

/// Members of a revision's JSON; `r` is awooop.contract_revisions.
macro_rules! revision_members {
    () => {
        concat!(
            "'revision_id', r.revision_id, 'kind', r.kind, 'name', r.name, 'number', r.number, 'state', r.state,
             'digest', 'sha256:' || encode(r.digest, 'hex'), 'authors', r.authors, 'created_at', ",
            crate::statement::rfc3339!("r.created_at"),
            ", 'edited_at', ",
            crate::statement::rfc3339!("r.edited_at"),
            ", 'published_by', r.published_by, 'published_at', ",
            crate::statement::rfc3339!("r.published_at"),
            ", 'activated_by', r.activated_by, 'activated_at', ",
            crate::statement::rfc3339!("r.activated_at"),
            ", 'superseded_at', ",
            crate::statement::rfc3339!("r.superseded_at"),
            ", 'revoked_by', r.revoked_by, 'revoked_at', ",
            crate::statement::rfc3339!("r.revoked_at"),
            ", 'revoke_reason', r.revoke_reason"
        )
    };
}
/// A revision's JSON without its document.
macro_rules! revision_json {
    () => {
        concat!("json_build_object(", crate::contracts::revision_members!(), ")::text")
    };
}
pub(crate) use {revision_json, revision_members};
