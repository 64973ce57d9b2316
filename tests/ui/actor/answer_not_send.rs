use std::rc::Rc;

use greenroom::prelude::*;

struct Page {
    text: Rc<str>,
}

#[actor]
#[derive(Default)]
struct Library {
    read: u64,
}

#[actor(local)]
impl Library {
    #[call]
    fn page(&mut self) -> Page {
        self.read += 1;
        Page { text: "once".into() }
    }

    #[call]
    fn read(&self) -> u64 {
        self.read
    }
}

async fn read() -> Result<usize, CallError> {
    let library = Library::default().spawn();
    Ok(library.page().await?.text.len())
}

fn main() {}
