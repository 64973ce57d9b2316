//! The composite values that were entered and not left, and the place of an error in them.

use std::fmt::Write;

use crate::shape::error::{Cause, Result, ShapeError};
use crate::shape::input::MAX_DEPTH;
use crate::shape::node::{Field, NodeIndex};

/// The stack of values.
#[derive(Default)]
pub(super) struct Frames<'s> {
    frames: Vec<Frame<'s>>,
    /// The place of the first error.
    fault: Option<Fault>,
}

/// A value that was entered.
pub(super) struct Frame<'s> {
    pub(super) parts: Parts<'s>,
    /// The position of the next part.
    pub(super) next: usize,
    /// The key of a struct or a map was read, and its value was not.
    pub(super) is_pending: bool,
}

/// The parts of a value.
pub(super) enum Parts<'s> {
    /// The content of an option, if there is any.
    Option(Option<NodeIndex>),
    /// Equal elements, and how many are left.
    Elements(NodeIndex, u64),
    Tuple(&'s [NodeIndex]),
    /// The fields, and the reader's names of its own.
    Fields(&'s [Field], Names<'s>),
    /// Keys and values, and how many are left.
    Entries(NodeIndex, NodeIndex, u64),
    Variant {
        variant: &'s Field,
        /// The reader's names of its variants.
        names: Names<'s>,
        is_read: bool,
    },
}

/// The names of the fields or variants of the reader's type.
#[derive(Clone, Copy)]
pub(super) struct Names<'s> {
    /// All names, with the aliases.
    pub(super) all: &'static [&'static str],
    /// The names of each field, if the type has aliases.
    pub(super) groups: Option<&'s Vec<Vec<&'static str>>>,
}

impl<'s> Names<'s> {
    /// Returns the name by which the reader has the writer's field. If it does not have the field, that is the writer's.
    pub(super) fn of(&self, field: &'s Field) -> Result<&'s str> {
        if field.aliases.is_empty() {
            return Ok(&field.name);
        }
        let names = || std::iter::once(&*field.name).chain(field.aliases.iter().map(|alias| &**alias));
        let known: Vec<_> = names().filter(|name| self.all.contains(name)).collect();
        let Some(first) = known.first() else { return Ok(&field.name) };
        let is_group = |group: &Vec<&str>| known.iter().all(|name| group.contains(name));
        let is_unique = known.len() == 1 || self.groups.is_some_and(|groups| groups.iter().any(is_group));
        if is_unique { Ok(*first) } else { Err(Cause::Ambiguous.into()) }
    }
}

/// The place of an error.
struct Fault {
    path: String,
    /// Each value of the type has a part at the path.
    is_in_each_value: bool,
}

impl<'s> Frames<'s> {
    /// The number of values.
    pub(super) fn depth(&self) -> usize {
        self.frames.len()
    }

    pub(super) fn enter(&mut self, parts: Parts<'s>) -> Result<()> {
        if self.depth() >= MAX_DEPTH {
            return Err(Cause::Limit("values are nested deeper than 128 levels").into());
        }
        self.frames.push(Frame { parts, next: 0, is_pending: false });
        Ok(())
    }

    /// Removes the last value. `error` is that of the whole value.
    pub(super) fn leave(&mut self, error: Option<&Cause>) -> Option<Frame<'s>> {
        if error.is_some() {
            self.fail(self.depth().saturating_sub(1));
        }
        self.frames.pop()
    }

    /// Returns the last value.
    pub(super) fn top(&mut self) -> Result<&mut Frame<'s>> {
        let outside = || Cause::Malformed("a part was read outside of its value").into();
        self.frames.last_mut().ok_or_else(outside)
    }

    pub(super) fn last(&self) -> Option<&Frame<'s>> {
        self.frames.last()
    }

    /// A part of the last value could not be read.
    pub(super) fn fail_part(&mut self) {
        self.fail(self.depth());
    }

    /// Returns the error with its place.
    pub(super) fn locate_error(&mut self, cause: Cause) -> ShapeError {
        let fault = self.fault.take().unwrap_or(Fault { path: String::new(), is_in_each_value: true });
        ShapeError { path: fault.path, is_permanent: fault.is_in_each_value && cause.is_of_types(), cause }
    }

    /// Returns whether a part could not be read.
    pub(super) fn has_failed(&self) -> bool {
        self.fault.is_some()
    }

    /// Notes the place of the first error: a part of the value in the frame before `depth`.
    #[cold]
    fn fail(&mut self, depth: usize) {
        if self.fault.is_none() {
            self.fault = Some(self.locate(depth));
        }
    }

    fn locate(&self, depth: usize) -> Fault {
        let (mut path, mut is_in_each_value) = (String::new(), true);
        for (level, frame) in self.frames.iter().enumerate() {
            let position = frame.next.saturating_sub(1);
            if level >= depth {
                // The error is of the whole value.
                is_in_each_value &= !matches!(frame.parts, Parts::Variant { .. });
                continue;
            }
            // Writing to a string cannot fail.
            let _ = match &frame.parts {
                Parts::Fields(fields, _) => {
                    let name = fields.get(position).map_or("", |field| &field.name);
                    let dot = if path.is_empty() { "" } else { "." };
                    write!(path, "{dot}{name}")
                }
                Parts::Variant { variant, .. } => {
                    is_in_each_value = false;
                    let separator = if path.is_empty() { "" } else { "::" };
                    write!(path, "{separator}{}", variant.name)
                }
                Parts::Elements(..) | Parts::Entries(..) => {
                    is_in_each_value = false;
                    write!(path, "[{position}]")
                }
                Parts::Tuple(_) => {
                    let dot = if path.is_empty() { "" } else { "." };
                    write!(path, "{dot}{position}")
                }
                Parts::Option(_) => {
                    is_in_each_value = false;
                    Ok(())
                }
            };
        }
        Fault { path, is_in_each_value }
    }
}
