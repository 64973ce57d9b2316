use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self, n: u64) -> Result<(), String> {
        self.count = self.count.checked_add(n).ok_or("too much")?;
        Ok(())
    }
}

fn main() {}
