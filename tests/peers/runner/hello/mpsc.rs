use tokio::sync::{mpsc, oneshot};

enum Message {
    Add(u64),
    Count(oneshot::Sender<u64>),
}

#[tokio::main]
async fn main() {
    let (counter, mut messages) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut count = 0;
        while let Some(message) = messages.recv().await {
            match message {
                Message::Add(n) => count += n,
                Message::Count(reply) => reply.send(count).unwrap(),
            }
        }
    });
    counter.send(Message::Add(2)).unwrap();
    let (reply, answer) = oneshot::channel();
    counter.send(Message::Count(reply)).unwrap();
    println!("{}", answer.await.unwrap());
}
