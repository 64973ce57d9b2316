use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post(String),
    #[from]
    Ended(Down, u8),
}

fn post(mail: &MailRef) {
    mail.post("hello".into());
}

fn main() {}
