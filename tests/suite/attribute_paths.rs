//! Attributes that are written with their path.

#[greenroom::protocol]
enum Letter {
    #[greenroom::priority]
    Urgent {
        text: String,
    },
    #[greenroom::from]
    #[greenroom::redact]
    Down(greenroom::Down),
    #[greenroom::private]
    Sort,
    Read {
        reply: greenroom::Reply<Vec<String>>,
    },
}

#[greenroom::actor(name = "clerk")]
struct Clerk {
    notes: Vec<String>,
}

#[greenroom::actor(debug)]
impl Clerk {
    #[greenroom::init]
    fn open(first: String) -> Clerk {
        Clerk { notes: vec![first] }
    }

    #[greenroom::init]
    fn begin(&mut self) {
        self.notes.push("begun".to_owned());
    }

    #[greenroom::cast]
    #[greenroom::private]
    fn note(&mut self, #[greenroom::redact] text: String) {
        self.notes.push(text);
    }

    #[greenroom::call]
    #[greenroom::priority]
    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }

    #[greenroom::every("1h")]
    fn hourly(&mut self) {
        self.notes.push("an hour".to_owned());
    }

    #[greenroom::terminate]
    fn close(&mut self) {
        self.notes.clear();
    }
}

#[greenroom::supervisor]
struct Office {
    #[greenroom::child(start = Clerk::open("first".to_owned()))]
    clerk: Clerk,
}

#[greenroom::test]
async fn attributes_may_have_their_path() -> greenroom::Result {
    use greenroom::StartTree as _;
    let office = Office {}.start().await?;
    office.clerk().note("second".to_owned()).await?;
    tokio::time::sleep(std::time::Duration::from_secs(3700)).await;
    assert_eq!(office.clerk().notes().await?, ["first", "begun", "second", "an hour"]);
    let reader = greenroom::spawn(|mut mailbox: greenroom::Mailbox<Letter>| async move {
        loop {
            greenroom::receive!(match mailbox {
                Letter::Urgent { text } => drop(text),
                Letter::Sort => {}
                Letter::Down(down) => drop(down),
                Letter::Read { reply } => reply.send(vec!["read".to_owned()]),
            });
        }
    });
    reader.urgent("now".to_owned());
    reader.sort();
    assert_eq!(reader.read().await?, ["read"]);
    Ok(())
}
