//! The macros without the prelude: generated code names everything by its path.
#![no_implicit_prelude]

use ::greenroom::{Context, Exit, Process, Reply, actor, protocol, receive, supervisor};
use ::std::result::Result;
use ::std::string::String;

/// The messages of a mail sorter.
#[protocol]
pub enum Mail {
    /// Adds a letter.
    Post {
        /// The text.
        body: String,
    },
    /// Removes and returns a letter.
    Take(Reply<String>),
    /// A monitored process has exited.
    #[from]
    Down(::greenroom::Down),
}

/// A sorter without priorities.
#[actor(protocol = Mail)]
pub struct Sorter {
    /// The first letter.
    pub first: String,
}

impl ::std::fmt::Debug for Sorter {
    fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
        f.write_str(&self.first)
    }
}

impl Process for Sorter {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            receive!(match cx {
                Mail::Take(reply) if !self.first.is_empty() => reply.send(::std::mem::take(&mut self.first)),
                Mail::Post { body } => self.first = body,
                after!(::std::time::Duration::from_hours(1)) => return Result::Ok(()),
            });
        }
    }
}

/// A counter.
#[actor]
pub struct Counter {
    count: u64,
}

impl ::std::fmt::Debug for Counter {
    fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
        ::std::fmt::Debug::fmt(&self.count, f)
    }
}

impl ::std::default::Default for Counter {
    fn default() -> Counter {
        Counter { count: 7 }
    }
}

#[actor]
impl Counter {
    /// Adds `n`.
    ///
    /// # Errors
    /// The sum overflows.
    #[cast]
    pub fn add(&mut self, n: u64) -> Result<(), Exit> {
        match self.count.checked_add(n) {
            ::std::option::Option::Some(count) => self.count = count,
            ::std::option::Option::None => return Result::Err(Exit::shutdown()),
        }
        Result::Ok(())
    }

    /// Returns the count.
    #[call]
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    #[every("1h")]
    fn flush(&mut self) {
        self.count += 0;
    }

    #[idle("2h")]
    fn pause(&mut self) {
        self.count += 0;
    }

    #[terminate]
    fn close(&mut self) {
        self.count = 0;
    }
}

/// A post office.
#[supervisor(period = "5s")]
pub struct Office {
    #[child(start = Sorter { first: String::new() })]
    sorter: Sorter,
    #[child]
    counter: Counter,
}

impl ::std::fmt::Debug for Office {
    fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
        f.write_str("Office")
    }
}
