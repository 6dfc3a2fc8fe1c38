//! Attacks, each run as the role the attacker would have.

mod context;
