#![deny(unused_must_use)]

use greenroom::prelude::*;

#[actor(mailbox = 16, overflow = reject)]
struct Account;

#[actor]
impl Account {
    #[cast]
    fn deposit(&mut self, _amount: u64) {}
}

/// Loses messages by its own choice.
#[actor(mailbox = 16, overflow = drop_oldest)]
struct Gauge;

#[actor]
impl Gauge {
    #[cast]
    fn measure(&mut self, _value: u64) {}
}

async fn pay(account: AccountRef, gauge: GaugeRef) -> Result<(), CastError> {
    account.deposit(5);
    drop(account.deposit(5));
    gauge.measure(5);
    account.deposit(5).await
}

fn main() {}
