//! A shop: a supervision tree of processes, which runs until the program is stopped.

mod stock;

use greenroom::Application;
use greenroom::prelude::*;

use stock::Stock;

/// The processes of the shop. They start in this order, and stop in the reverse order.
#[supervisor(strategy = one_for_one, intensity = 3, period = "5s")]
struct Shop {
    /// The number of pieces at the start.
    pieces: u32,
    #[child(start = Stock::new(self.pieces))]
    stock: Stock,
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    // If its tree gives up, the program exits with an error, so that a service manager starts it again.
    let shop = Application::new(env!("CARGO_PKG_NAME"), Shop { pieces: 10 }).permanent();
    let shop = shop.start().await?;
    println!("open, with {} pieces", shop.tree().stock().pieces().await?);
    Node::current().announce_ready();
    // Until SIGTERM or ctrl-c.
    shop.join().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[greenroom::test]
    async fn a_stock_that_crashes_is_started_again() -> greenroom::Result {
        let shop = Shop { pieces: 10 }.start().await?;
        let stock = shop.stock();
        assert_eq!(stock.reserve(4).await?, Ok(6));
        assert_eq!(
            stock.stop(Exit::error("a flood")).await,
            Exit::error("a flood")
        );
        // The stub reaches the new process, which begins with the state of `start`.
        assert_eq!(stock.pieces().await?, 10);
        Ok(())
    }
}
