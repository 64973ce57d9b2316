use greenroom::prelude::*;

/// The error is about the field alone: the stub exists.
#[protocol]
enum Mail {
    Post { body: &str },
}

fn post(mail: &MailRef) {
    mail.post("hello");
}

fn main() {}
