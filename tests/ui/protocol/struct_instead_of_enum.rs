use greenroom::prelude::*;

/// The stub can be named all the same.
#[protocol]
struct Mail {
    body: String,
}

fn post(_mail: &MailRef) {}

fn main() {}
