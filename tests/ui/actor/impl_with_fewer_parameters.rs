use greenroom::prelude::*;

#[actor]
struct Store<K, V> {
    entries: Vec<(K, V)>,
}

#[actor]
impl<V> Store<String, V> {
    #[call]
    fn len(&self) -> usize {
        self.entries.len()
    }
}

fn main() {}
