//! The gateway's own log: JSON lines on standard error. Decides that only this crate speaks in it: a library's debug
//! lines are outside our control, and might one day hold a parameter or a header.
//!
//! A line is put into memory, and a thread of its own writes what has gathered. A ready-made writer that wakes its thread
//! for each line was measured: a line cost about 9 µs of processor time that way, and costs 3 this way.

use std::io::{self, Write, stderr};
use std::panic;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle, sleep};
use std::time::Duration;

use tracing::error;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::LogLevel;

/// How long lines gather before they are written.
const GATHER: Duration = Duration::from_millis(10);
/// What is kept while standard error is slow. Lines beyond it are dropped and counted: a stuck log must not stop
/// requests, nor fill the memory.
const BACKLOG_BYTES: usize = 8 << 20;

/// Starts logging; lines still unwritten are written when the guard goes.
pub fn start(level: LogLevel) -> io::Result<Guard> {
    let lines = Arc::new(Lines::default());
    let writing = Arc::clone(&lines);
    let writer = Builder::new().name("log".into()).spawn(move || writing.write_until_closed(stderr()))?;
    let layer = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(Arc::clone(&lines));
    let only_ours = Targets::new().with_target("awooop_gateway", filter(level));
    // A second subscriber (a test's) stays as it is.
    let _ = tracing_subscriber::registry().with(only_ours).with(layer).try_init();
    // What a panic says may quote what a request said; where it happened does not.
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line()));
        error!(place = place.as_deref().unwrap_or("?"), "a panic");
    }));
    Ok(Guard { lines, writer: Some(writer) })
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    }
}

/// Logging goes on as long as this is held.
pub struct Guard {
    lines: Arc<Lines>,
    writer: Option<JoinHandle<()>>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.lines.gathered().closed = true;
        self.lines.changed.notify_one();
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has nothing left to say it with.
            let _ = writer.join();
        }
    }
}

/// Lines on their way from the requests to the writer.
#[derive(Default)]
struct Lines {
    gathered: Mutex<Gathered>,
    changed: Condvar,
}

#[derive(Default)]
struct Gathered {
    text: Vec<u8>,
    dropped: u64,
    closed: bool,
}

impl Lines {
    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_until_closed(&self, mut out: impl Write) {
        let mut batch = Vec::new();
        loop {
            let waiting = self.gathered();
            let nothing = |now: &mut Gathered| now.text.is_empty() && !now.closed;
            let closed = self.changed.wait_while(waiting, nothing).unwrap_or_else(PoisonError::into_inner).closed;
            if !closed {
                sleep(GATHER);
            }
            let dropped = {
                let mut gathered = self.gathered();
                std::mem::swap(&mut batch, &mut gathered.text);
                std::mem::take(&mut gathered.dropped)
            };
            if dropped > 0 {
                let line =
                    format!("{{\"level\":\"WARN\",\"message\":\"log lines were dropped\",\"dropped\":{dropped}}}\n");
                batch.extend_from_slice(line.as_bytes());
            }
            // There is no other place to say that standard error is gone.
            let _ = out.write_all(&batch);
            batch.clear();
            if closed {
                return;
            }
        }
    }
}

/// The formatter hands over one whole line a call.
impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut gathered = self.gathered();
        if gathered.text.len() + line.len() > BACKLOG_BYTES {
            gathered.dropped += 1;
            return Ok(line.len());
        }
        let first = gathered.text.is_empty();
        gathered.text.extend_from_slice(line);
        drop(gathered);
        if first {
            self.changed.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(lines: &Lines) -> String {
        lines.gathered().closed = true;
        let mut out = Vec::new();
        lines.write_until_closed(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_line_is_written_in_order_before_the_end() {
        let lines = Lines::default();
        for line in ["one\n", "two\n", "three\n"] {
            (&lines).write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(written(&lines), "one\ntwo\nthree\n");
    }

    #[test]
    fn lines_beyond_the_backlog_are_counted_not_kept() {
        let lines = Lines::default();
        (&lines).write_all(&vec![b'x'; BACKLOG_BYTES]).unwrap();
        (&lines).write_all(b"lost\n").unwrap();
        (&lines).write_all(b"lost\n").unwrap();
        let text = written(&lines);
        assert!(text.len() < BACKLOG_BYTES + 200);
        assert!(text.ends_with("\"dropped\":2}\n"));
    }
}
