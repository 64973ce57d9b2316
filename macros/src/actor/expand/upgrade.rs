//! The function that converts earlier states, and the demand for the option `upgrade`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::parse_quote;
use syn::spanned::Spanned;

use crate::actor::model::Model;
use crate::actor::upgrade::Upgrade;
use crate::names::{local, private, private_at};

/// Generates the function that calls the first `#[upgrade]` function whose parameter can be read. With `#[resumed]` alone
/// it calls none, and demands the option.
pub(super) fn expand(model: &Model) -> TokenStream {
    if model.upgrades.is_empty() && model.hooks.resumed.is_none() {
        return quote!();
    }
    let private = private();
    let Model { cfgs, self_ty, generics, .. } = model;
    let (old, value) = (local("old"), local("value"));
    let mut generics = generics.clone();
    let portable = {
        let private = private_at(self_ty.span());
        quote_spanned!(self_ty.span()=> #private::DeclaredPortable)
    };
    generics.make_where_clause().predicates.push(parse_quote!(#self_ty: #portable));
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let calls = model.upgrades.iter().map(|Upgrade { cfgs, name, old: ty, output }| {
        let private_output = private_at(output.span());
        let into_result =
            quote_spanned! {output.span()=> <#output as #private_output::Upgraded<#self_ty>>::into_result };
        let private = private_at(ty.span());
        let read = quote_spanned!(ty.span()=> #private::OldState::read::<#ty>);
        quote! {
            #(#cfgs)*
            if let ::core::option::Option::Some(#value) = #read(#old) {
                return ::core::option::Option::Some(#into_result(<#self_ty>::#name(#value)));
            }
        }
    });
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        impl #impl_generics #self_ty #where_clause {
            #[doc(hidden)]
            #[allow(dead_code, deprecated)]
            fn __upgrade_functions(
                #old: &#private::OldState<'_>,
            ) -> ::core::option::Option<::core::result::Result<Self, #private::Exit>> {
                #(#calls)*
                ::core::option::Option::None
            }
        }
    }
}
