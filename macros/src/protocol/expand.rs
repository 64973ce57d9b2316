//! `impl Protocol`: the table of variants, the codec, and the messages from the runtime.

use proc_macro2::TokenStream;
use quote::quote;
use syn::LitStr;
use syn::ext::IdentExt;

use super::debug_text::show;
use super::matches::{VariantIndexes, match_self};
use super::model::{MessageKind, Model, Variant};
use super::{codec, evolve};
use crate::names::{local, param, private};

/// Generates `impl Protocol`, and `From` for each `#[from]` variant.
pub(super) fn protocol(model: &Model) -> TokenStream {
    let private = private();
    let Model { ident, cfgs, .. } = model;
    let generics = model.impl_generics();
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let allow = allow_deprecated(model);
    let name = model.name.as_ref().map_or_else(|| ident.unraw().to_string(), LitStr::value);
    let version = model.version.iter();
    let reported = model.debug.then(|| {
        quote!(
            const REPORTED: bool = true;
        )
    });
    let variants = model.variants.iter().map(variant_entry);
    let variant_index = variant_index(model);
    let from_system = from_system(model);
    let as_system = as_system(model);
    let decode_event = (!model.local).then(|| codec::decode_event(model)).flatten();
    let mark_taken = mark_taken(model);
    let show = show(model);
    let codec = (!model.local).then(|| {
        let encode = codec::encode(model);
        let decode = codec::decode(model);
        let evolve = evolve::functions(model);
        quote!(#encode #decode #evolve)
    });
    let sources = model.variants.iter().map(|variant| from_impls(model, variant));
    let functions = if model.local { Vec::new() } else { evolve::field_functions(model) };
    let protocol = quote! {
        #(#cfgs)*
        #[automatically_derived]
        #allow
        impl #impl_generics #private::Protocol for #ident #ty_generics #where_clause {
            const NAME: &'static str = #name;
            #(const VERSION: u32 = #version;)*
            #reported
            const VARIANTS: &'static [#private::Variant] = &[#(#variants),*];
            #variant_index
            #from_system
            #as_system
            #decode_event
            #mark_taken
            #show
            #codec
        }
    };
    if functions.is_empty() {
        return quote!(#protocol #(#sources)*);
    }
    quote! {
        #(#cfgs)*
        const _: () = {
            #(#functions)*
            #protocol
        };
        #(#sources)*
    }
}

/// Returns `#[allow(deprecated)]` if generated code uses deprecated parts of the protocol.
pub(super) fn allow_deprecated(model: &Model) -> Option<TokenStream> {
    model.has_deprecated_parts().then(|| quote!(#[allow(deprecated)]))
}

fn variant_entry(variant: &Variant) -> TokenStream {
    let private = private();
    let cfgs = &variant.cfgs;
    let name = variant.ident.unraw().to_string();
    let call = matches!(variant.kind, MessageKind::Call { .. });
    let system = variant.is_system() || variant.placeholder_args.is_some();
    let priority = variant.priority;
    quote!(#(#cfgs)* #private::Variant { name: #name, call: #call, system: #system, priority: #priority })
}

fn variant_index(model: &Model) -> TokenStream {
    let indexes = VariantIndexes::of(model);
    let prelude = indexes.prelude(model);
    let arms = model.variants.iter().enumerate().map(|(position, variant)| {
        let (cfgs, ident) = (&variant.cfgs, &variant.ident);
        let index = indexes.value(position, variant);
        quote!(#(#cfgs)* Self::#ident { .. } => #index,)
    });
    let body = match_self(model, &quote!(#(#arms)*));
    quote! {
        fn variant(&self) -> usize {
            #prelude
            #body
        }
    }
}

/// Generates the function that puts a message of the runtime into its `#[from]` variant.
fn from_system(model: &Model) -> Option<TokenStream> {
    let private = private();
    let (system, message) = (local("system"), local("message"));
    let takes: Vec<TokenStream> = model
        .variants
        .iter()
        .filter_map(|variant| {
            let MessageKind::From { source: Some(ty), .. } = &variant.kind else { return None };
            let (cfgs, ident) = (&variant.cfgs, &variant.ident);
            let member = &variant.fields.first()?.member;
            Some(quote! {
                #(#cfgs)*
                if let ::core::option::Option::Some(#message) = #private::System::take::<#ty>(#system) {
                    return ::core::option::Option::Some(Self::#ident { #member: #message });
                }
            })
        })
        .collect();
    (!takes.is_empty()).then(|| {
        quote! {
            fn from_system(#system: &mut #private::System<'_>) -> ::core::option::Option<Self> {
                #(#takes)*
                ::core::option::Option::None
            }
        }
    })
}

/// Generates the function that returns a message of the runtime, for the upgrade of a node.
fn as_system(model: &Model) -> Option<TokenStream> {
    if !model.variants.iter().any(Variant::is_system) {
        return None;
    }
    let message = local("message");
    let arms = model.variants.iter().map(|variant| {
        let (cfgs, ident) = (&variant.cfgs, &variant.ident);
        match variant.fields.first().filter(|_| variant.is_system()) {
            Some(field) => {
                let member = &field.member;
                quote!(#(#cfgs)* Self::#ident { #member: #message } => ::core::option::Option::Some(#message),)
            }
            None => quote!(#(#cfgs)* Self::#ident { .. } => ::core::option::Option::None,),
        }
    });
    let body = match_self(model, &quote!(#(#arms)*));
    Some(quote! {
        fn as_system(&self) -> ::core::option::Option<&dyn ::core::any::Any> {
            #body
        }
    })
}

/// Generates the function that marks the reply of a call as owned by the receiving process, which may pass it on.
fn mark_taken(model: &Model) -> Option<TokenStream> {
    let private = private();
    let reply = local("reply");
    let calls: Vec<TokenStream> = model
        .variants
        .iter()
        .filter_map(|variant| {
            let MessageKind::Call { reply_field, .. } = &variant.kind else { return None };
            let (cfgs, ident, member) = (&variant.cfgs, &variant.ident, &variant.fields.get(*reply_field)?.member);
            Some(quote! {
                #(#cfgs)*
                Self::#ident { #member: #reply, .. } => #private::Reply::mark_taken(#reply),
            })
        })
        .collect();
    (!calls.is_empty()).then(|| {
        quote! {
            #[allow(unreachable_patterns)]
            fn mark_taken(&self) {
                match self {
                    #(#calls)*
                    _ => {}
                }
            }
        }
    })
}

/// Generates `From<T>` and `Receives<T>` for a `#[from]` variant.
fn from_impls(model: &Model, variant: &Variant) -> Option<TokenStream> {
    let private = private();
    let MessageKind::From { source: Some(ty), .. } = &variant.kind else { return None };
    let member = &variant.fields.first()?.member;
    let (owner, message) = (&model.ident, param("value"));
    let cfgs: Vec<_> = model.cfgs.iter().chain(&variant.cfgs).collect();
    let ident = &variant.ident;
    let generics = model.impl_generics();
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let allow = allow_deprecated(model);
    Some(quote! {
        #(#cfgs)*
        #[automatically_derived]
        #allow
        impl #impl_generics ::core::convert::From<#ty> for #owner #ty_generics #where_clause {
            fn from(#message: #ty) -> Self {
                Self::#ident { #member: #message }
            }
        }
        #(#cfgs)*
        #[automatically_derived]
        #allow
        impl #impl_generics #private::Receives<#ty> for #owner #ty_generics #where_clause {
            const __ONLY_PROTOCOL_IMPLEMENTS_IT: () = ();
        }
    })
}
