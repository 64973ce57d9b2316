use greenroom::prelude::*;

#[actor]
struct Lamp;

#[actor]
impl Lamp {
    #[call]
    fn state(&mut self, #[cfg(all())] reply: Reply<bool>) {
        reply.send(true);
    }

    #[cast]
    fn on(&mut self, #[cfg(all())] cx: &mut Context<Self>) {
        let _ = cx;
    }
}

fn main() {}
