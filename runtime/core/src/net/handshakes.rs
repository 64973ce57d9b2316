//! The bound on connections that are not authenticated yet.
//!
//! A listener acquires a [`HandshakePermit`] for each stream that it accepts, and drops the permit when the peer is
//! authenticated. A new stream is never refused, since it may be that of a member. Above a bound, an older handshake is
//! given *notice*: it has [`NOTICE`] left to complete.
//!
//! | bound | number |
//! |---|---|
//! | handshakes without notice | the limit of [`Handshakes::new`] |
//! | of these, from one source address | [`PER_SOURCE`] |
//! | handshakes on notice, above which one of them is dropped at once | as many as without |
//!
//! A handshake whose peer has sent nothing is chosen first, then the oldest. The notice slows down a peer that opens
//! its streams again at once: without it, such a peer would push out a member between two of the member's messages.

use std::future::{Future, pending};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::base::SortedMap;
use crate::observe::ConnectionMeter;
use crate::sched::Clock;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The handshakes of one listener that are not complete. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Handshakes {
    table: Arc<Mutex<Table>>,
    clock: Arc<dyn Clock>,
    limit: usize,
}

/// The permit for one handshake. The handshake counts as complete or over when the permit is dropped.
pub(crate) struct HandshakePermit {
    table: Arc<Mutex<Table>>,
    id: u64,
    standing: Arc<watch::Sender<Standing>>,
    meter: Arc<ConnectionMeter>,
}

#[derive(Default)]
struct Table {
    /// By their order of arrival.
    handshakes: SortedMap<u64, Handshake>,
    next_id: u64,
}

struct Handshake {
    source: String,
    standing: Arc<watch::Sender<Standing>>,
    meter: Arc<ConnectionMeter>,
    on_notice: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Admitted,
    /// Dropped at this time.
    OnNotice(Instant),
    Dropped,
    /// The permit was dropped: the connection is no longer a matter of this module.
    Complete,
}

/// The number of handshakes from one source address that are without notice at one time.
const PER_SOURCE: usize = 16;
/// The time that a handshake on notice has left.
const NOTICE: Duration = Duration::from_millis(250);

impl Handshakes {
    /// Makes an empty table for at most `limit` handshakes at one time, and as many on notice.
    pub(crate) fn new(limit: usize, clock: Arc<dyn Clock>) -> Handshakes {
        Handshakes { table: Arc::default(), clock, limit: limit.max(1) }
    }

    /// Admits a stream from the address `from`, as given by [`Listener::accept`](super::Listener::accept).
    ///
    /// The future resolves when this handshake has to be dropped, and never after the permit was dropped. It must be
    /// polled by the task that drops the permit.
    pub(crate) fn acquire(&self, from: &str) -> (HandshakePermit, impl Future<Output = ()> + Send + use<>) {
        let source = source_of(from);
        let notice_end = self.clock.now() + NOTICE;
        let mut table = lock(&self.table);
        if table.count(|other| !other.on_notice && other.source == source) >= PER_SOURCE.min(self.limit) {
            table.give_notice(notice_end, |other| other.source == source);
        } else if table.count(|other| !other.on_notice) >= self.limit {
            table.give_notice(notice_end, |_| true);
        }
        if table.count(|other| other.on_notice) > self.limit
            && let Some(id) = table.first(|other| other.on_notice)
            && let Some(dropped) = table.handshakes.remove(&id)
        {
            dropped.standing.send_replace(Standing::Dropped);
        }
        let (standing, observed) = watch::channel(Standing::Admitted);
        let (standing, meter) = (Arc::new(standing), Arc::new(ConnectionMeter::default()));
        let id = table.next_id;
        table.next_id += 1;
        let (kept, counted) = (Arc::clone(&standing), Arc::clone(&meter));
        table.handshakes.insert(id, Handshake { source, standing: kept, meter: counted, on_notice: false });
        drop(table);
        let permit = HandshakePermit { table: Arc::clone(&self.table), id, standing, meter };
        (permit, dropped(observed, Arc::clone(&self.clock)))
    }
}

impl HandshakePermit {
    /// Returns the meter of the connection. The bytes that it has received count when a handshake must be dropped.
    pub(crate) fn meter(&self) -> Arc<ConnectionMeter> {
        Arc::clone(&self.meter)
    }
}

impl Drop for HandshakePermit {
    fn drop(&mut self) {
        lock(&self.table).handshakes.remove(&self.id);
        self.standing.send_replace(Standing::Complete);
    }
}

impl Table {
    fn count(&self, which: impl Fn(&Handshake) -> bool) -> usize {
        self.handshakes.values().filter(|handshake| which(handshake)).count()
    }

    /// Returns the handshake to be dropped first among these: a silent one before the others, the oldest first.
    fn first(&self, which: impl Fn(&Handshake) -> bool) -> Option<u64> {
        let among = self.handshakes.iter().filter(|(_, handshake)| which(handshake));
        among.min_by_key(|(id, handshake)| (handshake.meter.has_received(), *id)).map(|(id, _)| *id)
    }

    fn give_notice(&mut self, end: Instant, which: impl Fn(&Handshake) -> bool) {
        let first = self.first(|handshake| !handshake.on_notice && which(handshake));
        if let Some(handshake) = first.and_then(|id| self.handshakes.get_mut(&id)) {
            handshake.on_notice = true;
            handshake.standing.send_replace(Standing::OnNotice(end));
        }
    }
}

