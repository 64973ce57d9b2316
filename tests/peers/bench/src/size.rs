//! The sizes of the workloads, which are the same for every system. `--divide` reduces them.

/// The divisor of all sizes.
#[derive(Clone, Copy)]
pub struct Size {
    pub divisor: u64,
}

/// Messages of `cast1` and `cast4`.
pub const CASTS: u64 = 5_000_000;
/// Calls of `ask1`.
pub const CALLS: u64 = 1_000_000;
/// Calls of `ask64`, by all callers together.
pub const CALLS_OF_64: u64 = 1_280_000;
/// Messages of `pingpong`, both ways together.
pub const HITS: u64 = 2_000_000;
/// Actors of `ring1` and `ring100`.
pub const RING: u64 = 1_000;
/// Hops of all tokens together.
pub const HOPS: u64 = 1_000_000;
/// Actors of `fan`.
pub const FAN: u64 = 10_000;
/// The number of requests to each actor of `fan`.
pub const FAN_ROUNDS: u64 = 100;
/// Actors of `crowd`.
pub const CROWD: u64 = 200_000;
/// Actors of `crowd1m`.
pub const BIG_CROWD: u64 = 1_000_000;
/// Actors of `monitor`.
pub const MONITORED: u64 = 50_000;
/// Crashes of `restart`.
pub const CRASHES: u64 = 5_000;
/// The numbers of waiting messages in the mailbox of `selrecv`.
pub const JUNK: [u64; 4] = [0, 1_000, 10_000, 100_000];
/// Messages of `rcast`.
pub const REMOTE_CASTS: u64 = 2_000_000;
/// Calls of `rask1`.
pub const REMOTE_CALLS: u64 = 100_000;
/// Calls of `rask64`, by all callers together.
pub const REMOTE_CALLS_OF_64: u64 = 400_000;
/// The sizes of the messages of `rbytes`, in bytes.
pub const REMOTE_BYTES: [u64; 4] = [65_536, 1_048_576, 10_485_760, 104_857_600];
/// The bytes of all messages of one size together.
pub const REMOTE_BYTES_OF_A_SIZE: u64 = 1_048_576_000;
/// The size of each message of `rlarge`, in bytes.
pub const REMOTE_LARGE: u64 = 268_435_456;
/// The processes of `rlarge` that send one of them each.
pub const REMOTE_LOADERS: u64 = 3;
/// Calls of `rlarge`.
pub const REMOTE_SMALL_CALLS: u64 = 20_000;

impl Size {
    /// Returns `n`, reduced.
    pub fn of(self, n: u64) -> u64 {
        (n / self.divisor).max(1)
    }

    /// Returns the equal share of each of `among` in `n`, reduced.
    pub fn shares(self, n: u64, among: u64) -> u64 {
        (self.of(n) / among).max(1)
    }

    /// Returns the number of messages of so many bytes that `rbytes` sends.
    pub fn messages_of(self, bytes: u64) -> u64 {
        self.of(REMOTE_BYTES_OF_A_SIZE / bytes)
    }

    /// Returns the number of round trips of `selrecv` behind so many waiting messages. There are fewer behind many,
    /// because a system may test all of them each time.
    pub fn rounds(self, junk: u64) -> u64 {
        self.of(match junk {
            0..=1_000 => 50_000,
            1_001..=10_000 => 5_000,
            _ => 2_000,
        })
        .max(100)
    }
}
