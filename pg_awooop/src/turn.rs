//! Doing something in each of many projects, none of which keeps the others waiting: what maintenance does, and what workers and
//! senders of the platform claim. In each it waits for a moment at most, and in a subtransaction, which is undone where that was not
//! enough.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::thread::LocalKey;
use std::time::{Duration, Instant};

use pgrx::prelude::*;
use serde_json::json;
use uuid::Uuid;

use crate::fault::{Outcome, Stop};
use crate::server_log;
use crate::statement::{Statement, column, uuid_column};
use crate::subtransaction::attempt;
use crate::tenant::{set_local, within};

/// How long somebody is waited for in a project.
const A_MOMENT: &str = "100ms";

thread_local! {
    /// Projects that have kept this round of maintenance waiting, or from its work.
    static STALLED: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
    /// What the server's log was told of that, and when.
    static TOLD: RefCell<BTreeMap<String, Instant>> = const { RefCell::new(BTreeMap::new()) };
}

/// Whether it was not said in this session within a minute: whoever claims comes back several times a second.
fn is_news(told: &mut BTreeMap<String, Instant>, what: String) -> bool {
    let now = Instant::now();
    told.retain(|_, at| now.duration_since(*at) < Duration::from_secs(60));
    if told.contains_key(&what) {
        return false;
    }
    told.insert(what, now);
    true
}

/// A round of maintenance begins.
pub(crate) fn forget_stalled() {
    STALLED.with_borrow_mut(BTreeSet::clear);
}

/// The same as [`within`] for one of many things that a round of maintenance does in all projects, [`in_a_moment`]: a project in
/// which that is not enough has its turn in the next round, and the others theirs in this one.
pub(crate) fn spared<T>(project_id: &str, work: impl FnOnce() -> Outcome<T>) -> Option<T> {
    if STALLED.with_borrow(|stalled| stalled.contains(project_id)) {
        return None;
    }
    let done = in_a_moment("awooop_maintenance_stalled", project_id, || within(project_id, work));
    if done.is_none() {
        STALLED.with_borrow_mut(|stalled| stalled.insert(project_id.to_owned()));
    }
    done
}

/// Does what whoever works for the platform does in one project, among others: where somebody holds what it needs for longer than a
/// moment, where there is more of it than fits, or where it stops, it is undone, `event` is a line in the server's log, and there
/// is nothing.
pub(crate) fn in_a_moment<T>(event: &str, project_id: &str, work: impl FnOnce() -> Outcome<T>) -> Option<T> {
    // SAFETY: a setting of this process.
    let patience = unsafe { pg_sys::LockTimeout }.to_string();
    let careful = AssertUnwindSafe(|| {
        let done = attempt(|| {
            set_local(c"lock_timeout", A_MOMENT);
            let outcome = work();
            // Where it stops, the setting goes with everything else.
            set_local(c"lock_timeout", &patience);
            outcome.map(Some)
        });
        match done {
            Ok(Some(done)) => Ok(done),
            Ok(None) => Err("nothing"),
            Err(Stop::Fault(problem) | Stop::Refused(problem)) => Err(problem.code.entry().code),
        }
    });
    let outcome = PgTryBuilder::new(careful)
        .catch_when(PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE, |_| Err("locked"))
        .catch_when(PgSqlErrorCode::ERRCODE_T_R_DEADLOCK_DETECTED, |_| Err("locked"))
        .catch_when(PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED, |_| Err("too_large"))
        .execute();
    match outcome {
        Ok(done) => Some(done),
        Err(why) => {
            if TOLD.with_borrow_mut(|told| is_news(told, format!("{event} {project_id}"))) {
                let line = format!("{event} {}", json!({"project_id": project_id, "why": why}));
                server_log::write(PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE, line);
            }
            None
        }
    }
}

/// How much that is due is looked for at first, and at most where what cannot be done stands in front of the rest.
const DUE_AT_ONCE: i32 = 1000;
const MOST_DUE: i32 = 32_000;

/// Does `work` with what `due` names by project and id: see [`each`].
pub(crate) fn each_due(
    due: &'static LocalKey<Statement>,
    mut work: impl FnMut(&str, Uuid) -> Outcome<bool>,
) -> Outcome<i64> {
    let find = |at_most: i32| {
        due.with(|s| s.rows(&[at_most.into()], |row| Ok((column::<String>(row, 1)?, uuid_column(row, 2)?))))
    };
    each(find, |project_id, id| work(project_id, *id))
}

/// Deletes what `expired` names by project and key and `forget` still finds due: see [`each`].
pub(crate) fn forget_due(expired: &'static LocalKey<Statement>, forget: &'static LocalKey<Statement>) -> Outcome<i64> {
    let find = |at_most: i32| {
        expired.with(|s| s.rows(&[at_most.into()], |row| Ok((column::<String>(row, 1)?, column::<String>(row, 2)?))))
    };
    each(find, |project_id, key| Ok(forget.with(|s| s.run(&[project_id.into(), key.as_str().into()]))? > 0))
}

/// Does `work` with what `find` finds due by project and key, each in its project and [`spared`]; how much. `find` takes how much is
/// looked for, and has the oldest first; `work` says whether it has done something.
pub(crate) fn each<K: Clone + Ord>(
    find: impl Fn(i32) -> Outcome<Vec<(String, K)>>,
    mut work: impl FnMut(&str, &K) -> Outcome<bool>,
) -> Outcome<i64> {
    let (mut at_most, mut done, mut tried) = (DUE_AT_ONCE, 0, BTreeSet::new());
    loop {
        let found = find(at_most)?;
        let is_all = found.len() < usize::try_from(at_most).unwrap_or_default();
        let mut is_left = false;
        for due in found {
            if !tried.insert(due.clone()) {
                continue;
            }
            let (project_id, key) = due;
            match spared(&project_id, || work(&project_id, &key)) {
                Some(true) => done += 1,
                _ => is_left = true,
            }
        }
        // A tenant that keeps its own from being done must not keep the others' from being found.
        if is_all || !is_left || at_most >= MOST_DUE {
            return Ok(done);
        }
        at_most = at_most.saturating_mul(2);
    }
}
