//! The MCP gateway's side in the database: which servers and tools there are, who may call them, and every call.
//!
//! `servers`, `registry` and `grants` are what administrators say; contracts say the rest. A call is judged in one place:
//! `stored` finds out where it stands, `snapshot` collects the facts, `awooop_policy::gates` decides for `begin`, and
//! `open` takes what the call needs, all of it or nothing.
//! `finish` redacts and bounds what came of it, `relay` what a server says meanwhile, `questions` what it asks. `explain` shows the same judgement without any effect.
//!
//! Locks are taken in the order of the run engine; then the rates, in the order of their keys, then budgets.

mod answer;
mod arguments;
mod begin;
mod call;
mod explain;
mod feature;
mod finish;
mod grants;
mod guard;
mod hosts;
mod listing;
mod offer;
mod open;
mod questions;
mod rate;
mod registry;
mod relay;
mod result;
mod scene;
mod servers;
mod snapshot;
mod state;
mod stored;
mod visible;
mod volatile;

pub(crate) use begin::begin;
pub(crate) use explain::explain;
pub(crate) use finish::{finish, suspend};
pub(crate) use grants::{grant, list as list_grants, revoke as revoke_grant};
pub(crate) use hosts::is_private_host_allowed;
pub(crate) use listing::list as list_calls;
pub(crate) use rate::has_room;
pub(crate) use registry::{import, list as list_registry, switch as switch_tool};
pub(crate) use relay::relay;
pub(crate) use servers::{list as list_servers, register as register_server, switch as switch_server, upstream};
pub(crate) use visible::list as list_tools;
