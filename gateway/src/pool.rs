//! Database connections: how many, how long a request waits for one, and which of them may be used again. Runs a
//! statement in one round trip and says which of three things went wrong; what an SQL error means is said in
//! [`crate::problem`].
//!
//! sqlx's own pool pings a connection every time it comes back, a second round trip for each request. This one hands a
//! connection on as it is after a statement that ended, pings it after one that was abandoned or when it lay idle for
//! long, and drops it after an error that puts it in doubt.

use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use sqlx::query::Query;
use sqlx::{ConnectOptions, Connection, PgConnection, Postgres};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::config::{DatabaseUrl, Settings};

/// After this long a connection makes room for a fresh one, so that a server's settings and memory are not held on to.
const LIFETIME: Duration = Duration::from_secs(30 * 60);
/// A server that was restarted is noticed by a ping rather than by a request when the connection lay idle this long.
const UNPROVEN_AFTER: Duration = Duration::from_secs(5);
/// How long a server may take to answer a ping or a connection attempt.
const PATIENCE: Duration = Duration::from_secs(5);

/// What went wrong with a statement.
pub enum Failure {
    /// Every connection and every place in the queue was taken, or the wait was too long.
    Busy,
    /// No connection could be made.
    Unreachable(sqlx::Error),
    /// The statement failed, or the connection did while it ran.
    Statement(sqlx::Error),
}

/// A statement with its parameters.
pub type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// How long the gateway's own work waits for a lock; whatever it was is tried again.
const LOCK_TIMEOUT: &str = "250ms";

/// A bounded set of connections with a bounded queue before it.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    options: PgConnectOptions,
    slots: Arc<Semaphore>,
    limit: usize,
    queue: usize,
    queue_timeout: Duration,
    statement_timeout: Duration,
    waiting: AtomicUsize,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: PgConnection,
    opened: Instant,
    since: Instant,
}

/// How a pool stands, for the metrics.
pub struct State {
    /// Connections it may have.
    pub limit: usize,
    /// Connections it has, counting one that is being made.
    pub open: usize,
    /// Connections that wait for a request.
    pub idle: usize,
    /// Connections that run a statement or finish an abandoned one.
    pub in_use: usize,
    /// Requests that wait for a connection.
    pub waiting: usize,
}

impl Pool {
    /// No connection is made yet. The error does not quote the URL.
    pub fn new(settings: &Settings, limit: usize) -> Result<Pool, sqlx::Error> {
        Pool::with(settings, &settings.database_url, limit, &[])
    }

    /// The same for the gateway's own work, of which all projects share the connections: none waits long for what one of them holds.
    pub fn of_work(settings: &Settings) -> Result<Pool, sqlx::Error> {
        let work = &settings.work;
        Pool::with(settings, &work.worker_database_url, work.worker_pool_size, &[("lock_timeout", LOCK_TIMEOUT)])
    }

    fn with(settings: &Settings, url: &DatabaseUrl, limit: usize, more: &[(&str, &str)]) -> Result<Pool, sqlx::Error> {
        let timeout = settings.statement_timeout_ms.to_string();
        let options = PgConnectOptions::from_str(url.reveal())?
            .application_name("awooop-gateway")
            .options([("statement_timeout", timeout.as_str())])
            .options(more.iter().copied())
            .disable_statement_logging();
        Ok(Pool(Arc::new(Shared {
            options,
            slots: Arc::new(Semaphore::new(limit)),
            limit,
            queue: settings.queue_size,
            queue_timeout: settings.queue_timeout(),
            statement_timeout: settings.statement_timeout(),
            waiting: AtomicUsize::new(0),
            idle: Mutex::new(Vec::with_capacity(limit)),
        })))
    }

    /// Runs a statement that returns one row, in one round trip once a connection has prepared it.
    pub async fn fetch_one(&self, statement: Statement<'_>) -> Result<PgRow, Failure> {
        let mut lease = self.lease().await?;
        let result = match lease.connection() {
            Ok(connection) => statement.fetch_one(connection).await,
            Err(gone) => Err(gone),
        };
        lease.settle(result)
    }

    /// Runs a statement that returns rows.
    pub async fn fetch_all(&self, statement: Statement<'_>) -> Result<Vec<PgRow>, Failure> {
        let mut lease = self.lease().await?;
        let result = match lease.connection() {
            Ok(connection) => statement.fetch_all(connection).await,
            Err(gone) => Err(gone),
        };
        lease.settle(result)
    }

    /// How it stands.
    pub fn state(&self) -> State {
        let idle = self.0.idle().len();
        let in_use = self.0.limit.saturating_sub(self.0.slots.available_permits());
        State {
            limit: self.0.limit,
            open: idle + in_use,
            idle,
            in_use,
            waiting: self.0.waiting.load(Ordering::Relaxed),
        }
    }

    /// Says goodbye to the server on every idle connection.
    pub async fn close(&self) {
        let idle = std::mem::take(&mut *self.0.idle());
        for one in idle {
            // A server that is gone needs no goodbye.
            let _ = timeout(PATIENCE, one.connection.close()).await;
        }
    }

