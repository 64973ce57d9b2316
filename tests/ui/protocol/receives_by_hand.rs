use greenroom::prelude::*;
use greenroom::Receives;

struct Price(u64);

#[protocol(local)]
enum Shop {
    Sell { price: u64 },
}

impl From<Price> for Shop {
    fn from(Price(price): Price) -> Shop {
        Shop::Sell { price }
    }
}

impl Receives<Price> for Shop {}

fn main() {}
