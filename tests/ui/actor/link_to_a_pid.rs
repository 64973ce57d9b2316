use greenroom::prelude::*;

fn link(mailbox: &Mailbox<Mail>, other: &Pid) {
    mailbox.link(other);
}

#[protocol]
enum Mail {
    Post { body: String },
}

fn main() {}
