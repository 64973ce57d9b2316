//! The forms as one writes them.

use greenroom::prelude::*;

/// What a mail sorter understands.
#[protocol(version = 1)]
pub enum Mail {
    /// Leaves one letter.
    Post {
        /// How urgent it is.
        priority: u8,
        /// What it says.
        body: String,
    },
    /// Leaves a letter for somebody else.
    Forward(MailRef, String),
    /// Takes every waiting letter.
    Collect {
        /// Takes the letters.
        reply: Reply<Vec<String>>,
    },
    /// Closes the office.
    #[priority]
    Close,
    /// A process that the sorter watches has ended.
    #[from]
    Down(Down),
    /// Somebody wants the sorter to end.
    #[from]
    Exit(ExitSignal),
}

/// Hands out urgent letters first.
#[actor(protocol = Mail, name = "sorter", trap_exit, mailbox = 64, overflow = reject)]
#[derive(Debug)]
pub struct Sorter {
    /// What counts as urgent.
    pub urgent: u8,
}

impl Process for Sorter {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let mut letters = Vec::new();
        loop {
            receive!(match cx {
                Mail::Post { priority, body } if priority > self.urgent => letters.insert(0, body),
                Mail::Post { body, .. } => letters.push(body),
                Mail::Forward(to, body) => {
                    to.post(0, body).await?;
                }
                Mail::Collect { reply } => reply.send(std::mem::take(&mut letters)),
                Mail::Exit(signal) => return Err(signal.reason),
                Mail::Close => return Ok(()),
                Mail::Down(_) => {}
                after!(Duration::from_hours(1)) => return Ok(()),
            });
        }
    }
}

/// Counts.
#[actor]
#[derive(Debug, Default)]
pub struct Counter {
    count: u64,
    waiting: Vec<Reply<u64>>,
}

#[actor]
impl Counter {
    /// Adds `n`.
    #[cast]
    pub fn add(&mut self, n: u64) {
        self.count += n;
    }

    /// Sets the count to `to`, which is not 13.
    ///
    /// # Errors
    /// It was 13.
    #[cast]
    pub async fn set(&mut self, to: u64, cx: &mut Context<Self>) -> Result<(), Exit> {
        if to == 13 {
            return Err(Exit::kill());
        }
        cx.me().add(0).await?;
        self.count = to;
        Ok(())
    }

    #[cast]
    #[priority]
    fn undocumented(&mut self) {
        self.count = 0;
    }

    /// The count so far.
    #[call]
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The count, when the process ends.
    #[call]
    pub fn in_the_end(&mut self, reply: Reply<u64>) {
        self.waiting.push(reply);
    }

    /// `_unused` is `unused` to senders.
    #[call]
    #[must_use]
    pub fn ignore(&self, _unused: u8, reply: u8) -> (u8, bool) {
        (reply, self.count > 0)
    }

    #[init]
    async fn open(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        cx.me().add(0).await?;
        Ok(())
    }

    #[continue_with]
    fn warm(&mut self) {
        self.count += 0;
    }

    #[every("1h")]
    fn flush(&mut self) {
        self.count += 0;
    }

    #[every("2h")]
    async fn flush_more(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        cx.me().add(0).await?;
        self.count += 0;
        Ok(())
    }

    #[idle("3h")]
    fn rest(&mut self) {
        self.count += 0;
    }

    #[down]
    fn ended(&mut self, down: Down) {
        drop(down);
        self.count += 0;
    }

    #[exit]
    fn asked(&mut self, signal: ExitSignal) -> Result<(), Exit> {
        self.count += 0;
        Err(signal.reason)
    }

    #[node_event]
    fn node(&mut self, event: NodeEvent) {
        drop(event);
        self.count += 0;
    }

    #[terminate(after_panic)]
    fn close(&mut self, _reason: &Exit) {
        for reply in self.waiting.drain(..) {
            reply.send(self.count);
        }
    }
}

/// Keeps both.
#[supervisor(strategy = rest_for_one, intensity = 3, period = "5s")]
#[derive(Debug)]
pub struct Office {
    /// What counts as urgent.
    pub urgent: u8,
    /// Sorts.
    #[child(start = Sorter { urgent: self.urgent }, restart = transient, shutdown = "2s")]
    sorter: Sorter,
    #[child]
    counter: Counter,
}
