//! A session whose answers are texts and whose errors are data, so that tests read as what happened.
//!
//! No error, wherever it comes from, may be `XX000`: the session itself checks that.

use std::time::{Duration, Instant};

use postgres::{Client, SimpleQueryMessage};
use serde_json::Value;

/// An SQL error as a client sees it.
#[derive(Debug, Clone)]
pub struct Failure {
    pub sqlstate: String,
    pub message: String,
    pub detail: String,
    pub hint: String,
}

impl Failure {
    /// The `E-…` code of one of our errors, or the SQLSTATE of PostgreSQL's own.
    pub fn code(&self) -> String {
        match self.message.split_once(": ") {
            Some((code, _)) if code.starts_with("E-") => {
                let detail: Value = serde_json::from_str(&self.detail).expect("DETAIL is JSON");
                assert_eq!(detail["code"], code, "MESSAGE and DETAIL name the same code");
                assert!(!self.hint.is_empty(), "{code} says what to do");
                code.to_owned()
            }
            _ => self.sqlstate.clone(),
        }
    }

    /// What the server said; a broken connection is a failure of the test.
    pub fn from(error: &postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else { panic!("the connection broke: {error:?}") };
        let failure = Failure {
            sqlstate: db.code().code().to_owned(),
            message: db.message().to_owned(),
            detail: db.detail().unwrap_or_default().to_owned(),
            hint: db.hint().unwrap_or_default().to_owned(),
        };
        assert_ne!(failure.sqlstate, "XX000", "an internal error reached a client: {failure:?}");
        for text in [&failure.message, &failure.detail, &failure.hint] {
            assert!(!text.contains(".rs:") && !text.contains("panicked"), "insides reached a client: {failure:?}");
        }
        failure
    }
}

/// A database session.
pub struct Session(pub Client);

impl Session {
    pub fn new(client: Client) -> Self {
        Self(client)
    }

    /// Runs SQL; the rows of its last statement that returned any.
    pub fn rows(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, Failure> {
        let messages = self.0.simple_query(sql).map_err(|error| Failure::from(&error))?;
        let mut rows: Vec<Vec<Option<String>>> = Vec::new();
        for message in messages {
            match message {
                SimpleQueryMessage::RowDescription(_) => rows.clear(),
                SimpleQueryMessage::Row(row) => {
                    rows.push((0..row.len()).map(|n| row.get(n).map(str::to_owned)).collect())
                }
                _ => {}
            }
        }
        Ok(rows)
    }

    /// Runs SQL; the first column of its last row, empty for NULL or no row.
    pub fn ask(&mut self, sql: &str) -> Result<String, Failure> {
        Ok(self.rows(sql)?.pop().and_then(|row| row.into_iter().next().flatten()).unwrap_or_default())
    }

    /// Runs SQL that must succeed.
    pub fn run(&mut self, sql: &str) {
        self.value(sql);
    }

    /// The value of SQL that must succeed.
    #[track_caller]
    pub fn value(&mut self, sql: &str) -> String {
        match self.ask(sql) {
            Ok(value) => value,
            Err(failure) => panic!("{sql}\nfailed with {failure:?}"),
        }
    }

    /// The JSON value of SQL that must succeed.
    #[track_caller]
    pub fn json(&mut self, sql: &str) -> Value {
        let text = self.value(sql);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{sql}\nreturned {text:?}: {error}"))
    }

    /// The error of SQL that must fail.
    #[track_caller]
    pub fn failure(&mut self, sql: &str) -> Failure {
        match self.ask(sql) {
            Ok(value) => panic!("{sql}\nsucceeded with {value:?}"),
            Err(failure) => failure,
        }
    }

    /// The code of SQL that must fail.
    #[track_caller]
    pub fn code(&mut self, sql: &str) -> String {
        self.failure(sql).code()
    }

    /// Runs `sql` in a transaction bound to `project`, and commits; its JSON value.
    #[track_caller]
    pub fn within(&mut self, project: &str, sql: &str) -> Value {
        match self.try_within(project, sql) {
            Ok(value) => value,
            Err(failure) => panic!("{sql}\nfailed with {failure:?}"),
        }
    }

    /// As [`Session::within`], for what may fail (and is then rolled back).
    pub fn try_within(&mut self, project: &str, sql: &str) -> Result<Value, Failure> {
        self.run("begin");
        let outcome = self.ask(&format!("select awooop.enter_project('{project}')")).and_then(|_| self.ask(sql));
        match outcome {
            Ok(text) => {
                self.run("commit");
                Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
            }
            Err(failure) => {
                self.run("rollback");
                Err(failure)
            }
        }
    }
}

/// `text` as an SQL literal.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Waits until `ready` holds; tests never sleep for a guessed time.
#[track_caller]
pub fn eventually(what: &str, mut ready: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !ready() {
        assert!(Instant::now() < deadline, "{what} did not happen within a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
}
