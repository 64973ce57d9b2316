use greenroom::prelude::*;

#[actor]
#[derive(Default)]
struct Ledger;

#[actor]
impl Ledger {
    #[call]
    fn total(&self) -> u64 {
        0
    }
}

#[supervisor]
struct BillingTree {
    #[child]
    ledger: Ledger,
}

fn main() {
    drop(greenroom::Application::new("billing", BillingTree {}).start_on("a@one"));
}
