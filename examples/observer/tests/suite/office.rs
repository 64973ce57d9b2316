//! A supervision tree to look at.

use greenroom::prelude::*;

/// The messages to a clerk.
#[protocol]
#[derive(Debug)]
pub(crate) enum Order {
    /// An order to handle.
    Handle { text: String },
    /// An order that stays in the mailbox.
    Keep,
    /// An order that causes a panic.
    Break,
}

/// Handles orders, and leaves `Keep` in the mailbox.
#[actor(protocol = Order, name = "clerk")]
#[derive(Default)]
pub(crate) struct Clerk;

impl Process for Clerk {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            receive!(match cx {
                Order::Handle { text } => drop(text),
                Order::Break => panic!("bad order"),
            });
        }
    }
}

#[supervisor(intensity = 3, period = "5s")]
pub(crate) struct Office {
    #[child]
    clerk: Clerk,
    #[child]
    deputy: Deputy,
}

/// A second process with the same protocol.
#[actor(protocol = Order)]
#[derive(Default)]
pub(crate) struct Deputy;

impl Process for Deputy {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            receive!(match cx {
                Order::Handle { .. } => {}
            });
        }
    }
}

pub(crate) async fn start_office() -> greenroom::Running<OfficeRef> {
    greenroom::Application::new("office", Office {}).start().await.unwrap()
}
