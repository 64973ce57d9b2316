use greenroom::prelude::*;

#[protocol(local)]
enum Job {
    Run { work: Box<dyn FnOnce()> },
    Watch(Vec<Box<dyn Fn(&str) -> bool + 'static>>),
    Keep(Box<dyn FnOnce() + Send>),
}

fn start(job: JobRef) {
    job.run(Box::new(|| {}));
}

fn main() {}
