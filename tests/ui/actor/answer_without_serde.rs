use greenroom::prelude::*;

struct Count(u64);

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[call]
    fn count(&self) -> Count {
        Count(self.count)
    }
}

fn main() {}
