//! The bytes of large frames that may be on their way to the peer.
//!
//! They are in front of every frame that is sent later, so they should be few. On a long way they should be many, or the
//! connection is idle until their acknowledgement is back. So from time to time the window is doubled or halved for a
//! few round trips. A larger window stays if clearly more bytes pass in the same time than before and after, and a
//! smaller one if hardly fewer do.

use std::time::{Duration, Instant};

/// The receiver acknowledges pieces when so many bytes of them have come. A window is twice that at least.
pub(super) const ACKNOWLEDGE: usize = 128 * 1024;
/// The largest window, which uses 1 Gbit/s at a round trip of 64 ms.
const MOST: usize = 8 * 1024 * 1024;
/// The windows that are sent to measure a rate.
const PERIOD: u64 = 8;
/// The time between two trials that were in vain.
const PAUSE: Duration = Duration::from_secs(10);

pub(super) struct Window {
    size: usize,
    least: usize,
    under_way: usize,
    period: Option<Period>,
    trial: Option<Trial>,
    /// The time of the next trial, unless it is due.
    next_trial: Option<Instant>,
    /// The next trial is a smaller window.
    is_smaller_next: bool,
}

/// A measurement of the rate. It begins when the window is full, and is given up when nothing is under way.
struct Period {
    begun: Instant,
    acknowledged: u64,
}

/// A window of another size for one period. The number is the nanoseconds for each byte in the period before.
#[derive(Clone, Copy)]
enum Trial {
    Larger(f64),
    /// The size before, after a larger one that was better. If it is as good as that now, the connection has become
    /// faster by itself, and the size stays.
    Back(f64),
    Smaller(f64),
}

impl Window {
    /// Returns a window of `least` bytes, which does not become smaller.
    pub(super) fn new(least: usize) -> Window {
        let least = least.max(2 * ACKNOWLEDGE);
        Window { size: least, least, under_way: 0, period: None, trial: None, next_trial: None, is_smaller_next: false }
    }

    /// Returns the bytes that may be sent now.
    pub(super) fn left(&self) -> usize {
        self.size.saturating_sub(self.under_way)
    }

    /// A piece is sent.
    pub(super) fn send(&mut self, bytes: usize) {
        self.under_way += bytes;
    }

    /// A piece has to wait for an acknowledgement.
    pub(super) fn fill(&mut self, now: Instant) {
        self.period.get_or_insert(Period { begun: now, acknowledged: 0 });
    }

    /// The peer has so many bytes more. Returns `false` if that is more than were sent.
    pub(super) fn acknowledge(&mut self, now: Instant, bytes: u64) -> bool {
        let left = usize::try_from(bytes).ok().and_then(|bytes| self.under_way.checked_sub(bytes));
        let Some(left) = left else { return false };
        self.under_way = left;
        if left == 0 {
            // Too little is sent to measure a rate.
            self.period = None;
        }
        if let Some(period) = &mut self.period {
            period.acknowledged += bytes;
            if period.acknowledged >= PERIOD * self.size as u64 {
                let time = now.saturating_duration_since(period.begun);
                let each = nanos(time) / period.acknowledged as f64;
                self.period = Some(Period { begun: now, acknowledged: 0 });
                self.adapt(now, each);
            }
        }
        true
    }

    /// Begins or ends a trial, after a period with so many nanoseconds for each byte.
    fn adapt(&mut self, now: Instant, each: f64) {
        match self.trial.take() {
            Some(Trial::Larger(before)) => {
                self.size /= 2;
                if each * 1.25 <= before {
                    self.trial = Some(Trial::Back(each));
                } else {
                    self.pause(now);
                }
            }
            Some(Trial::Back(larger)) if larger * 1.25 <= each => self.size *= 2,
            Some(Trial::Back(_)) => self.pause(now),
            Some(Trial::Smaller(before)) if each <= before * 1.1 => {}
            Some(Trial::Smaller(_)) => {
                self.size *= 2;
                self.pause(now);
            }
            None if self.next_trial.is_some_and(|at| now < at) => {}
            None if self.is_smaller_next && self.size > self.least => {
                self.size /= 2;
                self.trial = Some(Trial::Smaller(each));
            }
            None if !self.is_smaller_next && self.size < MOST => {
                self.size *= 2;
                self.trial = Some(Trial::Larger(each));
            }
            None => self.pause(now),
        }
    }

