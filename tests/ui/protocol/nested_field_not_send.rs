use std::rc::Rc;

use greenroom::prelude::*;

struct Letter {
    body: Rc<str>,
}

#[protocol(local)]
enum Mail {
    Post { letter: Letter },
}

fn main() {}
