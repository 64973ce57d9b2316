//! Hooks that run by time: `#[every]`, `#[idle]`, `#[continue_with]`.

use greenroom::{Node, prelude::*};

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

/// A sensor whose hooks take longer than their periods.
#[actor]
#[derive(Default)]
struct SlowSensor {
    samples: u64,
    reports: u64,
}

#[actor]
impl SlowSensor {
    #[every("1s")]
    async fn sample(&mut self) {
        self.samples += 1;
        tokio::time::sleep(Duration::from_millis(1500)).await;
    }

    #[every("2s")]
    async fn report(&mut self) {
        self.reports += 1;
        tokio::time::sleep(Duration::from_millis(2500)).await;
    }

    #[cast]
    fn note(&mut self) {}

    #[call]
    fn counts(&self) -> (u64, u64) {
        (self.samples, self.reports)
    }
}

#[greenroom::test]
async fn hooks_slower_than_their_periods_let_messages_and_stops_through() {
    let sensor = SlowSensor::default().spawn();
    tokio::time::sleep(Duration::from_secs(10)).await;
    // Behind the tick that runs, and before the next one.
    let before = sensor.counts().within(Duration::from_secs(3)).await.expect("served after one tick");
    for _ in 0..100 {
        sensor.note();
    }
    let after = sensor.counts().within(Duration::from_secs(3)).await.expect("all that waited is served after one tick");
    assert!(after.0 + after.1 <= before.0 + before.1 + 2, "{before:?}, then {after:?}");
    let stopped = tokio::time::timeout(Duration::from_secs(3), sensor.stop(Exit::shutdown())).await;
    assert_eq!(stopped, Ok(Exit::shutdown()));
}

#[greenroom::test]
async fn missed_ticks_are_dropped() {
    #[actor]
    #[derive(Default)]
    struct Gauge {
        ticks: Vec<Duration>,
        started: Option<std::time::Instant>,
    }
    #[actor]
    impl Gauge {
        #[init]
        fn start(&mut self, cx: &mut Context<Self>) {
            self.started = Some(cx.now());
        }
        #[every("1s")]
        async fn tick(&mut self, cx: &mut Context<Self>) {
            self.ticks.push(cx.now() - self.started.expect("started"));
            if self.ticks.len() == 1 {
                tokio::time::sleep(Duration::from_millis(3700)).await;
            }
        }
        #[call]
        fn ticks(&self) -> Vec<Duration> {
            self.ticks.clone()
        }
    }
    let gauge = Gauge::default().spawn();
    tokio::time::sleep(Duration::from_millis(7500)).await;
    let seconds: Vec<_> = gauge.ticks().await.unwrap().iter().map(Duration::as_secs).collect();
    assert_eq!(seconds, [1, 5, 6, 7]);
}

/// Computes for longer than the period of a hook. Later turns are short, so that a test without end fails instead.
fn spin(turns: u64) {
    let until = std::time::Instant::now() + Duration::from_millis(if turns < 300 { 3 } else { 0 });
    while std::time::Instant::now() < until {
        std::hint::spin_loop();
    }
}

/// On the real clock, on one thread: the hook computes and never awaits.
#[test]
fn a_hook_that_computes_without_end_lets_other_tasks_run() {
    #[actor]
    #[derive(Default)]
    struct Miner {
        blocks: u64,
    }
    #[actor]
    impl Miner {
        #[every("1ms")]
        fn mine(&mut self) {
            self.blocks += 1;
            spin(self.blocks);
        }
        #[call]
        fn blocks(&self) -> u64 {
            self.blocks
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let miner = Node::local().spawn(Miner::default());
        let other = tokio::spawn(async { 7 });
        let mut blocks = 0;
        while blocks < 5 {
            blocks = miner.blocks().await.unwrap();
        }
        assert!(blocks <= 50, "{blocks} hooks ran before this task had five answers");
        assert_eq!(other.await.unwrap(), 7);
        assert_eq!(Stub::stop(&miner, Exit::shutdown()).await, Exit::shutdown());
    });
}

/// A desk whose `#[idle]` takes longer than the period of its tick.
#[actor]
#[derive(Default)]
struct Desk {
    events: Vec<&'static str>,
}

#[actor]
impl Desk {
    #[every("10s")]
    async fn tick(&mut self) {
        self.events.push("tick");
        tokio::time::sleep(Duration::from_secs(15)).await;
    }

    #[idle("1s")]
    async fn rest(&mut self) {
        self.events.push("idle");
        tokio::time::sleep(Duration::from_secs(30)).await;
    }

    #[call]
    fn events(&self) -> Vec<String> {
        self.events.iter().map(ToString::to_string).collect()
    }
}

#[greenroom::test]
async fn a_message_and_a_stop_that_come_while_the_server_is_idle_go_before_the_next_tick() {
    let desk = Desk::default().spawn();
    tokio::time::sleep(Duration::from_secs(20)).await;
    let events = desk.events().within(Duration::from_secs(12)).await.expect("served after `#[idle]`");
    assert_eq!(events, ["idle"]);
    let desk = Desk::default().spawn();
    tokio::time::sleep(Duration::from_secs(20)).await;
    let stopped = tokio::time::timeout(Duration::from_secs(12), Stub::stop(&desk, Exit::shutdown())).await;
    assert_eq!(stopped, Ok(Exit::shutdown()));
}

/// A sensor that receives more readings than it can handle, and loses the oldest.
#[actor(mailbox = 4, overflow = drop_oldest, sys)]
#[derive(Debug, Default)]
struct FloodedSensor {
    ticks: u64,
}

#[actor]
impl FloodedSensor {
    #[every("1s")]
    fn tick(&mut self) {
        self.ticks += 1;
    }

    #[cast]
    async fn read(&mut self) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[greenroom::test]
async fn messages_that_a_full_mailbox_drops_delay_neither_ticks_nor_stops_nor_system_requests() {
    let sensor = FloodedSensor::default().spawn();
    let target = sensor.clone();
    let flood = Node::current().scope(async move {
        loop {
            target.read();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let flood = tokio::spawn(flood);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(sensor.sys().state().await.unwrap(), "FloodedSensor { ticks: 20 }");
    let stopped = tokio::time::timeout(Duration::from_secs(1), Stub::stop(&sensor, Exit::shutdown())).await;
    assert_eq!(stopped, Ok(Exit::shutdown()));
    flood.abort();
}

/// On the real clock, on one thread: one of the two hooks is always due.
#[test]
fn two_hooks_that_compute_without_end_let_other_tasks_run() {
    #[actor]
    struct Mill {
        turns: std::sync::Arc<std::sync::atomic::AtomicU64>,
    }
    #[actor(local)]
    impl Mill {
        #[every("1ms")]
        fn grind(&mut self) {
            self.turn();
        }
        #[every("1ms")]
        fn sift(&mut self) {
            self.turn();
        }
        #[cast]
        fn rest(&mut self) {}
    }
    impl Mill {
        fn turn(&self) {
            let turns = self.turns.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            spin(turns);
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let turns = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
        let mill = Node::local().spawn(Mill { turns: std::sync::Arc::clone(&turns) });
        tokio::time::sleep(Duration::from_millis(10)).await;
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
        let turns = turns.load(std::sync::atomic::Ordering::Relaxed);
        assert!(turns <= 50, "{turns} hooks ran while another task slept for 10 ms and yielded five times");
        assert_eq!(Stub::stop(&mill, Exit::shutdown()).await, Exit::shutdown());
    });
}
