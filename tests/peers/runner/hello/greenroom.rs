use greenroom::prelude::*;

#[actor]
#[derive(Default)]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self, n: u64) {
        self.count += n;
    }

    #[call]
    fn count(&self) -> u64 {
        self.count
    }
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    let counter = Counter::default().spawn();
    counter.add(2);
    println!("{}", counter.count().await?);
    Ok(())
}
