//! The command `audit`: verifies an exported audit log, or a proof, with public keys and checkpoints that were kept
//! outside the database. Needs no database; what is found is decided by the policy.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use awooop_policy::transparency::checkpoint;
use awooop_policy::transparency::export::Line;
use awooop_policy::transparency::history::History;
use awooop_policy::transparency::proof::{Unproved, check_proof};
use awooop_policy::transparency::verifier::LogVerifier;
use clap::{Args, Subcommand};

use crate::start::StartError;

/// What to verify.
#[derive(Clone, PartialEq, Eq, Subcommand)]
pub enum AuditCommand {
    /// Verify an exported log: every document, and the roots of all checkpoints given. Prints a report, with `proved_to`,
    /// the leaf up to which a checkpoint vouches; the exit code is 1 where something is wrong.
    Verify {
        /// The log from its first leaf on: one item of export_audit's answers a line. `-` reads standard input.
        #[arg(long, value_name = "FILE")]
        export: PathBuf,
        /// An export made earlier, to name the very rows that changed since.
        #[arg(long, value_name = "FILE")]
        earlier: Option<PathBuf>,
        /// An export with the documents of partitions that were detached and dropped since; several may be given. Without
        /// one, of such rows only the hashes are verified, and that the log tells of their detachment.
        #[arg(long = "archive", value_name = "FILE")]
        archives: Vec<PathBuf>,
        /// Ask only whether the export agrees with itself, where no checkpoint is given: a log that was rewritten as a
        /// whole does.
        #[arg(long)]
        no_checkpoint: bool,
        #[command(flatten)]
        trust: Trust,
    },
    /// Verify an answer of audit_proof: that a row is in the log, or that one checkpoint's log is the beginning of
    /// another's. Prints what is proved.
    VerifyProof {
        /// The answer.
        #[arg(long, value_name = "FILE")]
        proof: PathBuf,
        /// Be satisfied with a leaf's hash where the answer has no document: nothing is proved of what was hashed.
        #[arg(long)]
        leaf_only: bool,
        #[command(flatten)]
        trust: Trust,
    },
}

/// What the verifier trusts.
#[derive(Clone, PartialEq, Eq, Args)]
pub struct Trust {
    /// A checkpoint that was kept outside the database; several may be given.
    #[arg(long = "checkpoint", value_name = "FILE")]
    checkpoints: Vec<PathBuf>,
    /// A public key as `keyring public` prints it, or a file with one a line; several may be given.
    #[arg(long = "public-key", value_name = "KEY|FILE", required = true)]
    public_keys: Vec<String>,
}

/// Does what the command says; `false` where something is wrong with the log or the proof.
pub fn run(command: &AuditCommand) -> Result<bool, StartError> {
    match command {
        AuditCommand::Verify { export, earlier, archives, no_checkpoint, trust } => {
            verify(export, earlier.as_deref(), archives, *no_checkpoint, trust)
        }
        AuditCommand::VerifyProof { proof, leaf_only, trust } => verify_proof(proof, *leaf_only, trust),
    }
}

fn verify(
    export: &Path,
    earlier: Option<&Path>,
    archives: &[PathBuf],
    no_checkpoint: bool,
    trust: &Trust,
) -> Result<bool, StartError> {
    let keys = trust.keys()?;
    let mut checkpoints = Vec::new();
    for text in trust.checkpoints()? {
        checkpoints.push(checkpoint::open(&text, &keys).map_err(|_| StartError::Input("a checkpoint is not one"))?);
    }
    let history = match earlier {
        None => None,
        Some(path) => {
            let mut history = History::default();
            for line in lines(path)? {
                let line = Line::parse(&line.map_err(StartError::File)?);
                history.remember(&line.ok_or(StartError::Input("the earlier export has a line that is none"))?);
            }
            Some(history)
        }
    };
    let mut archives = archives.iter().map(|path| Archive::open(path)).collect::<Result<Vec<_>, _>>()?;
    let mut verifier = LogVerifier::new(checkpoints, history);
    if no_checkpoint {
        verifier = verifier.for_consistency_only();
    }
    for line in lines(export)? {
        let archived = |index| archives.iter_mut().find_map(|archive| archive.at(index));
        verifier.line_or_archived(&line.map_err(StartError::File)?, archived);
    }
    if archives.iter().any(|archive| archive.broken) {
        return Err(StartError::Input("an archived export has a line that is none"));
    }
    let report = verifier.finish();
    writeln!(io::stdout(), "{:#}", report.to_json()).map_err(StartError::System)?;
    if report.consistency_only {
        eprintln!(
            "awooop-gateway: no checkpoint was given that can be trusted: a log that was rewritten as a whole looks fine"
        );
    }
    Ok(report.is_ok())
}

