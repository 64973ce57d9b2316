//! The macros with keywords as names.
#![allow(non_camel_case_types)]

use greenroom::prelude::*;

/// The messages of a robot.
#[protocol]
pub enum r#Robot {
    /// Moves.
    Move {
        /// The kind of movement.
        r#type: u8,
    },
    /// Returns the recorded movements.
    Await {
        /// Sends them.
        r#return: Reply<Vec<u8>>,
    },
    /// The variant is a raw identifier.
    r#yield(u8),
    /// `self` cannot be a raw identifier.
    Self_,
    /// The stub has a method `named` as well as the function `Stub::named`.
    Named {
        /// The field is a raw identifier.
        r#fn: bool,
    },
}

/// A robot.
#[actor(protocol = r#Robot)]
#[derive(Debug)]
pub struct r#struct {
    /// The recorded movements.
    pub r#mod: Vec<u8>,
}

impl Process for r#struct {
    async fn run(&mut self, r#ref: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            receive!(match r#ref {
                r#Robot::Move { r#type } if r#type < 100 => self.r#mod.push(r#type),
                r#Robot::r#yield(r#in) => self.r#mod.push(r#in),
                r#Robot::Await { r#return } => r#return.send(std::mem::take(&mut self.r#mod)),
                r#Robot::Named { r#fn: true } => return Ok(()),
            });
        }
    }
}

/// A counter.
#[actor]
#[derive(Debug, Default)]
pub struct r#impl {
    r#let: u64,
}

#[actor]
impl r#impl {
    /// Adds a number.
    #[cast]
    pub fn r#for(&mut self, r#while: u64) {
        self.r#let += r#while;
    }

    /// Returns the count.
    #[call]
    #[must_use]
    pub fn r#loop(&self) -> u64 {
        self.r#let
    }
}

/// A supervisor.
#[supervisor]
#[derive(Debug)]
pub struct r#trait {
    #[child]
    r#const: r#impl,
}
