use greenroom::prelude::*;

#[actor]
struct Sorter<'a> {
    letters: &'a [String],
}

#[actor]
impl<'a> Sorter<'a> {
    #[call]
    fn letters(&self) -> usize {
        self.letters.len()
    }
}

async fn count(sorter: SorterRef) -> Result<usize, CallError> {
    sorter.letters().await
}

fn main() {}
