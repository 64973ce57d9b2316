use greenroom::prelude::*;

#[actor]
struct Counter {
    name: String,
}

#[actor]
impl Counter {
    #[init]
    fn open(name: &str) -> Self {
        Counter { name: name.to_owned() }
    }

    #[call]
    fn name(&self) -> String {
        self.name.clone()
    }
}

fn main() {}
