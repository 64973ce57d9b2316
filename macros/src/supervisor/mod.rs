//! `#[supervisor]`: a struct becomes a supervision tree. Its fields with `#[child]` are the children, in order.
//!
//! The emitted struct keeps the other fields only, which are the arguments of the tree. The children are processes, and
//! the stub of the tree has a method for each.

mod check;
mod expand;
mod model;
mod options;
mod siblings;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Item, ItemStruct};

use self::model::Model;
use self::options::TreeOptions;
use crate::diag::Errors;
use crate::fallback;
use crate::syntax::attr;

/// Expands the attribute.
pub(crate) fn supervisor(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = TreeOptions::parse(attr, &mut errors);
    let Some(mut item) = parse_item(item.clone(), &mut errors) else {
        return fallback::item(&item, &errors);
    };
    let has_derive_above = check::reject_derive_above(&item, &mut errors);
    let Some(model) = Model::parse(&mut item, options, &mut errors) else {
        return quote!(#item #errors);
    };
    check::check(&model, &mut errors);
    siblings::check(&model, &mut errors);
    if has_derive_above {
        model.restore_fields(&mut item);
    }
    let generated = expand::expand(&model);
    quote!(#item #generated #errors)
}

fn parse_item(tokens: TokenStream, errors: &mut Errors) -> Option<ItemStruct> {
    match errors.record(syn::parse2(tokens))? {
        Item::Struct(item) => Some(item),
        other => {
            errors.push_help(
                attr::first_token(&other),
                "`#[supervisor]` expects a struct",
                "write a struct with a `#[child]` field for each child",
            );
            None
        }
    }
}
