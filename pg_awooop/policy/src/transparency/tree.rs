//! The Merkle tree of RFC 6962, kept so that it can be extended from a handful of hashes and proved from few.
//!
//! A [`Frontier`] is all that extending needs: the roots of the complete subtrees of the log so far, one for each bit of
//! its size. Of the nodes within, those on every fourth level are stored as they become complete, one for sixteen of
//! the level below; any other is computed from at most eight stored ones. A proof so takes O(log n) small reads, and
//! the tree costs a fifteenth of the leaves' rows.

use tlog_tiles::tlog::{
    self, HashReader, check_record, check_tree, prove_record, prove_tree, split_stored_hash_index, stored_hash_index,
    stored_hashes_for_record_hash, tree_hash,
};

use super::Hash;

/// Every so many levels the nodes are stored.
pub const STRIDE: u8 = 4;

/// Something does not add up: a frontier of the wrong shape, or hashes that are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

/// The right edge of a tree: its size, and the roots of its complete subtrees, the largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

/// A node that has become complete: its level above the leaves and its number on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    pub level: u8,
    pub index: u64,
    pub hash: Hash,
}

impl Frontier {
    /// The frontier of a tree of `size` leaves, as [`Frontier::peaks`] gave it.
    pub fn new(size: u64, peaks: &[u8]) -> Option<Self> {
        let (hashes, rest) = peaks.as_chunks::<32>();
        let fits = rest.is_empty() && u32::try_from(hashes.len()).ok()? == size.count_ones();
        fits.then(|| Self { size, peaks: hashes.to_vec() })
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hashes, one after the other.
    pub fn peaks(&self) -> Vec<u8> {
        self.peaks.concat()
    }

    /// Adds a leaf, and returns the nodes to store that this completes.
    ///
    /// # Errors
    /// None for a frontier that [`Frontier::new`] took.
    pub fn push(&mut self, leaf: Hash) -> Result<impl Iterator<Item = Node> + use<>, Broken> {
        let number = self.size;
        let completed = stored_hashes_for_record_hash(number, tlog::Hash(leaf), self).map_err(|_| Broken)?;
        self.peaks.truncate(self.peaks.len().saturating_sub(completed.len() - 1));
        self.peaks.extend(completed.last().map(|hash| hash.0));
        self.size += 1;
        let nodes = completed.into_iter().zip(0_u8..).skip(1).filter(|(_, level)| level % STRIDE == 0);
        Ok(nodes.map(move |(hash, level)| Node { level, index: number >> level, hash: hash.0 }))
    }

    /// The root; of an empty tree, the hash of nothing.
    ///
    /// # Errors
    /// None for a frontier that [`Frontier::new`] took.
    pub fn root(&self) -> Result<Hash, Broken> {
        tree_hash(self.size, self).map(|hash| hash.0).map_err(|_| Broken)
    }

    /// The peak at a place of the tree, if there is one.
    fn peak(&self, level: u8, index: u64) -> Option<Hash> {
        if self.size.checked_shr(level.into())? & 1 == 0 || index != (self.size >> level) - 1 {
            return None;
        }
        let higher = self.size.checked_shr(u32::from(level) + 1).unwrap_or_default().count_ones();
        self.peaks.get(usize::try_from(higher).ok()?).copied()
    }
}

impl HashReader for Frontier {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
        let peak = |index: &u64| {
            let (level, number) = split_stored_hash_index(*index);
            self.peak(level, number).map(tlog::Hash).ok_or(tlog::Error::BadMath)
        };
        indexes.iter().map(peak).collect()
    }
}

/// Where stored hashes are read from: `count` of them from `first` on, on a level that is stored (0 are the leaves).
pub trait Stored {
    /// # Errors
    /// Where they cannot be read, or are not there.
    fn read(&self, level: u8, first: u64, count: u64) -> Result<Vec<Hash>, Broken>;
}

struct Reader<'a, S: Stored>(&'a S);

impl<S: Stored> HashReader for Reader<'_, S> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
        let node = |index: &u64| {
            let (level, number) = split_stored_hash_index(*index);
            let above = level % STRIDE;
            let stored = self.0.read(level - above, number << above, 1 << above).map_err(|_| tlog::Error::BadMath)?;
            if stored.len() != 1 << above {
                return Err(tlog::Error::BadMath);
            }
            Ok(tlog::Hash(combine(stored)))
        };
        indexes.iter().map(node).collect()
    }
}

