//! The usual forms of the macros.

use greenroom::prelude::*;

/// The messages of a mail sorter.
#[protocol(version = 1)]
pub enum Mail {
    /// Adds a letter.
    Post {
        /// The priority.
        priority: u8,
        /// The text.
        body: String,
    },
    /// Forwards a letter to another sorter.
    Forward(MailRef, String),
    /// Removes and returns all letters.
    Collect {
        /// Sends the letters.
        reply: Reply<Vec<String>>,
    },
    /// Closes the office.
    #[priority]
    Close,
    /// A monitored process has exited.
    #[from]
    Down(Down),
    /// An exit signal.
    #[from]
    Exit(ExitSignal),
}

/// A sorter that returns urgent letters first.
#[actor(protocol = Mail, name = "sorter", trap_exit, mailbox = 64, overflow = reject)]
#[derive(Debug)]
pub struct Sorter {
    /// The lowest priority that is not urgent.
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

/// A counter.
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
    /// The number is 13.
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

    /// Returns the count.
    #[call]
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the count when the process exits.
    #[call]
    pub fn final_count(&mut self, reply: Reply<u64>) {
        self.waiting.push(reply);
    }

    /// The parameter `_unused` is `unused` in the stub.
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
    fn pause(&mut self) {
        self.count += 0;
    }

    #[down]
    fn ended(&mut self, down: Down) {
        drop(down);
        self.count += 0;
    }

    #[exit]
    fn exit_signal(&mut self, signal: ExitSignal) -> Result<(), Exit> {
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

/// A post office.
#[supervisor(strategy = rest_for_one, intensity = 3, period = "5s")]
#[derive(Debug)]
pub struct Office {
    /// The lowest priority that is not urgent.
    pub urgent: u8,
    /// The sorter.
    #[child(start = Sorter { urgent: self.urgent }, restart = transient, shutdown = "2s")]
    sorter: Sorter,
    #[child]
    counter: Counter,
}
