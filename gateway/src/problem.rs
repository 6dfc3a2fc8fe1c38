//! Says what went wrong, in the words of the catalogue. Decides which entry an SQL error or a failure of the gateway is;
//! the entries themselves, and every refusal, are made in the database.

use awooop_policy::error::{ErrorCode, Problem};
use serde_json::{Map, Value};
use sqlx::postgres::PgDatabaseError;
use tracing::{error, warn};

use crate::pool::Failure;

/// The problem a failed statement is for the caller. The cause is logged where the problem hides it, under the request's
/// id, by which the caller reports it; the gateway's own statements have none.
pub fn of_failure(failure: &Failure, request_id: Option<&str>) -> Problem {
    match failure {
        Failure::Busy => ErrorCode::HttpBusy.into(),
        Failure::Unreachable(cause) => {
            warn!(request_id, cause = cause_without_input(cause), "the database cannot be reached");
            ErrorCode::HttpDatabase.into()
        }
        Failure::Statement(cause) => of_statement(cause, request_id),
    }
}

fn of_statement(cause: &sqlx::Error, request_id: Option<&str>) -> Problem {
    let problem = match cause {
        sqlx::Error::Database(database) => {
            let detail = database.try_downcast_ref::<PgDatabaseError>().and_then(PgDatabaseError::detail);
            of_sqlstate(database.code().as_deref().unwrap_or_default(), detail)
        }
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => ErrorCode::HttpDatabase.into(),
        _ => ErrorCode::SystemInternal.into(),
    };
    match problem.code {
        ErrorCode::SystemInternal => error!(request_id, cause = cause_without_input(cause), "a statement failed"),
        ErrorCode::HttpDatabase => warn!(request_id, cause = cause_without_input(cause), "the database broke off"),
        _ => {}
    }
    problem
}

/// A fault of AwoooP says in DETAIL which one it is; PostgreSQL's own errors are known by SQLSTATE.
fn of_sqlstate(sqlstate: &str, detail: Option<&str>) -> Problem {
    if let Some(fault) = detail.and_then(of_detail) {
        return fault;
    }
    let code = match sqlstate {
        "40001" | "40P01" => ErrorCode::SystemRetry,
        "57014" => ErrorCode::HttpTimeout,
        // Of JSON: a character, a number, a depth, a size that a document in PostgreSQL cannot have.
        "22021" | "22P05" => ErrorCode::InputNul,
        "22003" => ErrorCode::InputNumber,
        "54001" => ErrorCode::InputTooDeep,
        "54000" => ErrorCode::InputTooLarge,
        "53300" => ErrorCode::HttpDatabase,
        _ if sqlstate.starts_with("08") || sqlstate.starts_with("57P0") => ErrorCode::HttpDatabase,
        _ => ErrorCode::SystemInternal,
    };
    code.into()
}

fn of_detail(detail: &str) -> Option<Problem> {
    let mut facts: Map<String, Value> = serde_json::from_str(detail).ok()?;
    let code = ErrorCode::parse(facts.remove("code")?.as_str()?)?;
    facts.remove("status");
    Some(Problem { facts, ..Problem::from(code) })
}

/// What a developer needs to find the cause. PostgreSQL's message is left out: it may quote what the caller sent; the
/// place that raised it does not, and the server's own log has the rest.
fn cause_without_input(cause: &sqlx::Error) -> String {
    let sqlx::Error::Database(database) = cause else {
        return cause.to_string();
    };
    let Some(error) = database.try_downcast_ref::<PgDatabaseError>() else {
        return "a database error".into();
    };
    format!(
        "SQLSTATE {} raised by {} ({}:{})",
        error.code(),
        error.routine().unwrap_or("?"),
        error.file().unwrap_or("?"),
        error.line().unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_known_by_its_detail() {
        let detail = r#"{"code":"E-INPUT-001","status":400,"argument":"limit","expected":"1..200"}"#;
        let document = of_sqlstate("22023", Some(detail)).to_document();
        assert_eq!(document["code"], "E-INPUT-001");
        assert_eq!(document["status"], 400);
        assert_eq!(document["argument"], "limit");
        assert_eq!(document["expected"], "1..200");
    }

    #[test]
    fn a_detail_that_names_no_code_of_ours_shows_nothing_of_itself() {
        for detail in ["Key (a)=(secret) already exists.", "{}", r#"{"code":"E-NONE-001"}"#, r#"{"code":7}"#, "[]"] {
            let problem = of_sqlstate("23505", Some(detail));
            assert_eq!(problem, ErrorCode::SystemInternal.into(), "{detail}");
        }
    }

    #[test]
    fn the_databases_own_errors_are_known_by_sqlstate() {
        for (sqlstate, code) in [
            ("40001", ErrorCode::SystemRetry),
            ("40P01", ErrorCode::SystemRetry),
            ("57014", ErrorCode::HttpTimeout),
            ("22021", ErrorCode::InputNul),
            ("22P05", ErrorCode::InputNul),
            ("22003", ErrorCode::InputNumber),
            ("54001", ErrorCode::InputTooDeep),
            ("54000", ErrorCode::InputTooLarge),
            ("08006", ErrorCode::HttpDatabase),
            ("57P01", ErrorCode::HttpDatabase),
            ("57P03", ErrorCode::HttpDatabase),
            ("53300", ErrorCode::HttpDatabase),
            ("42501", ErrorCode::SystemInternal),
            ("XX000", ErrorCode::SystemInternal),
            ("", ErrorCode::SystemInternal),
        ] {
            assert_eq!(of_sqlstate(sqlstate, None).code, code, "{sqlstate}");
        }
    }

    #[test]
    fn a_failure_of_the_gateway_has_its_code() {
        assert_eq!(of_failure(&Failure::Busy, None).code, ErrorCode::HttpBusy);
        let broken = || sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert_eq!(of_failure(&Failure::Unreachable(broken()), None).code, ErrorCode::HttpDatabase);
        assert_eq!(of_failure(&Failure::Statement(broken()), None).code, ErrorCode::HttpDatabase);
        assert_eq!(of_failure(&Failure::Statement(sqlx::Error::RowNotFound), None).code, ErrorCode::SystemInternal);
    }
}
