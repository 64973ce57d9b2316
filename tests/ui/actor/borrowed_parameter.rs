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
    let greeter = Greeter::default().spawn();
    greeter.greet("Joe");
}

fn main() {}
