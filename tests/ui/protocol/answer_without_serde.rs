use greenroom::prelude::*;

struct Letter {
    body: String,
}

#[protocol]
enum Mail {
    Collect { reply: Reply<Letter> },
}

async fn collect(mail: &MailRef) -> Result<String, CallError> {
    Ok(mail.collect().await?.body)
}

fn main() {}
