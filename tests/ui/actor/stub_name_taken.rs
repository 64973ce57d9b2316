use greenroom::prelude::*;

#[actor]
struct Lamp;

#[actor]
impl Lamp {
    #[cast]
    fn on(&mut self) {}
}

struct LampRef;

fn main() {
    Lamp.spawn().on();
    let _ = LampRef;
}
