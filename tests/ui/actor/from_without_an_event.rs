use greenroom::prelude::*;

#[actor]
struct Ledger {
    total: u64,
}

#[actor]
impl Ledger {
    #[from]
    fn on_price(&mut self, _cx: &mut Context<Self>) {
        self.total += 1;
    }
}

fn main() {}
