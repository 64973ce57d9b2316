//! Workloads of many actors: their starts, their memory, their stops.

use std::time::Instant;

use bench::{Crowd, Figure, Member, Size, resident, size};

use crate::mailbox::{Address, mailbox};

enum Message {
    Watch(Address<()>),
    Stop,
}

/// Starts an actor that is idle until it is stopped, and then notifies its watchers.
fn idler(member: Member) -> Address<Message> {
    let (address, mut mailbox) = mailbox();
    tokio::spawn(async move {
        member.arrive();
        let mut watchers: Vec<Address<()>> = Vec::new();
        loop {
            match mailbox.receive().await {
                Message::Watch(watcher) => watchers.push(watcher),
                Message::Stop => return watchers.iter().for_each(|watcher| watcher.send(())),
            }
        }
    });
    address
}

pub async fn crowd(suffix: &str, n: u64) -> Vec<Figure> {
    let crowd = Crowd::new(n);
    let mut idlers = Vec::with_capacity(n as usize);
    let before = resident();
    let begin = Instant::now();
    idlers.extend((0..n).map(|_| idler(crowd.member())));
    let arrived = crowd.all_in().await;
    let spawn = Figure::rate(format!("spawn{suffix}"), n, begin.elapsed(), arrived);
    let memory = Figure::bytes(format!("memory{suffix}"), n, resident() - before, arrived);
    let begin = Instant::now();
    idlers.iter().for_each(|idler| idler.send(Message::Stop));
    let left = crowd.all_out().await;
    vec![spawn, memory, Figure::rate(format!("stop{suffix}"), n, begin.elapsed(), left)]
}

pub async fn monitor(size: Size) -> Vec<Figure> {
    let n = size.of(size::MONITORED);
    let crowd = Crowd::new(n);
    let (watcher, mut downs) = mailbox();
    let idlers: Vec<_> = (0..n).map(|_| idler(crowd.member())).collect();
    idlers.iter().for_each(|idler| idler.send(Message::Watch(watcher.clone())));
    crowd.all_in().await;
    let begin = Instant::now();
    let received = tokio::spawn(async move {
        let mut received = 0;
        while received < n {
            downs.receive().await;
            received += 1;
        }
        received
    });
    idlers.iter().for_each(|idler| idler.send(Message::Stop));
    let received = received.await.unwrap();
    vec![Figure::rate("monitor", n, begin.elapsed(), received)]
}

/// Runs a supervisor that starts the actor again after each panic and sends its new address.
pub async fn restart(size: Size) -> Vec<Figure> {
    bench::crash_silently();
    let n = size.of(size::CRASHES);
    let (running, mut starts) = mailbox();
    tokio::spawn(async move {
        loop {
            let (address, mut mailbox) = mailbox::<()>();
            let running = running.clone();
            let child = tokio::spawn(async move {
                running.send(address);
                mailbox.receive().await;
                panic!("crashed");
            });
            let _: Result<(), _> = child.await;
        }
    });
    let mut child: Address<()> = starts.receive().await;
    let (begin, mut restarts) = (Instant::now(), 0);
    while restarts < n {
        child.send(());
        child = starts.receive().await;
        restarts += 1;
    }
    vec![Figure::nanos("restart", n, begin.elapsed(), restarts)]
}
