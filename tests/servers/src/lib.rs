//! Servers for tests, benchmarks and the demo to put the gateway in front of: MCP servers, and what channels are spoken to. They
//! are real: another process, another port, MCP as the official library speaks it. What they serve is decided in one module each; how they listen
//! and when they end is the same for all of them ([`serve`]).
//!
//! | program | module | what for |
//! |---|---|---|
//! | `bot-api-server` | [`bot_api`] | what Telegram's Bot API is documented to do, and trouble on demand |
//! | `clerk-agent` | [`clerk`] | an agent behind HTTP that works with the shop's tools, in its run |
//! | `conformance-server` | [`conformance`] | everything the public conformance suite asks of a server, and trouble on demand |
//! | `echo-server` | [`echo`] | one tool that answers at once: what is left of a call's time is the gateway's |
//! | `ewoooc-server` | [`ewoooc`] | the example tenant's shop: four tools over a database of realistic size |
//! | `header-proxy` | [`proxy`] | adds a key to the requests of a client that cannot be given one |

pub mod bot_api;
pub mod clerk;
pub mod conformance;
pub mod echo;
pub mod ewoooc;
pub mod header_value;
pub mod proxy;
pub mod serve;
mod speak;
