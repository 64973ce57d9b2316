#![deny(unused_must_use)]

use greenroom::prelude::*;

#[protocol]
enum Mail {
    Collect { reply: Reply<Vec<String>> },
}

fn collect(mail: &MailRef) {
    mail.collect();
}

fn main() {}
