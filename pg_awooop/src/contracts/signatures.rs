//! The signatures under a revision: made with the keyring's current key, checked with whichever made them.

use awooop_contracts::canonical::sha256;
use awooop_contracts::revision::{Purpose, Revision, Signature};
use awooop_policy::contract::quorum::{Approval, Quorum, Tally, tally};
use awooop_policy::error::ErrorCode;
use awooop_policy::keyring::{Keyring, MacVerdict, State};
use awooop_policy::scope::Scope;
use awooop_policy::transparency::document::rfc3339 as printed;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::caller::{Caller, Login};
use crate::fault::{Outcome, fault};
use crate::principals;
use crate::statement::{column, pg_uuid, rfc3339, statements};
use crate::{audit, keyring};

statements! {
    OF_REVISION: writing [TEXTOID, UUIDOID] = concat!(
        "select s.signature_id::text, s.purpose, s.principal_id, s.credential, ", rfc3339!("s.signed_at"), ", s.key_id,
                encode(s.mac, 'hex'), extract(epoch from clock_timestamp() - s.signed_at)::int8
         from awooop.contract_signatures s where s.project_id = $1 and s.revision_id = $2
         order by s.signed_at, s.signature_id");
    APPEND: writing [TEXTOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID] =
        "insert into awooop.contract_signatures
                (project_id, revision_id, signature_id, purpose, principal_id, credential, signed_at, key_id, mac)
         values ($1, $2, $3::uuid, $4, $5, $6, $7::timestamptz, $8, decode($9, 'hex'))";
    HOLD_POLICY: writing [TEXTOID] =
        "select true from awooop.contracts where project_id = $1 and kind = 'policy' and name = 'default' for share";
    HOLD_PRINCIPALS: writing [TEXTOID, TEXTARRAYOID] =
        "select true from awooop.principals where project_id = $1 and principal_id = any ($2)
         order by principal_id for share";
    HOLD_KEYS: writing [TEXTOID, TEXTARRAYOID] =
        "select true from awooop.api_keys where project_id = $1 and 'key:' || key_id = any ($2) order by key_id for share";
    HOLD_BINDINGS: writing [TEXTOID, TEXTARRAYOID] =
        "select true from awooop.role_bindings where project_id = $1 and 'role:' || role_name = any ($2)
         order by role_name for share";
    HOLD_ISSUERS: writing [TEXTOID, TEXTARRAYOID] =
        "select true from awooop.token_issuer where project_id = $1 and 'issuer:' || issuer = any ($2)
         order by issuer for share";
    HOLD_SUBJECTS: writing [TEXTOID, TEXTARRAYOID] =
        "select true from awooop.platform_subjects where project_id = $1 and 'subject:' || platform_subject_id = any ($2)
         order by platform_subject_id for share";
    // A credential that may still sign: an API key, the binding of a login, an issuer whose tokens may, or a person of a channel
    // who is still the same.
    LIVES: writing [TEXTOID, TEXTOID, TEXTOID, TEXTOID] =
        "select exists (select from awooop.api_keys k
                        where k.project_id = $1 and 'key:' || k.key_id = $2 and k.principal_id = $3
                          and k.revoked_at is null and $4 = any (k.scopes)
                          and coalesce(least(k.expires_at, k.retires_at) > clock_timestamp(), true))
             or exists (select from awooop.role_bindings b
                        where b.project_id = $1 and 'role:' || b.role_name = $2 and b.principal_id = $3
                          and $4 = any (b.scopes))
             or exists (select from awooop.token_issuer i
                        where i.project_id = $1 and 'issuer:' || i.issuer = $2
                          and starts_with($3, 'token:' || i.issuer || '#') and $4 = any (i.scopes)
                          and coalesce(i.expires_at > clock_timestamp(), true))
             or exists (select from awooop.platform_subjects s
                        where s.project_id = $1 and 'subject:' || s.platform_subject_id = $2 and $4 = 'approvals:decide'
                          and coalesce(s.principal_id, 'subject:' || s.channel_type || ':' || s.channel_user_id) = $3)";
}

/// The time, as it is signed and stored.
pub(crate) fn now() -> String {
    // SAFETY: reads the clock.
    printed(unsafe { pg_sys::GetCurrentTimestamp() } + audit::POSTGRES_EPOCH)
}

/// What the caller proved itself with.
pub(crate) fn credential(caller: &Caller) -> String {
    if let Some(subject) = &caller.subject {
        return format!("subject:{subject}");
    }
    match (&caller.key_id, &caller.issuer) {
        (Some(key_id), _) => format!("key:{key_id}"),
        (None, Some(issuer)) => format!("issuer:{issuer}"),
        (None, None) => format!("role:{}", Login::of_session().name()),
    }
}

