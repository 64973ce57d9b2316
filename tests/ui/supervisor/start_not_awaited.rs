use greenroom::prelude::*;

#[actor]
#[derive(Default)]
struct Till;

#[actor]
impl Till {
    #[cast]
    fn open(&mut self) {}
}

#[supervisor]
struct Shop {
    #[child]
    till: Till,
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    let shop = Shop {}.start();
    shop.till().open();
    let again = Shop {}.start()?;
    again.till().open();
    Ok(())
}
