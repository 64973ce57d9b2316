//! `#[protocol]`: an enum becomes the messages of a process, and gets a stub that sends them.
//!
//! The phases: parse the enum into a [`Model`], check the rules that need the whole enum, expand. The enum itself is
//! emitted as it was written, also after an error. `#[actor]` expands the enum of an actor's messages through the same
//! phases.

mod check;
mod codec;
mod debug_text;
mod evolve;
mod expand;
mod field_codec;
mod isolation;
mod matches;
mod model;
mod options;
mod stub;

pub(crate) use check::check;
pub(crate) use model::Model;
pub(crate) use options::ProtocolOptions;
pub(crate) use stub::placeholder_methods;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Item, ItemEnum};

use crate::diag::Errors;
use crate::fallback;
use crate::syntax::attr;

/// Expands the attribute.
pub(crate) fn protocol(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = ProtocolOptions::parse(attr, &mut errors);
    let mut item = match parse_item(item.clone(), &mut errors) {
        Ok(parsed) => parsed,
        Err(fallback) => {
            let item = fallback::item(&item, &errors);
            return quote!(#item #fallback);
        }
    };
    let mut model = Model::parse(&mut item, options, &mut errors);
    check(&mut model, &mut errors);
    check::check_name(&mut model, &item, &mut errors);
    let generated = expand(&model);
    quote!(#item #generated #errors)
}

/// Generates everything but the enum.
pub(crate) fn expand(model: &Model) -> TokenStream {
    if model.has_lifetimes {
        return stub::placeholder(model);
    }
    let protocol = expand::protocol(model);
    let stub = stub::stub(model);
    let warnings = isolation::warnings(model);
    quote!(#protocol #stub #warnings)
}

/// Returns the enum. For another item it adds an error, and returns what to emit beside the item.
fn parse_item(tokens: TokenStream, errors: &mut Errors) -> Result<ItemEnum, TokenStream> {
    let Some(item) = errors.record(syn::parse2(tokens)) else { return Err(TokenStream::new()) };
    match item {
        Item::Enum(item) => return Ok(item),
        Item::Struct(item) => {
            errors.push_help(
                item.struct_token,
                "expected an enum, found a struct",
                "a protocol is an enum with one variant for each message; for an actor write `#[actor]`",
            );
            // If the struct was meant to be an actor, its `#[actor] impl` still compiles.
            let is_actor = item.attrs.iter().any(|attr| attr::path_ends_with(attr.path(), "actor"));
            let fallback = (!is_actor).then(|| fallback::actor(&item.ident, &item.generics, &item.attrs));
            return Err(fallback.unwrap_or_default());
        }
        Item::Impl(item) => {
            errors.push_help(
                item.impl_token,
                "expected an enum, found an impl",
                "for the impl of an actor write `#[actor]`",
            );
        }
        other => {
            errors.push_help(
                attr::first_token(&other),
                "`#[protocol]` expects an enum",
                "a protocol is an enum with one variant for each message",
            );
        }
    }
    Err(TokenStream::new())
}
