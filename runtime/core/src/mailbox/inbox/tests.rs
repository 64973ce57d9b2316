use std::task::Waker;

use super::*;
use crate::base::Variant;
use crate::mailbox::{Addressee, Arrival, PushObserver, Refused};

#[derive(Debug, PartialEq, Clone, Copy)]
enum Job {
    Build(u32),
    Deploy(u32),
}

impl Protocol for Job {
    const NAME: &'static str = "Job";
    const VARIANTS: &'static [Variant] = &[
        Variant { name: "Build", call: false, system: false, priority: false },
        Variant { name: "Deploy", call: false, system: false, priority: false },
    ];

    fn variant(&self) -> usize {
        match self {
            Build(_) => 0,
            Deploy(_) => 1,
        }
    }
}

use Job::{Build, Deploy};

/// Receives the first message that `matches` among the variants of `want`, and counts those that were tested.
fn receive(
    inbox: &mut Inbox<Job>,
    queue: &Queue<Job>,
    want: u64,
    matches: impl Fn(Job) -> bool,
) -> (Option<Job>, usize) {
    inbox.begin(queue, Mask(want), None);
    let mut tested = 0;
    while let Next::Test(job) = inbox.next(queue, None) {
        tested += 1;
        if matches(job) {
            inbox.accept(queue, job.variant());
            return (Some(job), tested);
        }
        inbox.skip(queue, job);
    }
    (None, tested)
}

fn queue(jobs: &[Job]) -> Queue<Job> {
    let queue = Queue::new(None);
    queue.open(1);
    for job in jobs {
        let entry = Entry { origin: Origin::SENT, context: MessageContext::NONE, message: *job };
        assert!(push(&queue, Addressee::Process(1), entry).is_ok());
    }
    queue
}

struct Unobserved;

impl PushObserver<Job> for Unobserved {
    fn arriving(&self, _: u64, _: &Job) -> bool {
        false
    }

    fn arrived(&self, _: Arrival) {}

    fn dropped(&self, _: Job) {}

    fn refused(&self) {}
}

fn push(queue: &Queue<Job>, to: Addressee, entry: Entry<Job>) -> Result<Option<WaiterId>, Refused<Job>> {
    queue.push(&Unobserved, to, entry, false)
}

#[test]
fn skipped_messages_keep_their_order() {
    let (queue, mut inbox) = (queue(&[Build(1), Build(2), Deploy(0), Build(3)]), Inbox::new());
    assert_eq!(receive(&mut inbox, &queue, 0b10, |_| true).0, Some(Deploy(0)));
    for n in 1..=3 {
        assert_eq!(receive(&mut inbox, &queue, 0b11, |_| true).0, Some(Build(n)));
    }
    assert_eq!(receive(&mut inbox, &queue, 0b11, |_| true).0, None);
}

#[test]
fn message_order_beats_lane_order() {
    let (queue, mut inbox) = (queue(&[Deploy(1), Build(2), Deploy(3), Build(4)]), Inbox::new());
    assert_eq!(receive(&mut inbox, &queue, 0b11, |_| false), (None, 4));
    for expected in [Deploy(1), Build(2), Deploy(3), Build(4)] {
        assert_eq!(receive(&mut inbox, &queue, 0b11, |_| true), (Some(expected), 1));
    }
}

#[test]
fn an_unwanted_variant_is_never_tested() {
    let jobs: Vec<_> = (0..1000).map(Build).chain([Deploy(0)]).collect();
    let (queue, mut inbox) = (queue(&jobs), Inbox::new());
    assert_eq!(receive(&mut inbox, &queue, 0b10, |_| true), (Some(Deploy(0)), 1));
    assert_eq!(receive(&mut inbox, &queue, 0b10, |_| true), (None, 0));
    assert_eq!(receive(&mut inbox, &queue, 0b01, |job| job == Build(500)), (Some(Build(500)), 501));
    assert_eq!(receive(&mut inbox, &queue, 0b01, |_| true), (Some(Build(0)), 1));
    assert_eq!(receive(&mut inbox, &queue, 0b01, |job| job == Build(501)), (Some(Build(501)), 500));
}

