//! Why a tool cannot answer, and how its arguments are read: what the caller can do better is said to the caller, what is
//! wrong here is not.

use rmcp::ErrorData;
use rmcp::model::JsonObject;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::calendar::{self, Day};
use crate::speak::{self, Outcome};

/// Why there is no answer.
#[derive(Debug)]
pub enum Refusal {
    /// The arguments are no good; what would be.
    Arguments(String),
    /// The database could not be read.
    Database,
}

impl From<rusqlite::Error> for Refusal {
    fn from(_: rusqlite::Error) -> Self {
        Refusal::Database
    }
}

impl Refusal {
    /// As a tool says it.
    pub fn outcome(self) -> Outcome {
        match self {
            Refusal::Arguments(wanted) => speak::failed(wanted),
            Refusal::Database => Err(ErrorData::internal_error("the shop's database could not be read", None)),
        }
    }
}

/// The arguments of a call, if they are such.
pub fn arguments<T: DeserializeOwned>(given: JsonObject) -> Result<T, Refusal> {
    serde_json::from_value(Value::Object(given)).map_err(|cause| Refusal::Arguments(cause.to_string()))
}

/// How many rows are wanted: as said, within bounds.
pub fn limit(given: Option<u64>, usual: u64, most: u64) -> Result<u64, Refusal> {
    match given {
        None => Ok(usual),
        Some(limit) if (1..=most).contains(&limit) => Ok(limit),
        Some(_) => Err(Refusal::Arguments(format!("limit must be from 1 to {most}"))),
    }
}

/// A date.
pub fn date(name: &str, given: &str) -> Result<Day, Refusal> {
    calendar::parse(given).ok_or_else(|| Refusal::Arguments(format!("{name} must be a date like 2026-01-31")))
}

/// A text of the caller's, neither empty nor endless.
pub fn short(name: &str, given: &str, least: usize, most: usize) -> Result<(), Refusal> {
    if (least..=most).contains(&given.chars().count()) {
        return Ok(());
    }
    Err(Refusal::Arguments(format!("{name} must have {least} to {most} characters")))
}
