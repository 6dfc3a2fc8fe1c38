//! What every verification answers with: its findings, each as exact as it is known; and the comparison of a tree that
//! grows with the checkpoints of its sizes.

use serde_json::{Value, json};
use uuid::Uuid;

use super::checkpoint::Checkpoint;
use super::tree::Frontier;

/// How many findings an answer lists; it counts the rest.
pub const MAX_FINDINGS: usize = 100;

macro_rules! kinds {
    ($($(#[doc = $about:literal])* $variant:ident = $word:literal),* $(,)?) => {
        /// What was found.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind { $($(#[doc = $about])* $variant),* }

        impl Kind {
            /// All of them.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant),*];

            /// Its word in answers.
            pub const fn as_str(self) -> &'static str {
                match self { $(Kind::$variant => $word),* }
            }
        }
    };
}

kinds! {
    /// A row is not what was sealed as this leaf.
    RowAltered = "row_altered",
    /// The row of a leaf is not there.
    RowMissing = "row_missing",
    /// A row is there that nothing sealed and nothing waits to seal, or that stands between sealed ones.
    RowInserted = "row_inserted",
    /// A row stands at another place than it was sealed at.
    RowMoved = "row_moved",
    /// The leaves of this range are not those that the stored tree was made of.
    LeafAltered = "leaf_altered",
    /// Leaves of this range are not there.
    LeafMissing = "leaf_missing",
    /// The log's root at this size is not the checkpoint's; the change lies in this range.
    CheckpointDiffers = "checkpoint_differs",
    /// The checkpoint's signature is not its key's.
    BadSignature = "bad_signature",
    /// None of the keys given signed the checkpoint.
    UnknownKey = "unknown_key",
    /// The log is smaller than it was when the checkpoint was signed.
    RolledBack = "rolled_back",
    /// The stored head is not that of the leaves.
    HeadDiffers = "head_differs",
    /// A detachment is recorded or told of that the log itself does not prove to be of these leaves.
    ArchiveUnproved = "archive_unproved",
    /// The checkpoint is of another log.
    AnotherLog = "another_log",
    /// A line of the export cannot be read.
    NotALine = "not_a_line",
    /// No checkpoint was given that can be trusted: a log that was rewritten as a whole would look the same.
    NoCheckpoint = "no_checkpoint",
}

/// One thing that is wrong, as exactly as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub kind: Kind,
    pub audit_id: Option<Uuid>,
    pub leaf_index: Option<u64>,
    /// Leaves from this one on …
    pub from_leaf: Option<u64>,
    /// … to this one, which is not one of them.
    pub to_leaf: Option<u64>,
    pub tree_size: Option<u64>,
}

impl Finding {
    /// About no row, range or tree in particular.
    pub const fn new(kind: Kind) -> Self {
        Self { kind, audit_id: None, leaf_index: None, from_leaf: None, to_leaf: None, tree_size: None }
    }

    /// About one sealed row.
    pub const fn row(kind: Kind, audit_id: Uuid, leaf_index: u64) -> Self {
        Self { audit_id: Some(audit_id), leaf_index: Some(leaf_index), ..Self::new(kind) }
    }

    /// About a row that has no leaf.
    pub const fn unsealed(kind: Kind, audit_id: Uuid) -> Self {
        Self { audit_id: Some(audit_id), ..Self::new(kind) }
    }

    /// About leaves `from` to before `to`.
    pub const fn range(kind: Kind, from: u64, to: u64) -> Self {
        Self { from_leaf: Some(from), to_leaf: Some(to), ..Self::new(kind) }
    }

    /// About a checkpoint or the tree of that size.
    pub const fn tree(kind: Kind, tree_size: u64) -> Self {
        Self { tree_size: Some(tree_size), ..Self::new(kind) }
    }

    /// A checkpoint whose root is another one: the change lies between what was found good and its size.
    pub const fn differs(from: u64, size: u64) -> Self {
        Self { tree_size: Some(size), ..Self::range(Kind::CheckpointDiffers, from, size) }
    }

    fn to_json(&self) -> Value {
        json!({
            "kind": self.kind.as_str(), "audit_id": self.audit_id, "leaf_index": self.leaf_index,
            "from_leaf": self.from_leaf, "to_leaf": self.to_leaf, "tree_size": self.tree_size
        })
    }
}

/// The first findings, and how many there are.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    listed: Vec<Finding>,
    total: u64,
}

impl Findings {
    /// One more.
    pub fn add(&mut self, finding: Finding) {
        self.total += 1;
        if self.listed.len() < MAX_FINDINGS {
            self.listed.push(finding);
        }
    }

    /// How many there are, listed or not.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The listed ones.
    pub fn listed(&self) -> &[Finding] {
        &self.listed
    }

    /// The listed ones as JSON.
    pub fn to_json(&self) -> Value {
        self.listed.iter().map(Finding::to_json).collect()
    }
}

/// Roots that a log is compared with while its leaves pass by: from where on it may have changed is known from the
/// largest that agreed.
pub struct Comparison {
    /// Not yet reached, the smallest last.
    ahead: Vec<Checkpoint>,
    agreed: u64,
}

impl Comparison {
    /// A comparison with these.
    pub fn new(mut checkpoints: Vec<Checkpoint>) -> Self {
        checkpoints.sort_by_key(|checkpoint| std::cmp::Reverse(checkpoint.size));
        Self { ahead: checkpoints, agreed: 0 }
    }

    /// One more that is ahead; it must be no smaller than the tree so far.
    pub fn expect(&mut self, checkpoint: Checkpoint) {
        self.ahead.push(checkpoint);
        self.ahead.sort_by_key(|checkpoint| std::cmp::Reverse(checkpoint.size));
    }

    /// Compares what is due at the size that the tree has reached. Returns how many were.
    pub fn at(&mut self, tree: &Frontier, findings: &mut Findings) -> u64 {
        let mut compared = 0;
        while let Some(checkpoint) = self.ahead.pop_if(|checkpoint| checkpoint.size <= tree.size()) {
            compared += 1;
            if checkpoint.size == tree.size() && tree.root() == Ok(checkpoint.root) {
                self.agreed = checkpoint.size;
            } else {
                findings.add(Finding::differs(self.agreed, checkpoint.size));
            }
        }
        compared
    }

    /// The size of the largest tree that agreed so far: all leaves below it are as they were signed.
    pub fn agreed(&self) -> u64 {
        self.agreed
    }

    /// What is still ahead at the end is of a log that was larger.
    pub fn finish(self, findings: &mut Findings) {
        for checkpoint in self.ahead.into_iter().rev() {
            findings.add(Finding::tree(Kind::RolledBack, checkpoint.size));
        }
    }

    /// The same where the log has holes, and so no roots: what could not be compared has its change beyond what agreed.
    pub fn finish_torn(self, size: u64, findings: &mut Findings) {
        for checkpoint in self.ahead.into_iter().rev() {
            findings.add(if checkpoint.size > size {
                Finding::tree(Kind::RolledBack, checkpoint.size)
            } else {
                Finding::differs(self.agreed, checkpoint.size)
            });
        }
    }
}
