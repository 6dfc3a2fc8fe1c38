//! Judging what a run yields, by the output schemas of the contracts that it was created under.
//!
//! A run has three outputs that may fail, whether they come through `validate_output` or as the result of `complete_run`.
//! Each is a step of the run's journal, under a key that no worker can write; so the count outlives the worker. The run's
//! row is locked meanwhile, so that no two are judged at once.

use std::rc::Rc;

use awooop_contracts::digest;
use awooop_contracts::model::RunContract;
use awooop_contracts::output::{self, Output, OutputError, Requirement};
use awooop_contracts::schema::CompiledSchema;
use awooop_policy::argument::Arguments;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::journal::Phase;
use awooop_policy::output_attempts::{Attempting, Turn, decide, step_key};
use awooop_policy::run_fsm::RunState;
use serde_json::{Value, json};
use uuid::Uuid;

use super::end::end;
use super::{journal, lease};
use crate::audit;
use crate::caller::Caller;
use crate::contracts::active::{self, Loaded};
use crate::door::Answer;
use crate::fault::{Outcome, Stop, fault};
use crate::guarded::{Worker, guarded};
use crate::redaction;

/// The sort of step that an output is.
const KIND: &str = "output";

/// What a run without a run contract may yield: as much as `complete_run` takes.
const MAX_DOCUMENT_BYTES: u64 = 512 * 1024;

/// How much of what a schema asks for is kept of each error, in characters.
const MOST_EXPECTED: usize = 200;

/// Operation `validate_output`.
pub(crate) fn validate(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let run_id = arguments.uuid("run_id");
    let held = lease::hold(caller, run_id, arguments.text("lease"))?;
    let raw = arguments.text("raw");
    let request = Request::new(raw, "validate_output")?;
    let named = arguments.optional_integer("attempt").and_then(|attempt| usize::try_from(attempt).ok());
    let turn = match decide(&journal::outputs(caller, run_id, &request.digest)?, named) {
        Attempting::Judge(turn) => turn,
        Attempting::Replay(attempt) => {
            let recorded = journal::result_of(caller, run_id, &step_key(attempt))?;
            return recorded.map_or_else(|| fault(ErrorCode::SystemInternal), |result| Ok(Answer::ok(result)));
        }
        Attempting::Conflict => return fault(Problem::from(ErrorCode::RunStepConflict).with("argument", "attempt")),
        Attempting::Skips(next) => {
            let expected = format!("at most {next}: attempts have no gaps");
            return fault(
                Problem::from(ErrorCode::InputInvalid).with("argument", "attempt").with("expected", expected),
            );
        }
    };
    let judged = Rules::of(caller, &held)?.judge(raw.len(), |required| output::read(raw, required))?;
    Verdict { turn, judged }.settle(caller, run_id, &held, &request).map(Answer::ok)
}

/// Refuses a result that does not satisfy what an output must; that counts as an output that failed.
pub(super) fn ensure_valid(caller: &Caller, run_id: Uuid, held: &lease::Locked, result: &Value) -> Outcome<()> {
    let text = result.to_string();
    let errors = Rules::of(caller, held)?.judge(text.len(), |required| required.errors(result))?;
    if errors.is_empty() {
        return Ok(());
    }
    let request = Request::new(&text, "complete_run")?;
    // A result has no number of its own, so it is always the next output.
    let Attempting::Judge(turn) = decide(&journal::outputs(caller, run_id, &request.digest)?, None) else {
        return fault(ErrorCode::SystemInternal);
    };
    let verdict = Verdict { turn, judged: Err(errors) };
    verdict.settle(caller, run_id, held, &request)?;
    Err(Stop::Refused(verdict.problem(ErrorCode::RunResult)))
}

/// What the run's contracts ask of its output.
struct Rules {
    contracts: Vec<Rc<Loaded>>,
}

impl Rules {
    /// Those of the revisions that the run was created under, whatever is active now. A run from before there were contracts
    /// has none.
    fn of(caller: &Caller, held: &lease::Locked) -> Outcome<Self> {
        let revisions = [held.run_revision_id, held.agent_revision_id];
        let loaded = revisions.into_iter().flatten().map(|revision_id| active::load(&caller.project_id, revision_id));
        Ok(Self { contracts: loaded.collect::<Outcome<_>>()? })
    }

