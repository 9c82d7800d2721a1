//! The Merkle tree of the sealed bids (docs/domain/tenders.md): SHA-256, leaves `sha256(00 ‖ receipt)`, nodes `sha256(01 ‖ left ‖ right)`.
//!
//! The database builds it at closing (`app.close_tender`): the leaves of the bids are sorted among decoys up to a power of two of at least
//! 64, so that neither the leaves nor the length of a proof tell how many bids there are. A decoy is a leaf whose receipt is
//! `sha256(02 ‖ seed ‖ i)`; the seed is published with the opening record.

use sha2::{Digest, Sha256};
use tenders_api::InclusionProof;

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// SHA-256 of the parts, one after another.
pub fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// The leaf of a receipt.
#[must_use]
pub fn leaf(receipt: &Hash) -> Hash {
    sha256(&[&[0], receipt])
}

fn node(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

fn parents(level: &[Hash]) -> Vec<Hash> {
    level.chunks_exact(2).filter_map(|pair| Some(node(pair.first()?, pair.last()?))).collect()
}

/// The proof that `receipt` is among `leaves`, a power of two of them; nothing if it is not.
#[must_use]
pub fn prove(leaves: &[Hash], receipt: &Hash) -> Option<InclusionProof> {
    let own = leaf(receipt);
    let index = leaves.iter().position(|leaf| *leaf == own)?;
    let (mut level, mut at, mut path) = (leaves.to_vec(), index, Vec::new());
    while level.len() > 1 {
        path.push(*level.get(at ^ 1)?);
        level = parents(&level);
        at /= 2;
    }
    Some(InclusionProof { root: *level.first()?, index, path })
}

/// Whether `receipt` is in the tree of the proof's root: what a bidder computes.
#[must_use]
pub fn verifies(proof: &InclusionProof, receipt: &Hash) -> bool {
    let (mut hash, mut at) = (leaf(receipt), proof.index);
    for sibling in &proof.path {
        hash = if at % 2 == 1 { node(sibling, &hash) } else { node(&hash, sibling) };
        at /= 2;
    }
    hash == proof.root && at == 0
}

/// The root from an opening record: what anyone computes who wants to check it.
#[must_use]
pub fn root_of_record(receipts: &[Hash], seed: &Hash, leaves: usize) -> Option<Hash> {
    let decoys = u32::try_from(leaves.checked_sub(receipts.len())?).ok()?;
    let mut level: Vec<Hash> = receipts.iter().map(leaf).collect();
    level.extend((1..=decoys).map(|i| leaf(&sha256(&[&[2], seed, &i.to_be_bytes()]))));
    level.sort_unstable();
    while level.len() > 1 {
        level = parents(&level);
    }
    level.first().copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn every_receipt_is_proved_and_no_other(receipts in prop::collection::hash_set(any::<Hash>(), 1..100), stranger in any::<Hash>()) {
            let receipts: Vec<_> = receipts.into_iter().collect();
            let capacity = receipts.len().next_power_of_two().max(64);
            let seed = [7; 32];
            let root = root_of_record(&receipts, &seed, capacity).expect("a tree");
            let mut leaves: Vec<_> = receipts.iter().map(leaf).collect();
            for i in 1..=u32::try_from(capacity - receipts.len()).expect("small") {
                leaves.push(leaf(&sha256(&[&[2], &seed, &i.to_be_bytes()])));
            }
            leaves.sort_unstable();
            for receipt in &receipts {
                let proof = prove(&leaves, receipt).expect("it is in");
                prop_assert_eq!(proof.root, root);
                prop_assert!(verifies(&proof, receipt));
                prop_assert!(!verifies(&proof, &stranger));
                prop_assert_eq!(1 << proof.path.len(), capacity);
            }
            prop_assert!(prove(&leaves, &stranger).is_none());
        }
    }

    #[test]
    fn leaves_and_nodes_live_in_different_domains() {
        let (a, b) = ([1; 32], [2; 32]);
        let both = [a, b].concat();
        assert_ne!(node(&a, &b), sha256(&[&[0], &both]));
        assert_eq!(hex::encode(leaf(&[0; 32])), "7f9c9e31ac8256ca2f258583df262dbc7d6f68f2a03043d5c99a4ae5a7396ce9");
    }
}
