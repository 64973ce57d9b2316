//! Keywords as names.
#![allow(non_camel_case_types)]

use greenroom::prelude::*;

/// What a robot understands.
#[protocol]
pub enum r#Robot {
    /// Moves.
    Move {
        /// How.
        r#type: u8,
    },
    /// Awaits.
    Await {
        /// Takes what it saw.
        r#return: Reply<Vec<u8>>,
    },
    /// Yields to `r#in`.
    r#yield(u8),
    /// `self` cannot be raw.
    Self_,
    /// Clashes with no function of [`Stub`].
    Named {
        /// Whether.
        r#fn: bool,
    },
}

/// Obeys.
#[actor(protocol = r#Robot)]
#[derive(Debug)]
pub struct r#struct {
    /// What it saw.
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

/// Counts.
#[actor]
#[derive(Debug, Default)]
pub struct r#impl {
    r#let: u64,
}

#[actor]
impl r#impl {
    /// Adds.
    #[cast]
    pub fn r#for(&mut self, r#while: u64) {
        self.r#let += r#while;
    }

    /// The count.
    #[call]
    #[must_use]
    pub fn r#loop(&self) -> u64 {
        self.r#let
    }
}

/// Keeps it.
#[supervisor]
#[derive(Debug)]
pub struct r#trait {
    #[child]
    r#const: r#impl,
}
