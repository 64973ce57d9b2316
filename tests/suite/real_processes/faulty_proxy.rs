//! A proxy between two nodes that damages, delays or ends what it forwards.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use greenroom::prelude::Cookie;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::program::{Config, LONG_TICK, Pair};

/// A tick that the tests wait for.
const TICK: Duration = Duration::from_secs(2);

/// A fault of one direction.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// Nothing is forwarded.
    Stall,
    /// Everything is forwarded so much later.
    Delay(Duration),
    /// The direction ends, and the other one stays.
    HalfClose,
    /// Both directions end by a reset.
    Reset,
    /// The next record is forwarded in part; then both directions end.
    Truncate,
    /// The byte of the next record at this index is changed.
    Flip(usize),
}

use Fault::{Delay, Flip, HalfClose, Reset, Stall, Truncate};

/// The direction from the dialler to the listener, and the one back.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    There,
    Back,
    Both,
}

use Way::{Back, Both, There};

/// The end of both directions of a connection.
enum End {
    Closed,
    Reset,
}

/// A proxy with the faults of its two directions.
struct Proxy {
    address: String,
    there: watch::Sender<Fault>,
    back: watch::Sender<Fault>,
    relays: Arc<Mutex<JoinSet<()>>>,
}

impl Proxy {
    async fn start(to: &str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (there, back) = (watch::Sender::new(Fault::None), watch::Sender::new(Fault::None));
        let relays: Arc<Mutex<JoinSet<()>>> = Arc::default();
        let (faults, to, spawned) = ([there.clone(), back.clone()], to.to_owned(), Arc::clone(&relays));
        relays.lock().unwrap().spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(&to).await.expect("the node listens");
                spawned.lock().unwrap().spawn(relay(near, far, faults.clone()));
            }
        });
        Proxy { address, there, back, relays }
    }

    fn set(&self, way: Way, fault: Fault) {
        if way != Back {
            self.there.send_replace(fault);
        }
        if way != There {
            self.back.send_replace(fault);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.relays.lock().unwrap().abort_all();
    }
}

/// Forwards both directions of one connection until both have ended, or a fault ends both.
async fn relay(mut near: TcpStream, mut far: TcpStream, [there, back]: [watch::Sender<Fault>; 2]) {
    for stream in [&near, &far] {
        stream.set_nodelay(true).unwrap();
    }
    let ended = {
        let ((from_near, to_near), (from_far, to_far)) = (near.split(), far.split());
        tokio::try_join!(forward(from_near, to_far, &there), forward(from_far, to_near, &back))
    };
    if let Err(End::Reset) = ended {
        for stream in [near, far] {
            stream.set_zero_linger().unwrap();
        }
    }
}

/// Forwards one direction to its end.
async fn forward(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, faults: &watch::Sender<Fault>) -> Result<(), End> {
    let mut changes = faults.subscribe();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let fault = *changes.borrow_and_update();
        match fault {
            Stall => {
                // The sender of the changes outlives this task.
                let _ = changes.changed().await;
                continue;
            }
            HalfClose => {
                let _ = to.shutdown().await;
                return Ok(());
            }
            Reset => return Err(End::Reset),
            Fault::None | Delay(_) | Truncate | Flip(_) => {}
        }
        let length = tokio::select! {
            biased;
            _ = changes.changed() => continue,
            read = from.read(&mut buffer) => read.map_err(|_| End::Closed)?,
        };
        if length == 0 {
            let _ = to.shutdown().await;
            return Ok(());
        }
        let mut bytes = &mut buffer[..length];
        match fault {
            Delay(time) => sleep(time).await,
            Truncate => bytes = &mut bytes[..10],
            Flip(index) => bytes[index] ^= 1,
            _ => {}
        }
        to.write_all(bytes).await.map_err(|_| End::Closed)?;
        match fault {
            Truncate => {
                faults.send_replace(Fault::None);
                return Err(End::Closed);
            }
            Flip(_) => drop(faults.send_replace(Fault::None)),
            _ => {}
        }
    }
}

const SILENT: &str = "the peer stopped answering: nothing was received for 2s";
const ENDED: &str = "the connection broke without a goodbye";
/// The text of the operating system follows.
const FAILED: &str = "the connection failed: ";
const DAMAGED: &str = "encrypted data cannot be opened: it was damaged, replayed or forged on the way";

