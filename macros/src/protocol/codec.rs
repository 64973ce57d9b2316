//! `encode`, `decode` and `decode_event` of a protocol that is not `local`: the fields of a variant in order.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::matches::{VariantIndexes, match_self};
use super::model::{Field, MessageKind, Model};
use crate::names::{local, nth, private, private_at};
use crate::syntax::types;

pub(super) fn encode(model: &Model) -> TokenStream {
    let private = private();
    let encoder = local("encoder");
    let arms = model.variants.iter().map(|variant| {
        let (cfgs, ident) = (&variant.cfgs, &variant.ident);
        if !variant.is_encodable() {
            return quote! {
                #(#cfgs)*
                Self::#ident { .. } => ::core::result::Result::Err(#private::EncodeError::Local),
            };
        }
        let bindings: Vec<Ident> = (0..variant.fields.len()).map(|index| nth("field", index)).collect();
        let patterns = variant.fields.iter().zip(&bindings).map(|(field, binding)| {
            let Field { cfgs, member, .. } = field;
            quote!(#(#cfgs)* #member: #binding)
        });
        let writes = variant.fields.iter().zip(&bindings).map(|(field, binding)| {
            let cfgs = &field.cfgs;
            let codec = field_codec(field);
            quote!(#(#cfgs)* #codec::write(#binding, #encoder)?;)
        });
        quote! {
            #(#cfgs)*
            Self::#ident { #(#patterns),* } => {
                #(#writes)*
                ::core::result::Result::Ok(())
            }
        }
    });
    let body = match_self(model, &quote!(#(#arms)*));
    quote! {
        fn encode(&self, #encoder: &mut #private::Encoder<'_>) -> ::core::result::Result<(), #private::EncodeError> {
            #body
        }
    }
}

pub(super) fn decode(model: &Model) -> TokenStream {
    let private = private();
    let (index, decoder) = (local("variant"), local("decoder"));
    let indexes = VariantIndexes::of(model);
    let prelude = indexes.prelude(model);
    let arms = model.variants.iter().enumerate().filter_map(|(position, variant)| {
        let (cfgs, ident) = (&variant.cfgs, &variant.ident);
        let pattern = indexes.pattern(position, variant);
        if variant.private {
            return Some(quote! {
                #(#cfgs)*
                #pattern => ::core::result::Result::Err(#private::DecodeError::Local),
            });
        }
        if !variant.is_encodable() {
            return None;
        }
        let reads = variant.fields.iter().map(|field| {
            let Field { cfgs, member, .. } = field;
            let codec = field_codec(field);
            quote!(#(#cfgs)* #member: #codec::read(#decoder)?)
        });
        Some(quote! {
            #(#cfgs)*
            #pattern => ::core::result::Result::Ok(Self::#ident { #(#reads),* }),
        })
    });
    quote! {
        fn decode(
            #index: usize,
            #decoder: &mut #private::Decoder<'_>,
        ) -> ::core::result::Result<Self, #private::DecodeError> {
            #prelude
            match #index {
                #(#arms)*
                _ => ::core::result::Result::Err(#private::DecodeError::Variant(
                    <u32 as ::core::convert::TryFrom<usize>>::try_from(#index).unwrap_or(u32::MAX),
                )),
            }
        }
    }
}

/// Generates the function that decodes an event from another node into its `#[from]` variant.
pub(super) fn decode_event(model: &Model) -> Option<TokenStream> {
    let private = private();
    let (event, decoder, message) = (local("event"), local("decoder"), local("message"));
    let reads: Vec<TokenStream> = model
        .variants
        .iter()
        .filter_map(|variant| {
            let MessageKind::From { source: Some(ty), system: false, .. } = &variant.kind else { return None };
            if variant.private {
                return None;
            }
            let (cfgs, ident) = (&variant.cfgs, &variant.ident);
            let field = variant.fields.first()?;
            let (member, codec) = (&field.member, field_codec(field));
            Some(quote! {
                #(#cfgs)*
                if #event == #private::event_number::<#ty>() {
                    return ::core::option::Option::Some(::core::result::Result::map(
                        #codec::read(#decoder),
                        |#message| Self::#ident { #member: #message },
                    ));
                }
            })
        })
        .collect();
    (!reads.is_empty()).then(|| {
        quote! {
            fn decode_event(
                #event: u64,
                #decoder: &mut #private::Decoder<'_>,
            ) -> ::core::option::Option<::core::result::Result<Self, #private::DecodeError>> {
                #(#reads)*
                ::core::option::Option::None
            }
        }
    })
}

/// Returns the field's type as the trait that encodes and decodes it. All tokens have the span of the type: `encode`
/// and `decode` cause the same error for a type without serde's traits, and rustc prints equal errors once.
fn field_codec(field: &Field) -> TokenStream {
    let ty = &field.ty;
    let private = private_at(ty.span());
    // For a field with the type of a system message, the error suggests `#[from]` instead of serde.
    let codec = if types::is_system_message(ty) { "SenderField" } else { "RemoteField" };
    let codec = Ident::new(codec, ty.span());
    quote_spanned!(ty.span()=> <#ty as #private::#codec>)
}
