use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast]
    fn count(&self, reply: Reply<u64>) {
        reply.send(self.count);
    }
}

fn main() {}
