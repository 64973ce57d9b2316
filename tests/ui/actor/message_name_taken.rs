use greenroom::prelude::*;

enum LampMessage {}

#[actor]
struct Lamp;

#[actor]
impl Lamp {
    #[cast]
    fn on(&mut self) {}
}

fn main() {
    Lamp.spawn().on();
    let _: Option<LampMessage> = None;
}
