//! Streams that feed a mailbox.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context as Task, Poll};

use futures_core::Stream;
use greenroom::prelude::*;
use tokio::sync::{Semaphore, mpsc};

use crate::scripted::{Letter, LetterRef, Log, act, rest, run, settle};

/// A stream from a channel. Records its drop.
struct Source {
    items: mpsc::UnboundedReceiver<u32>,
    log: Log,
}

fn source(log: &Log) -> (mpsc::UnboundedSender<u32>, Source) {
    let (send, items) = mpsc::unbounded_channel();
    (send, Source { items, log: log.clone() })
}

impl Stream for Source {
    type Item = u32;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<Option<u32>> {
        let item = self.items.poll_recv(cx);
        assert_ne!(item, Poll::Ready(Some(13)), "an unlucky one");
        item
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let named = LetterRef::named("reader").pid().is_some();
        self.log.note(if named { "dropped, named" } else { "dropped" });
    }
}

/// Numbers from one, always ready.
struct Numbers(Arc<AtomicU32>);

impl Stream for Numbers {
    type Item = u32;

    fn poll_next(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<Option<u32>> {
        Poll::Ready(Some(self.0.fetch_add(1, Ordering::Relaxed) + 1))
    }
}

fn letter(n: u32) -> Letter {
    Letter::A { n }
}

#[greenroom::test]
async fn items_become_messages_until_the_stream_ends() {
    let log = Log::default();
    let (send, source) = source(&log);
    let read = run(move |cx| {
        Box::pin(async move {
            let attachment = cx.attach(source, letter);
            for n in [1, 2, 3] {
                send.send(n).unwrap();
            }
            settle().await;
            let open = (rest(cx).await, attachment.is_attached());
            drop(send);
            settle().await;
            (open, rest(cx).await, attachment.is_attached(), attachment.detach())
        })
    });
    let (open, after, attached, detached) = read.await;
    assert_eq!(open, (vec!["a1".to_owned(), "a2".into(), "a3".into()], true));
    assert_eq!((after, attached, detached), (vec![], false, false));
    assert_eq!(log.take(), ["dropped"]);
}

#[greenroom::test]
async fn a_detached_stream_is_dropped_and_nothing_more_comes() {
    let log = Log::default();
    let (send, source) = source(&log);
    let notes = log.clone();
    let read = run(move |cx| {
        Box::pin(async move {
            let attachment = cx.attach(source, letter);
            send.send(1).unwrap();
            settle().await;
            assert!(attachment.detach());
            notes.note("detached");
            assert!(send.send(2).is_err());
            settle().await;
            rest(cx).await
        })
    });
    assert_eq!(read.await, ["a1"]);
    assert_eq!(log.take(), ["dropped", "detached"]);
}

#[greenroom::test]
async fn a_stream_ends_with_its_process_before_the_name_is_free() {
    for kill in [true, false] {
        let log = Log::default();
        let (send, source) = source(&log);
        let reader = act(move |cx| {
            Box::pin(async move {
                LetterRef::register("reader", &cx.me())?;
                cx.attach(source, letter);
                cx.receive().await;
                Ok(())
            })
        })
        .spawn();
        settle().await;
        if kill {
            reader.exit(Exit::Kill);
        } else {
            reader.go();
        }
        reader.ended().await;
        assert_eq!(log.take(), ["dropped, named"]);
        assert!(send.send(1).is_err());
    }
}

#[greenroom::test]
async fn a_panic_of_the_stream_or_the_wrapper_is_the_processs_own() {
    for item in [13, 14] {
        let log = Log::default();
        let (send, source) = source(&log);
        let reader = act(move |cx| {
            Box::pin(async move {
                cx.attach(source, |n| {
                    assert_ne!(n, 14, "no such number");
                    letter(n)
                });
                std::future::pending().await
            })
        })
        .spawn();
        settle().await;
        send.send(item).unwrap();
        let Exit::Panic { location, .. } = reader.ended().await else { panic!("a panic") };
        assert!(location.contains("streams.rs"), "{location}");
        assert_eq!(log.take(), ["dropped"]);
    }
}

#[greenroom::test]
async fn a_stream_may_call_the_process_that_it_feeds() {
    struct Question(LetterRef, Option<Call<u32>>);

    impl Stream for Question {
        type Item = u32;

        fn poll_next(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<Option<u32>> {
            let stub = self.0.clone();
            let call = self.1.get_or_insert_with(|| stub.ask());
            Pin::new(call).poll(cx).map(Result::ok)
        }
    }

    let answer = run(|cx| {
        Box::pin(async move {
            let attachment = cx.attach(Question(cx.me(), None), letter);
            receive!(match cx {
                Letter::Ask { reply } => reply.send(7),
            });
            let answer = receive!(match cx {
                Letter::A { n } => n,
            });
            attachment.detach();
            answer
        })
    });
    assert_eq!(answer.await, 7);
}

/// A process with a narrow mailbox that takes as many messages as it has permits.
#[actor(protocol = Letter, mailbox = 4)]
struct Narrow {
    taken: Arc<AtomicU32>,
    permits: Arc<Semaphore>,
}

impl Process for Narrow {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        cx.attach(Numbers(Arc::clone(&self.taken)), letter);
        for expected in 1.. {
            self.permits.acquire().await?.forget();
            receive!(match cx {
                Letter::A { n } => assert_eq!(n, expected),
            });
        }
        Ok(())
    }
}

#[greenroom::test]
async fn a_full_mailbox_holds_its_stream_back() {
    let (taken, permits) = (Arc::new(AtomicU32::new(0)), Arc::new(Semaphore::new(0)));
    let narrow = Narrow { taken: Arc::clone(&taken), permits: Arc::clone(&permits) }.spawn();
    // Four in the mailbox and one in the wait queue.
    settle().await;
    assert_eq!(taken.load(Ordering::Relaxed), 5);
    for taken_by_then in [6, 7, 8] {
        permits.add_permits(1);
        settle().await;
        assert_eq!(taken.load(Ordering::Relaxed), taken_by_then);
    }
    narrow.exit(Exit::Kill);
    assert_eq!(narrow.ended().await, Exit::Killed);
    permits.add_permits(10);
    settle().await;
    assert_eq!(taken.load(Ordering::Relaxed), 8);
}

#[greenroom::test]
async fn an_endless_stream_lets_others_run() {
    let reader = act(|cx| {
        Box::pin(async move {
            cx.attach(Numbers(Arc::default()), letter);
            std::future::pending().await
        })
    })
    .spawn();
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    reader.exit(Exit::Kill);
    assert_eq!(reader.ended().await, Exit::Killed);
}
