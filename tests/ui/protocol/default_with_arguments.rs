use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post {
        #[default(5)]
        priority: u8,
    },
}

fn post(mail: &MailRef) {
    mail.post(1);
}

fn main() {}
