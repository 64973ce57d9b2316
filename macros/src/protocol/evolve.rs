//! `definition`, `record` and `resolve` of a protocol that is not `local`: messages between two versions of a program.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::Member;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use super::field_codec::{field_codec, functions_name};
use super::model::{Field, Model, Variant};
use crate::names::{local, private};
use crate::syntax::serde_attrs::{FieldDefault, SerdeAttrs};

/// Generates the three functions.
pub(super) fn functions(model: &Model) -> TokenStream {
    let (definition, record, resolve) = (definition(model), record(model), resolve(model));
    quote!(#definition #record #resolve)
}

fn definition(model: &Model) -> TokenStream {
    let private = private();
    let body = if model.generics.params.is_empty() {
        quote! {
            static DEFINITION: #private::DefinitionCell = #private::DefinitionCell::new();
            ::core::option::Option::Some(&DEFINITION)
        }
    } else {
        quote! {
            static DEFINITIONS: #private::DefinitionCells = #private::DefinitionCells::new();
            ::core::option::Option::Some(#private::DefinitionCells::of::<Self>(&DEFINITIONS))
        }
    };
    quote! {
        fn definition() -> ::core::option::Option<&'static #private::DefinitionCell> {
            #body
        }
    }
}

fn record(model: &Model) -> TokenStream {
    let private = private();
    let recorder = local("recorder");
    let arguments = model.generics.type_params().map(|param| {
        let ident = &param.ident;
        quote!(#private::DefinitionRecorder::argument::<#ident>(#recorder);)
    });
    let variants = model.variants.iter().map(|variant| {
        let cfgs = &variant.cfgs;
        let names = variant_names(variant);
        if !variant.is_encodable() {
            return quote!(#(#cfgs)* #private::DefinitionRecorder::local_variant(#recorder, &[#(#names),*]););
        }
        let fields = variant.fields.iter().enumerate().map(|(position, field)| {
            let (cfgs, codec) = (&field.cfgs, field_codec(variant, position));
            let names = field_names(variant, position);
            quote!(#(#cfgs)* #codec::record(#recorder, &[#(#names),*]);)
        });
        quote! {
            #(#cfgs)*
            {
                #private::DefinitionRecorder::variant(#recorder, &[#(#names),*]);
                #(#fields)*
            }
        }
    });
    quote! {
        fn record(#recorder: &mut #private::DefinitionRecorder) {
            #(#arguments)*
            #(#variants)*
        }
    }
}

fn resolve(model: &Model) -> TokenStream {
    let private = private();
    let (name, fields) = (local("name"), local("fields"));
    if !model.variants.iter().any(Variant::is_encodable) {
        return TokenStream::new();
    }
    let arms = model.variants.iter().filter(|variant| variant.is_encodable()).map(|variant| {
        let (cfgs, ident) = (&variant.cfgs, &variant.ident);
        let names = variant_names(variant);
        let members = variant.fields.iter().enumerate().map(|(position, field)| {
            let Field { cfgs, member, serde, .. } = field;
            let (codec, names) = (field_codec(variant, position), field_names(variant, position));
            let taken = match &serde.default {
                None => quote!(#codec::take(#fields, &[#(#names),*])?),
                Some(FieldDefault::Type) => {
                    // A type without `Default` is reported at the type.
                    let ty = &field.ty;
                    let default = quote_spanned!(ty.span()=> || <#ty as ::core::default::Default>::default());
                    quote!(#codec::take_or(#fields, &[#(#names),*], #default)?)
                }
                Some(FieldDefault::Function(function)) => quote!(#codec::take_or(#fields, &[#(#names),*], #function)?),
            };
            quote!(#(#cfgs)* #member: #taken)
        });
        quote! {
            #(#cfgs)*
            #(#names)|* => Self::#ident { #(#members),* },
        }
    });
    // The closure around a default has the span of the field's type, so that clippy takes it for the user's.
    let has_defaults = model
        .variants
        .iter()
        .flat_map(|variant| &variant.fields)
        .any(|field| matches!(field.serde.default, Some(FieldDefault::Type)));
    let allow = has_defaults.then(|| quote!(#[allow(clippy::redundant_closure)]));
    quote! {
        #allow
        fn resolve(
            #name: &str,
            #fields: &mut #private::Fields<'_>,
        ) -> ::core::result::Result<::core::option::Option<Self>, #private::FieldError> {
            ::core::result::Result::Ok(::core::option::Option::Some(match #name {
                #(#arms)*
                _ => return ::core::result::Result::Ok(::core::option::Option::None),
            }))
        }
    }
}

/// Generates the types by which fields are written and read with functions of the user, for `#[serde(with)]`.
pub(super) fn field_functions(model: &Model) -> Vec<TokenStream> {
    let private = private();
    let generics = model.impl_generics();
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let mut generated = Vec::new();
    for variant in model.variants.iter().filter(|variant| variant.is_encodable()) {
        for (position, field) in variant.fields.iter().enumerate().filter(|(_, field)| field.serde.has_functions()) {
            let (cfgs, ty, name) = (&field.cfgs, &field.ty, functions_name(variant, position));
            let variant_cfgs = &variant.cfgs;
            let SerdeAttrs { serialize_with, deserialize_with, .. } = &field.serde;
            let serialize = serialize_with
                .as_ref()
                .map_or_else(|| quote!(#private::Serialize::serialize), ToTokens::to_token_stream);
            let deserialize = deserialize_with
                .as_ref()
                .map_or_else(|| quote!(#private::Deserialize::deserialize), ToTokens::to_token_stream);
            generated.push(quote! {
                #(#variant_cfgs)*
                #(#cfgs)*
                struct #name;
                #(#variant_cfgs)*
                #(#cfgs)*
                impl #impl_generics #private::FieldFunctions<#ty> for #name #where_clause {
                    fn serialize<__S: #private::Serializer>(
                        value: &#ty,
                        serializer: __S,
                    ) -> ::core::result::Result<__S::Ok, __S::Error> {
                        #serialize(value, serializer)
                    }

                    fn deserialize<'__de, __D: #private::Deserializer<'__de>>(
                        deserializer: __D,
                    ) -> ::core::result::Result<#ty, __D::Error> {
                        #deserialize(deserializer)
                    }
                }
            });
        }
    }
    generated
}

fn variant_names(variant: &Variant) -> Vec<String> {
    variant.serde.names(&variant.ident.unraw().to_string())
}

/// Returns the names of a field in messages. The reply of a call has the same one in each message.
fn field_names(variant: &Variant, position: usize) -> Vec<String> {
    let field = &variant.fields[position];
    if variant.kind.reply_field() == Some(position) {
        return vec!["reply".to_owned()];
    }
    field.serde.names(&match &field.member {
        Member::Named(name) => name.unraw().to_string(),
        Member::Unnamed(index) => index.index.to_string(),
    })
}
