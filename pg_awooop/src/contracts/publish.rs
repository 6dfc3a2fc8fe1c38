//! Publication: a draft becomes a revision that never changes, signed by the platform.

use awooop_contracts::canonical;
use awooop_contracts::revision::Purpose;
use awooop_policy::argument::Arguments;
use awooop_policy::contract::lifecycle::RevisionState;

use super::check;
use super::revision::{self, Row, broken};
use super::signatures::{self, Vouched};
use crate::audit;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::Outcome;
use crate::statement::{pg_uuid, statements};

statements! {
    // The contract's row is locked: numbers have neither gaps nor twins.
    PUBLISH: writing [TEXTOID, UUIDOID, TEXTOID, BYTEAOID, TEXTOID, TEXTOID] =
        "update awooop.contract_revisions r
         set number = 1 + coalesce((select max(o.number) from awooop.contract_revisions o
                                    where o.project_id = $1 and o.kind = r.kind and o.name = r.name), 0),
             document = $3, draft = null, digest = $4, published_by = $5, published_at = $6::timestamptz
         where r.project_id = $1 and r.revision_id = $2";
}

/// Operation `publish_contract`.
pub(crate) fn publish(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let revision_id = arguments.uuid("revision_id");
    let row = revision::locked(caller, revision_id)?;
    row.ensure_seen(arguments.optional_text("digest"))?;
    row.ensure_state(&[RevisionState::Draft, RevisionState::Published, RevisionState::Active])?;
    if row.state == RevisionState::Draft {
        publish_draft(caller, &row)?
    } else {
        sign_anew(caller, &row)?
    }
    Ok(Answer::ok(revision::show(caller, revision_id)?))
}

fn publish_draft(caller: &Caller, row: &Row) -> Outcome<()> {
    let document = row.document()?;
    check::publishable(caller, row.kind, &document)?;
    let now = signatures::now();
    PUBLISH.with(|s| {
        s.run(&[
            caller.project_id.as_str().into(),
            pg_uuid(row.revision_id).into(),
            canonical::canonical_json(&document)?.into(),
            canonical::digest(&document)?.as_slice().into(),
            caller.principal_id.as_str().into(),
            now.as_str().into(),
        ])
    })?;
    let published = revision::locked(caller, row.revision_id)?;
    signatures::append(caller, &published.signed(&caller.project_id)?, Purpose::Publish, now)?;
    audit::done(caller, "contract_published", published.entry())
}

/// The same bytes, and their activation, under the current key, where the key that signed them has been rotated out. What no key vouches for is
/// not signed again: nobody knows whether it is what was published.
fn sign_anew(caller: &Caller, row: &Row) -> Outcome<()> {
    let revision = row.signed(&caller.project_id)?;
    if !row.digest_matches(&revision.document)? {
        return Err(broken("bad"));
    }
    let signatures = signatures::of(&revision)?;
    let activation = (row.state == RevisionState::Active).then(|| (Purpose::Activate, signatures.activation()));
    for (purpose, vouched) in [(Purpose::Publish, signatures.publication())].into_iter().chain(activation) {
        if let Some(reason) = vouched.untrue() {
            return Err(broken(reason));
        }
        if vouched == Vouched::Retired {
            signatures::append(caller, &revision, purpose, signatures::now())?;
            audit::done(caller, "contract_signed_anew", row.entry().with("purpose", purpose.as_str()))?;
        }
    }
    Ok(())
}
