//! The next release.
//!
//! | difference from the first release | why both can read it |
//! |---|---|
//! | the field `customer` is now `buyer`, in the message and in the receipt | nodes send the `alias` along |
//! | orders have the new field `express` | it has a default |
//! | the fields of [`Item`] are in another order | fields are read by their names |
//! | quantities and prices are wider integers | a value is read if it fits |
//! | receipts have the new field `days` | the first release passes over it |
//! | the desk has the new message `Quote` | no client depends on it yet: see below |
//!
//! A desk of the first release refuses a `Quote`, and the client then orders without one. A later release may depend
//! on quotes.

use greenroom::CallErrorKind;
use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

use crate::load::{Client, Failure, Load, Print, TIME_LIMIT};

/// An article in an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The price of a piece, in cents.
    pub price: u64,
    /// The number of pieces.
    pub quantity: u32,
    /// The article's name.
    pub article: String,
}

/// The messages to an order desk.
#[protocol]
pub enum Desk {
    /// Returns the price of an item, in cents.
    Quote {
        /// The item to order.
        item: Item,
        /// The answer.
        reply: Reply<u64>,
    },
    /// Places an order.
    Place {
        /// The number of the order.
        number: u64,
        /// The name of the buyer.
        #[serde(alias = "customer")]
        buyer: String,
        /// The ordered item.
        item: Item,
        /// Delivers on the next day.
        #[serde(default)]
        express: bool,
        /// The answer.
        reply: Reply<Receipt>,
    },
}

/// The answer to an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The number of the order.
    pub number: u64,
    /// The name of the buyer.
    #[serde(alias = "customer")]
    pub buyer: String,
    /// The price of the order, in cents.
    pub total: u64,
    /// The days until the delivery, which a desk of the first release does not know.
    pub days: Option<u8>,
}

/// Takes the orders of a desk.
#[actor(protocol = Desk, name = "desk")]
#[derive(Default)]
pub struct Clerk;

impl Process for Clerk {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            receive!(match cx {
                Desk::Quote { item, reply } => reply.send(item.price * u64::from(item.quantity)),
                Desk::Place { number, buyer, item, express, reply } => {
                    let days = Some(if express { 1 } else { 5 });
                    reply.send(Receipt { number, buyer, total: item.price * u64::from(item.quantity), days });
                }
            });
        }
    }
}

impl Client for DeskRef {
    async fn order(&self, number: u64) -> Result<bool, Failure> {
        let item = Item { price: 250, quantity: (number % 100) as u32, article: "tea".into() };
        let total = 250 * u64::from(item.quantity);
        let is_quoted = match self.quote(item.clone()).within(TIME_LIMIT).await {
            Ok(quote) => Failure::unless_equal(&quote, &total).map(|()| true)?,
            // A desk of the first release.
            Err(CallError { kind: CallErrorKind::Incompatible(_), .. }) => false,
            Err(error) => return Err(error.into()),
        };
        let express = number.is_multiple_of(2);
        let receipt = self.place(number, "Vera".into(), item, express).within(TIME_LIMIT).await?;
        let days = receipt.days.map(|_| if express { 1 } else { 5 });
        Failure::unless_equal(&receipt, &Receipt { number, buyer: "Vera".into(), total, days })?;
        Ok(is_quoted)
    }
}

/// The processes of a node. The load starts last and stops first, so it finishes its last order while the desk is open.
/// If the load fails, the node ends.
#[supervisor(auto_shutdown = any)]
pub struct Shop {
    /// The names of all nodes.
    pub nodes: Vec<String>,
    /// Prints the lines of the load.
    pub print: Print,
    #[child]
    clerk: Clerk,
    #[child(start = Load::new(self.nodes.clone(), self.print.clone()), restart = temporary, significant)]
    load: Load<DeskRef>,
}
