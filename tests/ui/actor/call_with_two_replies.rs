use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[call]
    fn count(&self, reply: Reply<u64>, again: Reply<u64>) {
        reply.send(self.count);
        again.send(self.count);
    }
}

fn main() {}
