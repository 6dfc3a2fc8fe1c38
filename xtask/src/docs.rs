//! The files that are made from data in the code, pages and SQL declarations: written by `cargo xtask docs`, compared by
//! `cargo xtask docs --check` and by the lint.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// A page and what makes it.
type Page = (&'static str, fn() -> String);

const PAGES: &[Page] = &[
    ("docs/CONTRACTS.md", awooop_contracts::documentation::documentation),
    ("docs/ERRORS.md", awooop_policy::error::documentation),
    ("docs/RUN_STATES.md", awooop_policy::run_fsm::documentation),
    ("pg_awooop/sql/operations.sql", awooop_policy::operation::sql_declarations),
];

/// Writes the pages that differ.
pub fn write(checkout: &Path) -> Result<()> {
    for (path, make) in PAGES {
        let file = checkout.join(path);
        let text = make();
        if fs::read_to_string(&file).ok().as_ref() != Some(&text) {
            fs::create_dir_all(file.parent().unwrap_or(checkout))?;
            fs::write(&file, text).with_context(|| format!("cannot write {path}"))?;
            eprintln!("wrote {path}");
        }
    }
    Ok(())
}

/// Fails when a page is not what the code says.
pub fn check(checkout: &Path) -> Result<()> {
    let stale: Vec<&str> = PAGES
        .iter()
        .filter(|(path, make)| fs::read_to_string(checkout.join(path)).ok() != Some(make()))
        .map(|(path, _)| *path)
        .collect();
    if !stale.is_empty() {
        bail!("not what the code says: {}; run `cargo xtask docs`", stale.join(", "));
    }
    Ok(())
}
