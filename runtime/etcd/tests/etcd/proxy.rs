//! A proxy in front of a member, which holds requests and drops answers.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The treatment of the requests whose first line contains a path.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Fault {
    #[default]
    None,
    /// The request is forwarded. The connection ends in place of the answer.
    DropAnswer(&'static str),
    /// The request is forwarded when the fault has ended.
    HoldRequest(&'static str),
}

/// A proxy. It ends when it is dropped.
pub(crate) struct Proxy {
    pub(crate) address: String,
    fault: watch::Sender<Fault>,
    /// A change ends the connections.
    generation: watch::Sender<u64>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn new(member: &str) -> Proxy {
        let member: Arc<str> = member.strip_prefix("http://").expect("it is served without TLS").into();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = format!("http://{}", listener.local_addr().expect("it is bound"));
        let (fault, generation) = (watch::Sender::default(), watch::Sender::default());
        let (faults, generations) = (fault.subscribe(), generation.subscribe());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut relays = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (member, faults, mut generations) = (member.clone(), faults.clone(), generations.clone());
                generations.mark_unchanged();
                relays.spawn(async move {
                    tokio::select! {
                        _ = relay(client, &member, faults) => {}
                        _ = generations.changed() => {}
                    }
                });
            }
        });
        Proxy { address, fault, generation, _tasks: tasks }
    }

    pub(crate) fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// Ends all connections. New ones are accepted.
    pub(crate) fn cut(&self) {
        self.generation.send_modify(|generation| *generation += 1);
    }
}

/// Forwards both directions of a connection until one of them ends.
async fn relay(mut client: TcpStream, member: &str, mut faults: watch::Receiver<Fault>) -> Option<()> {
    let mut member = TcpStream::connect(member).await.ok()?;
    let (mut request, mut answer) = ([0; 64 << 10], [0; 64 << 10]);
    let mut line = Vec::new();
    loop {
        tokio::select! {
            read = client.read(&mut request) => {
                let bytes = &request[..read.ok().filter(|read| *read > 0)?];
                // A request is smaller than a segment, and the next one follows the answer.
                line.clear();
                line.extend(bytes.iter().take_while(|byte| **byte != b'\n'));
                let line = String::from_utf8_lossy(&line);
                faults.wait_for(|fault| !matches!(fault, Fault::HoldRequest(path) if line.contains(path))).await.ok()?;
                member.write_all(bytes).await.ok()?;
            }
            read = member.read(&mut answer) => {
                let bytes = &answer[..read.ok().filter(|read| *read > 0)?];
                let fault = *faults.borrow();
                if matches!(fault, Fault::DropAnswer(path) if String::from_utf8_lossy(&line).contains(path)) {
                    return None;
                }
                client.write_all(bytes).await.ok()?;
            }
        }
    }
}
