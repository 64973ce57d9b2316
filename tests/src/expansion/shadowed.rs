//! The macros in a module where every name of the prelude has another meaning.
#![allow(non_camel_case_types, dead_code)]

use ::std::string::String as Text;
use greenroom::{Context, Exit, Process, actor, protocol, receive, supervisor};

/// Not `Result`.
#[derive(Debug)]
pub struct Result;
/// Not `Option`.
#[derive(Debug)]
pub struct Option;
/// Not `Box`.
#[derive(Debug)]
pub struct Box;
/// Not `Vec`.
#[derive(Debug)]
pub struct Vec;
/// Not `String`.
#[derive(Debug)]
pub struct String;
/// Not `Send`.
pub trait Send {}
/// Not `Sized`.
pub trait Sync {}
/// Not `Clone`.
pub trait Clone {}
/// Not `Default`.
pub trait Default {}
/// Not `From`.
pub trait From {}
/// Not `Drop`.
pub trait Drop {}
/// Not `Fn`.
pub trait Fn {}
/// Not `Iterator`.
pub trait Iterator {}
/// Not `Some`.
#[derive(Debug)]
pub struct Some;
/// Not `None`.
#[derive(Debug)]
pub struct None;
/// Not `Ok`.
#[derive(Debug)]
pub struct Ok;
/// Not `Err`.
#[derive(Debug)]
pub struct Err;
/// Not `drop`.
pub fn drop() {}
/// Not `core`.
pub mod core {}
/// Not `std`.
pub mod std {}
/// Not `serde`.
pub mod serde {}

/// The messages of a mail sorter.
#[protocol]
pub enum Mail {
    /// Adds a letter.
    Post {
        /// The text.
        body: Text,
    },
    /// Removes and returns a letter.
    Take {
        /// Sends the letter.
        reply: greenroom::Reply<Text>,
    },
    /// A monitored process has exited.
    #[from]
    Down(greenroom::Down),
}

/// A sorter without priorities.
#[actor(protocol = Mail)]
#[derive(Debug)]
pub struct Sorter {
    /// The first letter.
    pub first: Text,
}

impl Process for Sorter {
    async fn run(&mut self, cx: &mut Context<Self>) -> ::std::result::Result<(), Exit> {
        loop {
            receive!(match cx {
                Mail::Take { reply } if !self.first.is_empty() => reply.send(::std::mem::take(&mut self.first)),
                Mail::Post { body } => self.first = body,
                after!(::std::time::Duration::from_hours(1)) => return ::std::result::Result::Ok(()),
            });
        }
    }
}

/// A counter.
#[actor]
#[derive(Debug)]
pub struct Counter {
    count: u64,
}

impl ::std::default::Default for Counter {
    fn default() -> Counter {
        Counter { count: 7 }
    }
}

#[actor]
impl Counter {
    /// Adds `n`.
    #[cast]
    pub fn add(&mut self, n: u64) {
        self.count += n;
    }

    /// Returns the count.
    #[call]
    pub async fn count(&self) -> u64 {
        ::std::future::ready(self.count).await
    }

    #[init]
    fn open(&mut self) -> ::std::result::Result<(), Exit> {
        match self.count {
            7 => ::std::result::Result::Ok(()),
            _ => ::std::result::Result::Err(Exit::shutdown()),
        }
    }
}

/// A post office.
#[supervisor]
#[derive(Debug)]
pub struct Office {
    #[child(start = Sorter { first: Text::new() }, shutdown = forever)]
    sorter: Sorter,
    #[child(restart = temporary, shutdown = kill)]
    counter: Counter,
}
