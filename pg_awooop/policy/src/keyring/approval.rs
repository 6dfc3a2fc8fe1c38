//! Approval keys: they sign tokens (`approval::jws`), key the digests of arguments, and vouch for who decided what.
//!
//! What a key makes begins with what it is, and a token with neither, so that none is taken for another.

use hmac::Mac;

use super::contract::keyed;
use super::{Keyring, MacVerdict, Material, State, Use};
use crate::approval::Binding;
use crate::approval::jws::Found;

/// Before the place and the canonical arguments of a call.
const ARGUMENTS: &[u8] = b"awooop arguments\n";

/// What the platform vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vouched {
    /// What was asked, and of whom.
    Request,
    /// What somebody decided about it.
    Decision,
    /// That enough have agreed.
    Grant,
    /// Which call of a tool goes on, and with what its server wants to have back.
    CallState,
    /// The secret with which events of a channel are signed. It is no statement but a secret itself.
    ChannelSecret,
}

impl Vouched {
    /// Before the statement.
    const fn prefix(self) -> &'static [u8] {
        match self {
            Self::Request => b"awooop request\n",
            Self::Decision => b"awooop decision\n",
            Self::Grant => b"awooop grant\n",
            Self::CallState => b"awooop call state\n",
            Self::ChannelSecret => b"awooop channel secret\n",
        }
    }
}

/// The current approval key. It has no Debug, Display or Serialize.
pub struct ApprovalSigner<'a> {
    /// Its id in the keyring.
    pub id: &'a str,
    secret: &'a [u8; 32],
}

impl ApprovalSigner<'_> {
    /// What tokens are signed with.
    pub(crate) fn secret(&self) -> &[u8] {
        self.secret
    }

    /// The keyed digest of a call's canonical arguments: who has no key cannot guess short arguments from it, nor, because
    /// project, run and tool are in it, compare it with that of another call.
    pub fn digest(&self, call: &Binding) -> [u8; 32] {
        digest(self.secret, call)
    }

    /// Vouches for a statement.
    pub fn vouch(&self, what: Vouched, statement: &str) -> [u8; 32] {
        keyed(self.secret).chain_update(what.prefix()).chain_update(statement).finalize().into_bytes().into()
    }
}

fn digest(secret: &[u8; 32], call: &Binding) -> [u8; 32] {
    // Of what comes before the arguments, nothing has a line's end in it.
    let place = format!("{}\n{}\n{}\n", call.project, call.run, call.tool);
    keyed(secret)
        .chain_update(ARGUMENTS)
        .chain_update(place)
        .chain_update(call.arguments)
        .finalize()
        .into_bytes()
        .into()
}

impl Keyring {
    /// The key that signs approval tokens, if there is one.
    pub fn approval_signer(&self) -> Option<ApprovalSigner<'_>> {
        let key = self.current(Use::Approval)?;
        let Material::Symmetric(secret) = &key.material else { return None };
        Some(ApprovalSigner { id: &key.id, secret })
    }

    fn approval(&self, id: &str) -> Option<(State, &[u8; 32])> {
        let key = self.keys.iter().find(|key| key.id == id && key.usage == Use::Approval)?;
        let Material::Symmetric(secret) = &key.material else { return None };
        Some((key.state, secret))
    }

    /// The key of a token. One on standby has signed nothing yet.
    pub fn approval_key(&self, id: &str) -> Found<'_> {
        match self.approval(id) {
            Some((State::Current, secret)) => Found::Key(secret),
            Some((State::Retired, _)) => Found::Retired,
            Some((State::Standby, _)) | None => Found::Unknown,
        }
    }

    /// The keyed digest of a call's arguments by the key of that id, whatever its state.
    pub fn argument_digest(&self, id: &str, call: &Binding) -> Option<[u8; 32]> {
        self.approval(id).map(|(_, secret)| digest(secret, call))
    }

    /// What the key of that id makes of a statement, whatever its state.
    pub fn vouched(&self, id: &str, what: Vouched, statement: &str) -> Option<[u8; 32]> {
        self.approval(id).map(|(_, secret)| ApprovalSigner { id, secret }.vouch(what, statement))
    }

    /// Whether the key of that id vouched for a statement.
    pub fn check_vouched(&self, id: &str, what: Vouched, statement: &str, mac: &[u8]) -> MacVerdict {
        let Some((state, secret)) = self.approval(id) else { return MacVerdict::UnknownKey };
        match keyed(secret).chain_update(what.prefix()).chain_update(statement).verify_slice(mac) {
            Ok(()) => MacVerdict::Good(state),
            Err(_) => MacVerdict::Bad,
        }
    }
}
