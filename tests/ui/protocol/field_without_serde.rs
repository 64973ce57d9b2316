use greenroom::prelude::*;

struct Letter {
    body: String,
}

#[protocol]
enum Mail {
    Post { letter: Letter },
}

fn post(mail: &MailRef, letter: Letter) {
    mail.post(letter);
}

fn main() {}
