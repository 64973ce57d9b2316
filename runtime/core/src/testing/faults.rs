//! Faults that are drawn from the seed and applied to a cluster.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Cluster;

/// The kinds of faults from which [`Cluster::chaos`] draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    /// Partitions: the nodes are divided into two sides of any size, and the links between the sides are cut.
    pub partitions: bool,
    /// Links that carry nothing in one direction.
    pub drops: bool,
    /// Links with a delay of up to two seconds.
    pub delays: bool,
    /// Links that carry only so many bytes in a second in one direction, as to a node that reads slowly: 1,000 to
    /// 64,000.
    pub throttles: bool,
    /// Crashes of nodes, and restarts.
    pub crashes: bool,
}

impl Faults {
    /// All faults.
    pub const ALL: Faults = Faults { partitions: true, drops: true, delays: true, throttles: true, crashes: true };
    /// All faults of links. The nodes keep running.
    pub const LINKS: Faults = Faults { crashes: false, ..Faults::ALL };
}

/// One change to a cluster.
#[derive(Clone, Copy)]
enum Fault {
    Heal,
    Partition,
    Drop,
    Delay,
    Throttle,
    Crash,
    Restart,
}

/// The longest pause between two faults, in milliseconds. It is longer than the default tick of a cluster, so a
/// few faults last until the nodes lose their connection; most do not.
const LONGEST_PAUSE: u64 = 6_000;
/// The upper bound of a link's shortest delay, and of the difference to its longest delay, in milliseconds.
const DELAY: u64 = 1_000;
/// The lowest rate of a throttled link, and the number of rates from there on, in bytes per second.
const SLOWEST_RATE: u64 = 1_000;
const RATES: u64 = 63_000;

impl Cluster {
    /// Applies faults to the cluster for `span`, then undoes them and waits until all nodes are connected.
    ///
    /// The faults, and the pauses of up to 6 s between them, are drawn from the seed. Run the future beside the work of
    /// the scenario, as with `tokio::join!`.
    ///
    /// With [`crashes`](Faults::crashes), all nodes that are down at the end are restarted. Without it, nodes that the
    /// scenario itself has crashed stay down.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::testing::Faults;
    ///
    /// greenroom::check(0..5, async |cluster| {
    ///     cluster.chaos(Faults::ALL, Duration::from_secs(60)).await;
    ///     assert_eq!(cluster.node(0).peers().len(), 2);
    /// });
    /// ```
    ///
    /// Not cancel-safe: if the future is dropped, the faults of that moment stay.
    ///
    /// # Panics
    /// With `crashes`, outside of [`#[greenroom::test]`](../attr.test.html) on the paused clock and of
    /// [`check`](crate::check); or a node's [`boot`](super::ClusterBuilder::boot) returns an error; or the nodes are
    /// not connected within two minutes of the end.
    pub async fn chaos(&self, faults: Faults, span: Duration) {
        let end = Instant::now() + span;
        let mut kinds = vec![Fault::Heal];
        let all = [
            (faults.partitions, Fault::Partition),
            (faults.drops, Fault::Drop),
            (faults.delays, Fault::Delay),
            (faults.throttles, Fault::Throttle),
            (faults.crashes, Fault::Crash),
            (faults.crashes, Fault::Restart),
        ];
        kinds.extend(all.iter().filter(|(chosen, _)| *chosen).map(|(_, fault)| *fault));
        loop {
            let pause = Duration::from_millis(self.draw(LONGEST_PAUSE));
            if Instant::now() + pause >= end {
                break;
            }
            sleep(pause).await;
            self.apply(kinds[self.draw_index(kinds.len())]).await;
        }
        sleep(end.saturating_duration_since(Instant::now())).await;
        self.heal_all();
        for index in 0..self.size() {
            if faults.crashes {
                self.restart_if_down(index).await;
            }
        }
        self.connected().await;
    }

    async fn apply(&self, fault: Fault) {
        let (one, other) = (self.draw_index(self.size()), self.draw_index(self.size()));
        match fault {
            Fault::Heal => self.heal_all(),
            Fault::Partition => {
                let (a, b): (Vec<_>, Vec<_>) = (0..self.size()).partition(|_| self.draw(2) == 0);
                self.partition(a, b);
            }
            Fault::Drop => self.drop_between(one, other),
            Fault::Delay => {
                let shortest = self.draw(DELAY);
                let longest = shortest + self.draw(DELAY);
                self.delay(one, other, Duration::from_millis(shortest)..=Duration::from_millis(longest));
            }
            Fault::Throttle => {
                let rate = SLOWEST_RATE + self.draw(RATES);
                self.throttle(one, other, u32::try_from(rate).unwrap_or(u32::MAX));
            }
            Fault::Crash => self.crash(one),
            Fault::Restart => self.restart_if_down(one).await,
        }
    }

    /// Returns a random number below `bound` that the seed determines, for a scenario with choices of its own.
    ///
    /// # Panics
    /// `bound` is zero.
    #[track_caller]
    pub fn draw(&self, bound: u64) -> u64 {
        assert!(bound > 0, "`bound` must be at least 1");
        self.rng().below(bound)
    }

    fn draw_index(&self, count: usize) -> usize {
        usize::try_from(self.draw(count as u64)).unwrap_or(0)
    }
}
