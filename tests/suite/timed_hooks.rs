//! Hooks that run by time: `#[every]`, `#[idle]`, `#[continue_with]`.

use greenroom::prelude::*;

#[actor]
#[derive(Default)]
struct Clerk {
    events: Vec<&'static str>,
}

#[actor]
impl Clerk {
    #[init]
    fn open(&mut self) {
        self.events.push("init");
    }

    #[continue_with]
    async fn load(&mut self) {
        tokio::task::yield_now().await;
        self.events.push("continue");
    }

    #[every("30s")]
    fn flush(&mut self) {
        self.events.push("flush");
    }

    #[every("45s")]
    async fn sweep(&mut self, _cx: &mut Context<Self>) -> Result<(), Exit> {
        self.events.push("sweep");
        Ok(())
    }

    #[idle("10s")]
    fn rest(&mut self) {
        self.events.push("idle");
    }

    #[cast]
    fn note(&mut self) {
        self.events.push("note");
    }

    #[call]
    #[priority]
    fn events(&self) -> Vec<String> {
        self.events.iter().map(ToString::to_string).collect()
    }
}

#[greenroom::test]
async fn continue_runs_before_any_message_and_every_and_idle_keep_time() {
    let clerk = Clerk::default().spawn();
    clerk.note();
    tokio::time::sleep(Duration::from_secs(9)).await;
    clerk.note();
    // `#[idle]` runs at 19 s and not again before the next message; `#[every]` runs at 30, 45 and 60 s.
    tokio::time::sleep(Duration::from_secs(53)).await;
    let events = clerk.events().await.unwrap();
    assert_eq!(events, ["init", "continue", "note", "note", "idle", "flush", "sweep", "flush"]);
}

#[actor]
struct Sloth;

#[actor]
impl Sloth {
    #[every("1s")]
    fn work(&mut self) -> Result<(), std::io::Error> {
        Err(std::io::Error::other("too early"))
    }

    #[cast]
    fn nothing(&mut self) {}
}

#[greenroom::test]
async fn a_timed_hook_that_fails_ends_the_process() {
    let sloth = Sloth.spawn();
    sloth.nothing();
    assert_eq!(sloth.ended().await, Exit::error("too early"));
}
