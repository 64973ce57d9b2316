//! `encode`, `decode` and `decode_event` of a protocol that is not `local`: the fields of a variant in order.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::field_codec::field_codec;
use super::matches::{VariantIndexes, match_self};
use super::model::{Field, MessageKind, Model};
use crate::names::{local, nth, private};

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
        let writes = variant.fields.iter().zip(&bindings).enumerate().map(|(position, (field, binding))| {
            let (cfgs, codec) = (&field.cfgs, field_codec(variant, position));
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
        let reads = variant.fields.iter().enumerate().map(|(position, field)| {
            let Field { cfgs, member, .. } = field;
            let codec = field_codec(variant, position);
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
    let (event, message) = (local("event"), local("message"));
    let reads: Vec<TokenStream> = model
        .variants
        .iter()
        .filter_map(|variant| {
            let MessageKind::From { source: Some(_), system: false, .. } = &variant.kind else { return None };
            if variant.private {
                return None;
            }
            let (cfgs, ident) = (&variant.cfgs, &variant.ident);
            let field = variant.fields.first()?;
            let (member, codec) = (&field.member, field_codec(variant, 0));
            Some(quote! {
                #(#cfgs)*
                if let ::core::option::Option::Some(#message) = #codec::read_event(#event) {
                    return ::core::option::Option::Some(::core::result::Result::map(
                        #message,
                        |#message| Self::#ident { #member: #message },
                    ));
                }
            })
        })
        .collect();
    (!reads.is_empty()).then(|| {
        quote! {
            fn decode_event(
                #event: &#private::EncodedEvent<'_>,
            ) -> ::core::option::Option<#private::ReadEvent<Self>> {
                #(#reads)*
                ::core::option::Option::None
            }
        }
    })
}
