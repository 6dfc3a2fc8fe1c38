//! Real races: threads with connections of their own that start at the same moment.

use std::sync::Barrier;

use super::Session;
use super::answer::eventually;

/// Does `prepare` in each of `n` threads, waits until all are ready, does `act` in all at once; what each got, in
/// order. A panic in one is a panic here.
pub fn at_once<S, T: Send>(
    n: usize,
    prepare: impl Fn(usize) -> S + Sync,
    act: impl Fn(usize, &mut S) -> T + Sync,
) -> Vec<T> {
    let barrier = Barrier::new(n);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..n)
            .map(|i| {
                let (barrier, prepare, act) = (&barrier, &prepare, &act);
                scope.spawn(move || {
                    // A thread that could not prepare must not leave the others waiting.
                    let prepared = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| prepare(i)));
                    barrier.wait();
                    match prepared {
                        Ok(mut state) => act(i, &mut state),
                        Err(cause) => std::panic::resume_unwind(cause),
                    }
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|cause| std::panic::resume_unwind(cause)))
            .collect()
    })
}

/// Waits until somebody waits for a lock that `holder` has.
pub fn wait_for_a_waiter(admin: &mut Session, holder: &mut Session) {
    let pid = holder.value("select pg_backend_pid()::text");
    let sql = format!("select exists (select from pg_stat_activity a where {pid} = any (pg_blocking_pids(a.pid)))");
    eventually("a session that waits for the lock", || admin.value(&sql) == "t");
}
