//! Calls. One caller reads its answers itself. Many callers share the connection through two tasks: one writes their
//! requests, and one reads the answers and passes each to its caller.

use std::time::Instant;

use bench::{Figure, ServerProcess};
use tokio::io::{AsyncWriteExt, BufReader, BufWriter};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

use crate::frame::{Answer, Request};

pub async fn one(name: &'static str, n: u64) -> Vec<Figure> {
    let server = ServerProcess::start();
    let (mut read, mut write) = crate::connect(&server).await;
    let mut count = 0;
    let begin = Instant::now();
    for _ in 0..n {
        Request::Bump { caller: 0 }.write(&mut write).await.expect("the server is running");
        count = Answer::read(&mut read).await.expect("the server is running").count;
    }
    Figure::calls(name, 1, n, begin.elapsed(), count)
}

pub async fn many(name: &'static str, callers: u64, share: u64) -> Vec<Figure> {
    let server = ServerProcess::start();
    let (read, write) = crate::connect(&server).await;
    let (requests, to_write) = mpsc::unbounded_channel();
    let (to_callers, answers): (Vec<_>, Vec<_>) = (0..callers).map(|_| mpsc::unbounded_channel()).unzip();
    let begin = Instant::now();
    tokio::spawn(write_all(write, to_write));
    tokio::spawn(route(read, to_callers));
    let tasks: Vec<_> = (0..)
        .zip(answers)
        .map(|(caller, answers)| tokio::spawn(call(caller, share, requests.clone(), answers)))
        .collect();
    let mut count = 0;
    for task in tasks {
        count = count.max(task.await.expect("the caller is running"));
    }
    Figure::calls(name, callers, share, begin.elapsed(), count)
}

/// Makes one call after the other, and returns the last count.
async fn call(
    caller: u64,
    share: u64,
    requests: mpsc::UnboundedSender<Request>,
    mut answers: mpsc::UnboundedReceiver<u64>,
) -> u64 {
    let mut count = 0;
    for _ in 0..share {
        requests.send(Request::Bump { caller }).expect("the writer is running");
        count = answers.recv().await.expect("the reader is running");
    }
    count
}

/// Writes all requests that are waiting with one system call.
async fn write_all(write: OwnedWriteHalf, mut requests: mpsc::UnboundedReceiver<Request>) {
    let mut write = BufWriter::new(write);
    while let Some(request) = requests.recv().await {
        request.write(&mut write).await.expect("the server is running");
        if requests.is_empty() {
            write.flush().await.expect("the server is running");
        }
    }
}

/// Passes each answer to its caller.
async fn route(mut read: BufReader<OwnedReadHalf>, callers: Vec<mpsc::UnboundedSender<u64>>) {
    while let Ok(Answer { caller, count }) = Answer::read(&mut read).await {
        // A caller that has all its answers has ended.
        let _ = callers[caller as usize].send(count);
    }
}
