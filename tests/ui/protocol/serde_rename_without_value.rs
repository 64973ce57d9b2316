use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post {
        #[serde(rename)]
        body: String,
    },
}

fn post(mail: &MailRef) {
    mail.post("hello".into());
}

fn main() {}
