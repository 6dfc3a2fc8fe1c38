//! What the catalogues say: every table, function, role and grant accounted for, every operation authorized through both
//! doors, every refusal on record. What is new fails here until it is listed.

mod authorization;
mod background;
mod functions;
mod operations;
mod refusals;
mod roles;
mod tables;

use crate::harness::Session;

/// The rows of a catalogue query as texts; NULL is empty.
fn texts(session: &mut Session, sql: &str) -> Vec<Vec<String>> {
    match session.rows(sql) {
        Ok(rows) => rows.into_iter().map(|row| row.into_iter().map(Option::unwrap_or_default).collect()).collect(),
        Err(failure) => panic!("{sql}\nfailed with {failure:?}"),
    }
}

/// The first column of a catalogue query.
fn names(session: &mut Session, sql: &str) -> Vec<String> {
    texts(session, sql).into_iter().map(|mut row| row.swap_remove(0)).collect()
}
