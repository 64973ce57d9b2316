//! How much each workload does. The same for every system; `--divide` makes a quick look of it.

/// By how much the workloads are cut.
#[derive(Clone, Copy)]
pub struct Size {
    pub divisor: u64,
}

/// Messages of `cast1` and `cast4`.
pub const CASTS: u64 = 5_000_000;
/// Calls of `ask1`.
pub const ASKS: u64 = 1_000_000;
/// Calls of `ask64`, by all callers together.
pub const ASKS_OF_64: u64 = 1_280_000;
/// Messages of `pingpong`, both ways together.
pub const HITS: u64 = 2_000_000;
/// Actors of `ring1` and `ring100`.
pub const RING: u64 = 1_000;
/// Hops of all tokens together.
pub const HOPS: u64 = 1_000_000;
/// Actors of `fan`.
pub const FAN: u64 = 10_000;
/// What each of them is asked.
pub const FAN_ROUNDS: u64 = 100;
/// Actors of `crowd`.
pub const CROWD: u64 = 200_000;
/// Actors of `crowd1m`.
pub const BIG_CROWD: u64 = 1_000_000;
/// Actors of `monitor`.
pub const WATCHED: u64 = 50_000;
/// Crashes of `restart`.
pub const CRASHES: u64 = 5_000;
/// What may wait in the mailbox of `selrecv`.
pub const JUNK: [u64; 4] = [0, 1_000, 10_000, 100_000];

impl Size {
    /// So many, or a part of it.
    pub fn of(self, n: u64) -> u64 {
        (n / self.divisor).max(1)
    }

    /// So many, or a part of it, in equal shares.
    pub fn shares(self, n: u64, among: u64) -> u64 {
        (self.of(n) / among).max(1)
    }

    /// Round trips of `selrecv` behind so much junk: fewer where a system may look at all of it each time.
    pub fn rounds(self, junk: u64) -> u64 {
        self.of(match junk {
            0..=1_000 => 50_000,
            1_001..=10_000 => 5_000,
            _ => 2_000,
        })
        .max(100)
    }
}
