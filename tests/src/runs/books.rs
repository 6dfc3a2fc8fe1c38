//! What must hold in the tables after whatever happened.

use crate::harness::Session;

/// Each names what is wrong and selects the runs where it is.
const WRONG: &[(&str, &str)] = &[
    (
        "a run is queued exactly while it is pending",
        "select s.run_id from awooop.run_state s
         left join awooop.run_ready q on q.project_id = s.project_id and q.run_id = s.run_id
         where s.project_id = $p and (s.state = 'pending') <> (q.run_id is not null)",
    ),
    (
        "the queue says of a run what the run says",
        "select s.run_id from awooop.run_state s join awooop.run_ready q on q.project_id = s.project_id and q.run_id = s.run_id
         where s.project_id = $p
           and (q.priority, q.available_at, q.deadline_at) is distinct from (s.priority, s.available_at, s.deadline_at)",
    ),
    (
        "a lease is open exactly while its run is running or waiting for a tool",
        "select s.run_id from awooop.run_state s
         left join awooop.run_lease l on l.project_id = s.project_id and l.run_id = s.run_id and l.closed_at is null
         where s.project_id = $p and (s.state in ('running', 'waiting_tool')) <> (l.run_id is not null)",
    ),
    (
        "the lease is of the run's latest epoch",
        "select s.run_id from awooop.run_state s join awooop.run_lease l on l.project_id = s.project_id and l.run_id = s.run_id
         where s.project_id = $p and l.epoch <> s.epoch",
    ),
    (
        "a run has an end exactly when its state is final",
        "select s.run_id from awooop.run_state s
         where s.project_id = $p
           and (s.state in ('completed', 'failed', 'cancelled', 'timed_out')) <> (s.finished_at is not null)",
    ),
    (
        "attempts stay within what was allowed",
        "select s.run_id from awooop.run_state s
         where s.project_id = $p and not (s.attempts between 0 and s.max_attempts)",
    ),
    (
        "steps are numbered from 1 without a gap",
        "select j.run_id from awooop.step_journal j where j.project_id = $p
         group by j.run_id having max(j.seq) <> count(*) or min(j.seq) <> 1",
    ),
    (
        "each claim is audited",
        "select s.run_id from awooop.run_state s
         where s.project_id = $p
           -- Waiting for people is no attempt: the one that asked goes on.
           and s.attempts + (select count(*) from awooop.audit_log g where g.project_id = s.project_id
                             and g.run_id = s.run_id and g.action = 'approval_granted')
               <> (select count(*) from awooop.audit_log a where a.project_id = s.project_id
                              and a.run_id = s.run_id and a.action = 'run_claimed' and a.decision = 'done')",
    ),
    (
        "each end is audited once",
        "select s.run_id from awooop.run_state s
         where s.project_id = $p
           and (s.finished_at is not null)::int <>
               (select count(*) from awooop.audit_log a where a.project_id = s.project_id and a.run_id = s.run_id
                and a.decision = 'done'
                and a.action in ('run_completed', 'run_failed', 'run_cancelled', 'run_timed_out'))",
    ),
    (
        "each attempt but the last ended in the audit log",
        "select s.run_id from awooop.run_state s
         where s.project_id = $p
           and (select count(*) from awooop.audit_log a where a.project_id = s.project_id and a.run_id = s.run_id
                and a.decision = 'done' and a.action in ('run_requeued', 'run_attempt_failed'))
               not between s.attempts - 1 and s.attempts",
    ),
];

/// Panics with the name of what is wrong in the project's books, if something is.
#[track_caller]
pub fn check(admin: &mut Session, project: &str) {
    for (rule, sql) in WRONG {
        let sql = sql.replace("$p", &format!("'{project}'"));
        let wrong = admin.rows(&sql).unwrap();
        assert!(wrong.is_empty(), "{rule}: not so in {project} for {wrong:?}");
    }
}
