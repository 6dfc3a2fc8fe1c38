//! What all requests share. Decides nothing; holds the settings, the connections, the current operations, the counters
//! and whether the end has begun.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::channels::gather::Gathering;
use crate::config::Settings;
use crate::metrics::Metrics;
use crate::pool::Pool;
use crate::readiness::Readiness;
use crate::registry::Current;
use crate::start::StartError;

/// What all requests share.
pub struct Gateway {
    /// What was set.
    pub settings: Settings,
    /// Connections for requests.
    pub pool: Pool,
    /// One more, so that readiness and the operation list never wait behind requests.
    pub control: Pool,
    /// Connections of the work that the gateway does by itself, as another role.
    pub work: Pool,
    /// The operations as last read.
    pub registry: Current,
    /// The last answer about readiness.
    pub readiness: Readiness,
    /// Updates of channels that wait to go together.
    pub gathering: Gathering,
    /// What is counted.
    pub metrics: Metrics,
    draining: AtomicBool,
}

impl Gateway {
    /// Connects to nothing yet.
    pub fn new(settings: Settings) -> Result<Gateway, StartError> {
        Ok(Gateway {
            pool: Pool::new(&settings, settings.pool_size).map_err(|_| StartError::DatabaseUrl)?,
            control: Pool::new(&settings, 1).map_err(|_| StartError::DatabaseUrl)?,
            work: Pool::of_work(&settings).map_err(|_| StartError::DatabaseUrl)?,
            registry: Current::default(),
            readiness: Readiness::default(),
            gathering: Gathering::default(),
            metrics: Metrics::new().map_err(StartError::Metrics)?,
            draining: AtomicBool::new(false),
            settings,
        })
    }

    /// From here on /readyz says no.
    pub fn begin_drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the end has begun.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}
