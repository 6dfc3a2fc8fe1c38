//! The command `contract`: verifies an exported contract with a copy of the platform's keyring. Needs no database; what is
//! found is decided by the policy, and said here in words.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use awooop_contracts::Violation;
use awooop_contracts::revision::{ExportedContract, MAX_EXPORT_BYTES, Purpose};
use awooop_policy::contract::verification::{Report, Verdict, verify};
use awooop_policy::keyring::{MacVerdict, State};
use clap::Subcommand;

use crate::keyring::read_private;
use crate::start::StartError;

/// What to do with a contract.
#[derive(Clone, PartialEq, Eq, Subcommand)]
pub enum ContractCommand {
    /// Verify a file that export_contract made: that its document is a contract, and that the platform made every
    /// signature in it. Prints what was found; the exit code is 0 where the file is proven, 1 where it is not, and 2 where
    /// it is no exported contract or cannot be read.
    Verify {
        /// The file. `-` reads standard input.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The keyring of the platform that exported it; whoever has it can also sign.
        #[arg(long, env = "AWOOOP_KEYRING_FILE", value_name = "FILE")]
        keyring: PathBuf,
        /// Print the report as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Does what the command says; `false` where the file proves nothing.
pub fn run(command: &ContractCommand) -> Result<bool, StartError> {
    let ContractCommand::Verify { file, keyring, json } = command;
    let keyring = read_private(keyring)?;
    let exported = ExportedContract::parse(&read(file)?).map_err(StartError::Export)?;
    let report = verify(&exported, &keyring);
    let told = if *json { format!("{:#}\n", report.to_json()) } else { in_words(&report) };
    io::stdout().write_all(told.as_bytes()).map_err(StartError::System)?;
    Ok(report.is_proven())
}

fn read(path: &Path) -> Result<String, StartError> {
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(StartError::File)?)
    };
    let mut bytes = Vec::new();
    source.take(MAX_EXPORT_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(StartError::File)?;
    if bytes.len() > MAX_EXPORT_BYTES {
        return Err(StartError::Export(Violation::TooLarge { limit: MAX_EXPORT_BYTES }.into()));
    }
    String::from_utf8(bytes).map_err(|_| StartError::Input("the file is no exported contract: it is not UTF-8"))
}

fn in_words(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a String never fails.
    let _ = write_words(report, &mut text);
    text
}

fn write_words(report: &Report, text: &mut String) -> std::fmt::Result {
    let exported = report.exported();
    let revision = &exported.revision;
    match report.verdict {
        Verdict::Proven => writeln!(text, "proven: the platform published this, and made every signature below")?,
        Verdict::Unproven(reason) => {
            writeln!(text, "not proven: {}", reason.explanation())?;
            writeln!(text, "what the file says, none of which is proven:")?;
        }
    }
    let (kind, name, project) = (revision.kind.as_str(), quoted(&revision.name), quoted(&revision.project_id));
    writeln!(
        text,
        "  {kind} {name} of project {project}, revision {} ({})",
        revision.number,
        quoted(&revision.revision_id)
    )?;
    writeln!(text, "  published by {} at {}", quoted(&revision.published_by), quoted(&revision.published_at))?;
    let authors: Vec<String> = revision.authors.iter().map(|author| quoted(author)).collect();
    writeln!(text, "  written by {}", if authors.is_empty() { "nobody".into() } else { authors.join(", ") })?;
    writeln!(text, "  SHA-256 of the document {}, of the revision {}", report.document_digest, report.revision_digest)?;
    for violation in &report.violations {
        writeln!(text, "  wrong in the document: {}", violation.to_string().escape_debug())?;
    }
    for (one, verdict) in exported.publish_signatures().iter().zip(&report.publish_signatures) {
        writeln!(text, "  publish signature: {}", with_key(&one.key_id, *verdict))?;
    }
    for (one, verdict) in exported.signatures().iter().zip(&report.signatures) {
        let did = match one.purpose {
            Purpose::Publish => "publication",
            Purpose::Approve => "approval",
            Purpose::Activate => "activation",
        };
        let (principal, signed_at) = (quoted(&one.principal_id), quoted(&one.signed_at));
        writeln!(text, "  {did} by {principal} at {signed_at}: {}", with_key(&one.key_id, *verdict))?;
    }
    if report.is_proven() {
        writeln!(text, "  principals besides its authors that approved: {}", report.approving_principals().len())?;
    }
    for key in report.retired_keys() {
        writeln!(
            text,
            "note: the key {} is retired: who has read the keyring since can have signed with it",
            quoted(key)
        )?;
    }
    Ok(())
}

fn with_key(key_id: &str, verdict: MacVerdict) -> String {
    let key = quoted(key_id);
    match verdict {
        MacVerdict::Good(State::Retired) => format!("good, by the key {key}, which is retired"),
        MacVerdict::Good(State::Current | State::Standby) => format!("good, by the key {key}"),
        MacVerdict::Bad => format!("bad, not by the key {key}"),
        MacVerdict::UnknownKey => format!("unknown, by a key {key} that is not in the keyring"),
    }
}

/// A text of the file, which may be anybody's, so that it can do nothing to a terminal.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.escape_debug())
}
