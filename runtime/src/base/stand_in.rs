//! Without the feature `serde`: traits of the same names, and the types that have them.
//!
//! A message's parts must be able to travel, whether or not there are other nodes: a program that holds without a feature
//! holds with it. So the types here are among those that have serde's traits: what the standard library and greenroom
//! have for it. A type of one's own needs the feature, or a protocol that is `local`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::{CString, OsString};
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::{NonZero, Wrapping};
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{
    CallError, DecodeError, Down, EncodeError, Exit, ExitSignal, MonitorRef, NameError, NodeEvent, NodeId, NodeName,
    Pid, StartError, Subject,
};

/// What could be written to another node.
pub trait Serialize {
    /// Never called.
    ///
    /// # Errors
    /// The serializer's own.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.refuse()
    }
}

/// What could be read from another node.
pub trait Deserialize<'de>: Sized {
    /// Never called.
    ///
    /// # Errors
    /// The deserializer's own.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Err(deserializer.refuse())
    }
}

/// What could be read, and borrows nothing.
pub trait DeserializeOwned: for<'de> Deserialize<'de> {}

impl<T: for<'de> Deserialize<'de>> DeserializeOwned for T {}

/// What would write: there is none.
pub trait Serializer {
    /// What it returns.
    type Ok;
    /// What may go wrong.
    type Error;

    /// Writes nothing.
    ///
    /// # Errors
    /// Always.
    fn refuse(self) -> Result<Self::Ok, Self::Error>;
}

/// What would read: there is none.
pub trait Deserializer<'de> {
    /// What may go wrong.
    type Error;

    /// Reads nothing.
    fn refuse(self) -> Self::Error;
}

/// Types that could travel, if the parameters in front of them do.
macro_rules! travel {
    ($([$($param:ident $(: $bound:ident $(+ $more:ident)*)?),*] $ty:ty),* $(,)?) => {
        $(
            impl<$($param: $crate::base::Serialize $(+ $bound $(+ $more)*)?),*> $crate::base::Serialize for $ty {}
            impl<'de, $($param: $crate::base::Deserialize<'de> $(+ $bound $(+ $more)*)?),*>
                $crate::base::Deserialize<'de> for $ty {}
        )*
    };
}
pub(crate) use travel;

travel! {
    [] (), [] bool, [] char, [] String, [] f32, [] f64,
    [] i8, [] i16, [] i32, [] i64, [] i128, [] isize, [] u8, [] u16, [] u32, [] u64, [] u128, [] usize,
    [] NonZero<i8>, [] NonZero<i16>, [] NonZero<i32>, [] NonZero<i64>, [] NonZero<i128>, [] NonZero<isize>,
    [] NonZero<u8>, [] NonZero<u16>, [] NonZero<u32>, [] NonZero<u64>, [] NonZero<u128>, [] NonZero<usize>,
    [] Duration, [] SystemTime, [] CString, [] OsString, [] PathBuf,
    [] IpAddr, [] Ipv4Addr, [] Ipv6Addr, [] SocketAddr, [] SocketAddrV4, [] SocketAddrV6,
    [] Box<str>, [] Arc<str>, [] Cow<'static, str>,
    [T] Box<T>, [T] Box<[T]>, [T] Arc<T>, [T] Arc<[T]>, [T] Option<T>, [T] Wrapping<T>, [T] Range<T>,
    [T] RangeInclusive<T>, [T] Vec<T>, [T] VecDeque<T>, [T] LinkedList<T>, [T: Ord] BinaryHeap<T>, [T: Ord] BTreeSet<T>,
    [T, E] Result<T, E>, [K: Ord, V] BTreeMap<K, V>,
    [A] (A,), [A, B] (A, B), [A, B, C] (A, B, C), [A, B, C, D] (A, B, C, D), [A, B, C, D, E] (A, B, C, D, E),
    [A, B, C, D, E, F] (A, B, C, D, E, F), [A, B, C, D, E, F, G] (A, B, C, D, E, F, G),
    [A, B, C, D, E, F, G, H] (A, B, C, D, E, F, G, H),
    // Of this floor.
    [] CallError, [] DecodeError, [] Down, [] EncodeError, [] Exit, [] ExitSignal, [] MonitorRef, [] NameError,
    [] NodeEvent, [] NodeId, [] NodeName, [] Pid, [] StartError, [] Subject,
}

// What a bound in front does not say.

impl<T: ?Sized> Serialize for PhantomData<T> {}
impl<T: ?Sized> Deserialize<'_> for PhantomData<T> {}

impl<K: Serialize, V: Serialize, H> Serialize for HashMap<K, V, H> {}
impl<'de, K, V, H> Deserialize<'de> for HashMap<K, V, H>
where
    K: Deserialize<'de> + Eq + Hash,
    V: Deserialize<'de>,
    H: BuildHasher + Default,
{
}

impl<T: Serialize, H> Serialize for HashSet<T, H> {}
impl<'de, T: Deserialize<'de> + Eq + Hash, H: BuildHasher + Default> Deserialize<'de> for HashSet<T, H> {}

/// Arrays of up to 32, as serde has them.
macro_rules! arrays {
    ($($length:literal)*) => { travel! { $([T] [T; $length]),* } };
}

arrays! { 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 }
