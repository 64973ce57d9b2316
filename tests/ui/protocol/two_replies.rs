use greenroom::prelude::*;

/// The call is there all the same.
#[protocol]
enum Mail {
    Collect { reply: Reply<u8>, again: Reply<u8> },
}

async fn collect(mail: MailRef) -> Result<u8, CallError> {
    mail.collect().await
}

fn main() {}
