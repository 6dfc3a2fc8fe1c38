//! Budgets: limits and prices, reservations and charges, and what became of them.

use super::{CREDENTIAL, CURSOR, ID, PAGE, SUBJECT};
use crate::argument::{Argument, Kind};
use crate::budget::{Level, MOST, Period};
use crate::name::NameRule;
use crate::operation::{Operation, result};
use crate::scope::Scope;

pub(super) const AMOUNT: Kind = Kind::Integer { min: 0, max: MOST };
const CHANGE: Kind = Kind::Integer { min: -MOST, max: MOST };
const PRICE: Kind = Kind::Integer { min: 0, max: 1_000_000_000_000 };
const MODEL: Kind = Kind::Text { rule: NameRule::Line, max: 200 };
const KEY: Kind = Kind::Text { rule: NameRule::Line, max: 255 };
const LEVEL: Argument = Argument::required("level", Kind::Word(levels), "project, agent, subject or run.");
const TARGET: Argument = Argument::optional(
    "target",
    SUBJECT,
    "null",
    "The agent, the subject or the run; `*` for each agent or subject without a limit of its own; nothing for the project.",
);
const RESERVATION_ID: Argument = Argument::required("reservation_id", Kind::Uuid, "The reservation.");
const LEASE: Argument =
    Argument::optional("lease", CREDENTIAL, "null", "The run's lease; needed for what happens within a run.");
pub(super) const TOKENS: Argument = Argument::optional("tokens", AMOUNT, "null", "Tokens, read and produced.");
pub(super) const MICRO_USD: Argument =
    Argument::optional("micro_usd", AMOUNT, "null", "Millionths of a US dollar; computed where there is a model.");
pub(super) const MODEL_NAME: Argument =
    Argument::optional("model", MODEL, "null", "The model whose price applies, as set_price names it.");
pub(super) const INPUT: Argument =
    Argument::optional("input_tokens", AMOUNT, "null", "Tokens that are read, without cached ones.");
pub(super) const CACHED: Argument =
    Argument::optional("cached_tokens", AMOUNT, "null", "Tokens that the provider reads from its cache.");
pub(super) const OUTPUT: Argument = Argument::optional("output_tokens", AMOUNT, "null", "Tokens that are produced.");

fn levels() -> Vec<&'static str> {
    Level::OF_A_PROJECT.iter().map(|level| level.as_str()).collect()
}

fn periods() -> Vec<&'static str> {
    Period::ALL.iter().map(|period| period.as_str()).collect()
}

