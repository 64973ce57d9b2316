use greenroom::prelude::*;

#[protocol(locale)]
enum Mail {
    Post { body: String },
}

fn post(mail: &MailRef) {
    mail.post("hello".into());
}

fn main() {}
