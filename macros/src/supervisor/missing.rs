//! `#[supervisor]` without the feature `supervision`: an error.

use proc_macro2::{Span, TokenStream};
use quote::quote;

use crate::diag::{self, Errors};

/// Returns the error without the item: a tree that lacks its children would cause an error at each use of them.
pub(crate) fn supervisor(_: TokenStream, _: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    errors.add(diag::error(
        Span::call_site(),
        "`#[supervisor]` needs greenroom's feature `supervision`",
        "write `greenroom = { .., features = [\"supervision\"] }` in `Cargo.toml`",
    ));
    quote!(#errors)
}
