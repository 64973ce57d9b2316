use greenroom::prelude::*;

#[protocol]
enum Mail {
    #[serde(skip)]
    Post { body: String },
}

fn post(mail: &MailRef) {
    mail.post("hello".into());
}

fn main() {}
