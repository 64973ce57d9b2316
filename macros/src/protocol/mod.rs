//! `#[protocol]`: an enum becomes what may be said to a process, and gets a stub that says it.
//!
//! parse (the item into a [`Model`]) → check (the rules that need the whole enum) → expand. The enum itself
//! is emitted as it was written, whatever was wrong with it.

mod check;
mod expand;
mod model;
mod show;
mod stub;

pub(crate) use check::check;
pub(crate) use model::Model;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Item, ItemEnum, LitInt};

use crate::diag::Errors;
use crate::fallback;
use crate::syntax::{attr, options};

/// What stands in the parentheses of `#[protocol(..)]`.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) local: bool,
    pub(crate) debug: bool,
    pub(crate) version: Option<LitInt>,
    /// Whether an actor's impl was given what belongs to its struct, which was refused.
    pub(crate) misplaced: bool,
}

/// The whole macro.
pub(crate) fn protocol(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = parse_options(attr, &mut errors);
    let mut item = match parse_item(item.clone(), &mut errors) {
        Ok(parsed) => parsed,
        Err(assumed) => {
            let item = fallback::item(&item, &errors);
            return quote!(#item #assumed);
        }
    };
    let mut model = Model::read(&mut item, options, &mut errors);
    check(&mut model, &mut errors);
    let generated = expand(&model);
    quote!(#item #generated #errors)
}

/// Everything that follows from a protocol, except the enum.
pub(crate) fn expand(model: &Model) -> TokenStream {
    if model.borrows {
        return stub::unusable(model);
    }
    let protocol = expand::protocol(model);
    let stub = stub::stub(model);
    quote!(#protocol #stub)
}

/// Methods of a stub that is made elsewhere, for what would have been messages: whoever calls them is not told off too.
pub(crate) fn loosely(model: &mut Model) -> TokenStream {
    stub::loosely(model)
}

fn parse_options(attr: TokenStream, errors: &mut Errors) -> Options {
    let mut options = Options::default();
    options::parse("#[protocol]", attr, &["local", "debug", "version"], errors, |name, input| {
        match name.to_string().as_str() {
            "local" => options.local = options::flag(name, input)?,
            "debug" => options.debug = options::flag(name, input)?,
            _ => options.version = Some(options::number(name, "1", input)?),
        }
        Ok(())
    });
    options
}

/// The enum, or what else goes on as if it were right.
fn parse_item(tokens: TokenStream, errors: &mut Errors) -> Result<ItemEnum, TokenStream> {
    let Some(item) = errors.keep(syn::parse2(tokens)) else { return Err(TokenStream::new()) };
    match item {
        Item::Enum(item) => return Ok(item),
        Item::Struct(item) => {
            errors.push(
                item.struct_token,
                "a protocol is an `enum`, one variant for each message; a struct that is a process has `#[actor]`",
            );
            // The impl of a struct that was meant to be an actor goes on as if it were.
            let declares_itself = item.attrs.iter().any(|attr| attr::path_ends_with(attr.path(), "actor"));
            return Err(if declares_itself {
                TokenStream::new()
            } else {
                fallback::actor(&item.ident, &item.generics, &item.attrs)
            });
        }
        Item::Impl(item) => {
            errors.push(item.impl_token, "`#[protocol]` stands on an `enum`; on an `impl` write `#[actor]`");
        }
        other => {
            errors.push(first_token(&other), "`#[protocol]` stands on an `enum`, one variant for each message");
        }
    }
    Err(TokenStream::new())
}

fn first_token(item: &Item) -> TokenStream {
    quote!(#item).into_iter().take(1).collect()
}
