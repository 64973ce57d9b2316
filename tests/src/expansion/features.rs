//! What a `#[cfg]` takes away is away from all that is generated; `all()` is always there, `any()` never.

#![allow(clippy::non_minimal_cfg)]

use greenroom::prelude::*;

/// What a mail sorter understands.
#[protocol]
pub enum Mail {
    /// Never there.
    #[cfg(any())]
    Gone(TypeThatIsNot),
    /// Leaves one letter.
    Post {
        /// Never there.
        #[cfg(any())]
        gone: TypeThatIsNot,
        /// What it says.
        #[cfg(all())]
        body: String,
    },
    /// Takes one.
    #[cfg(all())]
    Take {
        /// Takes the letter.
        reply: Reply<String>,
    },
    /// Never there.
    #[cfg(any())]
    #[from]
    Down(TypeThatIsNot),
    /// A process that the sorter watches has ended.
    #[cfg(all())]
    #[from]
    Down(Down),
}

/// Hands out letters.
#[actor(protocol = Mail)]
#[derive(Debug)]
pub struct Sorter;

impl Process for Sorter {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            let text = receive!(match cx {
                #[cfg(any())]
                Mail::Gone(_) | Mail::Missing if missing => missing(),
                #[cfg(all())]
                Mail::Post { body } => body,
            });
            receive!(match cx {
                Mail::Take { reply } => reply.send(text),
            });
        }
    }
}

/// Never there.
#[cfg(any())]
#[actor(protocol = Mail)]
pub struct GoneSorter;

/// Counts.
#[actor]
#[derive(Debug, Default)]
pub struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cfg(any())]
    #[cast]
    fn gone(&mut self, value: TypeThatIsNot) {}

    /// Adds `n`.
    #[cfg(all())]
    #[cast]
    pub fn add(&mut self, n: u64) {
        self.count += n;
    }

    /// The count so far.
    #[call]
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    #[cfg(any())]
    #[init]
    fn gone_init(&mut self) {}

    #[cfg(all())]
    #[init]
    fn open(&mut self) {
        self.count = 1;
    }

    #[cfg(any())]
    #[every("1s")]
    fn gone_every(&mut self) {}

    #[cfg(all())]
    #[every("1h")]
    fn flush(&mut self) {
        self.count += 0;
    }
}

/// Keeps both.
#[supervisor]
#[derive(Debug)]
pub struct Office {
    #[cfg(any())]
    #[child]
    gone: TypeThatIsNot,
    #[cfg(all())]
    #[child(start = Sorter)]
    sorter: Sorter,
    #[child]
    counter: Counter,
}