/// Signs in the caller's name with the platform's current key, and keeps the signature. Returns its id.
pub(super) fn append(caller: &Caller, revision: &Revision, purpose: Purpose, signed_at: String) -> Outcome<String> {
    let Ok(keyring) = keyring::current() else { return fault(ErrorCode::ContractNoKey) };
    let Some(signer) = keyring.contract_signer() else { return fault(ErrorCode::ContractNoKey) };
    let mut signature = Signature {
        signature_id: Uuid::now_v7().to_string(),
        purpose,
        principal_id: caller.principal_id.clone(),
        credential: credential(caller),
        signed_at,
        key_id: signer.key_id(),
        mac: String::new(),
    };
    let mac = signer.sign(signature.statement(revision)?.as_bytes());
    signature.mac = hex::encode(mac);
    let revision_id = Uuid::try_parse(&revision.revision_id).unwrap_or_default();
    APPEND.with(|s| {
        s.run(&[
            caller.project_id.as_str().into(),
            pg_uuid(revision_id).into(),
            signature.signature_id.as_str().into(),
            signature.purpose.as_str().into(),
            signature.principal_id.as_str().into(),
            signature.credential.as_str().into(),
            signature.signed_at.as_str().into(),
            signature.key_id.as_str().into(),
            signature.mac.as_str().into(),
        ])
    })?;
    Ok(signature.signature_id)
}

/// A signature, and what the keyring says of it.
pub(super) struct Checked {
    pub(super) signature: Signature,
    pub(super) age_seconds: i64,
    pub(super) verdict: MacVerdict,
}

/// Every signature under a revision, oldest first.
pub(super) struct Signatures(pub(super) Vec<Checked>);

/// What the platform's own signatures say of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vouched {
    Good,
    /// Good, but every key that says so was rotated out.
    Retired,
    UnknownKey,
    Bad,
    Missing,
}

impl Vouched {
    /// The word for it in answers; that a key was rotated out is told with the signature.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Vouched::Good | Vouched::Retired => "good",
            Vouched::UnknownKey => "unknown_key",
            Vouched::Bad => "bad",
            Vouched::Missing => "missing",
        }
    }

    /// Why a revision with such a signature is not fit to be activated.
    pub(super) const fn unfit(self) -> Option<&'static str> {
        match self {
            Vouched::Good => None,
            Vouched::Retired => Some("retired_key"),
            other => other.untrue(),
        }
    }

    /// Why the revision is not to be believed.
    pub(super) const fn untrue(self) -> Option<&'static str> {
        match self {
            Vouched::Good | Vouched::Retired => None,
            Vouched::UnknownKey => Some("unknown_key"),
            Vouched::Bad => Some("bad"),
            Vouched::Missing => Some("missing"),
        }
    }
}

/// Reads and checks the signatures of a revision.
pub(super) fn of(revision: &Revision) -> Outcome<Signatures> {
    let revision_id = Uuid::try_parse(&revision.revision_id).unwrap_or_default();
    let stored = OF_REVISION.with(|s| {
        s.rows(&[revision.project_id.as_str().into(), pg_uuid(revision_id).into()], |row| {
            let signature = Signature {
                signature_id: column(row, 1)?,
                purpose: Purpose::parse(&column::<String>(row, 2)?).unwrap_or(Purpose::Approve),
                principal_id: column(row, 3)?,
                credential: column(row, 4)?,
                signed_at: column(row, 5)?,
                key_id: column(row, 6)?,
                mac: column(row, 7)?,
            };
            Ok((signature, column::<i64>(row, 8)?))
        })
    })?;
    let keyring = keyring::current();
    // Once for all signatures: a document may be long.
    let statement = revision.statement()?;
    let digest = sha256(statement.as_bytes());
    let mut checked = Vec::with_capacity(stored.len());
    for (signature, age_seconds) in stored {
        let verdict = match (&keyring, signature.purpose) {
            (Err(_), _) => MacVerdict::UnknownKey,
            (Ok(keyring), Purpose::Publish) => check(keyring, &signature, &statement),
            (Ok(keyring), _) => check(keyring, &signature, &signature.claim(revision, &digest).statement()?),
        };
        checked.push(Checked { signature, age_seconds, verdict });
    }
    Ok(Signatures(checked))
}

fn check(keyring: &Keyring, signature: &Signature, statement: &str) -> MacVerdict {
    // What is no hexadecimal is no signature.
    let mac = hex::decode(&signature.mac).unwrap_or_default();
    keyring.check_contract(&signature.key_id, statement.as_bytes(), &mac)
}

impl Signatures {
    /// What the signatures of publication say.
    pub(super) fn publication(&self) -> Vouched {
        self.vouched(Purpose::Publish)
    }

