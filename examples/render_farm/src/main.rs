//! A render farm on three worker nodes, each in a process of the operating system. One of them is killed.
//!
//! `cargo run --release -p render_farm` starts the workers, renders a picture on them, and kills one worker when a
//! quarter of the rows is there. Its rows are rendered by the others. The exit code is 0 if the picture is complete and
//! equal to one that is rendered without the farm.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use greenroom::prelude::*;
use render_farm::farm::{Farm, whole};
use render_farm::picture::{self, Picture, ROWS};
use render_farm::render::Render;

const WORKERS: [&str; 3] = ["one@farm", "two@farm", "three@farm"];

#[greenroom::main]
async fn main() -> greenroom::Result {
    match std::env::args().nth(1) {
        Some(name) => work(&name).await,
        None => farm().await,
    }
}

/// Runs a worker: a node on which others may start a `Render`. It ends when its standard input is closed.
async fn work(name: &str) -> greenroom::Result {
    let node = Node::builder(name).cookie(Cookie::load()?).listen("127.0.0.1:0").export::<Render>().start().await?;
    println!("{}", node.address().unwrap_or_default());
    std::thread::spawn(|| {
        // The farm keeps the other end open until it has ended.
        let _ = std::io::stdin().lines().count();
        std::process::exit(0);
    });
    std::future::pending().await
}

/// A worker, which is killed at the latest when the farm has ended.
struct Worker {
    process: Child,
    address: String,
}

impl Worker {
    fn start(name: &str, cookie: &Cookie) -> greenroom::Result<Worker> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(name)
            .env(Cookie::VARIABLE, cookie.expose())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("the worker has no output")?;
        let address = BufReader::new(output).lines().next().ok_or("the worker did not start")??;
        println!("{name} is the process {} and listens at {address}", process.id());
        Ok(Worker { process, address })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn farm() -> greenroom::Result {
    let cookie = Cookie::random()?;
    let mut workers = WORKERS.iter().map(|name| Worker::start(name, &cookie)).collect::<greenroom::Result<Vec<_>>>()?;
    let builder = Node::builder("farm@farm").cookie(cookie);
    let node = workers.iter().fold(builder, |builder, worker| builder.seed(&worker.address)).start().await?;
    let began = Instant::now();
    let farm = node.start(Farm::default()).await?;

    farm.wait_for(ROWS as usize / 4).forever().await?;
    let before = farm.totals().await?.rows;
    workers[1].process.kill()?;
    println!("{} is killed after {before} of {ROWS} rows", WORKERS[1]);
    farm.wait_for(ROWS as usize).forever().await?;

    let totals = farm.totals().await?;
    let picture = whole(farm.picture().await?).ok_or("rows are missing")?;
    print!("{picture}");
    println!(
        "{} rows in {:.1?} by {}; {} were rendered again",
        totals.rows,
        began.elapsed(),
        totals.workers.join(" and "),
        totals.repeated
    );
    node.stop().await;
    let expected = Picture((0..ROWS).map(picture::row).collect());
    if picture != expected {
        return Err(Exit::error("the picture is wrong"));
    }
    println!("the picture is complete");
    Ok(())
}