/// The root of a complete subtree over these hashes, whose number is a power of two.
pub fn combine(mut hashes: Vec<Hash>) -> Hash {
    while hashes.len() > 1 {
        hashes = hashes
            .chunks(2)
            .map(|pair| tlog::node_hash(tlog::Hash(pair[0]), tlog::Hash(pair[pair.len() - 1])).0)
            .collect();
    }
    hashes.first().copied().unwrap_or_default()
}

/// The root that the stored hashes of a tree of `size` leaves give.
///
/// # Errors
/// Where a hash is missing.
pub fn root(size: u64, stored: &impl Stored) -> Result<Hash, Broken> {
    tree_hash(size, &Reader(stored)).map(|hash| hash.0).map_err(|_| Broken)
}

/// RFC 6962's audit path: that leaf `index` is in the tree of `size` leaves.
///
/// # Errors
/// Where there is no such leaf, or a hash is missing.
pub fn prove_inclusion(size: u64, index: u64, stored: &impl Stored) -> Result<Vec<Hash>, Broken> {
    let proof = prove_record(size, index, &Reader(stored)).map_err(|_| Broken)?;
    Ok(proof.into_iter().map(|hash| hash.0).collect())
}

/// RFC 6962's consistency proof: that the tree of `from` leaves is the beginning of that of `size` leaves.
///
/// # Errors
/// Where `from` is 0 or beyond `size`, or a hash is missing.
pub fn prove_consistency(size: u64, from: u64, stored: &impl Stored) -> Result<Vec<Hash>, Broken> {
    let proof = prove_tree(size, from, &Reader(stored)).map_err(|_| Broken)?;
    Ok(proof.into_iter().map(|hash| hash.0).collect())
}

/// Whether `proof` shows that `leaf` is number `index` of the tree with this size and root.
pub fn includes(proof: &[Hash], size: u64, root: Hash, index: u64, leaf: Hash) -> bool {
    let proof = proof.iter().copied().map(tlog::Hash).collect();
    size <= MAX_SIZE && check_record(&proof, size, tlog::Hash(root), index, tlog::Hash(leaf)).is_ok()
}

/// Whether `proof` shows that the tree of `from` leaves with root `old` is the beginning of the one with `size` leaves.
pub fn is_consistent(proof: &[Hash], size: u64, root: Hash, from: u64, old: Hash) -> bool {
    let proof = proof.iter().copied().map(tlog::Hash).collect();
    size <= MAX_SIZE && check_tree(&proof, size, tlog::Hash(root), from, tlog::Hash(old)).is_ok()
}

/// The largest tree there is any thought of: beyond, the numbers of nodes leave 64 bits.
pub const MAX_SIZE: u64 = 1 << 48;

/// The number of nodes that a tree of this size has stored on `level`, a multiple of [`STRIDE`].
pub fn stored_on(level: u8, size: u64) -> u64 {
    size.checked_shr(level.into()).unwrap_or_default()
}

