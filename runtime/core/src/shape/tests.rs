//! Values of one version of a type that are read as another version.

mod fields;
mod hostile;
mod numbers;
mod parts;
mod random;
mod variants;

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Aliases, Recorder, Resolver, Shape};

/// Returns the shape of a type, and the aliases in it.
fn record<T: DeserializeOwned>() -> (Shape, Aliases) {
    let mut recorder = Recorder::new();
    let recorded = recorder.record::<T>().expect("the type can be recorded");
    let aliases = recorder.aliases();
    (Shape::canonical(&recorder.into_nodes(), recorded.0), aliases)
}

fn shape<T: DeserializeOwned>() -> Shape {
    record::<T>().0
}

/// Reads the value of a writer as a `Reader`.
fn read<Writer, Reader>(value: &Writer) -> Result<Reader, String>
where
    Writer: Serialize + DeserializeOwned,
    Reader: DeserializeOwned,
{
    let (shape, (_, aliases)) = (shape::<Writer>(), record::<Reader>());
    assert_eq!(Shape::decode(&shape.encode()).as_ref(), Ok(&shape), "as the peer gets it");
    let bytes = postcard::to_allocvec(value).expect("the value can be written");
    let mut resolver = Resolver::new(&shape, &aliases, &bytes);
    let read = resolver.read::<Reader>(0).map_err(|error| error.to_string())?;
    resolver.finish().map_err(|error| error.to_string())?;
    for end in 0..bytes.len() {
        let mut cut = Resolver::new(&shape, &aliases, &bytes[..end]);
        assert!(cut.read::<Reader>(0).is_err(), "cut at {end}");
    }
    Ok(read)
}

/// Checks a pair of types in both directions: a value of the old type read as the new one, and the reverse. An error is
/// given by its text.
fn pair<Old, New>(old: Old, as_new: Result<New, &str>, new: New, as_old: Result<Old, &str>)
where
    Old: Serialize + DeserializeOwned + PartialEq + Debug,
    New: Serialize + DeserializeOwned + PartialEq + Debug,
{
    assert_eq!(read::<Old, New>(&old), as_new.map_err(str::to_owned), "{old:?} as the new type");
    assert_eq!(read::<New, Old>(&new), as_old.map_err(str::to_owned), "{new:?} as the old type");
    // A type is read as itself.
    assert_eq!(read::<Old, Old>(&old), Ok(old));
    assert_eq!(read::<New, New>(&new), Ok(new));
}

/// Checks a pair whose values are read in both directions.
fn same<Old, New>(old: Old, new: New)
where
    Old: Serialize + DeserializeOwned + PartialEq + Debug + Clone,
    New: Serialize + DeserializeOwned + PartialEq + Debug + Clone,
{
    pair(old.clone(), Ok(new.clone()), new, Ok(old));
}

/// Checks a pair of which neither is read as the other.
fn differ<Old, New>(old: Old, as_new: &str, new: New, as_old: &str)
where
    Old: Serialize + DeserializeOwned + PartialEq + Debug,
    New: Serialize + DeserializeOwned + PartialEq + Debug,
{
    pair(old, Err(as_new), new, Err(as_old));
}
