//! Large frames: what they delay at the sender, and what a receiver without room accepts.

use super::*;
use crate::session::Intake;

const LARGE: usize = 3 << 20;

#[tokio::test(start_paused = true)]
async fn large_messages_wait_for_memory_and_small_ones_pass() {
    let limits = Limits { frame: LARGE + 1000, reassembly: LARGE + 1000, ..Limits::default() };
    let (network, a, mut b) = connected_with(limits).await;
    network.stall("a", "b");
    // Three fit, since the third is admitted while less than the bound waits.
    for from in 1..=3 {
        assert_eq!(a.outbox.push_whole(from, &message(from, LARGE), ""), Ok(None));
    }
    let fourth = a.outbox.push_whole(4, &message(4, LARGE), "").unwrap().expect("it waits");
    // In its own lane all is behind it.
    let behind = a.outbox.push_whole(4, &message(4, 10), "").unwrap().expect("it waits");
    let withdrawn = a.outbox.push_whole(5, &message(5, LARGE), "").unwrap().expect("it waits");
    for from in 5..105 {
        assert_eq!(a.outbox.push_whole(from, &message(from, 10), "").unwrap().is_some(), from == 5);
    }
    assert!(a.outbox.withdraw(withdrawn));
    assert!(a.outbox.push_whole(5, &message(5, 20), "").unwrap().is_some());
    network.heal("a", "b");
    let mut sizes = BTreeMap::<u64, Vec<usize>>::new();
    for _ in 0..106 {
        let Frame::Message { from, payload, .. } = b.frame().await else { panic!("not a message") };
        sizes.entry(from).or_default().push(payload.len());
    }
    assert_eq!((&sizes[&4], &sizes[&5]), (&vec![LARGE, 10], &vec![10, 20]));
    assert!((6..105).all(|from| sizes[&from] == [10]));
    assert_eq!((admitted(&a.outbox, fourth).await, admitted(&a.outbox, behind).await), (Ok(()), Ok(())));
    assert_eq!((a.outbox.waiting(), a.outbox.has_waiters()), (Backlog::default(), false));
}

#[tokio::test(start_paused = true)]
async fn a_receiver_without_room_for_large_frames_goes_on_with_small_ones() {
    let (_network, a, mut b) = connected().await;
    b.outbox.command(Command::Accept(Intake::Small));
    tokio::time::sleep(Duration::from_millis(1)).await;
    a.outbox.push(1, &message(1, LARGE)).unwrap();
    for from in 2..1000 {
        a.outbox.push(from, &message(from, 10)).unwrap();
        assert_eq!(b.frame().await, message(from, 10));
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(b.events.is_empty());
    // Only a window of the large frame was sent.
    assert!(a.outbox.waiting().bytes > LARGE - 300 * 1024, "{:?}", a.outbox.waiting());
    b.outbox.command(Command::Accept(Intake::All));
    assert_eq!(b.frame().await, message(1, LARGE));
}

#[tokio::test(start_paused = true)]
async fn a_receiver_without_any_room_reads_nothing_and_its_peer_is_not_lost() {
    let (_network, a, mut b) = connected().await;
    b.outbox.command(Command::Accept(Intake::Nothing));
    tokio::time::sleep(Duration::from_millis(1)).await;
    a.outbox.push(1, &message(1, 10)).unwrap();
    // Nor is a peer that is probed meanwhile.
    b.outbox.command(Command::Probe);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(b.events.is_empty());
    b.outbox.push(1, &message(2, 10)).unwrap();
    let mut a = a;
    assert_eq!(a.frame().await, message(2, 10));
    b.outbox.command(Command::Accept(Intake::All));
    let events = [b.event().await, b.event().await];
    assert!(events.contains(&Event::Frame { lane: 1, frame: message(1, 10) }), "{events:?}");
    assert!(events.contains(&Event::Probed { alive: true }), "{events:?}");
    // From now on it can be lost again.
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!b.driver.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_gone_is_lost_once_it_is_read_again() {
    let (network, a, b) = connected().await;
    b.outbox.command(Command::Accept(Intake::Nothing));
    tokio::time::sleep(Duration::from_millis(1)).await;
    network.stall("a", "b");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!b.driver.is_finished());
    b.outbox.command(Command::Accept(Intake::All));
    let start = Instant::now();
    assert_eq!(b.closed().await, "Session(Silent { tick: 4s })");
    assert!(start.elapsed() <= Duration::from_secs(4), "{:?}", start.elapsed());
    drop(a);
}

#[tokio::test(start_paused = true)]
async fn a_connection_closes_although_nothing_is_accepted() {
    let (_network, a, b) = connected().await;
    b.outbox.command(Command::Accept(Intake::Nothing));
    a.outbox.push(1, &message(1, LARGE)).unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    let start = Instant::now();
    b.outbox.close();
    assert_eq!((a.closed().await, b.closed().await), ("ByPeer".into(), "ByThisNode".into()));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}
