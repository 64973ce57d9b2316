use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[call]
    fn count(&self, reply: &Reply<u64>) {
        drop(reply);
    }
}

fn main() {}
