use greenroom::prelude::*;

#[protocol(local)]
enum Mail {
    Raw { bytes: *const u8 },
}

fn main() {}
