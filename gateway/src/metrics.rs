//! What is counted, for Prometheus. Decides names and labels; a label is only ever the name of an operation, a status
//! class or a fixed word, so that no caller can make the number of series grow.

use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::{
    Encoder, Error, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

use crate::pool::Pool;

/// Seconds; an envelope takes one or two of the first three.
const BUCKETS: [f64; 14] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    pool: IntGaugeVec,
    /// Requests being answered now.
    pub in_flight: IntGauge,
    /// Requests turned away because every connection and every place in the queue was taken.
    pub busy: IntCounter,
    /// Requests whose client went away before the answer.
    pub abandoned: IntCounter,
    refused: IntCounter,
    throttled: IntCounter,
}

/// The counters of one operation, looked up once.
pub struct Meters {
    by_class: [IntCounter; 5],
    seconds: Histogram,
}

impl Meters {
    /// Counts one answer.
    pub fn count(&self, status: u16, seconds: f64) {
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        if let Some(counter) = self.by_class.get(class) {
            counter.inc();
        }
        self.seconds.observe(seconds);
    }
}

impl Metrics {
    /// Nothing counted yet.
    pub fn new() -> Result<Metrics, Error> {
        let registry = Registry::new();
        let failed = IntCounterVec::new(
            Opts::new("awooop_gateway_failed_authentications_total", "Requests the database answered with 401 or 429"),
            &["outcome"],
        )?;
        let metrics = Metrics {
            requests: keep(
                &registry,
                IntCounterVec::new(
                    Opts::new("awooop_gateway_requests_total", "Requests answered"),
                    &["operation", "class"],
                )?,
            )?,
            seconds: keep(
                &registry,
                HistogramVec::new(
                    HistogramOpts::new("awooop_gateway_request_seconds", "From the last header read to the answer")
                        .buckets(BUCKETS.to_vec()),
                    &["operation"],
                )?,
            )?,
            pool: keep(
                &registry,
                IntGaugeVec::new(
                    Opts::new("awooop_gateway_pool", "Database connections and requests waiting for one"),
                    &["state"],
                )?,
            )?,
            in_flight: keep(&registry, IntGauge::new("awooop_gateway_requests_in_flight", "Requests being answered")?)?,
            busy: keep(
                &registry,
                IntCounter::new(
                    "awooop_gateway_rejected_busy_total",
                    "Requests answered 503 because all places were taken",
                )?,
            )?,
            abandoned: keep(
                &registry,
                IntCounter::new("awooop_gateway_abandoned_total", "Requests whose client went away before the answer")?,
            )?,
            refused: failed.with_label_values(&["refused"]),
            throttled: failed.with_label_values(&["throttled"]),
            registry,
        };
        keep(&metrics.registry, failed)?;
        metrics.registry.register(Box::new(ProcessCollector::for_self()))?;
        Ok(metrics)
    }

    /// The counters of one operation, which exist from here on.
    pub fn meters(&self, operation: &str) -> Meters {
        Meters {
            by_class: CLASSES.map(|class| self.requests.with_label_values(&[operation, class])),
            seconds: self.seconds.with_label_values(&[operation]),
        }
    }

    /// Counts an answer of the database that refused the credential.
    pub fn count_refusal(&self, status: u16) {
        match status {
            401 => self.refused.inc(),
            429 => self.throttled.inc(),
            _ => {}
        }
    }

    /// The page that Prometheus reads.
    pub fn render(&self, pool: &Pool) -> Result<Vec<u8>, Error> {
        let state = pool.state();
        for (label, value) in [
            ("limit", state.limit),
            ("open", state.open),
            ("idle", state.idle),
            ("in_use", state.in_use),
            ("waiting", state.waiting),
        ] {
            self.pool.with_label_values(&[label]).set(i64::try_from(value).unwrap_or(i64::MAX));
        }
        let mut page = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut page)?;
        Ok(page)
    }
}

/// The media type of the page.
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

fn keep<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> Result<C, Error> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}
