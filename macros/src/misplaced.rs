//! Words that another macro of ours reads, where that macro does not stand around them.

use proc_macro2::{Span, TokenStream};
use quote::quote;

use crate::diag::Errors;
use crate::fallback;

/// `after!` as a pattern of an ordinary `match`.
pub(crate) fn after(_duration: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    errors.add(syn::Error::new(
        Span::call_site(),
        "`after!` is the last arm of a `receive!`: write `receive!(match cx { .., after!(duration) => .. })`",
    ));
    quote!(#errors)
}

/// `#[cast]`, `#[init]` or another of these, on a method that no `#[actor]` has read.
pub(crate) fn method(word: &str, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    errors.add(syn::Error::new(
        Span::call_site(),
        format!("`#[{word}]` is read by `#[actor]`: write `#[actor]` on the impl around this method"),
    ));
    fallback::item(&item, &errors)
}