fn switches() -> Vec<&'static str> {
    vec!["active", "paused", "killed"]
}

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "set_budget",
        scope: Some(Scope::BudgetsWrite),
        method: "PUT",
        path: "/v1/platform/budget/limits",
        summary: "Set a limit, or remove it",
        description: "Takes the place of the limit that was set before for the same level, target and period; without \
                      hard_tokens and hard_micro_usd it is removed. What contracts say holds beside it, and the strictest \
                      decides. A limit below what is used already admits nothing.",
        status: 200,
        arguments: &[
            LEVEL,
            Argument::required(
                "period",
                Kind::Word(periods),
                "run (each single run), day, month (both begin at midnight in the project's time zone) or lifetime.",
            ),
            TARGET,
            Argument::optional("hard_tokens", AMOUNT, "null", "The most tokens; 0 admits nothing."),
            Argument::optional("hard_micro_usd", AMOUNT, "null", "The most money, in millionths of a US dollar."),
            Argument::optional(
                "soft_percent",
                Kind::Integer { min: 1, max: 99 },
                "null",
                "At so many percent of the hard limit, people are told (audit action budget_soft_limit).",
            ),
            Argument::optional(
                "burst_percent",
                Kind::Integer { min: 1, max: 100 },
                "null",
                "How far above the hard limit, in percent of it, what is under way may still go.",
            ),
        ],
        result: result::budget_limit,
    },
    Operation {
        name: "switch_budget",
        scope: Some(Scope::BudgetsWrite),
        method: "PUT",
        path: "/v1/platform/budget/switch",
        summary: "Pause a budget, switch it off, or let work in again",
        description: "paused: nothing new is admitted. killed: what is under way stops as well, at its next call. active: \
                      neither.",
        status: 200,
        arguments: &[
            LEVEL,
            Argument::required("state", Kind::Word(switches), "active, paused or killed."),
            Argument::optional(
                "target",
                SUBJECT,
                "null",
                "The agent, the subject or the run; nothing for the project.",
            ),
            Argument::optional(
                "reason",
                Kind::Text { rule: NameRule::Line, max: 500 },
                "null",
                "Why, for people to read.",
            ),
        ],
        result: result::budget_switch,
    },
    Operation {
        name: "budget_status",
        scope: Some(Scope::BudgetsRead),
        method: "GET",
        path: "/v1/platform/budget",
        summary: "Show limits, what is used of them, and where that leads",
        description: "Every limit with what is spent, reserved and left in its present window, and when it is exhausted at \
                      the pace so far; switches; and the runs that budgets stopped last.",
        status: 200,
        arguments: &[
            Argument::optional("level", Kind::Word(levels), "null", "Only limits of this level."),
            Argument::optional("target", SUBJECT, "null", "Only limits of this agent, subject or run."),
        ],
        result: result::budget_status,
    },
    Operation {
        name: "budget_check",
        scope: Some(Scope::BudgetsRead),
        method: "GET",
        path: "/v1/platform/budget/check",
        summary: "Prove that the counters equal the ledger",
        description: "Adds the ledger up and compares, to the unit, with every counter, every escrow and every open \
                      reservation. `differences` is empty where `ok` is true.",
        status: 200,
        arguments: &[],
        result: result::budget_check,
    },
    Operation {
        name: "budget_metrics",
        scope: Some(Scope::BudgetsRead),
        method: "GET",
        path: "/v1/platform/budget/metrics",
        summary: "Scrape budgets",
        description: "Gauges of every limit and switch in the text format of Prometheus; over HTTP as text/plain. The \
                      scraper sends the project's key as its bearer token.",
        status: 200,
        arguments: &[],
        result: result::budget_metrics,
    },
    Operation {
        name: "list_ledger",
        scope: Some(Scope::BudgetsRead),
        method: "GET",
        path: "/v1/platform/budget/ledger",
        summary: "Read the ledger of a run or a reservation",
        description: "Every entry in order: reserve, settle, release, expire, adjust.",
        status: 200,
        arguments: &[
            Argument::required("escrow_id", Kind::Uuid, "The run, or the reservation outside of a run."),
            Argument::optional(
                "after_seq",
                Kind::Integer { min: 0, max: 1_000_000_000 },
                "0",
                "Only entries after this one.",
            ),
            PAGE,
        ],
        result: result::ledger,
    },
    Operation {
        name: "set_price",
        scope: Some(Scope::BudgetsWrite),
        method: "POST",
        path: "/v1/platform/budget/prices",
        summary: "Say what a model costs from a time on",
        description: "Prices are never changed, so that a charge can be computed again: a new one begins now or later.",
        status: 201,
        arguments: &[
            Argument::required("model", MODEL, "The model, as charges will name it."),
            Argument::required(
                "input_micro_usd",
                PRICE,
                "Millionths of a US dollar for a million tokens that are read.",
            ),
            Argument::required("output_micro_usd", PRICE, "The same for tokens that are produced."),
            Argument::optional(
                "cached_micro_usd",
                PRICE,
                "null",
                "The same for tokens read from the provider's cache; where null, as for other tokens that are read.",
            ),
            Argument::optional(
                "valid_from",
                Kind::Time,
                "null",
                "From when on; not in the past. Where null, from now on.",
            ),
        ],
        result: result::price,
    },
    Operation {
        name: "list_prices",
        scope: Some(Scope::BudgetsRead),
        method: "GET",
        path: "/v1/platform/budget/prices",
        summary: "List what models cost and cost before",
        description: "Newest first for each model.",
        status: 200,
        arguments: &[Argument::optional("model", MODEL, "null", "Only this model."), PAGE, CURSOR],
        result: result::prices,
    },
    Operation {
        name: "reserve_budget",
        scope: Some(Scope::BudgetsSpend),
        method: "POST",
        path: "/v1/platform/budget/reservations",
        summary: "Reserve before work begins",
        description: "Takes an envelope as build_envelope returned it, or one of a run together with its lease. What does \
                      not fit into every limit is refused whole. A reservation ends by settle_budget or release_budget; \
                      one that nobody reports on is booked whole when it expires, or when its run's lease does.",
        status: 201,
        arguments: &[
            Argument::required("envelope", Kind::Object, "The envelope, unchanged; with run_id for work within a run."),
            TOKENS,
            MICRO_USD,
            MODEL_NAME,
            INPUT,
            CACHED,
            OUTPUT,
            Argument::optional("kind", ID, "\"llm\"", "What sort of work it is, such as llm or tool."),
            LEASE,
            Argument::optional(
                "expires_seconds",
                Kind::Integer { min: 1, max: 86_400 },
                "300",
                "How long it is held outside of a run, in seconds.",
            ),
            Argument::optional("idempotency_key", KEY, "null", "Makes a repeat return the first reservation."),
        ],
        result: result::reservation,
    },
    Operation {
        name: "settle_budget",
        scope: Some(Scope::BudgetsSpend),
        method: "POST",
        path: "/v1/platform/budget/settlements",
        summary: "Book what was used",
        description: "With reservation_id, ends that reservation; with run_id alone, charges the run. What exceeds the \
                      reservation takes what is left; what exceeds that too is booked as overrun, and stops the run. \
                      Sent again, it is the same charge.",
        status: 200,
        arguments: &[
            Argument::optional("reservation_id", Kind::Uuid, "null", "The reservation."),
            Argument::optional("run_id", Kind::Uuid, "null", "The run."),
            TOKENS,
            MICRO_USD,
            MODEL_NAME,
            INPUT,
            CACHED,
            OUTPUT,
            LEASE,
            Argument::optional(
                "idempotency_key",
                KEY,
                "null",
                "For a charge without a reservation: makes a repeat the same charge.",
            ),
        ],
        result: result::settlement,
    },
    Operation {
        name: "release_budget",
        scope: Some(Scope::BudgetsSpend),
        method: "POST",
        path: "/v1/platform/budget/reservations/{reservation_id}/release",
        summary: "Give a reservation back",
        description: "For work that did not take place. Releasing what was released changes nothing.",
        status: 200,
        arguments: &[RESERVATION_ID, LEASE],
        result: result::settlement,
    },
    Operation {
        name: "adjust_budget",
        scope: Some(Scope::BudgetsWrite),
        method: "POST",
        path: "/v1/platform/budget/adjustments",
        summary: "Correct what was booked",
        description: "For a run or a reservation that has ended, when a bill says otherwise: an entry of its own in the \
                      ledger. What is added counts as overrun, since nobody granted it.",
        status: 200,
        arguments: &[
            Argument::required("escrow_id", Kind::Uuid, "The run, or the reservation outside of a run."),
            Argument::required("reason", Kind::Text { rule: NameRule::Line, max: 500 }, "Why, for people to read."),
            Argument::optional("tokens", CHANGE, "null", "Tokens more, or, below 0, less."),
            Argument::optional("micro_usd", CHANGE, "null", "Millionths of a US dollar more, or, below 0, less."),
            Argument::optional("idempotency_key", KEY, "null", "Makes a repeat the same adjustment."),
        ],
        result: result::adjustment,
    },
];
