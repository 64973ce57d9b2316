//! Children that are started with the stubs of earlier siblings.

use greenroom::{ChildError, Dynamic, Restartable, prelude::*};

#[actor]
#[derive(Default)]
struct Log {
    lines: Vec<String>,
}

#[actor]
impl Log {
    #[cast]
    fn write(&mut self, line: String) {
        self.lines.push(line);
    }

    #[call]
    fn lines(&self) -> Vec<String> {
        self.lines.clone()
    }

    #[cast]
    fn crash(&mut self) -> Result<(), Exit> {
        Err(Exit::error("boom"))
    }
}

#[actor]
#[derive(Clone)]
struct Session {
    number: u32,
}

#[actor]
impl Session {
    #[call]
    fn number(&self) -> u32 {
        self.number
    }
}

#[supervisor]
struct Storage {
    log: LogRef,
    #[child(start = Disk { log: self.log.clone(), number: 1 })]
    first: Disk,
    // Both: a field of the parent, and a sibling.
    #[child(start = Disk { log: self.log.clone(), number: u32::from(first.pid().is_some()) + 1 })]
    second: Disk,
}

#[actor]
struct Disk {
    log: LogRef,
    number: u32,
}

#[actor]
impl Disk {
    #[call]
    async fn save(&self) -> u32 {
        let _ = self.log.write(format!("disk {} saves", self.number)).await;
        self.number
    }
}

#[actor]
struct Web {
    port: u16,
    log: LogRef,
    sessions: Dynamic<Session, Restartable>,
    storage: StorageRef,
}

#[actor(local)]
impl Web {
    #[init]
    async fn listen(
        port: u16,
        log: LogRef,
        sessions: Dynamic<Session, Restartable>,
        storage: StorageRef,
    ) -> Result<Web, CallError> {
        // An earlier sibling has started, so it answers.
        log.write(format!("web starts after {} lines", log.lines().await?.len()));
        Ok(Web { port, log, sessions, storage })
    }

    #[call]
    async fn open(&self, number: u32) -> Result<u32, ChildError> {
        let session = self.sessions.start_child(Session { number }).await?;
        Ok(session.number().await.unwrap() + u32::from(self.port))
    }

    #[call]
    async fn save(&self) -> u32 {
        self.log.write("web saves".to_owned());
        self.storage.second().save().await.unwrap()
    }
}

#[supervisor(intensity = 5, period = "1s")]
struct Town {
    port: u16,
    #[child]
    log: Log,
    #[child(dynamic)]
    sessions: Session,
    #[child(supervisor, start = Storage { log: log.clone() })]
    storage: Storage,
    #[child(start = {
        let number = self.port;
        Web::listen(number, log, sessions, storage)
    })]
    web: Web,
    #[child(start = Disk { log, number: (1..=2).map(|web| web + 2).sum() })]
    disk: Disk,
}

#[greenroom::test]
async fn a_child_has_the_stubs_of_the_siblings_before_it() -> greenroom::Result {
    let town = Town { port: 80 }.start().await?;
    assert_eq!(town.web().open(5).await?.unwrap(), 85);
    assert_eq!(town.web().save().await?, 2);
    assert_eq!(town.disk().save().await?, 7);
    let lines = ["web starts after 0 lines", "web saves", "disk 2 saves", "disk 7 saves"];
    assert_eq!(town.log().lines().await?, lines);

    // The stubs follow their children.
    town.log().crash();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(town.web().save().await?, 2);
    assert_eq!(town.log().lines().await?, ["web saves", "disk 2 saves"]);
    TreeStub::stop(&town).await;
    assert_eq!(Node::current().process_count(), 0);
    Ok(())
}
