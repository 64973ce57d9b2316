use greenroom::prelude::*;

/// The error is about the second reply alone: the call exists.
#[protocol]
enum Mail {
    Collect { reply: Reply<u8>, again: Reply<u8> },
}

async fn collect(mail: MailRef) -> Result<u8, CallError> {
    mail.collect().await
}

fn main() {}
