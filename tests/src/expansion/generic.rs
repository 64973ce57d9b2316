//! The macros with type parameters and bounds.

use greenroom::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// The messages of a store.
#[protocol]
pub enum StoreMessage<K: Ord, V: Send + 'static = String> {
    /// Adds a value.
    Put {
        /// The key.
        key: K,
        /// The value.
        value: V,
    },
    /// Returns a value.
    Get {
        /// The key.
        key: K,
        /// Sends the value.
        reply: Reply<Option<V>>,
    },
}

/// A store of values by key.
#[actor(protocol = StoreMessage<K, V>)]
#[derive(Debug)]
pub struct Store<K, V>
where
    K: Ord,
{
    /// The values.
    pub values: BTreeMap<K, V>,
}

impl<K, V> Process for Store<K, V>
where
    K: Ord + Send + 'static,
    V: Clone + Send + 'static,
    StoreMessage<K, V>: greenroom::Stubbed,
{
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            receive!(match cx {
                StoreMessage::Put { key, value } => {
                    self.values.insert(key, value);
                }
                StoreMessage::Get { key, reply } if self.values.contains_key(&key) => {
                    reply.send(self.values.get(&key).cloned());
                }
            });
        }
    }
}

/// A bag of values.
#[actor]
#[derive(Debug, Default)]
pub struct Bag<T, const N: usize> {
    values: Vec<T>,
}

#[actor(local)]
impl<T: Debug, const N: usize> Bag<T, N> {
    /// Adds a value if there is room.
    #[cast]
    pub fn put(&mut self, value: T) {
        if self.values.len() < N {
            self.values.push(value);
        }
    }

    /// Returns the values as text.
    #[call]
    #[must_use]
    pub fn text(&self) -> String {
        format!("{:?}", self.values)
    }
}

/// A shelf with a bag.
#[supervisor]
#[derive(Debug)]
pub struct Shelf<T: Debug + Default> {
    /// The label of the bag.
    pub label: T,
    #[child(start = Bag { values: Vec::new() })]
    bag: Bag<T, 2>,
}