/// The dense number of a node, for maps that are keyed by it.
pub fn number(level: u8, index: u64) -> u64 {
    stored_hash_index(level, index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use ct_merkle::{ConsistencyProof, HashableLeaf, InclusionProof, RootHash};
    use proptest::prelude::*;
    use sha2::Sha256;
    use sha2::digest::Update;
    use std::collections::HashMap;

    /// Leaves and the nodes that were stored along the way.
    #[derive(Default)]
    struct Memory(HashMap<(u8, u64), Hash>, Frontier);

    impl Memory {
        fn of(documents: &[Vec<u8>]) -> Self {
            let mut memory = Memory::default();
            for document in documents {
                let leaf = tlog::record_hash(document).0;
                memory.0.insert((0, memory.1.size()), leaf);
                let nodes: Vec<Node> = memory.1.push(leaf).unwrap().collect();
                for node in nodes {
                    memory.0.insert((node.level, node.index), node.hash);
                }
            }
            memory
        }
    }

    impl Stored for Memory {
        fn read(&self, level: u8, first: u64, count: u64) -> Result<Vec<Hash>, Broken> {
            assert_eq!(level % STRIDE, 0);
            (first..first + count).map(|n| self.0.get(&(level, n)).copied().ok_or(Broken)).collect()
        }
    }

    struct Document(Vec<u8>);

    impl HashableLeaf for Document {
        fn hash<H: Update>(&self, hasher: &mut H) {
            hasher.update(&self.0);
        }
    }

    fn peer(documents: &[Vec<u8>]) -> MemoryBackedTree<Sha256, Document> {
        let mut tree = MemoryBackedTree::new();
        for document in documents {
            tree.push(Document(document.clone()));
        }
        tree
    }

    fn bytes(proof: &[Hash]) -> Vec<u8> {
        proof.concat()
    }

    fn hash(text: &str) -> Hash {
        super::super::unhex(text).unwrap()
    }

    /// The leaves that Certificate Transparency's own tests use.
    fn field_leaves() -> Vec<Vec<u8>> {
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
            .map(|text| hex::decode(text).unwrap())
            .to_vec()
    }

    #[test]
    fn the_roots_are_those_of_certificate_transparencys_tests() {
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        for (n, root) in roots.into_iter().enumerate() {
            let memory = Memory::of(&field_leaves()[..=n]);
            assert_eq!(memory.1.root().unwrap(), hash(root), "{} leaves", n + 1);
        }
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Frontier::default().root().unwrap(), hash(nothing));
    }

    #[test]
    fn a_proof_is_the_one_of_certificate_transparencys_tests() {
        let memory = Memory::of(&field_leaves());
        let expected = [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]
        .map(hash);
        assert_eq!(prove_inclusion(8, 5, &memory).unwrap(), expected);
    }

    #[test]
    fn a_frontier_of_the_wrong_shape_is_none() {
        assert_eq!(Frontier::new(3, &[0; 32]), None);
        assert_eq!(Frontier::new(1, &[0; 33]), None);
        assert!(Frontier::new(5, &[0; 64]).is_some());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Roots and both kinds of proofs agree with a second implementation, in both directions.
        #[test]
        fn another_implementation_agrees(
            documents in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..6), 1..300),
            at in any::<proptest::sample::Index>(), from in any::<proptest::sample::Index>(),
        ) {
            let (memory, peer) = (Memory::of(&documents), peer(&documents));
            let size = documents.len();
            let root = memory.1.root().unwrap();
            let theirs = peer.root();
            prop_assert_eq!(&root[..], theirs.as_bytes().as_slice());
            prop_assert_eq!(super::root(size as u64, &memory).unwrap(), root);

            let index = at.index(size);
            let proof = prove_inclusion(size as u64, index as u64, &memory).unwrap();
            let theirs = peer.prove_inclusion(index);
            prop_assert_eq!(&bytes(&proof)[..], theirs.as_bytes());
            let leaf = tlog::record_hash(&documents[index]).0;
            prop_assert!(includes(&proof, size as u64, root, index as u64, leaf));
            prop_assert!(!includes(&proof, size as u64, root, index as u64, [7; 32]));
            let theirs = InclusionProof::<Sha256>::try_from_bytes(bytes(&proof)).unwrap();
            prop_assert!(peer.root().verify_inclusion(&Document(documents[index].clone()), index as u64, &theirs).is_ok());

            let old = from.index(size) + 1;
            let earlier = Memory::of(&documents[..old]).1.root().unwrap();
            let proof = prove_consistency(size as u64, old as u64, &memory).unwrap();
            prop_assert!(is_consistent(&proof, size as u64, root, old as u64, earlier));
            prop_assert!(old == size || !is_consistent(&proof, size as u64, root, old as u64, [7; 32]));
            if old < size {
                let theirs = peer.prove_consistency(size - old);
                prop_assert_eq!(&bytes(&proof)[..], theirs.as_bytes());
                let theirs = ConsistencyProof::<Sha256>::try_from_bytes(bytes(&proof)).unwrap();
                let before = RootHash::<Sha256>::new(earlier.into(), old as u64);
                prop_assert!(peer.root().verify_consistency(&before, &theirs).is_ok());
            }
        }

        /// Sealing in batches from what was kept gives the same tree as sealing at once.
        #[test]
        fn a_frontier_that_was_stored_goes_on_as_if_it_had_not_been(size in 0_u64..200, more in 1_u64..40) {
            let leaf = |n: u64| tlog::record_hash(&n.to_be_bytes()).0;
            let mut whole = Frontier::default();
            for n in 0..size { let _ = whole.push(leaf(n)).unwrap().count(); }
            let mut resumed = Frontier::new(size, &whole.peaks()).unwrap();
            for n in size..size + more {
                let ours: Vec<Node> = resumed.push(leaf(n)).unwrap().collect();
                let theirs: Vec<Node> = whole.push(leaf(n)).unwrap().collect();
                prop_assert_eq!(ours, theirs);
            }
            prop_assert_eq!(resumed, whole);
        }

        #[test]
        fn no_proof_makes_it_panic(
            proof in proptest::collection::vec(any::<[u8; 32]>(), 0..70), size in any::<u64>(), index in any::<u64>(),
        ) {
            let _ = includes(&proof, size, [0; 32], index, [1; 32]);
            let _ = is_consistent(&proof, size, [0; 32], index, [1; 32]);
        }
    }
}
