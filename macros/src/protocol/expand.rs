//! The enum's side: its table of variants, its bytes, and the messages that the runtime may put into it.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use super::model::{Field, Kind, Model, Variant};
use super::show::show;
use crate::names::{local, nth, param, private, private_at};
use crate::syntax::text::source_text;
use crate::syntax::{attr, types};

/// `impl Protocol`, and `From` for each `#[from]` variant.
pub(crate) fn protocol(model: &Model) -> TokenStream {
    let private = private();
    let Model { ident, cfgs, .. } = model;
    let generics = model.impl_generics();
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let allow = allow(model);
    let name = ident.unraw().to_string();
    let version = model.version.iter();
    let reported = model.debug.then(|| {
        quote!(
            const REPORTED: bool = true;
        )
    });
    let variants = model.variants.iter().map(describe);
    let number = number(model);
    let from_system = from_system(model);
    let decode_event = decode_event(model);
    let mark_taken = mark_taken(model);
    let show = show(model);
    let codec = (!model.local).then(|| {
        let encode = encode(model);
        let decode = decode(model);
        quote!(#encode #decode)
    });
    let sources = model.variants.iter().map(|variant| source(model, variant));
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        #allow
        impl #impl_generics #private::Protocol for #ident #ty_generics #where_clause {
            const NAME: &'static str = #name;
            #(const VERSION: u32 = #version;)*
            #reported
            const VARIANTS: &'static [#private::Variant] = &[#(#variants),*];
            #number
            #from_system
            #decode_event
            #mark_taken
            #show
            #codec
        }
        #(#sources)*
    }
}

