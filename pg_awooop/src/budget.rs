//! Budgets that cannot be overshot.
//!
//! A limit's window has a counter, and the counter lanes, over which sessions spread: nobody waits for another's commit.
//! What a lane may reserve was granted to it before, so what all of them reserve together never exceeds the limit. A run
//! takes a chunk into its escrow once and is charged there, in its own row; what it does not use goes back.
//!
//! Locks are taken in one order: the run, its escrow, then either one lane of the project's first counter, or the
//! project's control row and after it all those lanes (`sight`). Who holds the lane may change that lane of every other
//! counter. An admission that finds its lane too small gives its locks back before it goes for the sight of everything.

mod adjust;
mod amounts;
mod calls;
mod charge;
mod check;
mod chunk;
mod contract;
mod detach;
mod escrow;
mod expire;
mod guard;
mod lanes;
mod ledger;
mod limits;
mod metrics;
mod openings;
mod platform;
mod prices;
mod reserve;
mod settle;
mod sight;
mod status;
mod switches;
mod terms;
mod tools;

pub(crate) use adjust::adjust;
pub(crate) use charge::{charge_step, used_by_step};
pub(crate) use check::check;
pub(crate) use chunk::admit;
pub(crate) use contract::{of_agent, of_policy};
pub(crate) use escrow::{OfRun, can_close, close_run, park_run};
pub(crate) use expire::{expire_due, forget_closed};
pub(crate) use ledger::list as list_ledger;
pub(crate) use limits::{set as set_limit, set_time_zone};
pub(crate) use metrics::metrics;
pub(crate) use platform::maintain as maintain_platform;
pub(crate) use prices::{list as list_prices, set as set_price};
pub(crate) use reserve::reserve;
pub(crate) use settle::{release, settle};
pub(crate) use status::status;
pub(crate) use switches::{Switch, set as set_switch, standing};
pub(crate) use tools::{
    Place, ended as ended_for_tool, lacks as lacks_for_tool, release as release_tool, reserve as reserve_tool,
    settle as settle_tool,
};
