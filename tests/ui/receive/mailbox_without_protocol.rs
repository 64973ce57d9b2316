use greenroom::prelude::*;

enum Mail {
    Tick,
}

fn start() {
    greenroom::spawn(|mut mailbox: Mailbox<Mail>| async move {
        receive!(match mailbox {
            Mail::Tick => {}
        });
    });
}

fn main() {}
