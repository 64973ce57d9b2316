//! The choice of one among several for a key, as of a node or a member: the one whose hash with the key is the greatest. If
//! one joins or leaves, only its own keys move (Thaler and Ravishankar, *A Name-Based Mapping Scheme for Rendezvous*, 1996).
//!
//! All nodes and all releases of a program have to choose the same one, so the functions here never change.

use ring::digest::{SHA256, digest};

use crate::base::NodeName;

/// Returns the node of a key, among nodes with these names.
pub(super) fn home_of<'a, T>(key: &str, nodes: impl IntoIterator<Item = (T, &'a NodeName)>) -> Option<T> {
    let key = hash(key.as_bytes());
    let weight = |name: &NodeName| mix(key ^ hash(name.as_str().as_bytes()));
    nodes.into_iter().max_by_key(|(_, name)| (weight(name), *name)).map(|(home, _)| home)
}

/// Returns the first bytes of the SHA-256 hash.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    digest(&SHA256, bytes).as_ref().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Scatters the bits of a number: the finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
pub(super) fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_spread_and_only_those_of_a_lost_node_move() {
        let names: Vec<_> = (0..5).map(|number| NodeName::new(format!("n{number}@host")).unwrap()).collect();
        let home = |key: &str, count: usize| home_of(key, names[..count].iter().enumerate());
        let mut counts = [0; 5];
        for number in 0..1000 {
            let key = format!("room {number}");
            let before = home(&key, 5).unwrap();
            counts[before] += 1;
            let after = home(&key, 4).unwrap();
            assert!(before == after || before == 4, "{key} moved from {before} to {after}");
        }
        assert!(counts.iter().all(|count| (150..250).contains(count)), "{counts:?}");
        assert_eq!(home("room", 0), None);
        assert_eq!(
            (hash(b"room"), mix(1)),
            (0x1f1c_5b2f_ad77_8434, 0x910a_2dec_8902_5cc1),
            "other releases compute these"
        );
    }
}
