//! `#[supervisor]`: a struct becomes a supervision tree; its fields with `#[child]` are the children, in order.
//!
//! The struct keeps its plain fields only: they are the arguments of the tree. A child's field is not a value
//! but a place, filled by a running process, so it lives in the tree's stub.

mod expand;
mod model;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Item, ItemStruct};

use crate::diag::Errors;
use crate::syntax::text::source_text;
use crate::{fallback, sibling_items};

/// The whole macro.
pub(crate) fn supervisor(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let flags = model::SupervisorOptions::parse(attr, &mut errors);
    let Some(mut item) = parse_item(item.clone(), &mut errors) else {
        return fallback::item(&item, &errors);
    };
    let derive = sibling_items::derive_above(&item);
    let Some(model) = model::Model::read(&mut item, flags, &mut errors) else {
        return quote!(#item #errors);
    };
    if let Some(derive) = derive {
        let derive = source_text(derive);
        errors.add(syn::Error::new(
            Span::call_site(),
            format!("`{derive}` has read the children as fields: write it below `#[supervisor]`, which takes them out"),
        ));
        // It goes on to do so.
        model.put_back(&mut item);
    }
    let generated = expand::expand(&model);
    quote!(#item #generated #errors)
}

fn parse_item(tokens: TokenStream, errors: &mut Errors) -> Option<ItemStruct> {
    match errors.keep(syn::parse2(tokens))? {
        Item::Struct(item) => Some(item),
        other => {
            let first: TokenStream = quote!(#other).into_iter().take(1).collect();
            errors.push(first, "`#[supervisor]` stands on a struct, one `#[child]` field for each child");
            None
        }
    }
}
