use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Cluster;

/// Which faults [`Cluster::chaos`] draws from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    /// Partitions, between one node and the others or two sides of any size.
    pub partitions: bool,
    /// What one node sends to another does not arrive.
    pub drops: bool,
    /// Links that take their time, up to a second.
    pub delays: bool,
    /// Nodes that are killed, and started again.
    pub crashes: bool,
}

impl Faults {
    /// All of them.
    pub const ALL: Faults = Faults { partitions: true, drops: true, delays: true, crashes: true };
    /// Those that leave the nodes alive.
    pub const LINKS: Faults = Faults { crashes: false, ..Faults::ALL };
}

/// One thing to do to a cluster.
#[derive(Clone, Copy)]
enum Fault {
    Heal,
    Partition,
    Drop,
    Delay,
    Crash,
    Restart,
}

/// The longest pause between two faults: some outlast the silence that counts as loss, most do not.
const PAUSE: u64 = 6_000;
const SLOW: u64 = 1_000;

impl Cluster {
    /// Lets faults happen for `span`, drawn from the seed with pauses between; then all links are healed, and it resolves
    /// when all are connected. Run it beside the scenario's work, as with `tokio::join!`.
    ///
    /// With [`crashes`](Faults::crashes), all nodes that have crashed start again in the end; without, they are the
    /// scenario's own, which may be starting them just now.
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
    /// Not cancel-safe: dropped midway, the cluster stays as it is then.
    ///
    /// # Panics
    /// As [`restart`](Cluster::restart) and [`connected`](Cluster::connected).
    pub async fn chaos(&self, faults: Faults, span: Duration) {
        let end = Instant::now() + span;
        let mut kinds = vec![Fault::Heal];
        let all = [
            (faults.partitions, Fault::Partition),
            (faults.drops, Fault::Drop),
            (faults.delays, Fault::Delay),
            (faults.crashes, Fault::Crash),
            (faults.crashes, Fault::Restart),
        ];
        kinds.extend(all.iter().filter(|(chosen, _)| *chosen).map(|(_, fault)| *fault));
        loop {
            let pause = Duration::from_millis(self.draw(PAUSE));
            if Instant::now() + pause >= end {
                break;
            }
            sleep(pause).await;
            self.strike(kinds[self.pick(kinds.len())]).await;
        }
        sleep(end.saturating_duration_since(Instant::now())).await;
        self.heal_all();
        for index in 0..self.size() {
            if faults.crashes {
                self.revive(index).await;
            }
        }
        self.connected().await;
    }

    async fn strike(&self, fault: Fault) {
        let (one, other) = (self.pick(self.size()), self.pick(self.size()));
        match fault {
            Fault::Heal => self.heal_all(),
            Fault::Partition => {
                let (a, b): (Vec<_>, Vec<_>) = (0..self.size()).partition(|_| self.draw(2) == 0);
                self.partition(a, b);
            }
            Fault::Drop => self.drop_between(one, other),
            Fault::Delay => {
                let shortest = self.draw(SLOW);
                let longest = shortest + self.draw(SLOW);
                self.delay(one, other, Duration::from_millis(shortest)..=Duration::from_millis(longest));
            }
            Fault::Crash => self.crash(one),
            Fault::Restart => self.revive(one).await,
        }
    }

    /// Any number below `bound`, as the seed has it: for a scenario that leaves something to chance.
    ///
    /// # Panics
    /// If `bound` is zero.
    #[track_caller]
    pub fn draw(&self, bound: u64) -> u64 {
        assert!(bound > 0, "no number is below zero");
        self.rng().below(bound)
    }

    fn pick(&self, count: usize) -> usize {
        usize::try_from(self.draw(count as u64)).unwrap_or(0)
    }
}
