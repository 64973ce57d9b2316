//! Without the prelude: generated code names everything by its path.
#![no_implicit_prelude]

use ::greenroom::{Context, Exit, Process, Reply, actor, protocol, receive, supervisor};
use ::std::result::Result;
use ::std::string::String;

/// What a mail sorter understands.
#[protocol]
pub enum Mail {
    /// Leaves one letter.
    Post {
        /// What it says.
        body: String,
    },
    /// Takes one.
    Take(Reply<String>),
    /// A process that the sorter watches has ended.
    #[from]
    Down(::greenroom::Down),
}

/// Hands out letters.
#[actor(protocol = Mail)]
pub struct Sorter {
    /// The letter that is there from the beginning.
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

/// Counts.
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
    /// Nothing is more than all of it.
    #[cast]
    pub fn add(&mut self, n: u64) -> Result<(), Exit> {
        match self.count.checked_add(n) {
            ::std::option::Option::Some(count) => self.count = count,
            ::std::option::Option::None => return Result::Err(Exit::shutdown()),
        }
        Result::Ok(())
    }

    /// The count so far.
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
    fn rest(&mut self) {
        self.count += 0;
    }

    #[terminate]
    fn close(&mut self) {
        self.count = 0;
    }
}

/// Keeps both.
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
