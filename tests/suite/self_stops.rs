//! A server that stops itself: after the current handler, with its answer sent first.

use std::sync::{Arc, Mutex};

use greenroom::prelude::*;

type Record = Arc<Mutex<Vec<String>>>;

#[actor]
struct Till {
    record: Record,
}

impl Till {
    fn note(&self, text: impl Into<String>) {
        self.record.lock().unwrap().push(text.into());
    }
}

#[actor(local)]
impl Till {
    #[call]
    fn close(&mut self, cx: &mut Context<Self>, reason: Exit) -> &'static str {
        cx.stop(reason);
        self.note("closes");
        "closed"
    }

    #[call]
    async fn close_slowly(&mut self, cx: &mut Context<Self>) -> u32 {
        cx.stop(Exit::error("slow"));
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.note("closes slowly");
        7
    }

    #[cast]
    fn sell(&mut self) {
        self.note("sells");
    }

    #[call]
    fn count(&self) -> usize {
        self.record.lock().unwrap().len()
    }

    #[exit]
    fn exit(&mut self, _signal: ExitSignal) {}

    #[terminate]
    fn end(&mut self, reason: &Exit) {
        self.note(format!("ends: {reason}"));
    }
}

fn till() -> (TillRef, Record) {
    let record = Record::default();
    (Till { record: Arc::clone(&record) }.spawn(), record)
}

fn taken(record: &Record) -> Vec<String> {
    std::mem::take(&mut *record.lock().unwrap())
}

#[greenroom::test]
async fn a_server_stops_after_its_answer_and_before_its_next_message() {
    let (till, record) = till();
    till.sell();
    let answer = till.close(Exit::Normal);
    till.sell();
    let late = till.count();
    assert_eq!(answer.await, Ok("closed"));
    assert_eq!(till.ended().await, Exit::Normal);
    assert_eq!(late.await, Err(CallErrorKind::Exit(Exit::Normal).into()));
    assert_eq!(taken(&record), ["sells", "closes", "ends: normal"]);
}

#[greenroom::test]
async fn an_async_handler_is_finished_first() {
    let (till, record) = till();
    let answer = till.close_slowly();
    till.sell();
    assert_eq!(answer.await, Ok(7));
    assert_eq!(till.ended().await, Exit::error("slow"));
    assert_eq!(taken(&record), ["closes slowly", "ends: slow"]);
}

#[greenroom::test]
async fn its_own_stop_comes_before_one_that_was_requested_with_messages_before_it() {
    let (till, record) = till();
    let answer = till.close_slowly();
    till.sell();
    let stopped = till.stop(Exit::shutdown());
    assert_eq!(answer.await, Ok(7));
    assert_eq!(stopped.await, Exit::error("slow"));
    assert_eq!(taken(&record), ["closes slowly", "ends: slow"]);
}

#[greenroom::test]
async fn a_kill_overrides_it() {
    let (till, record) = till();
    let answer = till.close_slowly();
    tokio::time::sleep(Duration::from_millis(10)).await;
    till.exit(Exit::kill());
    assert_eq!(till.ended().await, Exit::Killed);
    assert_eq!(answer.await, Err(CallErrorKind::Exit(Exit::Killed).into()));
    assert!(taken(&record).is_empty());
}

/// A server that stops itself in a hook.
#[actor]
struct Fuse {
    burns_at: &'static str,
}

#[actor]
impl Fuse {
    #[init]
    fn begin(&mut self, cx: &mut Context<Self>) {
        self.burn(cx, "init");
    }

    #[every("10s")]
    fn tick(&mut self, cx: &mut Context<Self>) {
        self.burn(cx, "tick");
    }

    #[call]
    fn is_whole(&self) -> bool {
        true
    }

    fn burn(&mut self, cx: &mut Context<Self>, at: &str) {
        if at == self.burns_at {
            cx.stop(Exit::error("burnt"));
        }
    }
}

#[greenroom::test]
async fn a_hook_stops_its_server() {
    let fuse = Fuse { burns_at: "init" }.start().await.expect("it has started");
    assert_eq!(fuse.ended().await, Exit::error("burnt"));
    let fuse = Fuse { burns_at: "tick" }.start().await.unwrap();
    assert_eq!(fuse.is_whole().await, Ok(true));
    let begun = tokio::time::Instant::now();
    assert_eq!(fuse.ended().await, Exit::error("burnt"));
    assert_eq!(begun.elapsed(), Duration::from_secs(10));
}
