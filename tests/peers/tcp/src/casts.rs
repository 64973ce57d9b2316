//! Casts: one task writes all messages into a buffer.

use std::time::Instant;

use bench::{Figure, ServerProcess, Size, size};
use tokio::io::{AsyncWriteExt, BufWriter};

use crate::frame::{Answer, Request};

pub async fn cast(size: Size) -> Vec<Figure> {
    let n = size.of(size::REMOTE_CASTS);
    let server = ServerProcess::start();
    let (mut read, write) = crate::connect(&server).await;
    let mut write = BufWriter::with_capacity(crate::BUFFER, write);
    let begin = Instant::now();
    for _ in 0..n {
        Request::Add(1).write(&mut write).await.expect("the server is running");
    }
    Request::Bump { caller: 0 }.write(&mut write).await.expect("the server is running");
    write.flush().await.expect("the server is running");
    let Answer { count, .. } = Answer::read(&mut read).await.expect("the server is running");
    vec![Figure::rate("rcast", n, begin.elapsed(), count - 1)]
}
