//! Random types, random edits of them and random values, against a model of the rules.
//!
//! The model converts values, without bytes and shapes. The resolver has to return the model's value, or an
//! error where the model has none.

mod model;
mod reader;
mod types;

use std::collections::HashMap;

use self::model::expected;
use self::types::Rng;
use super::super::deserializer::part;
use super::{Aliases, Resolver, Shape};

/// The result of one case.
enum Outcome {
    /// Read as the writer's own type.
    Unchanged,
    Converted,
    Refused,
}

/// Compares the resolver with the model.
fn check(seed: u64) -> Result<Outcome, String> {
    let mut rng = Rng(seed);
    let mut writer = rng.ty(3);
    let mut reader = writer.clone();
    for _ in 0..rng.below(6) {
        rng.edit(&mut reader);
    }
    if rng.one_in(32) {
        reader = rng.ty(3);
    }
    writer.finish(&mut HashMap::new());
    let mut aliases = HashMap::new();
    reader.finish(&mut aliases);
    let aliases: Aliases = aliases.into_iter().collect();
    let (mut nodes, mut bytes) = (Vec::new(), Vec::new());
    let root = writer.node(&mut nodes);
    let shape = Shape::canonical(&nodes, root);
    let value = rng.value(&writer, &mut bytes);
    let fault = |text: &str| Err(format!("seed {seed}: {text}\n{value:?}\nof {writer:?}\nas {reader:?}"));

    if Shape::decode(&shape.encode()).as_ref() != Ok(&shape) {
        return fault("the peer gets another shape");
    }
    let read = |bytes| {
        let mut resolver = Resolver::new(&shape, &aliases, bytes);
        let value = part(&mut resolver, 0, false, &reader)?;
        resolver.finish().map(|()| value).map_err(|error| Box::new(error.cause))
    };
    let (actual, expected) = (read(&bytes), expected(&writer, &value, &reader));
    if actual.as_ref().ok() != expected.as_ref() {
        return fault(&format!("read {actual:?}, expected {expected:?}"));
    }
    let cut = &bytes[..rng.below(bytes.len().max(1))];
    if cut.len() < bytes.len() && read(cut).is_ok() {
        return fault(&format!("a value was read from {} of {} bytes", cut.len(), bytes.len()));
    }
    if Resolver::new(&shape, &aliases, &bytes).skip(0).map(<[u8]>::len) != Ok(bytes.len()) {
        return fault("another number of bytes was passed over");
    }
    Ok(match expected {
        Some(_) if writer == reader => Outcome::Unchanged,
        Some(_) => Outcome::Converted,
        None => Outcome::Refused,
    })
}

/// `BOLERO_RANDOM_ITERATIONS` is the number of cases, as for hostile bytes.
#[test]
fn an_edited_type_reads_the_value_of_the_model_or_an_error() {
    let cases = std::env::var("BOLERO_RANDOM_ITERATIONS").ok().and_then(|cases| cases.parse().ok()).unwrap_or(20_000);
    let (mut counts, mut faults) = ([0_u64; 3], Vec::new());
    for seed in 0..cases {
        match check(seed) {
            Ok(outcome) => counts[outcome as usize] += 1,
            Err(fault) => faults.push(fault),
        }
    }
    // The shortest one is the easiest to understand.
    if let Some(fault) = faults.iter().min_by_key(|fault| fault.len()) {
        panic!("{} of {cases} cases differ, such as {fault}", faults.len());
    }
    println!("unchanged, converted, refused: {counts:?}");
    assert!(counts.iter().all(|count| *count >= cases / 10), "too few of one kind: {counts:?}");
}
