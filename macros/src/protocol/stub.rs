//! The stub: a typed handle that sends to a process. It is a newtype around an address, with a method for each variant.
//!
//! The impls of the standard traits are generated in full. Derived ones would require the same traits of the protocol's
//! type parameters.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, GenericParam, Visibility, parse_quote};

use super::expand::allow_deprecated;
use super::model::{MessageKind, Model, Variant};
use crate::names::{local, nth, param, private, private_at, type_param};
use crate::syntax::text::source_text;
use crate::syntax::unsendable::sendable;
use crate::syntax::{attr, generics};

/// Generates the stub's struct, its methods and its traits.
pub(super) fn stub(model: &Model) -> TokenStream {
    let private = private();
    let Model { ident, stub, vis, cfgs, .. } = model;
    let generics = model.impl_generics();
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let sendable = generics::assuming_send(&generics, &quote!(#ident #ty_generics));
    let sendable_clause = &sendable.where_clause;
    let docs = docs(model);
    let allow = allow_deprecated(model);
    let methods = model.variants.iter().filter_map(|variant| method(model, variant));
    let traits = traits(model);
    let address = local("address");
    quote! {
        #(#cfgs)*
        #(#docs)*
        #[allow(dead_code, private_interfaces, unreachable_pub)]
        #vis struct #stub #generics (#private::Address<#ident #ty_generics>) #where_clause;

        #(#cfgs)*
        #[allow(dead_code, private_interfaces, unreachable_pub, unused_qualifications, clippy::too_many_arguments)]
        #allow
        impl #impl_generics #stub #ty_generics #where_clause {
            #(#methods)*
        }

        #(#cfgs)*
        #[automatically_derived]
        impl #impl_generics #private::Stub for #stub #ty_generics #sendable_clause {
            type Protocol = #ident #ty_generics;
            fn __new(#address: #private::Address<Self::Protocol>) -> Self {
                Self(#address)
            }
            fn __address(&self) -> &#private::Address<Self::Protocol> {
                &self.0
            }
        }

        #(#cfgs)*
        #[automatically_derived]
        impl #impl_generics #private::Stubbed for #ident #ty_generics #sendable_clause {
            type Ref = #stub #ty_generics;
        }

        #traits
    }
}

