use greenroom::prelude::*;

struct Job;

#[remote]
fn run(job: Job) {
    drop(job);
}

fn main() {}
