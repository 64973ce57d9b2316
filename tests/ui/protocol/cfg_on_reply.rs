use greenroom::prelude::*;

#[protocol]
enum Mail {
    Collect {
        #[cfg(all())]
        reply: Reply<u8>,
    },
}

fn main() {}
