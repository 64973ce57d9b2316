use greenroom::prelude::*;

#[actor]
#[derive(Default)]
struct Greeter {
    greeted: Vec<String>,
}

#[actor]
impl Greeter {
    #[cast]
    fn greet(&mut self, name: &str) {
        self.greeted.push(name.to_owned());
    }
}

fn greet() {
    let _greeter = Greeter::default().spawn();
}

fn main() {}