    /// What the signatures of activation say.
    pub(super) fn activation(&self) -> Vouched {
        self.vouched(Purpose::Activate)
    }

    fn vouched(&self, purpose: Purpose) -> Vouched {
        let verdicts =
            self.0.iter().filter(|checked| checked.signature.purpose == purpose).map(|checked| checked.verdict);
        let mut vouched = Vouched::Missing;
        for verdict in verdicts {
            vouched = match (vouched, verdict) {
                // Nothing bad is ever written here: where there is one, somebody changed the rows.
                (Vouched::Bad, _) | (_, MacVerdict::Bad) => Vouched::Bad,
                (Vouched::Good, _) => Vouched::Good,
                (_, MacVerdict::Good(State::Retired)) => Vouched::Retired,
                (_, MacVerdict::Good(_)) => Vouched::Good,
                (Vouched::Retired, MacVerdict::UnknownKey) => Vouched::Retired,
                (_, MacVerdict::UnknownKey) => Vouched::UnknownKey,
            };
        }
        vouched
    }

    /// The approvals.
    pub(super) fn approvals(&self) -> Vec<&Checked> {
        self.0.iter().filter(|checked| checked.signature.purpose == Purpose::Approve).collect()
    }

    /// Locks what decides whether the approvals count: the policy, the hands and their roles, the credentials.
    pub(super) fn hold(&self, caller: &Caller, revision: &Revision) -> Outcome<()> {
        let project_id = caller.project_id.as_str();
        let approvals = self.approvals();
        let signers = approvals.iter().map(|checked| &checked.signature.principal_id);
        let principals: Vec<String> = signers.chain(&revision.authors).cloned().collect();
        let credentials: Vec<String> = approvals.iter().map(|checked| checked.signature.credential.clone()).collect();
        HOLD_POLICY.with(|s| s.run(&[project_id.into()]))?;
        hold_signers(project_id, principals, credentials)
    }

    /// Counts the approvals towards a quorum.
    pub(super) fn tally(&self, caller: &Caller, revision: &Revision, quorum: &Quorum) -> Outcome<Tally> {
        let approvals = self.approvals();
        let signers: Vec<String> = approvals.iter().map(|checked| checked.signature.principal_id.clone()).collect();
        let standings = principals::standings(&caller.project_id, &signers)?;
        let mut counted = Vec::with_capacity(approvals.len());
        for (checked, standing) in approvals.iter().zip(standings) {
            counted.push(Approval {
                hand: standing.hand,
                roles: standing.roles,
                credential_lives: credential_lives(
                    &caller.project_id,
                    &checked.signature.credential,
                    &checked.signature.principal_id,
                    Scope::ContractsSign,
                )?,
                age_seconds: checked.age_seconds,
                mac: checked.verdict,
            });
        }
        let authors = principals::hands(&caller.project_id, &revision.authors)?;
        Ok(tally(quorum, &authors, &counted))
    }
}

/// Locks the hands, their roles and the credentials of those who signed or decided something.
pub(crate) fn hold_signers(project_id: &str, principals: Vec<String>, credentials: Vec<String>) -> Outcome<()> {
    HOLD_PRINCIPALS.with(|s| s.run(&[project_id.into(), principals.into()]))?;
    HOLD_KEYS.with(|s| s.run(&[project_id.into(), credentials.clone().into()]))?;
    HOLD_BINDINGS.with(|s| s.run(&[project_id.into(), credentials.clone().into()]))?;
    HOLD_ISSUERS.with(|s| s.run(&[project_id.into(), credentials.clone().into()]))?;
    if credentials.iter().any(|credential| credential.starts_with("subject:")) {
        HOLD_SUBJECTS.with(|s| s.run(&[project_id.into(), credentials.into()]))?;
    }
    Ok(())
}

/// Whether the credential with which somebody signed or decided something still allows it.
pub(crate) fn credential_lives(project_id: &str, credential: &str, principal_id: &str, scope: Scope) -> Outcome<bool> {
    // A superuser is bound to no project, and administers all of them.
    if let (Some(role), true) = (credential.strip_prefix("role:"), credential == principal_id) {
        return Ok(Login::named(role).is_some_and(Login::is_superuser));
    }
    // A login that is gone, or may not log in, or is an auditor now.
    if let Some(role) = credential.strip_prefix("role:")
        && !Login::named(role).is_some_and(Login::may_act)
    {
        return Ok(false);
    }
    let parameters = [project_id.into(), credential.into(), principal_id.into(), scope.as_str().into()];
    Ok(LIVES.with(|s| s.row(&parameters, |row| column::<bool>(row, 1)))?.unwrap_or_default())
}
