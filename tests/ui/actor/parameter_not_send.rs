use std::rc::Rc;

use greenroom::prelude::*;

struct Page {
    text: Rc<str>,
}

#[actor]
struct Reader;

#[actor(local)]
impl Reader {
    #[cast]
    async fn read(&mut self, page: Page) {
        std::future::ready(()).await;
        drop(page.text);
    }
}

fn start(page: Page) {
    Reader.spawn().read(page);
}

fn main() {}
