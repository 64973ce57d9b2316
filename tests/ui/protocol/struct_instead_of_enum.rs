use greenroom::prelude::*;

/// The missing stub is not reported a second time.
#[protocol]
struct Mail {
    body: String,
}

fn post(_mail: &MailRef) {}

fn main() {}