/// Resolves when the handshake is dropped, or when its notice is over.
async fn dropped(mut standing: watch::Receiver<Standing>, clock: Arc<dyn Clock>) {
    let over = loop {
        let now = *standing.borrow_and_update();
        match now {
            Standing::Admitted => {
                if standing.changed().await.is_err() {
                    break Standing::Complete;
                }
            }
            Standing::OnNotice(end) => {
                if clock.within(Some(end.saturating_duration_since(clock.now())), standing.changed()).await.is_none() {
                    break Standing::Dropped;
                }
            }
            over => break over,
        }
    };
    if over == Standing::Complete {
        pending::<()>().await;
    }
}

/// Returns the part of an address that all streams of one machine share: it is without the port.
pub(crate) fn source_of(from: &str) -> String {
    from.parse::<SocketAddr>().map_or_else(|_| from.to_owned(), |address| address.ip().to_canonical().to_string())
}

// A panic while the lock was held cannot have left a change half done.
fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use super::*;
    use crate::sched::TokioClock;

    /// A handshake of the test, with the future that resolves when it is dropped.
    struct Running {
        permit: HandshakePermit,
        dropped: Pin<Box<dyn Future<Output = ()>>>,
    }

    fn handshakes(limit: usize) -> Handshakes {
        Handshakes::new(limit, Arc::new(TokioClock))
    }

    impl Handshakes {
        fn begin(&self, from: &str) -> Running {
            let (permit, dropped) = self.acquire(from);
            Running { permit, dropped: Box::pin(dropped) }
        }
    }

    /// Returns the indices of those that are dropped after this time.
    async fn dropped_after(time: Duration, running: &mut [Running]) -> Vec<usize> {
        tokio::time::sleep(time).await;
        let mut dropped = Vec::new();
        for (index, running) in running.iter_mut().enumerate() {
            let now = std::future::poll_fn(|cx| std::task::Poll::Ready(running.dropped.as_mut().poll(cx))).await;
            if now.is_ready() {
                dropped.push(index);
            }
        }
        dropped
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_of_a_source_has_250_ms_left_above_the_bound() {
        let handshakes = handshakes(64);
        let mut running: Vec<_> = (0..16).map(|port| handshakes.begin(&format!("10.0.0.1:{port}"))).collect();
        running.extend((0..30).map(|host| handshakes.begin(&format!("10.0.1.{host}:7"))));
        assert!(dropped_after(Duration::from_secs(4), &mut running).await.is_empty());
        // The same machine, by an IPv4 address that is mapped into IPv6.
        running.extend([handshakes.begin("10.0.0.1:99"), handshakes.begin("[::ffff:10.0.0.1]:99")]);
        assert!(dropped_after(Duration::from_millis(249), &mut running).await.is_empty());
        assert_eq!(dropped_after(Duration::from_millis(1), &mut running).await, [0, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_of_all_has_250_ms_left_above_the_bound_of_a_node() {
        let handshakes = handshakes(64);
        let mut running: Vec<_> = (0..67).map(|host| handshakes.begin(&format!("10.0.0.{host}:7"))).collect();
        assert!(dropped_after(Duration::ZERO, &mut running).await.is_empty());
        assert_eq!(dropped_after(NOTICE, &mut running).await, [0, 1, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_handshake_is_dropped_before_one_whose_peer_has_sent_bytes() {
        let handshakes = handshakes(64);
        let mut running: Vec<_> = (0..16).map(|port| handshakes.begin(&format!("10.0.0.1:{port}"))).collect();
        for index in [0, 1, 4] {
            running[index].permit.meter().received(7);
        }
        running.extend((0..3).map(|_| handshakes.begin("10.0.0.1:99")));
        assert!(dropped_after(Duration::ZERO, &mut running).await.is_empty());
        assert_eq!(dropped_after(NOTICE, &mut running).await, [2, 3, 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_handshake_on_notice_is_dropped_at_once_above_a_second_bound() {
        let handshakes = handshakes(64);
        let mut running: Vec<_> = (0..16 + 64).map(|_| handshakes.begin("10.0.0.1:7")).collect();
        assert!(dropped_after(Duration::ZERO, &mut running).await.is_empty());
        // One that has sent bytes is kept, although it is the oldest.
        running[0].permit.meter().received(7);
        for _ in 0..1000 {
            running.push(handshakes.begin("10.0.0.1:7"));
            assert!(lock(&handshakes.table).handshakes.len() <= 16 + 64 + 1);
        }
        let dropped = dropped_after(Duration::ZERO, &mut running).await;
        assert_eq!(dropped, (1..=1000).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn a_complete_handshake_is_not_dropped_and_makes_room() {
        let handshakes = handshakes(64);
        let mut running: Vec<_> = (0..17).map(|_| handshakes.begin("host")).collect();
        assert!(dropped_after(NOTICE / 2, &mut running).await.is_empty());
        // The first one is on notice and completes.
        let Running { permit, dropped } = running.remove(0);
        drop(permit);
        tokio::time::timeout(Duration::from_secs(60), dropped).await.expect_err("it is complete");
        // One of those without notice completes, which makes room for another.
        drop(running.remove(0));
        running.push(handshakes.begin("host"));
        assert!(dropped_after(Duration::from_secs(60), &mut running).await.is_empty());
        running.clear();
        assert!(lock(&handshakes.table).handshakes.is_empty());
    }
}
