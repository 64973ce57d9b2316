//! Processes on several threads: links and monitors created and removed concurrently.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use greenroom::prelude::*;

use crate::scripted::{Letter, LetterRef, Scripted, act};

const CROWD: usize = 600;

/// Random operations on other processes, then an exit.
fn member(number: usize, crowd: Arc<Mutex<Vec<LetterRef>>>) -> Scripted {
    act(move |cx| {
        Box::pin(async move {
            cx.trap_exit(number.is_multiple_of(3));
            receive!(match cx {
                Letter::Go => {}
            });
            let (mut state, mut monitors) = (number as u64 + 1, Vec::new());
            let mut roll = |sides: usize| {
                // Knuth's multiplier. The upper bits are the mixed ones.
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) as usize % sides
            };
            for _ in 0..30 {
                let other = crowd.lock().unwrap()[roll(CROWD)].clone();
                match roll(8) {
                    0 => cx.link(&other),
                    1 => cx.unlink(&other),
                    2 => monitors.push(cx.monitor(&other)),
                    3 => drop(monitors.pop().map(|monitor| cx.demonitor(monitor))),
                    4 => drop(LetterRef::register(["red", "green", "blue"][roll(3)], &other)),
                    5 => drop(other.ask().within(Duration::from_micros(50)).await),
                    6 if roll(20) == 0 => other.exit(Exit::error("enough")),
                    _ => tokio::task::yield_now().await,
                }
                receive!(match cx {
                    Letter::Exit(_) | Letter::Down(_) | Letter::Ask { .. } => {}
                    after!(Duration::ZERO) => {}
                });
            }
            match roll(3) {
                0 => Ok(()),
                1 => Err(Exit::shutdown()),
                _ => Err(Exit::error("failed")),
            }
        })
    })
}

#[test]
fn many_processes_on_many_threads_end_and_each_monitor_reports_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let node = Node::local();
        let crowd = Arc::new(Mutex::new(Vec::new()));
        for number in 0..CROWD {
            let stub = node.spawn(member(number, Arc::clone(&crowd)));
            crowd.lock().unwrap().push(stub);
        }
        let members = crowd.lock().unwrap().clone();
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let watched = members.clone();
        node.spawn(act(move |cx| {
            Box::pin(async move {
                let mut monitors: Vec<_> = watched.iter().map(|stub| cx.monitor(stub)).collect();
                watched.iter().for_each(|stub| drop(stub.go()));
                let mut received = Vec::new();
                while received.len() < monitors.len() {
                    received.push(receive!(match cx {
                        Letter::Down(down) => down.monitor,
                    }));
                }
                received.sort();
                monitors.sort();
                let more = receive!(match cx {
                    Letter::Down(_) => true,
                    after!(Duration::ZERO) => false,
                });
                let _ = sender.send(received == monitors && !more);
                Ok(())
            })
        }));
        let once = tokio::time::timeout(Duration::from_secs(60), receiver).await.expect("a process never ended");
        assert_eq!(once, Ok(true), "one `Down` for each");
        let begin = Instant::now();
        while node.process_count() > 0 {
            assert!(begin.elapsed() < Duration::from_secs(60), "{} are left", node.process_count());
            tokio::task::yield_now().await;
        }
        assert!(members.iter().all(|stub| !stub.is_alive()));
        for name in ["red", "green", "blue"] {
            assert_eq!(node.named::<LetterRef>(name).pid(), None);
        }
    });
}

/// Numbers from one, without end.
struct Numbers(u32);

impl futures_core::Stream for Numbers {
    type Item = u32;

    fn poll_next(mut self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<Option<u32>> {
        self.0 += 1;
        std::task::Poll::Ready(Some(self.0))
    }
}

#[actor(protocol = Letter, mailbox = 8)]
struct Reader;

impl Process for Reader {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let attachments = [cx.attach(Numbers(0), |n| Letter::A { n }), cx.attach(Numbers(0), |n| Letter::B { n })];
        loop {
            receive!(match cx {
                Letter::A { n: 100 } => drop(cx.blocking(std::thread::yield_now)),
                Letter::A { n: 300 } => drop(attachments[1].detach()),
                Letter::A { n: 500 } => return cx.blocking(|| Err(Exit::error("read"))).await,
                _ => {}
            });
        }
    }
}

#[test]
fn readers_on_many_threads_all_end_and_their_streams_and_blocking_code_with_them() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let node = Node::local();
        for round in 0..20 {
            let readers: Vec<_> = (0..30).map(|_| node.spawn(Reader)).collect();
            for (number, reader) in readers.iter().enumerate() {
                match (round + number) % 3 {
                    0 => assert_eq!(reader.ended().await, Exit::error("read")),
                    1 => assert!(matches!(reader.stop(Exit::Kill).await, Exit::Kill | Exit::Error { .. })),
                    _ => {
                        let ended = reader.ended();
                        reader.exit(Exit::Kill);
                        assert!(matches!(ended.await, Exit::Killed | Exit::Error { .. }));
                    }
                }
            }
        }
        assert_eq!(node.process_count(), 0);
    });
}