fn docs(model: &Model) -> Vec<Attribute> {
    let intro = match &model.actor {
        Some(actor) => format!(" Stub of the actor [`{}`], on this node or another.", actor.unraw()),
        None => format!(" Stub of a process with the protocol [`{}`], on this node or another.", model.ident.unraw()),
    };
    let mut docs = vec![parse_quote!(#[doc = #intro])];
    let first = attr::first_paragraph(&model.attrs);
    if model.actor.is_some() {
        docs.push(parse_quote!(#[allow(rustdoc::private_intra_doc_links)]));
    } else if !first.is_empty() {
        docs.push(parse_quote!(#[doc = ""]));
        docs.extend(first.into_iter().cloned());
    }
    docs.extend(model.attrs.iter().find(|attr| source_text(&attr.meta) == "doc(hidden)").cloned());
    docs
}

/// Generates the method that sends a message. Messages from the runtime have none.
fn method(model: &Model, variant: &Variant) -> Option<TokenStream> {
    let private = private();
    let (owner, vis) = (&model.ident, variant.vis.as_ref().unwrap_or(&model.vis));
    let Variant { cfgs, docs, ident, method, kind, .. } = variant;
    if let Some(count) = variant.placeholder_args {
        return placeholder_method(vis, variant, count);
    }
    let params = variant.method_params().map(|field| {
        let (cfgs, param, ty) = (&field.cfgs, &field.param, &field.ty);
        quote!(#(#cfgs)* #param: #ty)
    });
    let mut fields: Vec<TokenStream> = variant
        .method_params()
        .map(|field| {
            let (cfgs, member, param) = (&field.cfgs, &field.member, &field.param);
            quote!(#(#cfgs)* #member: #param)
        })
        .collect();
    let (output, body) = match kind {
        MessageKind::From { .. } => return None,
        MessageKind::Cast => {
            let cast = quote!(#private::Address::cast(&self.0, move || #owner::#ident { #(#fields),* }));
            match &model.actor_type {
                None => (quote!(#private::Cast), cast),
                // The options on the struct determine whether rustc is to warn of a cast that is not awaited.
                Some(actor) => {
                    let private = private_at(actor.span());
                    let output = quote_spanned!(actor.span()=> <#actor as #private::DeclaredActor>::Cast);
                    (output, quote!(::core::convert::From::from(#cast)))
                }
            }
        }
        MessageKind::Call { reply_field, answer } => {
            let member = variant.fields.get(*reply_field).map(|field| &field.member);
            let reply = local("reply");
            let moves = (!fields.is_empty()).then(|| quote!(move));
            let subject = model.actor.as_ref().unwrap_or(owner).unraw();
            let message = format!("{subject}::{}", method.unraw());
            let (_, ty_generics, _) = model.generics.split_for_impl();
            let protocol = quote!(<#owner #ty_generics as #private::Protocol>::NAME);
            let name = quote!(const { &#private::CallName { protocol: #protocol, message: #message } });
            fields.push(quote!(#member: #reply));
            (
                quote!(#private::Call<#answer>),
                quote!(#private::Address::call(&self.0, #name, #moves |#reply| #owner::#ident { #(#fields),* })),
            )
        }
    };
    let doc_text = (!attr::has_doc_text(docs)).then(|| {
        let doc_text = format!(" Sends [`{}::{}`].", owner.unraw(), ident.unraw());
        quote!(#[doc = #doc_text])
    });
    // `#[inline]` keeps rustc from compiling methods that are never called.
    Some(quote! {
        #(#cfgs)*
        #(#docs)*
        #doc_text
        #[inline]
        #vis fn #method(&self #(, #params)*) -> #output {
            #body
        }
    })
}

/// Generates placeholder methods for all variants, in an impl of a stub that another item defines. After the error
/// about this item, calls of its messages still compile.
pub(crate) fn placeholder_methods(model: &Model) -> TokenStream {
    let Model { stub, vis, cfgs, .. } = model;
    let generics = model.impl_generics();
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let methods = model.variants.iter().filter_map(|variant| {
        let count = variant.placeholder_args.unwrap_or_else(|| variant.method_params().count());
        placeholder_method(variant.vis.as_ref().unwrap_or(vis), variant, count)
    });
    quote! {
        #(#cfgs)*
        #[allow(dead_code)]
        impl #impl_generics #stub #ty_generics #where_clause {
            #(#methods)*
        }
    }
}

/// Generates a method with parameters of any type for a variant with an error. Calls of it still compile.
fn placeholder_method(vis: &Visibility, variant: &Variant, count: usize) -> Option<TokenStream> {
    let private = private();
    let Variant { cfgs, method, kind, .. } = variant;
    let output = match kind {
        MessageKind::From { .. } => return None,
        MessageKind::Cast => quote!(#private::Cast),
        MessageKind::Call { answer, .. } => {
            let answer = sendable(answer.clone());
            quote!(#private::Call<#answer>)
        }
    };
    let types: Vec<Ident> = (0..count).map(|index| nth("Arg", index)).collect();
    Some(quote! {
        #(#cfgs)*
        #vis fn #method<#(#types),*>(&self #(, _: #types)*) -> #output {
            ::core::unreachable!()
        }
    })
}

/// Generates the stub of a protocol with lifetimes: a type with placeholder methods.
pub(super) fn placeholder(model: &Model) -> TokenStream {
    let Model { stub, vis, cfgs, .. } = model;
    let generics = generics::without_lifetimes(&model.generics);
    let (impl_generics, ty_generics, _) = generics.split_for_impl();
    let types = generics.type_params().map(|param| &param.ident);
    let methods = model
        .variants
        .iter()
        .filter_map(|variant| placeholder_method(vis, variant, variant.placeholder_args.unwrap_or_default()));
    quote! {
        #(#cfgs)*
        #[doc(hidden)]
        #[allow(dead_code)]
        #vis struct #stub #impl_generics (::core::marker::PhantomData<fn() -> (#(#types,)*)>);

        #(#cfgs)*
        #[allow(dead_code)]
        impl #impl_generics #stub #ty_generics {
            #(#methods)*
        }
    }
}

/// Generates the standard traits, each through the address.
fn traits(model: &Model) -> TokenStream {
    let private = private();
    let Model { stub, cfgs, .. } = model;
    let name = stub.unraw().to_string();
    let generics = model.impl_generics();
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let lifetime: GenericParam = parse_quote!('de);
    let with_lifetime = generics::with_param(&generics, lifetime);
    let (impl_with_lifetime, _, _) = with_lifetime.split_for_impl();
    let (other, state, f) = (param("other"), param("state"), param("f"));
    let (serializer, deserializer) = (param("serializer"), param("deserializer"));
    let [h, s, d] = ["H", "S", "D"].map(|name| type_param(name, &generics));
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        impl #impl_generics ::core::clone::Clone for #stub #ty_generics #where_clause {
            fn clone(&self) -> Self {
                Self(::core::clone::Clone::clone(&self.0))
            }
        }
        #(#cfgs)*
        #[automatically_derived]
        impl #impl_generics ::core::cmp::PartialEq for #stub #ty_generics #where_clause {
            fn eq(&self, #other: &Self) -> bool {
                ::core::cmp::PartialEq::eq(&self.0, &#other.0)
            }
        }
        #(#cfgs)*
        #[automatically_derived]
        impl #impl_generics ::core::cmp::Eq for #stub #ty_generics #where_clause {}
        #(#cfgs)*
        #[automatically_derived]
        impl #impl_generics ::core::hash::Hash for #stub #ty_generics #where_clause {
            fn hash<#h: ::core::hash::Hasher>(&self, #state: &mut #h) {
                ::core::hash::Hash::hash(&self.0, #state);
            }
        }
        #(#cfgs)*
        #[automatically_derived]
        impl #impl_generics ::core::fmt::Debug for #stub #ty_generics #where_clause {
            fn fmt(&self, #f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Formatter::debug_tuple(#f, #name).field(&self.0).finish()
            }
        }
        #(#cfgs)*
        #[automatically_derived]
        impl #impl_generics #private::Serialize for #stub #ty_generics #where_clause {
            fn serialize<#s: #private::Serializer>(
                &self,
                #serializer: #s,
            ) -> ::core::result::Result<#s::Ok, #s::Error> {
                #private::Serialize::serialize(&self.0, #serializer)
            }
        }
        #(#cfgs)*
        #[automatically_derived]
        impl #impl_with_lifetime #private::Deserialize<'de> for #stub #ty_generics #where_clause {
            fn deserialize<#d: #private::Deserializer<'de>>(
                #deserializer: #d,
            ) -> ::core::result::Result<Self, #d::Error> {
                ::core::result::Result::map(#private::Deserialize::deserialize(#deserializer), Self)
            }
        }
    }
}
