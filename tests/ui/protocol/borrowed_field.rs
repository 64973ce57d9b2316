use greenroom::prelude::*;

/// The stub is there all the same.
#[protocol]
enum Mail {
    Post { body: &str },
}

fn post(mail: &MailRef) {
    mail.post("hello");
}

fn main() {}
