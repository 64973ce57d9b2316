use greenroom::prelude::*;

struct Job;

#[remote]
fn job() -> Job {
    Job
}

fn main() {}
