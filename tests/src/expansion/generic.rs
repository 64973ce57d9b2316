//! Type parameters, with bounds.

use greenroom::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// What a store understands.
#[protocol]
pub enum Stored<K: Ord, V: Send + 'static = String> {
    /// Puts a value in.
    Put {
        /// Where.
        key: K,
        /// What.
        value: V,
    },
    /// Gets it out.
    Get {
        /// Where.
        key: K,
        /// Takes the value.
        reply: Reply<Option<V>>,
    },
}

/// Keeps values by key.
#[actor(protocol = Stored<K, V>)]
#[derive(Debug)]
pub struct Keeper<K, V>
where
    K: Ord,
{
    /// What is there from the beginning.
    pub values: BTreeMap<K, V>,
}

impl<K, V> Process for Keeper<K, V>
where
    K: Ord + Send + 'static,
    V: Clone + Send + 'static,
    Stored<K, V>: greenroom::Stubbed,
{
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            receive!(match cx {
                Stored::Put { key, value } => {
                    self.values.insert(key, value);
                }
                Stored::Get { key, reply } if self.values.contains_key(&key) => {
                    reply.send(self.values.get(&key).cloned());
                }
            });
        }
    }
}

/// Collects values.
#[actor]
#[derive(Debug, Default)]
pub struct Bag<T, const N: usize> {
    values: Vec<T>,
}

#[actor(local)]
impl<T: Debug, const N: usize> Bag<T, N> {
    /// Puts a value in, if there is room.
    #[cast]
    pub fn put(&mut self, value: T) {
        if self.values.len() < N {
            self.values.push(value);
        }
    }

    /// What is in it, as text.
    #[call]
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{:?}", self.values)
    }
}

/// Keeps a bag.
#[supervisor]
#[derive(Debug)]
pub struct Closet<T: Debug + Default> {
    /// How the bag is labelled.
    pub label: T,
    #[child(start = Bag { values: Vec::new() })]
    bag: Bag<T, 2>,
}
