//! A message as text, for whoever traces its receiver: each field that has `Debug`, and `_` for the others;
//! nothing of what is marked `#[redact]`.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::Member;
use syn::ext::IdentExt;

use super::expand::match_self;
use super::model::{Field, Model, Variant};
use crate::names::{local, nth, private};

pub(super) fn show(model: &Model) -> TokenStream {
    let private = private();
    let f = local("f");
    let arms = model.variants.iter().map(|variant| arm(variant, &f));
    let body = match_self(model, &quote!(#(#arms)*));
    // Which of the two `__shown` a field gets, its own or the trait's, is the compiler's choice: so a message needs no
    // `Debug`, and no field either.
    quote! {
        fn show(&self, #f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            #[allow(unused_imports)]
            use #private::Opaque as _;
            #body
        }
    }
}

fn arm(variant: &Variant, f: &Ident) -> TokenStream {
    let private = private();
    let (cfgs, ident) = (&variant.cfgs, &variant.ident);
    let name = ident.unraw().to_string();
    if variant.redact.is_some() {
        let name = format!("{name}(..)");
        return quote!(#(#cfgs)* Self::#ident { .. } => ::core::fmt::Formatter::write_str(#f, #name),);
    }
    if variant.fields.is_empty() {
        return quote!(#(#cfgs)* Self::#ident { .. } => ::core::fmt::Formatter::write_str(#f, #name),);
    }
    let bindings: Vec<Ident> = (0..variant.fields.len()).map(|index| nth("field", index)).collect();
    let patterns = variant.fields.iter().zip(&bindings).map(|(field, binding)| {
        let Field { cfgs, member, redact, .. } = field;
        match redact {
            Some(_) => quote!(#(#cfgs)* #member: _),
            None => quote!(#(#cfgs)* #member: #binding),
        }
    });
    let shown = local("shown");
    let fields = variant.fields.iter().zip(&bindings).map(|(Field { cfgs, member, redact, .. }, binding)| {
        let value = match redact {
            Some(_) => quote!(&::core::format_args!("[redacted]")),
            None => quote!(#private::Shown(#binding).__shown()),
        };
        match member {
            Member::Named(name) => {
                let name = name.unraw().to_string();
                quote!(#(#cfgs)* ::core::fmt::DebugStruct::field(&mut #shown, #name, #value);)
            }
            Member::Unnamed(_) => quote!(#(#cfgs)* ::core::fmt::DebugTuple::field(&mut #shown, #value);),
        }
    });
    let (begin, finish) = match variant.fields[0].member {
        Member::Named(_) => (quote!(debug_struct), quote!(DebugStruct)),
        Member::Unnamed(_) => (quote!(debug_tuple), quote!(DebugTuple)),
    };
    quote! {
        #(#cfgs)*
        Self::#ident { #(#patterns),* } => {
            let mut #shown = ::core::fmt::Formatter::#begin(#f, #name);
            #(#fields)*
            ::core::fmt::#finish::finish(&mut #shown)
        }
    }
}
