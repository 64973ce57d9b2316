//! Full mailboxes and full connections between nodes: who waits, and that no message is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use greenroom::prelude::*;
use greenroom::testing::Cluster;
use serde::{Deserialize, Serialize};

/// A print job: the printer, and its number in the order of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Job {
    sender: u32,
    number: u32,
}

/// A printer with a mailbox of two jobs, which prints a job each millisecond once it is switched on, and is busy while it
/// warms up.
#[protocol]
enum Printer {
    #[from]
    Queued(Job),
    Print {
        job: Job,
    },
    Copy {
        job: Job,
        reply: Reply<u32>,
    },
    Stamp {
        stamp: Stamp,
    },
    #[priority]
    SwitchOn,
    #[priority]
    WarmUp {
        time: Duration,
    },
}

/// Keeps the list of printed jobs, with a mailbox that is never full.
#[protocol]
enum Tray {
    Put { job: Job },
    Jobs { reply: Reply<Vec<Job>> },
    Echo { number: u32, reply: Reply<u32> },
}

#[actor(protocol = Printer, mailbox = 2, overflow = wait)]
#[derive(Clone)]
struct Office {
    tray: TrayRef,
}

impl Process for Office {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        receive!(match cx {
            Printer::SwitchOn => {}
            Printer::WarmUp { time } => tokio::time::sleep(time).await,
        });
        loop {
            receive!(match cx {
                Printer::Queued(job) => drop(self.tray.put(job)),
                Printer::Print { job } => drop(self.tray.put(job)),
                Printer::Copy { job, reply } => {
                    drop(self.tray.put(job));
                    reply.send(job.number);
                }
                Printer::Stamp { stamp } => stamp.0.send(0),
                Printer::SwitchOn | Printer::WarmUp { .. } => {}
            });
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[supervisor]
struct Building {
    tray: TrayRef,
    #[child(start = Office { tray: self.tray.clone() })]
    office: Office,
}

fn start_tray(node: &Node) -> TrayRef {
    let _here = node.enter();
    let tray = greenroom::spawn(|mut mailbox: Mailbox<Tray>| async move {
        let mut printed = Vec::new();
        loop {
            receive!(match mailbox {
                Tray::Put { job } => printed.push(job),
                Tray::Jobs { reply } => reply.send(printed.clone()),
                Tray::Echo { number, reply } => reply.send(number),
            });
        }
    });
    TrayRef::register("tray", &tray).unwrap();
    tray
}

/// Gives stubs to another node.
#[protocol]
enum Desk {
    Direct { reply: Reply<PrinterRef> },
    Following { reply: Reply<PrinterRef> },
}

/// Starts an office on `node`, with its tray, and returns its printer as the other node has it.
async fn office(cluster: &Cluster, at: usize, from: usize, kind: &str) -> (PrinterRef, TrayRef) {
    let node = cluster.node(at);
    let tray = start_tray(node);
    let (direct, following) = if kind == "following" {
        let _here = node.enter();
        let tree = Building { tray: tray.clone() }.start().await.unwrap();
        (None, Some(tree.office()))
    } else {
        let printer = node.start(Office { tray: tray.clone() }).await.unwrap();
        PrinterRef::register("printer", &printer).unwrap();
        (Some(printer), None)
    };
    let desk = {
        let _here = node.enter();
        greenroom::spawn(|mut mailbox: Mailbox<Desk>| async move {
            loop {
                receive!(match mailbox {
                    Desk::Direct { reply } => reply.send(direct.clone().unwrap()),
                    Desk::Following { reply } => reply.send(following.clone().unwrap()),
                });
            }
        })
    };
    DeskRef::register("desk", &desk).unwrap();
    let desk: DeskRef = cluster.node(from).named_at("desk", node.name().as_str());
    let printer = match kind {
        "direct" => desk.direct().await.unwrap(),
        "following" => desk.following().await.unwrap(),
        _ => cluster.node(from).named_at("printer", node.name().as_str()),
    };
    (printer, cluster.node(from).named_at("tray", node.name().as_str()))
}

/// Waits until the tray has this many jobs, but no longer than a minute.
async fn printed(tray: &TrayRef, jobs: usize) -> Vec<Job> {
    for _ in 0..600 {
        let printed = tray.jobs().await.unwrap();
        if printed.len() >= jobs {
            return printed;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{} of {jobs} jobs are printed", tray.jobs().await.unwrap().len());
}

fn assert_in_order(printed: &[Job], senders: u32, jobs: u32) {
    for sender in 0..senders {
        let numbers = printed.iter().filter(|job| job.sender == sender).map(|job| job.number);
        assert!(numbers.eq(0..jobs), "the jobs of sender {sender}: {printed:?}");
    }
}

/// Three processes of the node `from` send to a printer of the node `at`, each 200 jobs, and await each cast or call.
async fn check(kind: &'static str, [from, at]: [usize; 2]) {
    const JOBS: u32 = 200;
    let cluster = Cluster::in_memory(2).await;
    let (printer, tray) = office(&cluster, at, from, kind).await;
    let senders: Vec<_> = (0..3)
        .map(|sender| {
            let printer = printer.clone();
            let _here = cluster.node(from).enter();
            greenroom::spawn(move |_: Mailbox<Tray>| async move {
                let recipient: Recipient<Job> = printer.recipient();
                for number in 0..JOBS {
                    let job = Job { sender, number };
                    match kind {
                        "recipient" => recipient.send(job).await?,
                        "calls" => assert_eq!(printer.copy(job).forever().await, Ok(number)),
                        _ => printer.print(job).await?,
                    }
                }
                Ok::<(), Exit>(())
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    // The full mailbox delays no other process of the node.
    for number in 0..10 {
        assert_eq!(tray.echo(number).within(Duration::from_millis(50)).await, Ok(number), "{kind}");
    }
    printer.switch_on().await.unwrap();
    for sender in senders {
        assert_eq!(sender.ended().await, Exit::Normal, "{kind}");
    }
    assert_in_order(&printed(&tray, 3 * JOBS as usize).await, 3, JOBS);
    for index in 0..2 {
        assert_eq!(cluster.node(index).metrics().lost_messages, 0, "{kind}");
    }
}

#[greenroom::test]
async fn awaited_messages_to_a_full_mailbox_on_another_node_all_arrive_in_order() {
    for kind in ["named", "direct", "following", "recipient", "calls"] {
        check(kind, [0, 1]).await;
        check(kind, [1, 0]).await;
    }
}

/// Senders on three nodes, and on the printer's own, share one mailbox.
#[greenroom::test]
async fn awaited_messages_of_several_nodes_to_one_full_mailbox_all_arrive_in_order() {
    const JOBS: u32 = 100;
    let cluster = Cluster::in_memory(4).await;
    let (_, tray) = office(&cluster, 0, 1, "named").await;
    let senders: Vec<_> = (0..12)
        .map(|sender| {
            let node = cluster.node(sender as usize % 4);
            let printer: PrinterRef = node.named_at("printer", "n0@test");
            let _here = node.enter();
            greenroom::spawn(move |_: Mailbox<Tray>| async move {
                for number in 0..JOBS {
                    let job = Job { sender, number };
                    if sender < 8 {
                        printer.print(job).await?;
                    } else {
                        assert_eq!(printer.copy(job).forever().await, Ok(number));
                    }
                }
                Ok::<(), Exit>(())
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let far: PrinterRef = cluster.node(3).named_at("printer", "n0@test");
    far.switch_on().await.unwrap();
    for sender in senders {
        assert_eq!(sender.ended().await, Exit::Normal);
    }
    assert_in_order(&printed(&tray, 12 * JOBS as usize).await, 12, JOBS);
    assert!((0..4).all(|index| cluster.node(index).metrics().lost_messages == 0));
}

/// A stamp with the reply of a call to another process.
#[derive(Serialize, Deserialize)]
struct Stamp(Reply<u32>);

/// A counter that passes its calls on to a full mailbox, and does not wait for that.
#[protocol]
enum Counter {
    Number { reply: Reply<u32> },
}

#[greenroom::test]
async fn a_call_that_was_passed_on_in_a_message_that_is_taken_back_fails() {
    let cluster = Cluster::in_memory(2).await;
    let (printer, _tray) = office(&cluster, 1, 0, "named").await;
    printer.warm_up(Duration::from_secs(10)).await.unwrap();
    for number in 0..200 {
        printer.print(Job { sender: 0, number }).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let counter = {
        let (printer, _here) = (printer.clone(), cluster.node(0).enter());
        greenroom::spawn(move |mut mailbox: Mailbox<Counter>| async move {
            loop {
                receive!(match mailbox {
                    Counter::Number { reply } => drop(printer.stamp(Stamp(reply))),
                });
            }
        })
    };
    CounterRef::register("counter", &counter).unwrap();
    // The printer is held by now, and the message that waits for it is dropped.
    assert_eq!(counter.number().forever().await, Err(CallErrorKind::Full.into()));
    let far: CounterRef = cluster.node(1).named_at("counter", "n0@test");
    assert_eq!(far.number().forever().await, Err(CallErrorKind::Full.into()));
}

/// Each of the casts is dropped at once. Some have arrived, and the others are counted.
#[greenroom::test]
async fn casts_that_are_not_awaited_are_counted_once_the_target_is_held() {
    let cluster = Cluster::in_memory(2).await;
    let (printer, tray) = office(&cluster, 1, 0, "named").await;
    printer.warm_up(Duration::from_secs(10)).await.unwrap();
    // In two parts, so that the first has arrived and the printer is held.
    for number in 0..5_000 {
        drop(printer.print(Job { sender: 0, number }));
        if number == 500 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    let printed = tray.jobs().await.unwrap();
    assert!(printed.is_sorted());
    assert_eq!(printed.len(), 501);
    assert_eq!(cluster.node(0).metrics().lost_messages, 5_000 - 501);
    assert_eq!(cluster.node(1).metrics().lost_messages, 0);
}

/// A call whose message waits at the sender is taken back at the end of its time. The callee never receives it.
#[greenroom::test]
async fn a_call_that_times_out_before_a_held_target_is_withdrawn() {
    let cluster = Cluster::in_memory(2).await;
    let (printer, tray) = office(&cluster, 1, 0, "named").await;
    printer.warm_up(Duration::from_secs(10)).await.unwrap();
    let fill: Vec<_> = (0..200).map(|number| printer.copy(Job { sender: 0, number }).forever()).collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let late = printer.copy(Job { sender: 1, number: 0 }).within(Duration::from_secs(1));
    assert_eq!(late.await, Err(CallErrorKind::Timeout.into()));
    drop(printer.copy(Job { sender: 2, number: 0 }));
    for (number, call) in fill.into_iter().enumerate() {
        assert_eq!(call.await, Ok(number as u32));
    }
    assert_in_order(&printed(&tray, 200).await, 1, 200);
    assert_eq!(tray.jobs().await.unwrap().len(), 200);
}

/// Exit signals overtake messages that wait, and end the wait of their senders.
#[greenroom::test]
async fn an_exit_signal_overtakes_messages_that_wait_for_a_held_target() {
    let cluster = Cluster::in_memory(2).await;
    let (printer, _tray) = office(&cluster, 1, 0, "direct").await;
    printer.warm_up(Duration::from_secs(100)).await.unwrap();
    let sender = {
        let (printer, _here) = (printer.clone(), cluster.node(0).enter());
        greenroom::spawn(move |_: Mailbox<Tray>| async move {
            for number in 0..1_000 {
                printer.print(Job { sender: 0, number }).await?;
                // Time for the other node to hold the printer.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Ok::<(), Exit>(())
        })
    };
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(sender.is_alive());
    printer.exit(Exit::Kill);
    assert_eq!(printer.ended().await, Exit::Killed);
    // The target is resumed, and further messages are for a process that does not exist, as everywhere.
    assert_eq!(sender.ended().await, Exit::Normal);
}

#[greenroom::test]
async fn casts_that_wait_for_a_held_target_fail_when_the_connection_is_lost() {
    let cluster = Cluster::in_memory(2).await;
    let (printer, _tray) = office(&cluster, 1, 0, "named").await;
    printer.warm_up(Duration::from_secs(100)).await.unwrap();
    for number in 0..200 {
        printer.print(Job { sender: 0, number }).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let waiting: Vec<_> = (0..10).map(|number| printer.print(Job { sender: 1, number })).collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    cluster.partition(0, 1);
    for cast in waiting {
        assert_eq!(cast.await, Err(CastError::NoConnection));
    }
}

/// A server whose answers are not read takes no further message, and goes on when they are.
#[greenroom::test]
async fn a_server_whose_answers_wait_takes_no_further_message() {
    #[actor]
    #[derive(Default)]
    struct Archive {
        handled: Arc<AtomicU32>,
    }
    #[actor]
    impl Archive {
        #[call]
        fn page(&mut self, number: u32) -> Vec<u8> {
            self.handled.fetch_add(1, Ordering::Relaxed);
            vec![number as u8; 64 * 1024]
        }
        #[cast]
        async fn sort(&mut self, time: Duration) {
            tokio::time::sleep(time).await;
        }
    }
    let cluster = Cluster::in_memory(2).await;
    let handled = Arc::new(AtomicU32::new(0));
    let archive = cluster.node(1).start(Archive { handled: Arc::clone(&handled) }).await.unwrap();
    ArchiveRef::register("archive", &archive).unwrap();
    let far: ArchiveRef = cluster.node(0).named_at("archive", "n1@test");
    archive.sort(Duration::from_millis(100)).await.unwrap();
    let calls: Vec<_> = (0..300).map(|number| far.page(number).forever()).collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    cluster.stall(1, 0);
    tokio::time::sleep(Duration::from_secs(1)).await;
    // The high-water mark is 1 MiB.
    assert!((16..40).contains(&handled.load(Ordering::Relaxed)), "{handled:?} messages handled");
    cluster.heal(1, 0);
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await, Ok(vec![number as u8; 64 * 1024]));
    }
}

/// Downs and reasons of any length leave the connection up.
#[greenroom::test(expect_crash)]
async fn many_downs_with_long_reasons_arrive_and_the_connection_stays() {
    let cluster = Cluster::in_memory(2).await;
    cluster.connected().await;
    let watch = |count: usize, length: usize| {
        let reason = "x".repeat(length);
        let workers: Vec<TrayRef> = (0..count)
            .map(|_| {
                let reason = reason.clone();
                let _here = cluster.node(1).enter();
                greenroom::spawn(move |mut mailbox: Mailbox<Tray>| async move {
                    receive!(match mailbox {
                        Tray::Put { .. } => {}
                    });
                    Err::<(), Exit>(Exit::error(reason))
                })
            })
            .collect();
        for (number, worker) in workers.iter().enumerate() {
            TrayRef::register(&format!("worker {length} {number}"), worker).unwrap();
        }
        let far = |number| cluster.node(0).named_at::<TrayRef>(&format!("worker {length} {number}"), "n1@test");
        let ended: Vec<_> = (0..count).map(|number| far(number).ended()).collect();
        async move {
            let ended: Vec<_> = ended.into_iter().map(|ended| tokio::spawn(ended)).collect();
            tokio::time::sleep(Duration::from_secs(1)).await;
            workers.iter().for_each(|worker| drop(worker.put(Job { sender: 0, number: 0 })));
            for ended in ended {
                let Exit::Error { message, .. } = ended.await.unwrap() else { panic!("another reason") };
                assert!(message.starts_with("xxx") && message.len() <= 64 * 1024);
                assert_eq!(message.len() < length, length > 64 * 1024);
            }
        }
    };
    watch(2_000, 1_000).await;
    watch(3, 17 << 20).await;
    assert_eq!(cluster.node(0).metrics().node_downs, 0);
}
