//! The work that the gateway does by itself, beside HTTP or alone: begun with it, and ended with it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::channels::sender::Sender;
use crate::drain::Stop;
use crate::gateway::Gateway;
use crate::start::StartError;
use crate::worker::Worker;

/// What is being done.
pub struct Work {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Work {
    /// Begins it. `address` is where a gateway listens, for agents that are told of no other.
    pub fn begin(gateway: &Arc<Gateway>, address: SocketAddr) -> Result<Work, StartError> {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::new(Sender::new(Arc::clone(gateway))?).run(stopped.clone()));
        tasks.spawn(Arc::new(Worker::new(Arc::clone(gateway), address)?).run(stopped));
        Ok(Work { stop, tasks })
    }

    /// Takes nothing new, and waits for what is under way, for as long as requests in flight get, or until a second signal comes.
    pub async fn end(mut self, gateway: &Gateway, stop: &mut Stop) {
        self.stop.send_replace(true);
        let is_done = tokio::select! {
            () = async { while self.tasks.join_next().await.is_some() {} } => true,
            () = sleep(Duration::from_secs(gateway.settings.drain_seconds)) => false,
            () = stop.wait() => false,
        };
        if is_done {
            info!("the work is done");
        } else {
            warn!("stopped in the middle of work, which goes on when its leases are over");
        }
        gateway.work.close().await;
    }
}
