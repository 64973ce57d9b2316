//! The workloads between two nodes on bare connections, as the reference: what the network and tokio cost, without
//! processes and without encryption.

mod calls;
mod casts;
mod frame;
mod server;

use bench::{Bench, ServerProcess, size};
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// The bytes of a buffer in front of a socket.
const BUFFER: usize = 64 * 1024;

fn main() {
    Bench::new("tcp")
        .workload("rcast", casts::cast)
        .workload("rask1", |size| calls::one("rask1", size.of(size::REMOTE_CALLS)))
        .workload("rask64", |size| calls::many("rask64", 64, size.shares(size::REMOTE_CALLS_OF_64, 64)))
        .server(server::serve)
        .run();
}

/// Connects to the server.
async fn connect(server: &ServerProcess) -> (BufReader<OwnedReadHalf>, OwnedWriteHalf) {
    let stream = TcpStream::connect(&server.address).await.expect("the server listens");
    stream.set_nodelay(true).expect("the option exists");
    let (read, write) = stream.into_split();
    (BufReader::with_capacity(BUFFER, read), write)
}
