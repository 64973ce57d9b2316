//! `Protocol::show`: a message as text for traces and crash reports. Fields without `Debug` appear as `_`, and those
//! with `#[redact]` as `[redacted]`.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::Member;
use syn::ext::IdentExt;

use super::matches::match_self;
use super::model::{Field, Model, Variant};
use crate::names::{local, nth, private};

pub(super) fn show(model: &Model) -> TokenStream {
    let private = private();
    let f = local("f");
    let arms = model.variants.iter().map(|variant| arm(variant, &f));
    let body = match_self(model, &quote!(#(#arms)*));
    // `__debug` is a method of the type for a field with `Debug`, and else a method of the trait `FieldWithoutDebug`. Method
    // resolution chooses, so that a field does not need `Debug`.
    quote! {
        fn show(&self, #f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            #[allow(unused_imports)]
            use #private::FieldWithoutDebug as _;
            #body
        }
    }
}

fn arm(variant: &Variant, f: &Ident) -> TokenStream {
    let private = private();
    let (cfgs, ident) = (&variant.cfgs, &variant.ident);
    let name = ident.unraw().to_string();
    if variant.redact.is_some() || variant.fields.is_empty() {
        let text = if variant.redact.is_some() { format!("{name}(..)") } else { name };
        return quote!(#(#cfgs)* Self::#ident { .. } => ::core::fmt::Formatter::write_str(#f, #text),);
    }
    let bindings: Vec<Ident> = (0..variant.fields.len()).map(|index| nth("field", index)).collect();
    let patterns = variant.fields.iter().zip(&bindings).map(|(field, binding)| {
        let Field { cfgs, member, redact, .. } = field;
        match redact {
            Some(_) => quote!(#(#cfgs)* #member: _),
            None => quote!(#(#cfgs)* #member: #binding),
        }
    });
    let builder = local("builder");
    let fields = variant.fields.iter().zip(&bindings).map(|(Field { cfgs, member, redact, .. }, binding)| {
        let value = match redact {
            Some(_) => quote!(&::core::format_args!("[redacted]")),
            None => quote!(#private::FieldDebug(#binding).__debug()),
        };
        match member {
            Member::Named(name) => {
                let name = name.unraw().to_string();
                quote!(#(#cfgs)* ::core::fmt::DebugStruct::field(&mut #builder, #name, #value);)
            }
            Member::Unnamed(_) => quote!(#(#cfgs)* ::core::fmt::DebugTuple::field(&mut #builder, #value);),
        }
    });
    let (begin, finish) = match variant.fields[0].member {
        Member::Named(_) => (quote!(debug_struct), quote!(DebugStruct)),
        Member::Unnamed(_) => (quote!(debug_tuple), quote!(DebugTuple)),
    };
    quote! {
        #(#cfgs)*
        Self::#ident { #(#patterns),* } => {
            let mut #builder = ::core::fmt::Formatter::#begin(#f, #name);
            #(#fields)*
            ::core::fmt::#finish::finish(&mut #builder)
        }
    }
}
