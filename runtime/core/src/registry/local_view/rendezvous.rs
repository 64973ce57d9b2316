//! The choice of a key's home among nodes: the one with the greatest hash of key and name
//! (Thaler and Ravishankar, *A Name-Based Mapping Scheme for Rendezvous*, 1996).

use crate::base::NodeName;

/// Returns the home of a key. All nodes choose the same one among the same nodes.
pub(super) fn home_of<'a, T>(key: &str, nodes: impl IntoIterator<Item = (T, &'a NodeName)>) -> Option<T> {
    nodes.into_iter().max_by_key(|(_, name)| (weight(key, name), *name)).map(|(home, _)| home)
}

/// FNV-1a, and the last steps of SplitMix64, which mix its bits. The same in each release.
fn weight(key: &str, node: &NodeName) -> u64 {
    let bytes = key.bytes().chain([0xff]).chain(node.as_str().bytes());
    let mut hash =
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}
