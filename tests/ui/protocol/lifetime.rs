use greenroom::prelude::*;

/// The stub can be named all the same.
#[protocol]
enum Mail<'a> {
    Post { body: &'a str },
    #[from]
    Down(Down),
}

fn post(_mail: &MailRef) {}

fn main() {}
