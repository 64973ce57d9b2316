//! `#[supervisor]` without the feature `supervision`: it says what is missing.

use proc_macro2::{Span, TokenStream};
use quote::quote;

use crate::diag::Errors;

/// The error, and no item: without its children a tree would be a riddle at each place that names them.
pub(crate) fn supervisor(_: TokenStream, _: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    errors.add(syn::Error::new(
        Span::call_site(),
        "supervision trees need greenroom's feature `supervision`: `greenroom = { .., features = [\"supervision\"] }`",
    ));
    quote!(#errors)
}
