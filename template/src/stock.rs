//! The stock: a process that owns a number of pieces.

use greenroom::prelude::*;

/// The time for which pieces are reserved.
const RESERVATION: Duration = Duration::from_secs(30 * 60);

/// A stock of pieces, which can be reserved for a while.
#[actor]
pub struct Stock {
    pieces: u32,
}

impl Stock {
    /// Makes a stock with so many pieces.
    pub fn new(pieces: u32) -> Stock {
        Stock { pieces }
    }
}

#[actor]
impl Stock {
    /// Reserves pieces, and returns how many are left. If there are not enough, the error is their number.
    #[call]
    pub fn reserve(&mut self, cx: &mut Context<Self>, pieces: u32) -> Result<u32, u32> {
        self.pieces = self.pieces.checked_sub(pieces).ok_or(self.pieces)?;
        cx.send_after(RESERVATION, StockMessage::Release { pieces });
        Ok(self.pieces)
    }

    /// Ends a reservation.
    #[cast]
    #[private]
    fn release(&mut self, pieces: u32) {
        self.pieces += pieces;
    }

    /// Returns the number of pieces that are not reserved.
    #[call]
    pub fn pieces(&self) -> u32 {
        self.pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[greenroom::test]
    async fn a_reservation_ends_after_half_an_hour() -> greenroom::Result {
        let stock = Stock::new(3).spawn();
        assert_eq!(stock.reserve(2).await?, Ok(1));
        assert_eq!(stock.reserve(2).await?, Err(1));
        // On the paused clock of the test, this takes no time.
        tokio::time::sleep(2 * RESERVATION).await;
        assert_eq!(stock.pieces().await?, 3);
        Ok(())
    }
}
