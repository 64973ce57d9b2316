use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { body: &'static str },
}

fn send(mail: MailRef) {
    mail.post("hello");
}

fn main() {}
