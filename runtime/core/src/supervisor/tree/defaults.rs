//! The start value of a `#[child]` without `start = ..`.
//!
//! Generated code calls `__make` on a [`DefaultProbe`] of the field's type. Method resolution then picks the first that
//! applies:
//!
//! | the type | the method | result |
//! |---|---|---|
//! | has `Default` | inherent | the default value |
//! | is a process or a tree | [`DefaultProbeChild`], [`DefaultProbeSubtree`] | an error: `start = ..` or `Default` is missing |
//! | is neither | [`DefaultProbeOther`] | no error: the field has an error of its own |

use std::marker::PhantomData;

use super::{Child, Subtree};

/// A type of which a `#[child]` without `start = ..` can be made.
#[diagnostic::on_unimplemented(
    message = "the supervisor cannot make a `{Self}`",
    label = "needs `start = ..`, or `Default`",
    note = "write how it is made: `#[child(start = {Self}::new(..))]`, where `self` is the tree",
    note = "or derive it: `#[derive(Default)]`"
)]
pub trait MakeDefault {
    /// Returns the value for a start.
    fn make_default() -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Default> MakeDefault for T {
    fn make_default() -> T {
        T::default()
    }
}

/// The receiver of the method `__make`, for a field of type `A`.
pub struct DefaultProbe<A>(PhantomData<fn() -> A>);

impl<A> DefaultProbe<A> {
    /// The only value.
    pub const NEW: DefaultProbe<A> = DefaultProbe(PhantomData);
}

impl<A: Default> DefaultProbe<A> {
    /// Returns the value for a start.
    pub fn __make(&self) -> A {
        A::default()
    }
}

/// The probe of a process without `Default`.
pub trait DefaultProbeChild<A> {
    /// Fails to compile, since `A` is not `MakeDefault`.
    fn __make(&self) -> A
    where
        A: MakeDefault,
    {
        A::make_default()
    }
}

impl<A: Child> DefaultProbeChild<A> for DefaultProbe<A> {}

/// The probe of a tree without `Default`.
pub trait DefaultProbeSubtree<A> {
    /// Fails to compile, since `A` is not `MakeDefault`.
    fn __make(&self) -> A
    where
        A: MakeDefault,
    {
        A::make_default()
    }
}

impl<T: Subtree> DefaultProbeSubtree<T> for DefaultProbe<T> {}

/// The probe of a type that is neither a process nor a tree.
pub trait DefaultProbeOther<A> {
    /// Compiles, but never runs: the field has an error of its own.
    fn __make(&self) -> A {
        unreachable!("a type that is not a child does not compile as a field")
    }
}

impl<A> DefaultProbeOther<A> for &DefaultProbe<A> {}
