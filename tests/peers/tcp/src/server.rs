//! The second program: a counter behind a socket.

use std::convert::Infallible;
use std::io;

use tokio::io::{AsyncWriteExt, BufReader, BufWriter};
use tokio::net::{TcpListener, TcpStream};

use crate::frame::{Answer, Request};

pub async fn serve() -> Infallible {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    bench::announce(&listener.local_addr().expect("the listener has an address").to_string());
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        tokio::spawn(async move { count(stream).await.expect("the connection is up") });
    }
}

/// Counts for one client. Answers are sent when no request is left in the buffer.
async fn count(stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (read, write) = stream.into_split();
    let (mut read, mut write) = (BufReader::with_capacity(crate::BUFFER, read), BufWriter::new(write));
    let mut count = 0;
    while let Some(request) = Request::read(&mut read).await? {
        match request {
            Request::Add(n) => count += n,
            Request::Bump { caller } => {
                count += 1;
                Answer { caller, count }.write(&mut write).await?;
            }
        }
        if read.buffer().is_empty() {
            write.flush().await?;
        }
    }
    Ok(())
}
