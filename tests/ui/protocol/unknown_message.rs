use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { body: String },
}

fn post(mail: &MailRef) {
    mail.pots("hello".into());
}

fn main() {}
