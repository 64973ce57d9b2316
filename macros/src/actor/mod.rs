//! `#[actor]`: on a struct it says who listens and to what; on an impl it reads the protocol off the methods.
//!
//! The impl's expansion makes an enum and hands it to [`protocol`](crate::protocol): an actor with methods is
//! an actor with a protocol, and nothing else.

mod declaration;
mod expand;
mod handler;
mod model;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Item, ItemImpl, ItemStruct, parse_quote};

use crate::diag::Errors;
use crate::sibling_items::{self, Clash};
use crate::syntax::{attr, options, visibility};
use crate::{fallback, protocol};

/// The whole macro, for either place.
pub(crate) fn actor(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    match errors.keep(syn::parse2::<Item>(item.clone())) {
        Some(Item::Impl(block)) => on_impl(attr, block, errors),
        Some(Item::Struct(mut item)) => {
            if let Some(attr) = attr::take(&mut item.attrs, "protocol") {
                errors.push(attr, "`#[protocol]` stands on the `enum` of an actor's messages: leave it out here");
            }
            let target = target(&item);
            let generated = declaration::declare(attr, &target, &mut errors);
            quote!(#item #generated #errors)
        }
        Some(Item::Enum(item)) => {
            let target = declaration::Target { ident: &item.ident, generics: &item.generics, attrs: &item.attrs };
            let generated = declaration::declare(attr, &target, &mut errors);
            quote!(#item #generated #errors)
        }
        Some(other) => {
            let first: TokenStream = quote!(#other).into_iter().take(1).collect();
            errors.push(first, "`#[actor]` stands on a struct, or on the impl with its `#[cast]`s and `#[call]`s");
            fallback::item(&item, &errors)
        }
        None => fallback::item(&item, &errors),
    }
}

fn target(item: &ItemStruct) -> declaration::Target<'_> {
    declaration::Target { ident: &item.ident, generics: &item.generics, attrs: &item.attrs }
}

fn on_impl(attr: TokenStream, mut block: ItemImpl, mut errors: Errors) -> TokenStream {
    let options = impl_options(attr, &mut errors);
    let Some(model) = model::Model::read(&mut block, &options, &mut errors) else {
        return quote!(#block #errors);
    };
    let mut messages = model.messages();
    if visibility::reach(&messages.vis) < visibility::reach(&parse_quote!(pub))
        && sibling_items::is_public(&block, &model.actor)
    {
        let actor = &model.actor;
        errors.push(
            &block.self_ty,
            format!("`{actor}` is `pub`, and what may be said to it is not: write `pub fn` where others may send the message"),
        );
        // As if it were.
        messages.vis = parse_quote!(pub);
    }
    let mut spoken = protocol::Model::read(&mut messages, options, &mut errors);
    model.name_stub(&mut spoken);
    match sibling_items::clash(&block, &model.actor) {
        Some(Clash::Impl) => {
            let actor = &model.actor;
            errors.push(
                &block.self_ty,
                format!(
                    "`{actor}` has an `#[actor] impl` already: move these methods there, or leave `#[actor]` off if no message is among them"
                ),
            );
            let methods = protocol::loosely(&mut spoken);
            return quote!(#block #methods #errors);
        }
        Some(Clash::Protocol) => {
            errors.push(
                &block.self_ty,
                "an actor has one protocol, and this impl would make a second one: leave `protocol = ..` off the struct, or `#[actor]` off the impl",
            );
            let methods = protocol::expand(&spoken);
            return quote!(#block #messages #methods #errors);
        }
        None => {}
    }
    if !spoken.variants.is_empty() {
        protocol::check(&mut spoken, &mut errors);
    }
    if model.borrows {
        let (stub, declared) = (protocol::expand(&spoken), expand::declared(&model));
        return quote!(#block #stub #declared #errors);
    }
    let generated = expand::expand(&model, &messages, &spoken);
    quote!(#block #generated #errors)
}

/// The options of an actor's impl.
const IMPL_OPTIONS: &[&str] = &["local", "debug"];

fn impl_options(attr: TokenStream, errors: &mut Errors) -> protocol::Options {
    let mut read = protocol::Options::default();
    options::parse_with_misplaced("#[actor]", attr, IMPL_OPTIONS, declaration::OPTIONS, errors, |name, input| {
        match name.to_string().as_str() {
            "local" => read.local = options::flag(name, input)?,
            "debug" => read.debug = options::flag(name, input)?,
            _ => {
                read.misplaced = true;
                return Err(syn::Error::new(
                    name.span(),
                    format!(
                        "`{name}` stands on the struct, in its `#[actor({name} ..)]`; the impl's options are `local` and `debug`"
                    ),
                ));
            }
        }
        Ok(())
    });
    read
}
