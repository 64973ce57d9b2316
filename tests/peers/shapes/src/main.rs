//! The time to read a value of another version of its type, compared with serde_json.
//!
//! greenroom reads postcard's bytes by the shape of the writer's type, serde_json its own text. Both read the same value
//! into the newer type, whose fields and variants are in another order. The ratio should not be above 1.2.

// Items without a use here have one in the runtime.
#![allow(dead_code, unused_imports)]

#[path = "../../../../runtime/core/src/shape/mod.rs"]
mod shape;

use std::hint::black_box;
use std::time::Instant;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::shape::{Aliases, Recorder, Resolver, Shape};

/// The rounds, of which the median is printed.
const ROUNDS: usize = 9;
/// The values that are read in a round.
const VALUES: u32 = 100_000;

mod old {
    use super::{Deserialize, Serialize};

    #[derive(Clone, Serialize, Deserialize)]
    pub(super) struct Reading {
        pub(super) sensor: u32,
        pub(super) drift: i64,
        pub(super) valid: bool,
        pub(super) value: f64,
        pub(super) unit: u8,
    }

    #[derive(Serialize, Deserialize)]
    pub(super) struct Article {
        pub(super) id: u64,
        pub(super) name: String,
        pub(super) tags: Vec<String>,
        pub(super) note: Option<String>,
        pub(super) on_sale: bool,
    }

    #[derive(Serialize, Deserialize)]
    pub(super) enum Payment {
        Cash,
        Transfer { id: u64, from: u32, to: u32, amount: i64, urgent: bool },
    }
}

mod new {
    use super::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    pub(super) struct Reading {
        unit: u16,
        value: f64,
        valid: bool,
        drift: i64,
        sensor: u64,
        #[serde(default)]
        room: u32,
    }

    #[derive(Serialize, Deserialize)]
    pub(super) struct Article {
        on_sale: bool,
        #[serde(alias = "note")]
        remark: Option<String>,
        tags: Vec<String>,
        name: String,
        id: u64,
    }

    #[derive(Serialize, Deserialize)]
    pub(super) enum Payment {
        Transfer {
            to: u64,
            from: u64,
            id: u64,
            amount: i64,
            #[serde(default)]
            text: String,
        },
        Cash,
        Card(u64),
    }
}

fn main() {
    println!("{:<10} {:>12} {:>12} {:>6}", "value", "greenroom", "serde_json", "ratio");
    let reading = old::Reading { sensor: 1, drift: -5, valid: true, value: 1.5, unit: 7 };
    compare::<_, new::Reading>("reading", &reading);
    compare::<_, Vec<new::Reading>>("readings", &vec![reading; 20]);
    let (name, tags) = ("a name".to_owned(), vec!["one".to_owned(), "two".to_owned()]);
    let article = old::Article { id: 7, name, tags, note: Some("a note".to_owned()), on_sale: true };
    compare::<_, new::Article>("article", &article);
    let payment = old::Payment::Transfer { id: 123_456_789, from: 1000, to: 70_000, amount: -5_000_000, urgent: true };
    compare::<_, new::Payment>("payment", &payment);
}

fn compare<Old: Serialize + DeserializeOwned, New: DeserializeOwned>(name: &str, value: &Old) {
    let ((shape, _), (_, aliases)) = (record::<Old>(), record::<New>());
    let bytes = postcard::to_allocvec(value).expect("a value of serde's plain types");
    let text = serde_json::to_vec(value).expect("a value of serde's plain types");
    let mut rounds: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let resolved = nanoseconds(|| {
                let mut resolver = Resolver::new(&shape, &aliases, black_box(&bytes));
                let value = resolver.read::<New>(0).expect("the new type reads the old one");
                resolver.finish().expect("all bytes are read");
                value
            });
            let parsed =
                nanoseconds(|| serde_json::from_slice::<New>(black_box(&text)).expect("serde_json reads the text"));
            (resolved, parsed)
        })
        .collect();
    rounds.sort_by(|one, other| f64::total_cmp(&(one.0 / one.1), &(other.0 / other.1)));
    let (resolved, parsed) = rounds[ROUNDS / 2];
    println!("{name:<10} {resolved:>9.0} ns {parsed:>9.0} ns {:>6.2}", resolved / parsed);
}

fn record<T: DeserializeOwned>() -> (Shape, Aliases) {
    let mut recorder = Recorder::new();
    let root = recorder.record::<T>().expect("the type can be recorded").0;
    let aliases = recorder.aliases();
    (Shape::canonical(&recorder.into_nodes(), root), aliases)
}

fn nanoseconds<T>(mut read: impl FnMut() -> T) -> f64 {
    let start = Instant::now();
    for _ in 0..VALUES {
        black_box(read());
    }
    start.elapsed().as_nanos() as f64 / f64::from(VALUES)
}
