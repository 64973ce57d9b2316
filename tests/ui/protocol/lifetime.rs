use greenroom::prelude::*;

/// The stub is there all the same.
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
