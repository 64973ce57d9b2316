//! Output for items that cannot be expanded. It declares the names that the rest of the program refers to, so that one
//! mistake gives one error message.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::{Attribute, Generics, ItemFn};

use crate::diag::Errors;
use crate::names::private;
use crate::syntax::attr;

/// Returns the item as it was written, followed by the errors.
pub(crate) fn item(item: &TokenStream, errors: &Errors) -> TokenStream {
    quote!(#item #errors)
}

/// Returns a function with the name of `function`, without parameters and body, followed by the errors. It keeps rustc
/// from reporting a missing `main` as well.
pub(crate) fn function(function: &ItemFn, errors: &Errors) -> TokenStream {
    let (vis, name) = (&function.vis, &function.sig.ident);
    quote! {
        #[allow(dead_code)]
        #vis fn #name() {}
        #errors
    }
}

/// Returns what `#[actor]` without options adds to a struct. The struct's `#[actor] impl` then compiles, although the
/// struct itself was rejected.
pub(crate) fn actor(ident: &Ident, generics: &Generics, attrs: &[Attribute]) -> TokenStream {
    let (private, cfgs, kind) = (private(), attr::cfgs(attrs), ident.unraw().to_string());
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        #[doc(hidden)]
        impl #impl_generics #private::DeclaredActor for #ident #ty_generics #where_clause {
            type Cast = #private::Cast;
            type ProtocolGiven = ();
            const OPTIONS: #private::Options = #private::Options { kind: #kind, ..#private::Options::DEFAULT };
        }
    }
}