#[test]
fn an_abandoned_scan_loses_no_message() {
    let (queue, mut inbox) = (queue(&[Build(1), Build(2), Build(3)]), Inbox::new());
    assert_eq!(receive(&mut inbox, &queue, 0b01, |_| false).0, None);
    inbox.begin(&queue, Mask(0b01), None);
    let Next::Test(job) = inbox.next(&queue, None) else { panic!("saved") };
    inbox.skip(&queue, job);
    assert_eq!(receive(&mut inbox, &queue, 0b01, |_| true).0, Some(Build(1)));
    assert_eq!(receive(&mut inbox, &queue, 0b01, |_| true).0, Some(Build(2)));
}

#[test]
fn a_waiting_owner_frees_the_memory_of_a_flood() {
    let flood: Vec<_> = (0..20_000).map(Build).collect();
    let (queue, mut inbox) = (queue(&flood), Inbox::new());
    let entry = size_of::<Entry<Job>>();
    let room = |inbox: &Inbox<Job>| queue.stats().bytes as usize + inbox.batch.entries.capacity() * entry;
    assert!(room(&inbox) > 256 * 1024, "room for a flood: {}", room(&inbox));
    let mut cx = Context::from_waker(Waker::noop());
    for round in 1..=2 {
        inbox.begin(&queue, Mask::ALL, None);
        let mut read = 0;
        while let Next::Test(job) = inbox.next(&queue, Some(&mut cx)) {
            inbox.accept(&queue, job.variant());
            read += 1;
        }
        // It polls once more before it waits, since many messages came.
        assert_eq!(read, if round == 1 { flood.len() } else { 0 });
    }
    assert!(room(&inbox) < 1024, "room for what comes next: {}", room(&inbox));
}

#[test]
fn a_message_is_removed_by_its_origin() {
    let (queue, mut inbox) = (queue(&[Build(1)]), Inbox::new());
    let push_down = || {
        let entry = Entry { origin: Origin::monitor(9), context: MessageContext::NONE, message: Deploy(9) };
        push(&queue, Addressee::Process(1), entry).is_ok()
    };
    assert!(push_down());
    assert_eq!(inbox.remove(&queue, Origin::monitor(9)), Some(Deploy(9)));
    assert!(push_down());
    assert_eq!(receive(&mut inbox, &queue, 0b01, |_| false).0, None);
    assert_eq!(inbox.remove(&queue, Origin::monitor(9)), Some(Deploy(9)));
    assert_eq!(inbox.remove(&queue, Origin::monitor(9)), None);
    assert_eq!(receive(&mut inbox, &queue, 0b11, |_| true).0, Some(Build(1)));
}

#[test]
fn an_owner_of_a_closed_queue_is_still_woken_for_its_end() {
    let queue = queue(&[]);
    assert!(queue.set_waker(Waker::noop()));
    queue.close();
    assert!(queue.task_waker().is_some());
    queue.end_owner(true);
    assert!(queue.task_waker().is_none() && queue.is_closed());
}

#[test]
fn a_new_owner_does_not_get_messages_for_the_former_one() {
    let queue = queue(&[Build(1)]);
    assert_eq!(queue.end_owner(true).len(), 1);
    let entry = || Entry { origin: Origin::SENT, context: MessageContext::NONE, message: Build(2) };
    assert!(push(&queue, Addressee::Process(1), entry()).is_err());
    assert!(push(&queue, Addressee::AnyOwner, entry()).is_ok());
    queue.open(2);
    assert!(push(&queue, Addressee::Process(1), entry()).is_err());
    assert!(push(&queue, Addressee::Process(2), entry()).is_ok());
    assert_eq!(queue.close().len(), 2);
    assert!(push(&queue, Addressee::AnyOwner, entry()).is_err());
}
