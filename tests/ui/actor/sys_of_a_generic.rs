use greenroom::prelude::*;

#[actor(sys)]
#[derive(Debug)]
struct Store<T> {
    kept: Vec<T>,
}

#[actor(local)]
impl<T: Send + 'static> Store<T> {
    #[cast]
    fn keep(&mut self, value: T) {
        self.kept.push(value);
    }
}

fn main() {}
