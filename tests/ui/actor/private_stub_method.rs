use greenroom::prelude::*;

mod shop {
    use greenroom::prelude::*;

    #[actor]
    #[derive(Default)]
    pub struct Store {
        sold: u64,
    }

    #[actor]
    impl Store {
        #[call]
        pub fn sold(&self) -> u64 {
            self.sold
        }

        #[cast]
        fn count(&mut self, n: u64) {
            self.sold += n;
        }
    }
}

fn main() {
    let store = shop::Store::default().spawn();
    store.count(1);
}
