//! Types of the standard library.

use core::net::{IpAddr, SocketAddr};
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsString;
use std::marker::PhantomData;
use std::num::{NonZeroI8, NonZeroU32};
use std::ops::{Bound, Range, RangeInclusive};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::check;

#[test]
fn primitives() {
    check::<(u8, u16, u32, u64, u128, usize)>("tuple(u8, u16, u32, u64, u128, u64)");
    check::<(i8, i16, i32, i64, i128, isize)>("tuple(i8, i16, i32, i64, i128, i64)");
    check::<(bool, f32, f64, char, ())>("tuple(bool, f32, f64, char, ())");
}

#[test]
fn texts() {
    check::<(String, Box<str>, Arc<str>, Cow<'static, str>, PathBuf)>("tuple(text, text, text, text, text)");
}

#[test]
fn collections() {
    check::<(Vec<u8>, Box<[u8]>, HashSet<u8>, BTreeSet<String>)>("tuple([u8], [u8], [u8], [text])");
    check::<HashMap<String, Vec<u32>>>("map(text, [u32])");
    check::<BTreeMap<u8, (bool, bool)>>("map(u8, tuple(bool, bool))");
}

#[test]
fn options_and_results() {
    check::<Option<Option<u8>>>("u8??");
    check::<Result<u8, String>>("<Ok u8 | Err text>");
    check::<Option<Result<Option<()>, bool>>>("<Ok ()? | Err bool>?");
}

#[test]
fn wrappers_do_not_appear() {
    check::<(Box<u8>, Arc<u8>, Cell<u8>, std::num::Wrapping<u8>, std::cmp::Reverse<u8>)>("tuple(u8, u8, u8, u8, u8)");
    check::<PhantomData<u8>>("()");
}

#[test]
fn types_that_refuse_zero() {
    check::<(NonZeroU32, NonZeroI8, u8)>("tuple(u32, i8, u8)");
    check::<HashMap<NonZeroU32, Option<NonZeroU32>>>("map(u32, u32?)");
}

#[test]
fn addresses() {
    let v4 = "tuple(u8, u8, u8, u8)";
    let v6 = format!("tuple({})", ["u8"; 16].join(", "));
    check::<IpAddr>(&format!("<V4 {v4} | V6 {v6}>"));
    check::<SocketAddr>(&format!("<V4 tuple({v4}, u16) | V6 tuple({v6}, u16)>"));
}

#[test]
fn times() {
    check::<Duration>("{secs: u64, nanos: u32}");
    check::<SystemTime>("{secs_since_epoch: u64, nanos_since_epoch: u32}");
}

#[test]
fn ranges() {
    check::<(Range<u32>, RangeInclusive<i8>)>("tuple({start: u32, end: u32}, {start: i8, end: i8})");
    check::<Bound<u8>>("<Unbounded | Included u8 | Excluded u8>");
}

/// The other platform's variant is refused.
#[test]
fn platform_types() {
    let expected = if cfg!(windows) { "<Unix ? | Windows [u16]>" } else { "<Unix [u8] | Windows ?>" };
    check::<OsString>(expected);
    check::<(OsString, u8)>(&format!("tuple({expected}, u8)"));
}
