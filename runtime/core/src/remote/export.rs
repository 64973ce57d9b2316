//! The code that serves requests for an exported actor or function.

use std::marker::PhantomData;

use super::constructor::RemoteConstructor;
#[cfg(feature = "inspect")]
use super::function::describe;
use super::function::{RemoteFunction, serve_call};
use super::named::RemoteValue;
use super::request::serve_start;
use crate::actor::Actor;
use crate::base::Right;
#[cfg(feature = "inspect")]
use crate::node::Describe;
use crate::node::{AddExport, Export, Serve};

/// Adds a constructor to the exports, if another node can use it.
///
/// `ExportProbe::<C>::new().__export(exports)` is the method of the type if `C` is a [`RemoteConstructor`], and otherwise
/// that of [`NotExported`]: a method of a type has priority over a method of a trait.
pub struct ExportProbe<C>(PhantomData<C>);

impl<C> ExportProbe<C> {
    /// Creates the probe.
    #[must_use]
    #[allow(clippy::new_without_default)] // Only generated code makes one.
    pub fn new() -> ExportProbe<C> {
        ExportProbe(PhantomData)
    }
}

impl<C: RemoteConstructor> ExportProbe<C> {
    /// Adds the constructor.
    pub fn __export<E: AddExport>(self, exports: &mut E) {
        exports.__add(C::Actor::__type_name(), C::__NAME, Serve { right: Right::Spawn, serve: serve_start::<C> });
    }
}

/// A constructor whose arguments cannot be sent.
pub trait NotExported: Sized {
    /// Adds nothing.
    fn __export<E: AddExport>(self, exports: &mut E) {
        let _ = exports;
    }
}

impl<C> NotExported for ExportProbe<C> {}

/// An actor without constructors, which has no function of this name itself.
pub trait NoConstructors: Sized {
    /// Adds nothing.
    fn __export_constructors<E: AddExport>(exports: &mut E) {
        let _ = exports;
    }
}

impl<A> NoConstructors for A {}

#[diagnostic::do_not_recommend]
impl<F: RemoteFunction<Output: RemoteValue>> Export for F {
    fn __export<E: AddExport>(exports: &mut E) {
        exports.__add(F::NAME.to_owned(), "", Serve { right: Right::Call, serve: serve_call::<F> });
        #[cfg(feature = "inspect")]
        exports.__describe(F::NAME, Describe(describe::<F>));
    }
}
