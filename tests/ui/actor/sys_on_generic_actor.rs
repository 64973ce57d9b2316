use greenroom::prelude::*;

#[actor(sys)]
#[derive(Debug)]
struct Store<T> {
    values: Vec<T>,
}

#[actor(local)]
impl<T: Send + 'static> Store<T> {
    #[cast]
    fn add(&mut self, value: T) {
        self.values.push(value);
    }
}

fn main() {}
