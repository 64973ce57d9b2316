//! A TCP server that answers each line in capitals. At SIGTERM it drains: it accepts no more connections, finishes the
//! lines that it has begun to read, and ends.
//!
//! The children of a tree stop in reverse order, so the acceptor stops first and closes its socket. A session traps exits.
//! It continues after the exit signal until its client has completed the line, for ten seconds at most.
//!
//! `cargo run -p patterns --bin line_server`, and in another terminal `nc 127.0.0.1 7000`

use std::net::SocketAddr;

use greenroom::prelude::*;
use greenroom::{Application, Dynamic, OneShot};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The messages to a session.
#[protocol]
enum Control {
    /// The server stops.
    #[from]
    Stop(ExitSignal),
}

/// The connection of one client.
#[actor(protocol = Control, trap_exit)]
struct Session {
    stream: TcpStream,
}

impl Process for Session {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let (read, mut write) = self.stream.split();
        let (mut read, mut line, mut is_draining) = (BufReader::new(read), Vec::new(), false);
        while !is_draining || !line.is_empty() {
            tokio::select! {
                // First what has arrived, then the signal.
                biased;
                // Cancel-safe: a part of a line stays in `line`.
                read = read.read_until(b'\n', &mut line) => {
                    if read? == 0 {
                        return Ok(());
                    }
                    write.write_all(&line.to_ascii_uppercase()).await?;
                    line.clear();
                }
                Control::Stop(_) = cx.receive(), if !is_draining => is_draining = true,
            }
        }
        write.write_all(b"bye\n").await?;
        Ok(())
    }
}

/// Accepts connections and starts a session for each.
#[actor]
struct Acceptor {
    listener: TcpListener,
    sessions: Dynamic<Session, OneShot>,
}

#[actor]
impl Acceptor {
    /// Opens the socket. If the address is in use, the server does not start.
    #[init]
    async fn open(address: SocketAddr, sessions: Dynamic<Session, OneShot>) -> Result<Acceptor, Exit> {
        let listener = TcpListener::bind(address).await?;
        println!("listening at {}", listener.local_addr()?);
        Ok(Acceptor { listener, sessions })
    }

    /// Accepts until the exit signal of the supervisor ends the process at an `.await`.
    #[continue_with]
    async fn accept(&mut self) -> Result<(), Exit> {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => drop(self.sessions.start_child(Session { stream }).await?),
                // Too many open files, for example. The clients wait meanwhile.
                Err(error) => {
                    eprintln!("cannot accept: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

/// A server at an address.
#[supervisor]
struct Server {
    address: SocketAddr,
    #[child(dynamic, restart = temporary, shutdown = "10s")]
    sessions: Session,
    #[child(start = Acceptor::open(self.address, sessions))]
    acceptor: Acceptor,
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:7000".into()).parse()?;
    // Ends at SIGTERM, at ctrl-c, and when the server gives up.
    Application::new("server", Server { address }).permanent().start().await?.join().await
}
