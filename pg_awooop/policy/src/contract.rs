//! What may become of a contract: the life of its revisions ([`lifecycle`]), whose signatures count ([`quorum`]), and
//! whether an exported one is what the platform published ([`verification`]).

pub mod lifecycle;
pub mod quorum;
pub mod verification;
