//! A pipeline with back-pressure: a slow ledger at its end slows down the reader at its begin.
//!
//! The mailboxes between the stages are bounded, and each stage awaits its casts. A cast resolves when the mailbox of the
//! next stage has room. However many orders there are, only a few of them are in memory.
//!
//! `cargo run -p patterns --bin pipeline`

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use greenroom::prelude::*;

/// The first stage: it parses lines such as `tea 250`.
#[actor(mailbox = 4)]
struct Parser {
    ledger: LedgerRef,
    rejected: usize,
}

#[actor]
impl Parser {
    /// Parses a line, and waits until the ledger has room for the order. A line that is not an order is left out.
    #[cast]
    async fn parse(&mut self, line: String) -> Result<(), CastError> {
        match line.split_once(' ').map(|(_, price)| price.parse()) {
            Some(Ok(price)) => self.ledger.book(price).await,
            _ => {
                self.rejected += 1;
                Ok(())
            }
        }
    }

    /// Returns the sum of all orders, and the number of lines that were left out. The request takes the way of the orders, so
    /// all of them are booked by then.
    #[call]
    async fn finish(&self) -> Result<(u64, usize), CallError> {
        Ok((self.ledger.sum().forever().await?, self.rejected))
    }
}

/// The second stage: it needs a millisecond for each order.
#[actor(mailbox = 4)]
struct Ledger {
    sum: u64,
    booked: Arc<AtomicUsize>,
}

#[actor]
impl Ledger {
    /// Adds the price of an order.
    #[cast]
    async fn book(&mut self, price: u64) {
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.sum += price;
        self.booked.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the sum of all orders.
    #[call]
    fn sum(&self) -> u64 {
        self.sum
    }
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    let booked = Arc::new(AtomicUsize::new(0));
    let ledger = Ledger { sum: 0, booked: Arc::clone(&booked) }.spawn();
    let parser = Parser { ledger, rejected: 0 }.spawn();

    let lines = (0..200).map(|n| if n % 50 == 49 { "a blot".to_owned() } else { format!("tea {n}") });
    let (mut orders, mut most) = (0, 0);
    for line in lines {
        orders += usize::from(line.starts_with("tea"));
        parser.parse(line).await?;
        most = most.max(orders - booked.load(Ordering::Relaxed));
    }
    let (sum, rejected) = parser.finish().forever().await??;
    println!("booked {orders} orders, {sum} in all; left out {rejected} lines");
    println!("at most {most} orders were on their way");
    Ok(())
}
