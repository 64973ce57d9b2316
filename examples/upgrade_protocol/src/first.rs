//! The first release.

use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

use crate::load::{Client, Failure, Load, Print, TIME_LIMIT};

/// An article in an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The article's name.
    pub article: String,
    /// The number of pieces.
    pub quantity: u16,
    /// The price of a piece, in cents.
    pub price: u32,
}

/// The messages to an order desk.
#[protocol]
pub enum Desk {
    /// Places an order.
    Place {
        /// The number of the order.
        number: u64,
        /// The name of the customer.
        customer: String,
        /// The ordered item.
        item: Item,
        /// The answer.
        reply: Reply<Receipt>,
    },
}

/// The answer to an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The number of the order.
    pub number: u64,
    /// The name of the customer.
    pub customer: String,
    /// The price of the order, in cents.
    pub total: u32,
}

/// Takes the orders of a desk.
#[actor(protocol = Desk, name = "desk")]
#[derive(Default)]
pub struct Clerk;

impl Process for Clerk {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            receive!(match cx {
                Desk::Place { number, customer, item, reply } => {
                    reply.send(Receipt { number, customer, total: item.price * u32::from(item.quantity) });
                }
            });
        }
    }
}

impl Client for DeskRef {
    async fn order(&self, number: u64) -> Result<bool, Failure> {
        let item = Item { article: "tea".into(), quantity: (number % 100) as u16, price: 250 };
        let expected = Receipt { number, customer: "Vera".into(), total: 250 * u32::from(item.quantity) };
        let receipt = self.place(number, "Vera".into(), item).within(TIME_LIMIT).await?;
        Failure::unless_equal(&receipt, &expected)?;
        Ok(false)
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
