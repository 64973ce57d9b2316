use greenroom::prelude::*;

#[protocol(name = "")]
enum Mail {
    Post { body: String },
}

fn post(mail: &MailRef) {
    mail.post("hello".into());
}

fn main() {}
