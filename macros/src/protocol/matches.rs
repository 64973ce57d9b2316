//! Generated `match`es over the variants: by value, and by index.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::model::{Model, Variant};
use crate::names::local;

/// Returns `match self` with these arms. It is complete for an enum without variants too.
pub(super) fn match_self(model: &Model, arms: &TokenStream) -> TokenStream {
    if model.variants.is_empty() && model.unused.is_none() {
        return quote!(match *self {});
    }
    let never = local("never");
    let unused = model.unused.iter();
    quote! {
        match self {
            #arms
            #(Self::#unused(#never, _) => match *#never {},)*
        }
    }
}

/// The indexes of the variants: literals, or counted by rustc where `#[cfg]` may remove variants.
pub(super) struct VariantIndexes {
    counted: bool,
}

impl VariantIndexes {
    pub(super) fn of(model: &Model) -> VariantIndexes {
        VariantIndexes { counted: model.has_cfg_variants() }
    }

    /// Returns the item that the counted indexes need.
    pub(super) fn prelude(&self, model: &Model) -> Option<TokenStream> {
        self.counted.then(|| {
            let variants = model.variants.iter().map(|variant| {
                let (cfgs, ident) = (&variant.cfgs, &variant.ident);
                quote!(#(#cfgs)* #ident)
            });
            quote! {
                #[allow(dead_code)]
                enum __Index { #(#variants),* }
            }
        })
    }

    pub(super) fn value(&self, position: usize, variant: &Variant) -> TokenStream {
        if self.counted {
            let ident = &variant.ident;
            quote!(__Index::#ident as usize)
        } else {
            let index = Literal::usize_unsuffixed(position);
            quote!(#index)
        }
    }

    pub(super) fn pattern(&self, position: usize, variant: &Variant) -> TokenStream {
        let value = self.value(position, variant);
        if self.counted {
            let index = local("index");
            quote!(#index if #index == #value)
        } else {
            value
        }
    }
}
