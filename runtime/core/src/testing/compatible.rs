//! The check of a protocol against the shape of an earlier release.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::{env, fs};

use base64::prelude::{BASE64_STANDARD, Engine};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::base::{Definition, FieldError, OwnDefinition, Protocol, ReceivedDefinition};
use crate::node::{CallerNode, Current, Node, OutstandingCalls, ReceivedReplies};
use crate::process::{protocol_definition, resolve_message};
use crate::shape::{Cause, Node as ShapeNode, Samples, Shape, describe, unreadable_answers};
use crate::wire::Epoch;

/// The environment variable that has the files written.
const VARIABLE: &str = "GREENROOM_SHAPES";
/// The line before the encoded shape.
const SHAPE: &str = "shape: ";

/// Fails if this program cannot read the messages of a protocol's released version, whose shape is in a file.
///
/// ```no_run
/// # use greenroom::prelude::*;
/// # #[protocol]
/// # enum Mail { Post { body: String } }
/// #[test]
/// fn the_next_release_reads_the_mail_of_the_first() {
///     greenroom::assert_compatible!(Mail, "shapes/mail-1.shape");
/// }
/// ```
///
/// The path is relative to the package's `Cargo.toml`. `GREENROOM_SHAPES=write cargo test` writes the file from the
/// protocol as it is. Do so before a release, and commit the file. It describes the messages as text, so a change of it
/// is readable in a review.
///
/// # What is compared
/// - Each message of the released protocol is made with many values: every variant, `None` and `Some`, the ends of each
///   number. The protocol of today must read each of them. A field that is new and has no default is found in this way, as
///   well as a number that has become narrower.
/// - A type that refuses some values, as `NonZeroU32` does, must accept one of those that were tried.
/// - The answers go the other way. The type of each answer is compared with the released one by its structure. A field
///   that is not sent any more is reported, for defaults of the released type are not in the file. A wider number, a new
///   variant and a new `Option` are not: the release reads those answers that fit.
///
/// Needs the features `net` and `test`.
///
/// # Panics
/// A message cannot be read, or the file cannot. The panic lists the first parts of each message that cannot be read:
/// behind one of them, others of the same message can follow.
#[macro_export]
macro_rules! assert_compatible {
    ($protocol:ty, $file:expr $(,)?) => {
        $crate::testing::assert_compatible::<$protocol>(
            ::std::env!("CARGO_MANIFEST_DIR"),
            ::std::convert::AsRef::as_ref($file),
        )
    };
}

/// Compares the protocol with the shape in a file.
#[track_caller]
pub fn assert_compatible<M: Protocol>(package: &str, file: &Path) {
    // The types of a protocol run on a node, and a node needs a runtime. Nothing is spawned on it.
    let runtime =
        Handle::try_current().is_err().then(|| Builder::new_current_thread().build().expect("a tokio runtime"));
    let _entered = runtime.as_ref().map(Runtime::enter);
    let node = Node::local();
    let own = protocol_definition::<M>(&node);
    let own = own.unwrap_or_else(|| panic!("the protocol `{}` is local: no other release reads its messages", M::NAME));
    let definition =
        own.get().unwrap_or_else(|reason| panic!("`{}` cannot be sent to another node: {reason}", M::NAME));
    let path = Path::new(package).join(file);
    if env::var(VARIABLE).is_ok_and(|value| value == "write") {
        write(&path, definition);
        return;
    }
    let hint = format!("`{VARIABLE}=write cargo test` writes it from the protocol as it is");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => panic!("the released shape `{}` cannot be read: {error}\n{hint}", path.display()),
    };
    let released =
        parse(&text).unwrap_or_else(|reason| panic!("`{}` is not a released shape: {reason}\n{hint}", path.display()));
    let problems = differences::<M>(&node, own, released);
    if !problems.is_empty() {
        let list: String = problems.iter().map(|problem| format!("\n  - {problem}")).collect();
        panic!("`{}` cannot be used together with the release in `{}`:{list}", definition.name, path.display());
    }
}

/// Writes the file of a protocol.
fn write(path: &Path, definition: &Definition) {
    let shape = Shape::decode(&definition.shape)
        .unwrap_or_else(|_| panic!("the shape of `{}` is too large to be sent to another node", definition.name));
    let Definition { name, version, .. } = definition;
    let mut text = String::from("# The messages of a released protocol, for `greenroom::assert_compatible!`.\n");
    // Writing to a string cannot fail.
    let _ = write!(text, "protocol: {name}\nversion: {version}\n\n{}\n", describe(&shape));
    let _ = writeln!(text, "{SHAPE}{}", BASE64_STANDARD.encode(&definition.shape));
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    if let Err(error) = folder.and_then(|()| fs::write(path, text)) {
        panic!("the released shape `{}` cannot be written: {error}", path.display());
    }
}

