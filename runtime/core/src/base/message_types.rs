//! The types that can be parts of a message without the feature `serde`: greenroom's own, and those of the standard
//! library.
//!
//! A type of the program needs the feature, or a protocol that is `local`. The lists must not claim more than serde
//! does, so that a program that compiles without the feature compiles with it. The unit tests, which have the feature,
//! check each list against serde.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::{CString, OsString};
use std::hash::Hash;
use std::marker::PhantomData;
use std::num::{NonZero, Wrapping};
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

#[cfg(not(feature = "serde"))]
mod traits;

use super::{
    CallError, CallErrorKind, CallWait, DecodeError, EncodeError, Exit, MonitorRef, NodeId, NodeName, Pid, Shutdown,
    StartError, Subject,
};

/// Implements both traits for types, if the parameters in front of them have the traits.
#[cfg(not(feature = "serde"))]
macro_rules! serializable {
    ($([$($param:ident $(: $bound:ident $(+ $more:ident)*)?),*] $ty:ty),* $(,)?) => {
        $(
            impl<$($param: $crate::base::Serialize $(+ $bound $(+ $more)*)?),*> $crate::base::Serialize for $ty {}
            impl<'de, $($param: $crate::base::Deserialize<'de> $(+ $bound $(+ $more)*)?),*>
                $crate::base::Deserialize<'de> for $ty {}
        )*
    };
}

/// Checks that serde has both traits for the types.
#[cfg(feature = "serde")]
macro_rules! serializable {
    ($([$($param:ident $(: $bound:ident $(+ $more:ident)*)?),*] $ty:ty),* $(,)?) => {
        $(
            const _: () = {
                fn check<T: serde::Serialize + serde::de::DeserializeOwned>() {}
                #[allow(dead_code)]
                fn check_type<$($param: serde::Serialize + serde::de::DeserializeOwned $(+ $bound $(+ $more)*)?),*>() {
                    check::<$ty>();
                }
            };
        )*
    };
}

pub(crate) use serializable;
#[cfg(not(feature = "serde"))]
pub use traits::{Deserialize, DeserializeOwned, Deserializer, Serialize, Serializer};

serializable! {
    [] (), [] bool, [] char, [] String, [] f32, [] f64,
    [] i8, [] i16, [] i32, [] i64, [] i128, [] isize, [] u8, [] u16, [] u32, [] u64, [] u128, [] usize,
    [] NonZero<i8>, [] NonZero<i16>, [] NonZero<i32>, [] NonZero<i64>, [] NonZero<i128>, [] NonZero<isize>,
    [] NonZero<u8>, [] NonZero<u16>, [] NonZero<u32>, [] NonZero<u64>, [] NonZero<u128>, [] NonZero<usize>,
    [] Duration, [] SystemTime, [] CString, [] OsString, [] PathBuf,
    [] IpAddr, [] Ipv4Addr, [] Ipv6Addr, [] SocketAddr, [] SocketAddrV4, [] SocketAddrV6,
    [] Box<str>, [] Arc<str>, [] Cow<'static, str>,
    [T] PhantomData<T>, [T] Box<T>, [T] Box<[T]>, [T] Arc<T>, [T] Arc<[T]>, [T] Option<T>, [T] Wrapping<T>,
    [T] Range<T>, [T] RangeInclusive<T>, [T] Vec<T>, [T] VecDeque<T>, [T] LinkedList<T>,
    [T: Ord] BinaryHeap<T>, [T: Ord] BTreeSet<T>, [T: Eq + Hash] HashSet<T>,
    [T, E] Result<T, E>, [K: Ord, V] BTreeMap<K, V>, [K: Eq + Hash, V] HashMap<K, V>,
    [A] (A,), [A, B] (A, B), [A, B, C] (A, B, C), [A, B, C, D] (A, B, C, D), [A, B, C, D, E] (A, B, C, D, E),
    [A, B, C, D, E, F] (A, B, C, D, E, F), [A, B, C, D, E, F, G] (A, B, C, D, E, F, G),
    [A, B, C, D, E, F, G, H] (A, B, C, D, E, F, G, H),
    // Of this module.
    [] CallError, [] CallErrorKind, [] CallWait, [] DecodeError, [] EncodeError, [] Exit, [] MonitorRef, [] NodeId, [] NodeName, [] Pid, [] Shutdown,
    [] StartError, [] Subject,
}

/// Arrays of the lengths that serde has.
macro_rules! arrays {
    ($($length:literal)*) => { serializable! { $([T] [T; $length]),* } };
}

arrays! { 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 }
