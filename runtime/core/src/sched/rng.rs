//! Random numbers of a node.

use std::hash::{BuildHasher, RandomState};

use crate::sync::atomic::{AtomicU64, Ordering};

/// A node's random numbers: one sequence for all its processes, repeatable by a seed.
///
/// The generator is SplitMix64: good enough for pauses and orders, and not secret. Secrets come from the operating
/// system, except on a seeded node, which is a test's.
#[derive(Debug)]
pub(crate) struct Rng {
    state: AtomicU64,
    seeded: bool,
}

/// The increment of the sequence: 2^64 divided by the golden ratio.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

impl Rng {
    /// Returns a sequence that starts elsewhere in each run.
    pub(crate) fn unseeded() -> Rng {
        Rng { state: AtomicU64::new(RandomState::new().hash_one(0)), seeded: false }
    }

    /// Returns the sequence of this seed.
    #[cfg(any(test, feature = "test"))]
    pub(crate) fn seeded(seed: u64) -> Rng {
        Rng { state: AtomicU64::new(seed), seeded: true }
    }

    /// Returns true if the run has to be repeatable.
    pub(crate) fn is_seeded(&self) -> bool {
        self.seeded
    }

    pub(crate) fn next(&self) -> u64 {
        let mut z = self.state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Returns a number below `bound`, which must not be zero.
    #[cfg(any(test, feature = "test", feature = "net"))]
    pub(crate) fn below(&self, bound: u64) -> u64 {
        // The high half of a product is as evenly distributed as a remainder, without a division.
        u64::try_from((u128::from(self.next()) * u128::from(bound)) >> 64).unwrap_or(0)
    }

    /// Fills `bytes` with a secret from the operating system, or with the sequence if it is seeded.
    #[cfg(feature = "net")]
    pub(crate) fn fill_secret(&self, bytes: &mut [u8]) -> Result<(), getrandom::Error> {
        if !self.seeded {
            return getrandom::fill(bytes);
        }
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_determines_the_sequence() {
        let draw = |rng: Rng| [(); 3].map(|()| rng.next());
        // The reference sequence of SplitMix64 for this seed.
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(draw(Rng::seeded(1_234_567)), expected);
        assert_ne!(draw(Rng::unseeded()), draw(Rng::unseeded()));
    }

    #[test]
    fn numbers_below_a_bound_are_evenly_distributed() {
        let rng = Rng::seeded(0);
        let mut counts = [0; 7];
        for _ in 0..7_000 {
            counts[usize::try_from(rng.below(7)).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (800..1_200).contains(count)), "{counts:?}");
    }
}