    /// Judges something that is `length` bytes long, by code that no text must bring down.
    fn judge<T>(&self, length: usize, judge: impl FnOnce(Requirement) -> T) -> Outcome<T> {
        let schemas: Vec<&CompiledSchema> =
            self.contracts.iter().filter_map(|contract| contract.output_schema.as_ref()).collect();
        let max_bytes = self.contracts.iter().find_map(|contract| contract.run()).map(RunContract::max_output_bytes);
        let max_bytes = usize::try_from(max_bytes.unwrap_or(MAX_DOCUMENT_BYTES)).unwrap_or(usize::MAX);
        pgrx::check_for_interrupts!();
        let required = Requirement { schemas: &schemas, max_bytes };
        let judged = guarded(Worker::Validator, "an output", length, || judge(required));
        pgrx::check_for_interrupts!();
        judged.map_or_else(|| fault(ErrorCode::SystemInternal), Ok)
    }
}

/// An output as the journal has it.
struct Request {
    document: Value,
    digest: [u8; 32],
}

impl Request {
    fn new(raw: &str, through: &str) -> Outcome<Self> {
        let document = json!({"raw": raw, "through": through});
        let digest = digest(&document)?;
        Ok(Self { document, digest })
    }
}

/// What came of an output.
struct Verdict {
    turn: Turn,
    judged: Result<Output, Vec<OutputError>>,
}

impl Verdict {
    /// Records the output with the answer to it, which is returned. Where no failure is left, the run ends instead.
    fn settle(&self, caller: &Caller, run_id: Uuid, held: &lease::Locked, request: &Request) -> Outcome<String> {
        let step = journal::Step {
            step_key: &step_key(self.turn.attempt),
            phase: Phase::Completed,
            kind: KIND,
            request: &request.document,
            request_digest: &request.digest,
            result: &self.answer(),
            is_owed: false,
        };
        let answer = journal::append(caller, run_id, held, &step)?.result;
        if self.attempts_left() > 0 {
            return Ok(answer);
        }
        let code = ErrorCode::OutputRefused.entry();
        let error = json!({
            "code": code.code, "message": code.message, "attempt": held.attempts, "errors": self.stored_errors()
        });
        end(caller, run_id, RunState::Failed, None, Some(error.to_string()))?;
        let entry = held.entry(run_id).with("cause", code.code).with("attempt", held.attempts);
        audit::done(caller, "run_failed", entry)?;
        Err(Stop::Refused(self.problem(ErrorCode::OutputRefused)))
    }

    fn attempts_left(&self) -> usize {
        self.turn.attempts_left(self.judged.is_ok())
    }

    fn errors(&self) -> &[OutputError] {
        self.judged.as_ref().err().map_or(&[], Vec::as_slice)
    }

    fn answer(&self) -> Value {
        let output = self.judged.as_ref().ok();
        let repairs = output.iter().flat_map(|output| &output.repairs).map(|repair| repair.as_str());
        json!({
            "valid": output.is_some(),
            "attempt": self.turn.attempt,
            "attempts_left": self.attempts_left(),
            "document": output.map(|output| &output.document),
            "repairs": repairs.collect::<Vec<_>>(),
            "errors": self.errors(),
        })
    }

    /// The problem for the caller, who wrote what its errors point at. The log gets to know less of it.
    fn problem(&self, code: ErrorCode) -> Problem {
        Problem::from(code).with("attempt", self.turn.attempt).with("attempts_left", self.attempts_left()).telling(
            "errors",
            json!(self.errors()),
            self.stored_errors(),
        )
    }

    /// The errors as they are stored where others read them: without what was there (small numbers are told as they are),
    /// and redacted, because the names in a pointer are the model's own.
    fn stored_errors(&self) -> Value {
        let stored = self.errors().iter().map(|error| {
            let names = error.pointer.split('/').map(|name| redaction::stored(Some(name)).unwrap_or_default());
            let pointer = redaction::stored(Some(&names.collect::<Vec<_>>().join("/")));
            let expected: String = error.expected.chars().take(MOST_EXPECTED).collect();
            json!({"pointer": pointer, "keyword": error.keyword, "expected": expected})
        });
        stored.collect()
    }
}
