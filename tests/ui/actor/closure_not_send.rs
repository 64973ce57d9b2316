use greenroom::prelude::*;

#[actor]
struct Runner;

#[actor(local)]
impl Runner {
    #[cast]
    fn run(&mut self, work: Box<dyn FnOnce()>) {
        work();
    }

    #[call]
    fn check(&self) -> Result<(), Box<dyn std::error::Error>> {
        Ok(())
    }
}

fn start() {
    Runner.spawn().run(Box::new(|| {}));
}

fn main() {}
