//! The macros with `#[cfg]`: what it removes is missing in all generated code too. `all()` is always true, `any()` never.

#![allow(clippy::non_minimal_cfg)]

use greenroom::prelude::*;

/// The messages of a mail sorter.
#[protocol]
pub enum Mail {
    /// Removed by `#[cfg]`.
    #[cfg(any())]
    Removed(MissingType),
    /// Adds a letter.
    Post {
        /// Removed by `#[cfg]`.
        #[cfg(any())]
        removed: MissingType,
        /// The text.
        #[cfg(all())]
        body: String,
    },
    /// Removes and returns a letter.
    #[cfg(all())]
    Take {
        /// Sends the letter.
        reply: Reply<String>,
    },
    /// Removed by `#[cfg]`.
    #[cfg(any())]
    #[from]
    Down(MissingType),
    /// A monitored process has exited.
    #[cfg(all())]
    #[from]
    Down(Down),
}

/// A sorter without priorities.
#[actor(protocol = Mail)]
#[derive(Debug)]
pub struct Sorter;

impl Process for Sorter {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            let text = receive!(match cx {
                #[cfg(any())]
                Mail::Removed(_) | Mail::Missing if missing => missing(),
                #[cfg(all())]
                Mail::Post { body } => body,
            });
            receive!(match cx {
                Mail::Take { reply } => reply.send(text),
            });
        }
    }
}

/// Removed by `#[cfg]`.
#[cfg(any())]
#[actor(protocol = Mail)]
pub struct RemovedSorter;

/// A counter.
#[actor]
#[derive(Debug, Default)]
pub struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cfg(any())]
    #[cast]
    fn removed(&mut self, value: MissingType) {}

    /// Adds `n`.
    #[cfg(all())]
    #[cast]
    pub fn add(&mut self, n: u64) {
        self.count += n;
    }

    /// Adds a sum, and waits.
    #[call]
    pub async fn add_all(
        &mut self,
        #[cfg(any())] removed: MissingType,
        first: u64,
        #[cfg(all())] second: u64,
        #[cfg(not(all()))] also_removed: MissingType,
    ) -> u64 {
        std::future::ready(()).await;
        self.count += first + second;
        self.count
    }

    /// Returns the count.
    #[call]
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    #[cfg(any())]
    #[init]
    fn removed_init(&mut self) {}

    #[cfg(all())]
    #[init]
    fn open(&mut self) {
        self.count = 1;
    }

    #[cfg(any())]
    #[every("1s")]
    fn removed_every(&mut self) {}

    #[cfg(all())]
    #[every("1h")]
    fn flush(&mut self) {
        self.count += 0;
    }
}

/// A post office.
#[supervisor]
#[derive(Debug)]
pub struct Office {
    #[cfg(any())]
    #[child]
    removed: MissingType,
    #[cfg(all())]
    #[child(start = Sorter)]
    sorter: Sorter,
    #[child]
    counter: Counter,
}
