use greenroom::prelude::*;

mod counter {
    use greenroom::prelude::*;

    #[actor]
    #[derive(Default)]
    pub struct Counter {
        count: u64,
    }

    #[actor]
    impl Counter {
        #[cast]
        fn add(&mut self, n: u64) {
            self.count += n;
        }

        #[call]
        pub(crate) fn count(&self) -> u64 {
            self.count
        }
    }
}

async fn use_it() -> Result<u64, CallError> {
    let counter = counter::Counter::default().spawn();
    counter.add(1);
    counter.count().await
}

fn main() {}
