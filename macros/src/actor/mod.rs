//! `#[actor]`: on a struct or an enum it declares the actor and its options, on an impl it defines the protocol by the
//! methods.
//!
//! The expansion of the impl makes an enum of the messages and expands it as [`protocol`](crate::protocol) does. An
//! actor with methods is therefore an actor with a protocol, and nothing more.

mod check;
mod constructor;
mod declaration;
mod expand;
mod handler;
mod model;
mod options;
mod params;
mod parse;
mod upgrade;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Item, ItemImpl};

use self::declaration::Declaration;
use self::model::Model;
use self::options::ImplOptions;
use crate::diag::Errors;
use crate::fallback;
use crate::syntax::attr;

/// Expands the attribute.
pub(crate) fn actor(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    match errors.record(syn::parse2::<Item>(item.clone())) {
        Some(Item::Impl(block)) => on_impl(attr, block, errors),
        Some(Item::Struct(mut item)) => {
            if let Some(misplaced) = attr::take(&mut item.attrs, "protocol") {
                errors.push_help(
                    misplaced,
                    "`#[protocol]` cannot be used on an actor's struct",
                    "remove it, or move it to the enum of the actor's messages",
                );
            }
            let (ident, generics, attrs) = (&item.ident, &item.generics, &item.attrs);
            let generated = on_declaration(attr, &Declaration { ident, generics, attrs }, &mut errors);
            quote!(#item #generated #errors)
        }
        Some(Item::Enum(item)) => {
            let (ident, generics, attrs) = (&item.ident, &item.generics, &item.attrs);
            let generated = on_declaration(attr, &Declaration { ident, generics, attrs }, &mut errors);
            quote!(#item #generated #errors)
        }
        Some(other) => {
            errors.push(
                attr::first_token(&other),
                "`#[actor]` expects a struct, an enum or an impl with `#[cast]` and `#[call]` methods",
            );
            fallback::item(&item, &errors)
        }
        None => fallback::item(&item, &errors),
    }
}

fn on_declaration(attr: TokenStream, declaration: &Declaration<'_>, errors: &mut Errors) -> TokenStream {
    let mut options = options::ActorOptions::parse(attr, errors);
    if !declaration::check(declaration, &mut options, errors) {
        return fallback::actor(declaration.ident, declaration.generics, declaration.attrs);
    }
    let portable = options.upgrade.as_ref().map(|word| upgrade::declare(declaration, &options, word));
    let actor = declaration::expand(declaration, &options);
    quote!(#actor #portable)
}

fn on_impl(attr: TokenStream, mut block: ItemImpl, mut errors: Errors) -> TokenStream {
    let options = ImplOptions::parse(attr, &mut errors);
    let Some(mut model) = Model::parse(&mut block, options, &mut errors) else {
        return quote!(#block #errors);
    };
    check::check(&mut model, &block, &mut errors);
    let generated = expand::expand(&model);
    quote!(#block #generated #errors)
}
