use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Price(u64);

#[actor]
struct Ledger {
    total: u64,
}

#[actor]
impl Ledger {
    #[from]
    fn on_price(&mut self, price: Price, amount: u64) {
        self.total += price.0 * amount;
    }
}

fn main() {}
