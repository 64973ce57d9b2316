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
    fn on_price(&mut self, price: &Price) {
        self.total += price.0;
    }

    #[from]
    fn on_text(&mut self, text: impl Into<String>) {
        self.total += text.into().len() as u64;
    }
}

fn main() {}