/// The lints that code generated for this protocol may trip through no fault of the user's.
pub(crate) fn allow(model: &Model) -> Option<TokenStream> {
    model.deprecated().then(|| quote!(#[allow(deprecated)]))
}

fn describe(variant: &Variant) -> TokenStream {
    let private = private();
    let cfgs = &variant.cfgs;
    let name = variant.ident.unraw().to_string();
    let shape = shape(&variant.fields);
    let call = matches!(variant.kind, Kind::Call { .. });
    let system = !variant.travels();
    let priority = variant.priority;
    quote!(#(#cfgs)* #private::Variant { name: #name, shape: #shape, call: #call, system: #system, priority: #priority })
}

/// The fields' text. Where a field depends on a feature, so does the text: two builds with different
/// features are two shapes.
fn shape(fields: &[Field]) -> TokenStream {
    fn choose(rest: &[Field], written: &mut Vec<String>) -> TokenStream {
        let Some((field, rest)) = rest.split_first() else {
            let text = written.join(", ");
            return quote!(#text);
        };
        // Whoever wrote the path, it is the same `Reply`.
        written.push(source_text(field).replace("::greenroom::__private::", ""));
        let with = choose(rest, written);
        written.pop();
        if field.cfgs.is_empty() {
            return with;
        }
        let without = choose(rest, written);
        let predicate = attr::cfg_predicate(&field.cfgs);
        quote!(if ::core::cfg!(#predicate) { #with } else { #without })
    }
    choose(fields, &mut Vec::new())
}

/// The index of each variant: a literal, or counted by the compiler where a `#[cfg]` may take variants away.
struct Numbers {
    vary: bool,
}

impl Numbers {
    fn of(model: &Model) -> Numbers {
        Numbers { vary: model.numbers_vary() }
    }

    /// What must stand in front.
    fn prelude(&self, model: &Model) -> Option<TokenStream> {
        self.vary.then(|| {
            let variants = model.variants.iter().map(|variant| {
                let (cfgs, ident) = (&variant.cfgs, &variant.ident);
                quote!(#(#cfgs)* #ident)
            });
            quote! {
                #[allow(dead_code)]
                enum __Number { #(#variants),* }
            }
        })
    }

    fn value(&self, index: usize, variant: &Variant) -> TokenStream {
        if self.vary {
            let ident = &variant.ident;
            quote!(__Number::#ident as usize)
        } else {
            let index = Literal::usize_unsuffixed(index);
            quote!(#index)
        }
    }

    fn pattern(&self, index: usize, variant: &Variant) -> TokenStream {
        let value = self.value(index, variant);
        if self.vary {
            let number = local("number");
            quote!(#number if #number == #value)
        } else {
            value
        }
    }
}

fn number(model: &Model) -> TokenStream {
    let numbers = Numbers::of(model);
    let prelude = numbers.prelude(model);
    let arms = model.variants.iter().enumerate().map(|(index, variant)| {
        let (cfgs, ident) = (&variant.cfgs, &variant.ident);
        let number = numbers.value(index, variant);
        quote!(#(#cfgs)* Self::#ident { .. } => #number,)
    });
    let body = match_self(model, &quote!(#(#arms)*));
    quote! {
        fn variant(&self) -> usize {
            #prelude
            #body
        }
    }
}

/// `match self`, complete also for an enum that nobody can make a value of.
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

fn from_system(model: &Model) -> Option<TokenStream> {
    let private = private();
    let (system, message) = (local("system"), local("message"));
    let takes: Vec<TokenStream> = model
        .variants
        .iter()
        .filter_map(|variant| {
            let Kind::From { source: Some(ty), .. } = &variant.kind else { return None };
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

/// The types of event that other nodes may send.
fn decode_event(model: &Model) -> Option<TokenStream> {
    let private = private();
    let (event, decoder, message) = (local("event"), local("decoder"), local("message"));
    let reads: Vec<TokenStream> = model
        .variants
        .iter()
        .filter_map(|variant| {
            let Kind::From { source: Some(ty), system: false, .. } = &variant.kind else { return None };
            let (cfgs, ident) = (&variant.cfgs, &variant.ident);
            let field = variant.fields.first()?;
            let (member, part) = (&field.member, part(field));
            Some(quote! {
                #(#cfgs)*
                if #event == #private::event::<#ty>() {
                    return ::core::option::Option::Some(::core::result::Result::map(
                        #part::read(#decoder),
                        |#message| Self::#ident { #member: #message },
                    ));
                }
            })
        })
        .collect();
    (!model.local && !reads.is_empty()).then(|| {
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

/// Who gets a call may give its reply away.
fn mark_taken(model: &Model) -> Option<TokenStream> {
    let private = private();
    let reply = local("reply");
    let calls: Vec<TokenStream> = model
        .variants
        .iter()
        .filter_map(|variant| {
            let Kind::Call { reply: index, .. } = &variant.kind else { return None };
            let (cfgs, ident, member) = (&variant.cfgs, &variant.ident, &variant.fields.get(*index)?.member);
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

fn encode(model: &Model) -> TokenStream {
    let private = private();
    let encoder = local("encoder");
    let arms = model.variants.iter().map(|variant| {
        let (cfgs, ident) = (&variant.cfgs, &variant.ident);
        if !variant.travels() {
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
            let part = part(field);
            quote!(#(#cfgs)* #part::write(#binding, #encoder)?;)
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

fn decode(model: &Model) -> TokenStream {
    let private = private();
    let (index, decoder) = (local("variant"), local("decoder"));
    let numbers = Numbers::of(model);
    let prelude = numbers.prelude(model);
    let arms = model.variants.iter().enumerate().filter(|(_, variant)| variant.travels()).map(|(place, variant)| {
        let (cfgs, ident) = (&variant.cfgs, &variant.ident);
        let pattern = numbers.pattern(place, variant);
        let reads = variant.fields.iter().map(|field| {
            let Field { cfgs, member, .. } = field;
            let part = part(field);
            quote!(#(#cfgs)* #member: #part::read(#decoder)?)
        });
        quote! {
            #(#cfgs)*
            #pattern => ::core::result::Result::Ok(Self::#ident { #(#reads),* }),
        }
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

/// A field's type, as a part of a message. One that has no bytes is told at the type, and once: what the compiler
/// says of the two places that ask is the same, word by word.
fn part(field: &Field) -> TokenStream {
    let ty = &field.ty;
    let private = private_at(ty.span());
    // What only the runtime says is meant for `#[from]`, rather than for serde.
    let asked = Ident::new(if types::is_system_message(ty) { "Said" } else { "Travels" }, ty.span());
    quote_spanned!(ty.span()=> <#ty as #private::#asked>)
}

/// `From<T>` and `Receives<T>` for a `#[from]` variant.
fn source(model: &Model, variant: &Variant) -> Option<TokenStream> {
    let private = private();
    let Kind::From { source: Some(ty), .. } = &variant.kind else { return None };
    let member = &variant.fields.first()?.member;
    let (owner, message) = (&model.ident, param("value"));
    let cfgs: Vec<_> = model.cfgs.iter().chain(&variant.cfgs).collect();
    let ident = &variant.ident;
    let generics = model.impl_generics();
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let allow = allow(model);
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
        impl #impl_generics #private::Receives<#ty> for #owner #ty_generics #where_clause {}
    })
}
