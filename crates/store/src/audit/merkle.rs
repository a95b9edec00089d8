//! The Merkle tree over the entries (RFC 6962), as the roots of its full subtrees: it grows by a leaf in memory
//! of its height.

use sha2::{Digest, Sha256};

/// A tree of so many leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// The roots of the full subtrees, the largest first: one for each bit set in the size.
    peaks: Vec<[u8; 32]>,
}

impl Tree {
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds the leaf of an entry.
    pub fn push(&mut self, entry_hash: &[u8; 32]) {
        let mut node = hash(&[&[0x00], entry_hash]);
        // Subtrees of equal size unite, as ones carry in an addition.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = hash(&[&[0x01], &left, &node]);
            }
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// The root; of no leaves SHA-256 of nothing.
    pub fn root(&self) -> [u8; 32] {
        let mut peaks = self.peaks.iter().rev();
        let Some(smallest) = peaks.next() else { return hash(&[]) };
        peaks.fold(*smallest, |right, left| hash(&[&[0x01], left, &right]))
    }

    /// The roots of the full subtrees, as they are stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.peaks.concat()
    }

    /// The tree of stored bytes; `None` when they are none of this size.
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Option<Tree> {
        let (peaks, []) = bytes.as_chunks() else { return None };
        let is_whole = peaks.len() == usize::try_from(size.count_ones()).ok()?;
        is_whole.then(|| Tree { size, peaks: peaks.to_vec() })
    }
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 6962, section 2.1, word for word.
    fn naive(leaves: &[[u8; 32]]) -> [u8; 32] {
        match leaves {
            [] => hash(&[]),
            [leaf] => hash(&[&[0x00], leaf]),
            leaves => {
                let split = leaves.len().next_power_of_two() / 2;
                hash(&[&[0x01], &naive(&leaves[..split]), &naive(&leaves[split..])])
            }
        }
    }

    #[test]
    fn every_size_up_to_300_has_the_root_of_the_standard() {
        let mut tree = Tree::default();
        let mut leaves = Vec::new();
        for nth in 0..300_u64 {
            assert_eq!(tree.root(), naive(&leaves), "{nth}");
            let leaf = hash(&[&nth.to_be_bytes()]);
            tree.push(&leaf);
            leaves.push(leaf);
        }
    }

    proptest! {
        #[test]
        fn a_tree_continued_from_its_bytes_is_the_same(leaves: Vec<[u8; 32]>, cut: prop::sample::Index) {
            let mut tree = Tree::default();
            for leaf in &leaves[..cut.index(leaves.len() + 1)] {
                tree.push(leaf);
            }
            let mut continued = Tree::from_bytes(tree.size(), &tree.to_bytes()).unwrap();
            prop_assert_eq!(&continued, &tree);
            for leaf in &leaves[cut.index(leaves.len() + 1)..] {
                continued.push(leaf);
            }
            prop_assert_eq!(continued.root(), naive(&leaves));
            prop_assert_eq!(Tree::from_bytes(continued.size() + 1, &[1; 33]), None);
        }
    }
}