    /// Keeps the size for a time. The next trial is of the other kind.
    fn pause(&mut self, now: Instant) {
        self.next_trial = Some(now + PAUSE);
        self.is_smaller_next = !self.is_smaller_next;
    }
}

fn nanos(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    const PIECE: usize = 60 * 1024;

    /// Sends without a pause over a line with this rate and time there and back, for 60 s. Returns the rate that was
    /// reached in the second half, and how long pieces waited for the line in it, on average.
    fn run(bytes_a_second: u64, both_ways: Duration) -> (f64, f64) {
        let start = Instant::now();
        let (mut window, mut now) = (Window::new(0), start);
        let mut acknowledgements = VecDeque::new();
        let (mut line_free, mut unacknowledged) = (start, 0);
        let (mut pieces, mut waited) = (0.0, Duration::ZERO);
        while now < start + Duration::from_secs(60) {
            if window.left() >= PIECE {
                window.send(PIECE);
                if now >= start + Duration::from_secs(30) {
                    pieces += 1.0;
                    waited += line_free.saturating_duration_since(now);
                }
                line_free = line_free.max(now) + Duration::from_secs_f64(PIECE as f64 / bytes_a_second as f64);
                unacknowledged += PIECE;
                if unacknowledged >= ACKNOWLEDGE {
                    acknowledgements.push_back((line_free + both_ways, std::mem::take(&mut unacknowledged)));
                }
                continue;
            }
            window.fill(now);
            let (at, bytes) = acknowledgements.pop_front().expect("a full window is acknowledged");
            now = now.max(at);
            assert!(window.acknowledge(now, bytes as u64));
        }
        (pieces * PIECE as f64 / 30.0, waited.as_secs_f64() * 1e3 / pieces)
    }

    #[test]
    fn a_long_way_is_used_and_little_queues_on_any() {
        // Two programs, a hall, a city, an ocean: bytes in a second and milliseconds there and back.
        for (rate, millis) in [(1e9, 0), (1e8, 1), (1.25e7, 20), (5e7, 80)] {
            let (reached, waited) = run(rate as u64, Duration::from_millis(millis));
            assert!(reached >= rate * 0.8, "{reached:e} of {rate:e} at {millis} ms");
            let allowed = 1.5 * millis as f64 + 1e3 * (2 * ACKNOWLEDGE) as f64 / rate;
            assert!(waited <= allowed, "{waited} of {allowed} ms at {rate:e}, {millis} ms");
        }
        let (reached, _) = run(1_000_000_000, Duration::from_millis(80));
        assert!(reached >= 80e6, "the largest window each 80 ms: {reached:e}");
    }

    #[test]
    fn a_window_that_is_not_full_keeps_its_size() {
        let (mut window, mut now) = (Window::new(0), Instant::now());
        for _ in 0..10_000 {
            window.send(ACKNOWLEDGE);
            now += Duration::from_millis(10);
            assert!(window.acknowledge(now, ACKNOWLEDGE as u64));
        }
        assert_eq!(window.left(), 2 * ACKNOWLEDGE);
        assert!(!window.acknowledge(now, 1), "nothing is under way");
    }

    #[test]
    fn a_connection_that_becomes_faster_by_itself_keeps_its_window() {
        let least = 2 * ACKNOWLEDGE;
        // Nanoseconds for each byte with the window, with a larger one, and with the window again.
        for (periods, size) in [([2.0, 1.0, 2.0], 2 * least), ([2.0, 1.0, 1.0], least), ([2.0, 2.0, 2.0], least)] {
            let (mut window, now) = (Window::new(0), Instant::now());
            periods.into_iter().for_each(|each| window.adapt(now, each));
            assert_eq!(window.size, size, "{periods:?}");
        }
    }
}
