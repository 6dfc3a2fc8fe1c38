//! What happens on Ctrl-C and SIGTERM: the children that run are ended, and what was started is stopped.
//!
//! A thread of its own waits for the signals, so the clean-up is ordinary code and may start programs itself. Once a signal came, the other threads stop where they next start or finish a program;
//! otherwise they would report their killed children as failures and go on with the next step.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

type Action = Arc<dyn Fn() + Send + Sync>;

static ACTIONS: Mutex<Vec<(u64, Action)>> = Mutex::new(Vec::new());
static CHILDREN: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());
static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static CLEANS_UP: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Starts the thread that waits for signals.
pub fn install() -> Result<()> {
    // Handled, not blocked: a child inherits what is blocked, and could not be ended.
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM]).context("cannot handle signals")?;
    std::thread::spawn(move || {
        let Some(signal) = signals.forever().next() else { return };
        CLEANS_UP.set(true);
        INTERRUPTED.store(true, Ordering::SeqCst);
        eprintln!("\nstopping what was started ...");
        signal_children(Signal::SIGTERM);
        // A server that was just being started has to come so far that it can be found.
        std::thread::sleep(Duration::from_millis(300));
        let actions: Vec<Action> = lock(&ACTIONS).iter().rev().map(|(_, action)| action.clone()).collect();
        for action in actions {
            action();
        }
        signal_children(Signal::SIGKILL);
        std::process::exit(128 + signal);
    });
    Ok(())
}

/// Holds a thread back for good once a signal came, except the one that cleans up.
pub fn checkpoint() {
    while INTERRUPTED.load(Ordering::SeqCst) && !CLEANS_UP.get() {
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// An action that runs when this value goes out of scope, or when a signal comes first. It may run twice.
pub struct Cleanup {
    id: u64,
    action: Action,
}

impl Cleanup {
    pub fn new(action: impl Fn() + Send + Sync + 'static) -> Self {
        let id = NEXT_ID.fetch_add(1, Ordering::SeqCst);
        let action: Action = Arc::new(action);
        lock(&ACTIONS).push((id, action.clone()));
        Cleanup { id, action }
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        checkpoint();
        (self.action)();
        // Removed only afterwards: a signal that comes in the middle runs the whole action again.
        lock(&ACTIONS).retain(|(id, _)| *id != self.id);
    }
}

/// A child process group that a signal ends. Dropping it forgets the group.
pub struct Child(i32);

impl Child {
    pub fn track(pid: u32) -> Self {
        let pid = pid.cast_signed();
        lock(&CHILDREN).insert(pid);
        Child(pid)
    }

    /// Ends the whole group, without asking.
    pub fn kill(&self) {
        // It may be gone already.
        let _ = killpg(Pid::from_raw(self.0), Signal::SIGKILL);
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        lock(&CHILDREN).remove(&self.0);
    }
}

fn signal_children(signal: Signal) {
    for pid in lock(&CHILDREN).iter() {
        // The group may be gone already, and then there is nothing to end.
        let _ = killpg(Pid::from_raw(*pid), signal);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
