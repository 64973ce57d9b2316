use greenroom::prelude::*;

#[actor]
struct Counter {
    count: u64,
}

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self, n: u64) -> Result<(), u8> {
        self.count = self.count.checked_add(n).ok_or(7)?;
        Ok(())
    }
}

fn main() {}
