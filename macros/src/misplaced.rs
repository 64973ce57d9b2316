//! Attributes and macros that are written outside of the macro that reads them.

use proc_macro2::{Span, TokenStream};
use quote::quote;

use crate::diag::{self, Errors};
use crate::fallback;

/// Expands an `after!` outside of `receive!`.
pub(crate) fn after(_duration: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    errors.add(diag::error(
        Span::call_site(),
        "`after!` is valid only as the last arm of a `receive!`",
        "write `receive!(match cx { .., after!(duration) => .. })`",
    ));
    quote!(#errors)
}

/// Expands `#[cast]`, `#[init]` or another attribute of a method that is not inside an `#[actor]` impl.
pub(crate) fn method(name: &str, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    errors.add(diag::error(
        Span::call_site(),
        format!("`#[{name}]` is valid only inside an `#[actor]` impl"),
        "add `#[actor]` to the impl",
    ));
    fallback::item(&item, &errors)
}
