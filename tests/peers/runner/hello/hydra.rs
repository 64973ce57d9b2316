use hydra::{ExitReason, From, GenServer, GenServerOptions};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
enum Message {
    Add(u64),
    Count,
    Counted(u64),
}

struct Counter {
    count: u64,
}

impl GenServer for Counter {
    type Message = Message;

    async fn init(&mut self) -> Result<(), ExitReason> {
        Ok(())
    }

    async fn handle_cast(&mut self, message: Message) -> Result<(), ExitReason> {
        if let Message::Add(n) = message {
            self.count += n;
        }
        Ok(())
    }

    async fn handle_call(&mut self, _: Message, _: From) -> Result<Option<Message>, ExitReason> {
        Ok(Some(Message::Counted(self.count)))
    }
}

#[hydra::main]
async fn main() {
    let counter = Counter { count: 0 }.start(GenServerOptions::new()).await.unwrap();
    Counter::cast(counter, Message::Add(2));
    if let Ok(Message::Counted(count)) = Counter::call(counter, Message::Count, None).await {
        println!("{count}");
    }
}
