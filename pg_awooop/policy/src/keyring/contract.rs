//! Contract keys: HMAC-SHA-256 (RFC 2104) of a text, made by the current key and checked with any of them.
//!
//! A signature names its key by the installation's name and the key's id, `awooop.example.org/contract-1`: exported
//! contracts leave the installation, and a key of the same id elsewhere must not be taken for it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Keyring, Material, State, Use};

/// The current contract key, about to sign. It has no Debug, Display or Serialize.
pub struct ContractSigner<'a> {
    /// Its id in the keyring.
    pub id: &'a str,
    name: &'a str,
    secret: &'a [u8; 32],
}

impl ContractSigner<'_> {
    /// What a signature names the key by.
    pub fn key_id(&self) -> String {
        format!("{}/{}", self.name, self.id)
    }

    /// The message's HMAC-SHA-256.
    pub fn sign(&self, message: &[u8]) -> [u8; 32] {
        keyed(self.secret).chain_update(message).finalize().into_bytes().into()
    }
}

/// What a keyring says of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MacVerdict {
    /// The key made it; whether a key in this state is good enough is for the caller to say.
    Good(State),
    /// The key did not make it.
    Bad,
    /// The keyring has no contract key of that id.
    UnknownKey,
}

impl Keyring {
    /// The key that signs contracts, if there is one.
    pub fn contract_signer(&self) -> Option<ContractSigner<'_>> {
        let key = self.current(Use::Contract)?;
        let Material::Symmetric(secret) = &key.material else { return None };
        Some(ContractSigner { id: &key.id, name: &self.name, secret })
    }

    /// Whether the contract key that a signature names made `mac` of `message`. Takes as long for a good one as for a bad
    /// one of the same length.
    pub fn check_contract(&self, key_id: &str, message: &[u8], mac: &[u8]) -> MacVerdict {
        let id = key_id.rsplit_once('/').filter(|(name, _)| *name == self.name).map(|(_, id)| id);
        let key = self.keys.iter().find(|key| Some(key.id.as_str()) == id && key.usage == Use::Contract);
        let Some((state, Material::Symmetric(secret))) = key.map(|key| (key.state, &key.material)) else {
            return MacVerdict::UnknownKey;
        };
        match keyed(secret).chain_update(message).verify_slice(mac) {
            Ok(()) => MacVerdict::Good(state),
            Err(_) => MacVerdict::Bad,
        }
    }
}

pub(super) fn keyed(secret: &[u8; 32]) -> Hmac<Sha256> {
    // HMAC fills a short key up to the hash's block with zeros; a key of that length cannot be refused.
    let mut block = [0; 64];
    block[..32].copy_from_slice(secret);
    Hmac::new(&block.into())
}
