use greenroom::prelude::*;

#[actor]
#[derive(Default)]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[init]
    #[serde(alias = "begin")]
    fn start(&mut self) {
        self.count = 1;
    }

    #[call]
    fn count(&self) -> u64 {
        self.count
    }
}

fn main() {}
