use greenroom::prelude::*;

/// The error is about the lifetime alone: the stub exists.
#[protocol]
enum Mail<'a> {
    Post { body: &'a str },
    Collect { reply: Reply<Vec<u8>> },
    #[from]
    Down(Down),
}

async fn post(mail: &MailRef) -> Result<usize, CallError> {
    mail.post("hello");
    Ok(mail.collect().await?.len())
}

fn main() {}
