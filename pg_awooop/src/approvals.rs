//! Approvals: of one call with its arguments, in one run.
//!
//! A worker asks (`request`); its run gives up its lease and waits. People decide (`decide`), each vouched for by the
//! platform's key, so that rows which were slipped in count for nothing. What comes of it is a token (`token`), made whenever
//! somebody who may have it asks, from what is stored; using it is one insert, in the transaction that records the intent.
//!
//! Locks are taken in the order of the run engine: the queue's row, the run's row, the lease's row, then the request's.

mod call;
mod decide;
mod expire;
mod guard;
mod metrics;
mod question;
mod request;
mod row;
mod show;
mod token;

pub(crate) use call::ensure_none_needed;
pub(crate) use decide::{issue, reject};
pub(crate) use expire::{expire_due, expire_of_run};
pub(crate) use metrics::metrics;
pub(crate) use question::{Question, question};
pub(crate) use request::{ask_about, crowd, request};
pub(crate) use row::{Request, requester_may_approve};
pub(crate) use show::{list, status};
pub(crate) use token::{Standing, check_token, shown, standing, use_token, was_used};
