//! The first program of the book.

use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post { priority: u8, body: String },
    Collect { reply: Reply<Vec<String>> },
}

#[actor(protocol = Mail)]
struct Sorter {
    urgent: u8,
}

impl Process for Sorter {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            let reply = receive!(match cx {
                Mail::Collect { reply } => reply,
            });
            let mut letters = Vec::new();
            loop {
                receive!(match cx {
                    Mail::Post { priority, body } if priority > self.urgent => letters.push(body),
                    after!(Duration::ZERO) => break,
                });
            }
            loop {
                receive!(match cx {
                    Mail::Post { body, .. } => letters.push(body),
                    after!(Duration::ZERO) => break,
                });
            }
            reply.send(letters);
        }
    }
}

#[greenroom::test]
async fn priority_letters_come_first() -> greenroom::Result {
    let sorter = Sorter { urgent: 10 }.spawn();
    for (priority, body) in [(15, "high"), (7, "low"), (1, "low"), (17, "high")] {
        sorter.post(priority, body.into());
    }
    assert_eq!(sorter.collect().await?, ["high", "high", "low", "low"]);
    Ok(())
}