    async fn lease(&self) -> Result<Lease, Failure> {
        let permit = match Arc::clone(&self.0.slots).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.0.wait_in_queue().await?,
        };
        let mut lease = Lease { shared: Arc::clone(&self.0), held: None };
        let live = match self.0.proven().await {
            Some(idle) => (idle.connection, idle.opened),
            None => (self.0.connect().await?, Instant::now()),
        };
        lease.held = Some(Held { connection: live.0, opened: live.1, permit });
        Ok(lease)
    }
}

impl Shared {
    /// Takes a place in the queue when there is one, and waits in it for a while.
    async fn wait_in_queue(&self) -> Result<OwnedSemaphorePermit, Failure> {
        struct Place<'a>(&'a AtomicUsize);
        impl Drop for Place<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _place = Place(&self.waiting);
        if before >= self.queue {
            return Err(Failure::Busy);
        }
        match timeout(self.queue_timeout, Arc::clone(&self.slots).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(Failure::Busy),
        }
    }

    /// The connection used last, if it is young enough and, when it lay idle for long, still answers.
    async fn proven(&self) -> Option<Idle> {
        loop {
            let mut idle = self.idle().pop()?;
            if idle.opened.elapsed() > LIFETIME {
                tokio::spawn(timeout(PATIENCE, idle.connection.close()));
                continue;
            }
            if idle.since.elapsed() < UNPROVEN_AFTER {
                return Some(idle);
            }
            if let Ok(Ok(())) = timeout(PATIENCE, idle.connection.ping()).await {
                return Some(idle);
            }
        }
    }

    async fn connect(&self) -> Result<PgConnection, Failure> {
        match timeout(PATIENCE, self.options.connect()).await {
            Ok(connected) => connected.map_err(Failure::Unreachable),
            Err(_) => Err(Failure::Unreachable(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection back; `held` keeps its permit until it lies there, so that the next one finds it.
    fn take_back(&self, held: Held) {
        let Held { connection, opened, permit } = held;
        self.idle().push(Idle { connection, opened, since: Instant::now() });
        drop(permit);
    }
}

/// A connection in use. Dropped before its statement ended (the client went away, the request's time was up), it
/// finishes in the background, and its slot stays taken meanwhile: the server is still working for it.
struct Lease {
    shared: Arc<Shared>,
    held: Option<Held>,
}

struct Held {
    connection: PgConnection,
    opened: Instant,
    permit: OwnedSemaphorePermit,
}

impl Lease {
    fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.held.as_mut().map(|held| &mut held.connection).ok_or(sqlx::Error::PoolClosed)
    }

    fn settle<T>(mut self, result: Result<T, sqlx::Error>) -> Result<T, Failure> {
        let after = result.as_ref().map_or_else(After::error, |_| After::Reuse);
        match (after, self.held.take()) {
            (After::Reuse, Some(held)) => self.shared.take_back(held),
            (After::Discard, _) | (_, None) => {}
            (After::ServerGone, _) => self.shared.idle().clear(),
        }
        result.map_err(Failure::Statement)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let (Some(mut held), Ok(runtime)) = (self.held.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let shared = Arc::clone(&self.shared);
        runtime.spawn(async move {
            // The ping reads what the abandoned statement still answers, then its own answer.
            let limit = shared.statement_timeout + PATIENCE;
            if let Ok(Ok(())) = timeout(limit, held.connection.ping()).await {
                shared.take_back(held);
            }
        });
    }
}

/// What becomes of a connection after its statement.
#[derive(Debug, PartialEq, Eq)]
enum After {
    /// It is as good as before.
    Reuse,
    /// An error nobody expects costs its connection: its prepared statements or its state may be stale.
    Discard,
    /// The server shut down or broke off: the idle connections are dead, too.
    ServerGone,
}

impl After {
    fn error(error: &sqlx::Error) -> After {
        match error {
            sqlx::Error::Database(cause) => After::sqlstate(cause.code().as_deref().unwrap_or_default()),
            _ => After::ServerGone,
        }
    }

    fn sqlstate(code: &str) -> After {
        match code.get(..2) {
            Some("08") => After::ServerGone,
            Some("57") if code.starts_with("57P") => After::ServerGone,
            Some("0A" | "26" | "XX") | None => After::Discard,
            _ => After::Reuse,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_keeps_its_connection_and_a_shutdown_costs_all() {
        assert_eq!(After::sqlstate("22023"), After::Reuse);
        assert_eq!(After::sqlstate("57014"), After::Reuse);
        assert_eq!(After::sqlstate("57P01"), After::ServerGone);
        assert_eq!(After::sqlstate("08006"), After::ServerGone);
        assert_eq!(After::sqlstate("0A000"), After::Discard);
        assert_eq!(After::sqlstate(""), After::Discard);
        assert_eq!(After::error(&sqlx::Error::PoolClosed), After::ServerGone);
    }
}
