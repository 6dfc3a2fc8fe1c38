//! Things that die in the middle: workers, backends, the server. No run is lost, and no recorded step runs again.

mod backend;
mod maintenance;
mod worker;

use crate::harness::own_server::DATABASE;
use crate::harness::{Options, OwnServer};

/// A server whose maintenance worker makes a round every second. The setting comes after the database: a worker that
/// does not find its database tries again ten seconds later.
pub fn maintained_server() -> OwnServer {
    let server = OwnServer::start(&Options::default());
    server.configure(&format!("awooop.database = '{DATABASE}'\nawooop.maintenance_interval = 1"));
    server.restart();
    server
}