/// An export that is read along with the one to verify, as both are in the order of the leaves.
struct Archive {
    lines: Lines,
    next: Option<Line>,
    broken: bool,
}

impl Archive {
    fn open(path: &Path) -> Result<Self, StartError> {
        Ok(Self { lines: lines(path)?, next: None, broken: false })
    }

    /// Its line of leaf `index`, if it has one; asked for in ascending order.
    fn at(&mut self, index: u64) -> Option<Line> {
        while self.next.as_ref().is_none_or(|line| line.leaf_index < index) {
            let line = self.lines.next()?.ok().and_then(|line| Line::parse(&line));
            self.broken |= line.is_none();
            self.next = Some(line?);
        }
        self.next.take_if(|line| line.leaf_index == index)
    }
}

fn verify_proof(proof: &Path, leaf_only: bool, trust: &Trust) -> Result<bool, StartError> {
    let answer = std::fs::read_to_string(proof).map_err(StartError::File)?;
    match check_proof(&answer, &trust.checkpoints()?, &trust.keys()?) {
        Ok(proved) => {
            writeln!(io::stdout(), "{:#}", proved.to_json()).map_err(StartError::System)?;
            if !proved.is_whole() {
                eprintln!(
                    "awooop-gateway: the answer has no document: only its leaf's hash is proved, and nothing of what was \
                     hashed"
                );
            }
            Ok(proved.is_whole() || leaf_only)
        }
        Err(Unproved::NotAProof) => Err(StartError::Input("the file is no answer of audit_proof that proves anything")),
        Err(why) => {
            eprintln!(
                "awooop-gateway: not proved: {}",
                match why {
                    Unproved::Document => "the document is not the leaf's, or of another project",
                    Unproved::Inclusion => "the row is not in the log that the checkpoint signs",
                    Unproved::Consistency => "the one log is not the beginning of the other",
                    _ =>
                        "no checkpoints were given of the sizes that the proof needs, of one log, with good signatures",
                }
            );
            Ok(false)
        }
    }
}

impl Trust {
    fn checkpoints(&self) -> Result<Vec<String>, StartError> {
        self.checkpoints.iter().map(|path| std::fs::read_to_string(path).map_err(StartError::File)).collect()
    }

    fn keys(&self) -> Result<Vec<signed_note::StandardVerifier>, StartError> {
        let mut keys = Vec::new();
        for given in &self.public_keys {
            if let Some(key) = checkpoint::public_key(given) {
                keys.push(key);
                continue;
            }
            let text = std::fs::read_to_string(given)
                .map_err(|_| StartError::Input("a public key is neither a key nor a file that can be read"))?;
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                keys.push(
                    checkpoint::public_key(line).ok_or(StartError::Input("a file of public keys has another line"))?,
                );
            }
        }
        Ok(keys)
    }
}

type Lines = Box<dyn Iterator<Item = io::Result<String>>>;

fn lines(path: &Path) -> Result<Lines, StartError> {
    let reader: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(path).map_err(StartError::File)?))
    };
    Ok(Box::new(reader.lines().filter(|line| !line.as_ref().is_ok_and(|line| line.trim().is_empty()))))
}
