//! Things that die in the middle: workers, backends, the server. No run is lost, and no recorded step runs again.

mod backend;
mod maintenance;
mod worker;
