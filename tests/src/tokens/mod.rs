//! Access tokens of outside issuers as credentials: what a good one opens, and everything that is none.

mod credentials;
mod forgeries;
mod hands;
mod isolation;
mod keys;
mod limiter;
mod over_http;
mod registration;
mod stage;
