use greenroom::prelude::*;

#[protocol]
enum Mail {
    Letter(String),
}

type MailRef = u64;

fn main() {
    let _: MailRef = 1;
}
