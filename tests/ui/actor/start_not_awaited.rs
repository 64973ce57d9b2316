use greenroom::prelude::*;

#[actor]
#[derive(Default)]
struct Till;

#[actor]
impl Till {
    #[cast]
    fn open(&mut self) {}
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    let till = Till.start();
    till.open();
    Till.start()?.open();
    Till.start().unwrap().open();
    Ok(())
}
