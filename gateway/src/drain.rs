//! The signals: when to stop, and when to read the operations again. Decides the order of the end: say not ready, take
//! no more connections, finish what is in flight, go.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tracing::{info, warn};

use crate::gateway::Gateway;
use crate::problem;

/// SIGTERM and SIGINT.
pub struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    /// From here on the signals no longer end the process by themselves.
    pub fn listen() -> io::Result<Stop> {
        Ok(Stop { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Until one of them comes.
    pub async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Until the gateway should take no more connections: a signal, and the time a load balancer needs to hear of it.
pub async fn begun(gateway: &Gateway, stop: &mut Stop) {
    stop.wait().await;
    gateway.begin_drain();
    let delay = gateway.settings.drain_delay_seconds;
    info!(in_flight = gateway.metrics.in_flight.get(), delay_seconds = delay, "draining");
    tokio::select! {
        () = sleep(Duration::from_secs(delay)) => {}
        () = stop.wait() => {}
    }
}

/// Lets what is in flight finish, until it has, the time is up, or a second signal comes.
pub async fn finish(gateway: &Gateway, stop: &mut Stop, connections: impl Future<Output = ()>) {
    let in_time = tokio::select! {
        () = connections => true,
        () = sleep(Duration::from_secs(gateway.settings.drain_seconds)) => false,
        () = stop.wait() => false,
    };
    if in_time {
        info!("drained");
    } else {
        warn!(in_flight = gateway.metrics.in_flight.get(), "stopped with requests in flight");
    }
}

/// Reads the operations at once, every so often, and at SIGHUP; every second as long as there are none.
pub async fn keep_operations_current(gateway: Arc<Gateway>) {
    let mut hangup = signal(SignalKind::hangup()).ok();
    let mut every = interval(Duration::from_secs(gateway.settings.reload_seconds));
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let missing = gateway.registry.get().is_none();
        tokio::select! {
            _ = every.tick() => {}
            () = hung_up(&mut hangup) => {}
            () = sleep(Duration::from_secs(1)), if missing => {}
        }
        if let Err(failure) = gateway.registry.reload(&gateway.control, &gateway.metrics).await {
            let code = problem::of_failure(&failure, None).code.entry().code;
            warn!(code, "the operations could not be read; those read before stay");
        }
    }
}

async fn hung_up(hangup: &mut Option<Signal>) {
    let received = match hangup {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if received.is_none() {
        pending::<()>().await;
    }
}
