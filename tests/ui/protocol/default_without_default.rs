use greenroom::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Letter {
    body: String,
}

#[protocol]
enum Mail {
    Post {
        #[default]
        letter: Letter,
    },
}

fn post(mail: &MailRef) {
    mail.post(Letter { body: "hello".into() });
}

fn main() {}
