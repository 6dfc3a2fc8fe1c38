//! How whoever works for the platform, and belongs to no project, goes round all of them: one project a call, from where it stopped
//! the time before. So each project gets its turn, whatever another has queued.

use std::thread::LocalKey;

use awooop_policy::operation::Operation;
use awooop_policy::scope::{Scope, ScopeSet};

use crate::caller::{self, Caller, Login};
use crate::fault::Outcome;
use crate::statement::{Statement, column, statements};
use crate::tenant;
use crate::turn;

statements! {
    LAST_PROJECT: reading [TEXTOID, TEXTOID] =
        "select last_project from awooop.worker where role_name = $1 and worker_id = $2";
    REMEMBER_PROJECT: writing [TEXTOID, TEXTOID, TEXTOID] =
        "insert into awooop.worker (role_name, worker_id, last_project, last_claim_at)
         values ($1, $2, $3, clock_timestamp())
         on conflict (role_name, worker_id) do update
            set last_project = excluded.last_project, last_claim_at = excluded.last_claim_at";
}

/// Projects that one call is kept waiting by.
const MOST_STALLED: u32 = 10;

/// What is claimed in each project: by which operation, with which scope.
pub(crate) struct Claiming<F> {
    pub(crate) operation: &'static str,
    pub(crate) scope: Scope,
    /// What is claimed in a project that is bound.
    pub(crate) claim: F,
}

impl<T, F: Fn(&Caller) -> Outcome<Vec<T>>> Claiming<F> {
    /// Claims in the next project that has something. `next` gives the first one after another that may.
    pub(crate) fn across_projects(&self, worker: &str, next: &'static LocalKey<Statement>) -> Outcome<Vec<T>> {
        let role = Login::of_session().name();
        let last = LAST_PROJECT
            .with(|s| s.row(&[role.as_str().into(), worker.into()], |row| column::<String>(row, 1)))?
            .unwrap_or_default();
        let mut after = last.clone();
        let (mut wrapped, mut stalled) = (false, 0);
        let remember =
            |project: &str| REMEMBER_PROJECT.with(|s| s.run(&[role.as_str().into(), worker.into(), project.into()]));
        loop {
            let found = next.with(|s| s.row(&[after.as_str().into()], |row| row.get::<String>(1)))?.flatten();
            match found {
                // Past the starting point after wrapping round: every project had its turn.
                Some(project) if wrapped && project > last => return Ok(Vec::new()),
                Some(project) => {
                    match turn::in_a_moment("awooop_claim_stalled", &project, || self.in_project(&project)) {
                        Some(claimed) if !claimed.is_empty() => {
                            remember(&project)?;
                            return Ok(claimed);
                        }
                        Some(_) => {}
                        None => stalled += 1,
                    }
                    // The others have their turn, in the next call where these have taken long enough.
                    if stalled == MOST_STALLED {
                        remember(&project)?;
                        return Ok(Vec::new());
                    }
                    after = project;
                }
                None if wrapped || last.is_empty() => return Ok(Vec::new()),
                None => {
                    wrapped = true;
                    after = String::new();
                }
            }
        }
    }

    /// Claims in a transaction that is bound already, by an earlier claim or lease, and stays so.
    pub(crate) fn in_bound_project(&self, project_id: &str) -> Outcome<Vec<T>> {
        let claimed = self.in_project(project_id)?;
        tenant::bind(project_id);
        Ok(claimed)
    }

    /// Claims in one project; where nothing came of it, the transaction stays free for another.
    fn in_project(&self, project_id: &str) -> Outcome<Vec<T>> {
        tenant::bind(project_id);
        if let Some(project) = caller::facts_of(project_id, self.operation)? {
            let caller = Caller::worker(project_id, ScopeSet::of(self.scope), project);
            // What a suspended project has waits; nobody asked for it, so that is no refusal.
            if Operation::named(self.operation).is_some_and(|claim| caller.authorize(claim).is_ok()) {
                let claimed = (self.claim)(&caller)?;
                if !claimed.is_empty() {
                    return Ok(claimed);
                }
            }
        }
        tenant::unbind();
        Ok(Vec::new())
    }
}
