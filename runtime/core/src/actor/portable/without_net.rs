//! Stand-ins for the items of the feature `net`: their use is a compiler error that names the feature.

use std::convert::Infallible;
use std::marker::PhantomData;

use crate::base::Exit;

/// Implemented by nothing.
#[diagnostic::on_unimplemented(
    message = "`#[actor(upgrade)]` needs greenroom's feature `net`",
    label = "the feature `net` is off",
    note = "write `greenroom = {{ .., features = [\"net\"] }}` in `Cargo.toml`"
)]
pub trait NeedsFeatureNet {}

/// See the trait of the feature `net`.
pub trait Portable: NeedsFeatureNet + Sized + 'static {
    #[doc(hidden)]
    fn __name() -> String;
    #[doc(hidden)]
    fn __upgrade(old: &OldState<'_>) -> Option<Result<Self, Exit>>;
}

/// Has no value.
pub struct OldState<'a>(Infallible, PhantomData<&'a ()>);

impl OldState<'_> {
    /// Is not called.
    pub fn read<T>(&self) -> Option<T> {
        match self.0 {}
    }
}

/// See the type of the feature `net`.
#[derive(Clone, Copy, Debug)]
pub struct Portability;

impl Portability {
    /// See the function of the feature `net`.
    #[must_use]
    pub const fn of<A: Portable>(_: super::Otherwise) -> Portability {
        Portability
    }
}

/// See the trait of the feature `net`.
pub trait StateType {}

impl<T> StateType for T {}

/// The struct's `#[actor(upgrade)]` reports the missing feature.
impl<A> super::DeclaredPortable for A {}
