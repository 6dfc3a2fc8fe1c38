//! Approvals in the text format of Prometheus, for a scraper that sends the project's key.

use std::fmt::Write as _;

use awooop_policy::approval::RequestState;
use awooop_policy::argument::Arguments;
use serde_json::Value;

use super::row::state;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::Outcome;
use crate::metrics::label;
use crate::statement::{column, statements};

statements! {
    BY_STATE: reading [TEXTOID] = concat!(
        "select ", state!(), ", count(*),
                coalesce(max(extract(epoch from clock_timestamp() - r.asked_at)::int8) filter (where ", state!(), " = 'waiting'), 0)
         from awooop.approval_request r where r.project_id = $1 group by 1");
    REPLAYED: reading [TEXTOID] =
        "select count(*) from awooop.audit_log where project_id = $1 and code = 'E-TOKEN-019'";
}

/// Operation `approval_metrics`.
pub(crate) fn metrics(caller: &Caller, _: &Arguments) -> Outcome<Answer> {
    let project_id = caller.project_id.as_str();
    let counts = BY_STATE.with(|s| {
        s.rows(&[project_id.into()], |row| {
            Ok((column::<String>(row, 1)?, column::<i64>(row, 2)?, column::<i64>(row, 3)?))
        })
    })?;
    let replayed = REPLAYED.with(|s| s.row(&[project_id.into()], |row| column::<i64>(row, 1)))?.unwrap_or_default();
    let project = label(project_id);
    let mut text = String::from(
        "# HELP awooop_approvals Requests for approval that are kept, by state.\n# TYPE awooop_approvals gauge\n",
    );
    for state in RequestState::ALL {
        let count = counts.iter().find(|(word, ..)| word == state.as_str()).map_or(0, |(_, count, _)| *count);
        let _ = writeln!(text, "awooop_approvals{{project=\"{project}\",state=\"{}\"}} {count}", state.as_str());
    }
    let longest = counts.iter().map(|(.., waited)| *waited).max().unwrap_or_default();
    let _ = writeln!(
        text,
        "# HELP awooop_approval_longest_wait_seconds How long the oldest request that waits has waited.\n\
         # TYPE awooop_approval_longest_wait_seconds gauge\n\
         awooop_approval_longest_wait_seconds{{project=\"{project}\"}} {longest}\n\
         # HELP awooop_approval_replays_total Uses of tokens that had been used.\n\
         # TYPE awooop_approval_replays_total counter\n\
         awooop_approval_replays_total{{project=\"{project}\"}} {replayed}"
    );
    Ok(Answer::ok(Value::from(text).to_string()))
}
