//! What is emitted where nothing can be expanded: the user's item without our attributes, and whatever the
//! rest of the program refers to by name, so that one mistake does not come back as ten.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ItemFn;

use crate::diag::Errors;

/// The item as it was written.
pub(crate) fn item(item: &TokenStream, errors: &Errors) -> TokenStream {
    quote!(#item #errors)
}

/// A function that cannot be called so, as a plain one without a body: `main` is not missing as well.
pub(crate) fn function(function: &ItemFn, errors: &Errors) -> TokenStream {
    let (vis, name) = (&function.vis, &function.sig.ident);
    quote! {
        #[allow(dead_code)]
        #vis fn #name() {}
        #errors
    }
}
