use greenroom::prelude::*;

fn share_fate(mailbox: &Mailbox<Mail>, other: &Pid) {
    mailbox.link(other);
}

#[protocol]
enum Mail {
    Post { body: String },
}

fn main() {}
