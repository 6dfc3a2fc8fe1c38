//! What makes the audit log provable: the exact document of a row, the Merkle tree over them, signed checkpoints, and the
//! verifier that needs no database.
//!
//! A row's leaf is SHA-256(0x00 || document) and a node SHA-256(0x01 || left || right), as in RFC 6962; a checkpoint is
//! a signed note in the format of C2SP tlog-checkpoint. Whoever holds a checkpoint outside the database can tell
//! whether anything below it has changed since. Everything here is a pure function: the extension seals and verifies
//! with it, and so does the gateway's offline verifier, from an exported log.

pub mod checkpoint;
pub mod detachment;
pub mod document;
pub mod export;
pub mod finding;
pub mod history;
pub mod proof;
pub mod tree;
pub mod verifier;

/// A SHA-256 in the tree: a leaf's or a node's.
pub type Hash = [u8; 32];

/// A hash in lower-case hexadecimal.
pub fn hex(hash: &Hash) -> String {
    ::hex::encode(hash)
}

/// The hash of that hexadecimal text.
pub fn unhex(text: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    ::hex::decode_to_slice(text, &mut hash).ok().map(|()| hash)
}

/// The hash in these bytes, if they are as many as a hash has.
pub fn of_bytes(bytes: &[u8]) -> Option<Hash> {
    bytes.try_into().ok()
}
