//! Runs: their creation, their work, their end.

use awooop_contracts::output::MAX_OUTPUT_BYTES;

use super::budgets::{AMOUNT, CACHED, INPUT, MICRO_USD, MODEL_NAME, OUTPUT, TOKENS};
use super::{CREDENTIAL, CURSOR, DOCUMENT, ID, PAGE, SUBJECT};
use crate::argument::{Argument, Kind};
use crate::name::NameRule;
use crate::operation::{Operation, result};
use crate::run_fsm::RunState;
use crate::scope::Scope;
use crate::share;

const LEASE_SECONDS: Kind = Kind::Integer { min: 5, max: 3600 };
const RUN_ID: Argument = Argument::required("run_id", Kind::Uuid, "The run.");
const TOKEN: Kind = Kind::Text { rule: NameRule::Line, max: crate::approval::jws::MAX_TOKEN };
const LEASE: Argument = Argument::required("lease", CREDENTIAL, "The lease that claim_runs gave for this run.");

fn states() -> Vec<&'static str> {
    RunState::ALL.into_iter().map(RunState::as_str).collect()
}

fn phases() -> Vec<&'static str> {
    vec!["started", "completed"]
}

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "create_run",
        scope: Some(Scope::RunsWrite),
        method: "POST",
        path: "/v1/platform/runs",
        summary: "Create a run",
        description: "Takes an envelope as build_envelope returned it. With an idempotency key, the same request returns \
                      the first run (status 200, created false), and another request with that key is refused; the \
                      trace, which differs with every envelope, is not compared. Keys live as long as their run.",
        status: 201,
        arguments: &[
            Argument::required("envelope", Kind::Object, "The envelope, unchanged."),
            Argument::optional("input", DOCUMENT, "{}", "What the agent gets: any JSON, kept as it is."),
            Argument::optional(
                "idempotency_key",
                Kind::Text { rule: NameRule::Line, max: 255 },
                "null",
                "Makes a repeat return the first run; also as the header Idempotency-Key.",
            ),
            Argument::optional(
                "priority",
                Kind::Integer { min: 0, max: 9 },
                "null",
                "Higher goes first within the project, up to the run contract's highest; where null, as that says, else 5.",
            ),
            Argument::optional(
                "max_attempts",
                Kind::Integer { min: 1, max: 20 },
                "null",
                "How often it is tried in all, at most as often as the run contract says; where null, as that says, else 3.",
            ),
            Argument::optional(
                "deadline_seconds",
                Kind::Integer { min: 1, max: 604_800 },
                "null",
                "When it is given up (timed_out), in seconds from now, at most as late as the run contract says; where \
                 null, as that says, else 3600.",
            ),
            Argument::optional("tags", Kind::Tags, "{}", "Labels, kept beside the envelope."),
            Argument::optional(
                "reserve_tokens",
                AMOUNT,
                "null",
                "Tokens to reserve for it; refused whole if they do not fit.",
            ),
            Argument::optional(
                "reserve_micro_usd",
                AMOUNT,
                "null",
                "Money to reserve for it, in millionths of a US dollar; refused whole if it does not fit.",
            ),
        ],
        result: result::created_run,
    },
    Operation {
        name: "list_runs",
        scope: Some(Scope::RunsRead),
        method: "GET",
        path: "/v1/platform/runs",
        summary: "List runs, newest first",
        description: "Pages by key, so that runs created meanwhile neither repeat nor hide one.",
        status: 200,
        arguments: &[
            Argument::optional("state", Kind::Word(states), "null", "Only runs in this state."),
            Argument::optional("agent_id", ID, "null", "Only runs of this agent."),
            Argument::optional("platform_subject_id", SUBJECT, "null", "Only runs of this subject."),
            Argument::optional("created_after", Kind::Time, "null", "Only runs created at or after this time."),
            Argument::optional("created_before", Kind::Time, "null", "Only runs created before this time."),
            PAGE,
            CURSOR,
        ],
        result: result::runs,
    },
    Operation {
        name: "claim_runs",
        scope: Some(Scope::RunsWork),
        method: "POST",
        path: "/v1/platform/runs/claim",
        summary: "Claim runs to work on",
        description: "Gives each claimed run a lease that every further write of the worker names, and the steps already \
                      recorded, which must not run again. An empty list means there is nothing to do.",
        status: 200,
        arguments: &[
            Argument::required("worker_id", ID, "The worker's name, for people to read."),
            Argument::optional("max_runs", Kind::Integer { min: 1, max: 100 }, "1", "How many at most."),
            Argument::optional(
                "lease_seconds",
                LEASE_SECONDS,
                "null",
                "How long each lease holds without a heartbeat, in seconds; where null, as the run contract says, else 60.",
            ),
            Argument::optional(
                "with_endpoint",
                Kind::Boolean,
                "false",
                "Only runs of agents whose contract names an endpoint, each with it.",
            ),
            share::PLACES,
            share::HOLDING,
        ],
        result: result::claimed,
    },
    Operation {
        name: "get_run",
        scope: Some(Scope::RunsRead),
        method: "GET",
        path: "/v1/platform/runs/{run_id}",
        summary: "Show one run",
        description: "State, envelope, input, and result or error.",
        status: 200,
        arguments: &[RUN_ID],
        result: result::run,
    },
    Operation {
        name: "list_steps",
        scope: Some(Scope::RunsRead),
        method: "GET",
        path: "/v1/platform/runs/{run_id}/steps",
        summary: "Show the journal of a run",
        description: "Every recorded step in order.",
        status: 200,
        arguments: &[
            RUN_ID,
            Argument::optional(
                "after_seq",
                Kind::Integer { min: 0, max: 1_000_000_000 },
                "0",
                "Only steps after this one.",
            ),
            PAGE,
        ],
        result: result::steps,
    },
    Operation {
        name: "cancel_run",
        scope: Some(Scope::RunsWrite),
        method: "POST",
        path: "/v1/platform/runs/{run_id}/cancel",
        summary: "Cancel a run",
        description: "Ends the run at once; a worker that holds it is refused from then on. Cancelling a cancelled run \
                      changes nothing.",
        status: 200,
        arguments: &[
            RUN_ID,
            Argument::optional(
                "reason",
                Kind::Text { rule: NameRule::Line, max: 500 },
                "null",
                "Why, for people to read.",
            ),
        ],
        result: result::run,
    },
    Operation {
        name: "heartbeat",
        scope: Some(Scope::RunsWork),
        method: "POST",
        path: "/v1/platform/runs/{run_id}/heartbeat",
        summary: "Keep leases",
        description: "One call of a worker extends all its leases of the project. Work on a run under `lost` must stop.",
        status: 200,
        arguments: &[
            RUN_ID,
            LEASE,
            Argument::optional(
                "lease_seconds",
                LEASE_SECONDS,
                "null",
                "How long the leases hold from now without another, in seconds; where null, as long as they were given for.",
            ),
            Argument::optional(
                "other_leases",
                Kind::TextList { rule: NameRule::Line, max: 256, items: 500 },
                "[]",
                "Further leases of the same worker and project.",
            ),
        ],
        result: result::heartbeat,
    },
    Operation {
        name: "record_step",
        scope: Some(Scope::RunsWork),
        method: "POST",
        path: "/v1/platform/runs/{run_id}/steps",
        summary: "Record a step of a run",
        description: "A step that was completed before is `replayed`: its recorded result comes back and must be used. \
                      Before an effect outside, record phase `started` and commit: if an earlier attempt started the \
                      step and never completed it, the outcome is `unknown`, and whether it happened must be found out \
                      before it is tried again. What it has used is charged with \
                      it, once: tokens, micro_usd, or the usage of a model.",
        status: 200,
        arguments: &[
            RUN_ID,
            LEASE,
            Argument::required(
                "step_key",
                Kind::Text { rule: NameRule::Line, max: 128 },
                "Names the step within the run, the same in every attempt. Keys that begin with `awooop:` are the platform's.",
            ),
            Argument::optional("result", DOCUMENT, "null", "What the step yielded."),
            Argument::optional("request", DOCUMENT, "null", "What the step was asked; compared on replay."),
            Argument::optional("kind", ID, "\"step\"", "What sort of step it is, such as llm or tool."),
            Argument::optional(
                "phase",
                Kind::Word(phases),
                "\"completed\"",
                "`started` before an effect, `completed` after.",
            ),
            Argument::optional(
                "tool",
                ID,
                "null",
                "The tool that is about to be called, where there is an approval token.",
            ),
            Argument::optional(
                "approval_token",
                TOKEN,
                "null",
                "What was approved: the call of `tool` with `request` as its arguments. Used with this step, once.",
            ),
            TOKENS,
            MICRO_USD,
            MODEL_NAME,
            INPUT,
            CACHED,
            OUTPUT,
        ],
        result: result::step,
    },
    Operation {
        name: "validate_output",
        scope: Some(Scope::RunsWork),
        method: "POST",
        path: "/v1/platform/runs/{run_id}/output",
        summary: "Validate what a model returned",
        description: "Reads the document in the text, mends what can be mended in one way only, and checks it by the \
                      output schemas of the run's contracts. If it fails, `errors` says what to tell the model. Three \
                      outputs of a run may fail, whichever worker sends them; with the third the run fails \
                      (E-SCHEMA-001). Each is recorded as a step of kind `output`.",
        status: 200,
        arguments: &[
            RUN_ID,
            LEASE,
            Argument::required(
                "raw",
                Kind::Text { rule: NameRule::Free, max: MAX_OUTPUT_BYTES },
                "The text, unchanged. All arguments together may take 1 MiB; of a longer text send the beginning.",
            ),
            Argument::optional(
                "attempt",
                Kind::Integer { min: 1, max: 1000 },
                "null",
                "Which output of the run this is, counted from 1. One that was recorded before, with the same text, gets \
                 the recorded answer and uses nothing up; null is always the next.",
            ),
        ],
        result: result::output,
    },
    Operation {
        name: "complete_run",
        scope: Some(Scope::RunsWork),
        method: "POST",
        path: "/v1/platform/runs/{run_id}/complete",
        summary: "Complete a run",
        description: "Ends the run with its result, which must satisfy what validate_output checks. One that does not is \
                      refused (E-SCHEMA-004) and counts as an output that failed; the third of the run ends it \
                      (E-SCHEMA-001). Repeating it with the same lease returns the run again.",
        status: 200,
        arguments: &[RUN_ID, LEASE, Argument::optional("result", DOCUMENT, "null", "What the run yielded.")],
        result: result::run,
    },
    Operation {
        name: "fail_run",
        scope: Some(Scope::RunsWork),
        method: "POST",
        path: "/v1/platform/runs/{run_id}/fail",
        summary: "Report that an attempt failed",
        description: "Where attempts are left and the failure may be retried, the run waits and becomes claimable again; \
                      else it ends as failed.",
        status: 200,
        arguments: &[
            RUN_ID,
            LEASE,
            Argument::optional("error_code", ID, "\"worker_error\"", "The worker's own code for what went wrong."),
            Argument::optional(
                "message",
                Kind::Text { rule: NameRule::Free, max: 2000 },
                "null",
                "What went wrong, for people to read.",
            ),
            Argument::optional("retryable", Kind::Boolean, "true", "false ends the run whatever attempts are left."),
        ],
        result: result::run,
    },
];