/// Reads the contents of a file.
fn parse(text: &str) -> Result<Definition, String> {
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        line.map(str::trim).ok_or_else(|| format!("it has no line `{key}..`"))
    };
    let version = value("version: ")?.parse().map_err(|_| "its version is not a number".to_owned())?;
    let shape = BASE64_STANDARD.decode(value(SHAPE)?).map_err(|error| format!("its shape is not base64: {error}"))?;
    Ok(Definition { name: value("protocol: ")?.into(), version, fingerprint: 0, shape: shape.into() })
}

/// Returns a line for each part of the released messages that the protocol `M` cannot read.
fn differences<M: Protocol>(node: &Node, own: &OwnDefinition, released: Definition) -> BTreeSet<String> {
    let today = own.get().map(|own| Shape::decode(&own.shape));
    let (Ok(Ok(today)), Ok(shape)) = (today, Shape::decode(&released.shape)) else {
        return BTreeSet::from(["the shape is damaged, or too large to be sent to another node".to_owned()]);
    };
    let received = ReceivedDefinition::new(Arc::new(released));
    let mut problems = BTreeSet::new();
    for (number, variant) in shape.parts(0).iter().enumerate() {
        if !matches!(shape.node(variant.node), ShapeNode::Struct(_)) {
            // Other nodes do not send it.
            continue;
        }
        let name = format!("`{}::{}`", M::NAME, variant.name);
        let lines = match Samples::new(&shape, variant.node) {
            Some(samples) => {
                let read = |bytes: &[u8], replies| {
                    with_replies(node, replies, || read_sample::<M>(&received, own, number as u32, bytes))
                };
                unreadable_samples(samples, read)
            }
            None => BTreeSet::from(["a part of it has no known structure, so it cannot change".to_owned()]),
        };
        problems.extend(lines.iter().map(|line| format!("{name}: {line}")));
        if let Some(today_variant) = variant.find(today.parts(0)) {
            let lines = unreadable_answers((&today, today_variant.node), (&shape, variant.node));
            problems.extend(lines.iter().map(|line| format!("{name}: the release cannot read its answer: {line}")));
        }
    }
    problems
}

/// A value that cannot be read.
struct Refusal {
    text: String,
    /// The number of bytes that were read.
    position: usize,
    /// The type has no rule by which it could be read. Otherwise the type itself refused the value.
    is_of_types: bool,
}

/// Returns a line for each reason why samples cannot be read.
fn unreadable_samples(mut samples: Samples<'_>, read: impl Fn(&[u8], u32) -> Result<(), Refusal>) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    while let Some((bytes, replies)) = samples.next() {
        let Err(refusal) = read(&bytes, replies) else {
            samples.accept();
            continue;
        };
        let is_never_accepted = samples.refuse(refusal.position);
        if refusal.is_of_types {
            lines.insert(refusal.text);
        } else if is_never_accepted && lines.is_empty() {
            lines.insert(format!("{}; all other values that were tried were refused, too", refusal.text));
        }
    }
    if samples.is_cut() {
        lines.insert(
            "it has more kinds of values than can be tried: put parts of it into messages of their own".to_owned(),
        );
    }
    lines
}

fn read_sample<M: Protocol>(
    received: &ReceivedDefinition,
    own: &OwnDefinition,
    variant: u32,
    bytes: &[u8],
) -> Result<(), Refusal> {
    let unread = |text| Refusal { text, position: bytes.len(), is_of_types: true };
    let (variant, mut fields) =
        received.fields(own, variant, bytes).map_err(|message| unread(message.error.to_string()))?;
    match resolve_message::<M>(variant, &mut fields) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(unread("it was removed".to_owned())),
        Err(FieldError(error)) => {
            let is_of_types = !matches!(error.cause, Cause::Other(_));
            Err(Refusal { text: error.to_string(), position: fields.position(bytes), is_of_types })
        }
    }
}

/// Runs `read` on a message with so many calls of another node.
fn with_replies<R>(node: &Node, count: u32, read: impl FnOnce() -> R) -> R {
    let caller = CallerNode { id: Arc::clone(node.id()), epoch: Epoch::LOCAL, calls: OutstandingCalls::default() };
    let ids: Vec<u64> = (1..=u64::from(count)).collect();
    let read = || Current::with_received(ReceivedReplies::new(caller, &ids), read).0;
    Current::collect_dropped(node, Node::SYSTEM, read).0
}