/// Both nodes lose each other with one of these causes, and connect again when the proxy works. They are hidden, so that
/// they do not dial each other beside the proxy. A node that ends a
/// connection with unread bytes resets it.
async fn check(way: Way, fault: Fault, tick: Duration, at_dialler: &[&str], at_listener: &[&str]) {
    let cookie = Cookie::random().unwrap();
    let listener = Config::new("b@test", &cookie).tick(tick).hidden().start().await;
    let proxy = Proxy::start(listener.config().address()).await;
    let dialler = Config::new("a@test", &cookie).tick(tick).hidden().seeds([&*proxy.address]).start().await;
    let Pair { mut dialler, mut listener } = Pair::connected(dialler, listener).await;
    for (node, peer) in [(&mut dialler, "b@test"), (&mut listener, "a@test")] {
        node.assert_served_by(peer).await;
        node.command(&format!("watch far {peer}")).await;
        node.nth(1, &["far ready"]).await;
    }

    proxy.set(way, fault);
    let calls = [
        dialler.begin("echo", "b@test", Duration::from_secs(300)).await,
        listener.begin("echo", "a@test", Duration::from_secs(300)).await,
    ];
    for ((node, peer), (causes, call)) in
        [(&dialler, "b@test"), (&listener, "a@test")].into_iter().zip([at_dialler, at_listener].into_iter().zip(&calls))
    {
        let line = node.lost(1, peer).await;
        assert!(causes.iter().any(|cause| line.contains(cause)), "{way:?} {fault:?}: {line}");
        assert_eq!(node.results(12, "far").await.len(), 12, "{way:?} {fault:?}");
        // One of the two calls may have been answered before.
        let result = node.result(call).await;
        assert!(["ok", "NoConnection"].contains(&&*result), "{way:?} {fault:?}: {result}");
    }

    proxy.set(Both, Fault::None);
    for (node, peer) in [(&mut dialler, "b@test"), (&mut listener, "a@test")] {
        node.up(2, peer).await;
        node.assert_served_by(peer).await;
        assert_eq!(node.ups_and_downs(peer), (2, 1), "{way:?} {fault:?}");
    }
    // Before the proxy ends.
    tokio::join!(dialler.stop(), listener.stop());
}

#[tokio::test]
async fn a_connection_that_ends_or_is_damaged_on_its_way_is_lost_at_once_and_made_again() {
    tokio::join!(
        check(There, HalfClose, LONG_TICK, &[ENDED, FAILED], &[ENDED]),
        check(Back, HalfClose, LONG_TICK, &[ENDED], &[ENDED, FAILED]),
        check(Both, Reset, LONG_TICK, &[FAILED], &[FAILED]),
        check(There, Truncate, LONG_TICK, &[ENDED, FAILED], &[ENDED, FAILED]),
        check(Back, Truncate, LONG_TICK, &[ENDED, FAILED], &[ENDED, FAILED]),
        check(There, Flip(9), LONG_TICK, &[ENDED, FAILED], &[DAMAGED]),
        check(Back, Flip(9), LONG_TICK, &[DAMAGED], &[ENDED, FAILED]),
    );
}

#[tokio::test]
async fn a_connection_on_which_too_little_arrives_is_lost_after_the_tick_and_made_again() {
    let late = Delay(2 * TICK);
    tokio::join!(
        check(There, Stall, TICK, &[ENDED, FAILED], &[SILENT]),
        check(Back, Stall, TICK, &[SILENT], &[ENDED, FAILED]),
        check(Both, Stall, TICK, &[SILENT], &[SILENT]),
        check(Both, late, TICK, &[SILENT], &[SILENT]),
        // The first byte of a length: the record seems to be 256 bytes longer, and ticks are too short to complete it.
        check(There, Flip(0), TICK, &[ENDED, FAILED], &[SILENT, DAMAGED]),
        check(Back, Flip(0), TICK, &[SILENT, DAMAGED], &[ENDED, FAILED]),
    );
}

#[tokio::test]
async fn a_slow_connection_is_not_lost() {
    let cookie = Cookie::random().unwrap();
    let listener = Config::new("b@test", &cookie).tick(4 * TICK).start().await;
    let proxy = Proxy::start(listener.config().address()).await;
    proxy.set(Both, Delay(Duration::from_millis(200)));
    let dialler = Config::new("a@test", &cookie).tick(4 * TICK).hidden().seeds([&*proxy.address]).start().await;
    let Pair { mut dialler, mut listener } = Pair::connected(dialler, listener).await;
    assert_eq!(dialler.send("b@test", 100).await, "100");
    assert_eq!(listener.send("a@test", 100).await, "100");
    assert_eq!((dialler.ups_and_downs("b@test"), listener.ups_and_downs("a@test")), ((1, 0), (1, 0)));
    tokio::join!(dialler.stop(), listener.stop());
}
