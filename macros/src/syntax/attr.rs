//! Attributes: which of them generated items repeat, and what their arguments are.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Expr, ExprLit, Lit, Meta, Path};

use crate::diag::Errors;

/// The attributes that whatever is derived from an item repeats: `#[cfg(..)]`.
pub(crate) fn cfgs(attrs: &[Attribute]) -> Vec<Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect()
}

/// All predicates of several `#[cfg]`s as one: `all(a, b)`.
pub(crate) fn cfg_predicate(cfgs: &[Attribute]) -> TokenStream {
    let predicates = cfgs.iter().filter_map(|attr| match &attr.meta {
        Meta::List(list) => Some(&list.tokens),
        _ => None,
    });
    quote!(all(#(#predicates),*))
}

/// Documentation and deprecation, which a generated function repeats.
pub(crate) fn docs(attrs: &[Attribute]) -> Vec<Attribute> {
    let repeated = |attr: &&Attribute| attr.path().is_ident("doc") || attr.path().is_ident("deprecated");
    attrs.iter().filter(repeated).cloned().collect()
}

/// Whether any of the attributes is prose.
pub(crate) fn has_doc_text(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| prose(attr).is_some())
}

/// The first paragraph of the documentation.
pub(crate) fn first_paragraph(attrs: &[Attribute]) -> Vec<&Attribute> {
    attrs
        .iter()
        .filter_map(|attr| Some((attr, prose(attr)?)))
        .skip_while(|(_, text)| text.trim().is_empty())
        .take_while(|(_, text)| !text.trim().is_empty())
        .map(|(attr, _)| attr)
        .collect()
}

fn prose(attr: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attr.meta else { return None };
    match &pair.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if attr.path().is_ident("doc") => Some(text.value()),
        _ => None,
    }
}

/// Takes an attribute of ours off an item.
pub(crate) fn take(attrs: &mut Vec<Attribute>, name: &str) -> Option<Attribute> {
    let index = attrs.iter().position(|attr| attr.path().is_ident(name))?;
    Some(attrs.remove(index))
}

/// Demands that an attribute stands alone, as `#[from]`.
pub(crate) fn expect_no_arguments(attr: &Attribute, errors: &mut Errors) {
    if !matches!(attr.meta, Meta::Path(_)) {
        let name = attr.path().to_token_stream();
        errors.push(&attr.meta, format!("`#[{name}]` takes nothing"));
    }
}

/// What stands in an attribute's parentheses; nothing if it has none.
pub(crate) fn arguments(attr: &Attribute, errors: &mut Errors) -> TokenStream {
    match &attr.meta {
        Meta::Path(_) => TokenStream::new(),
        Meta::List(list) => list.tokens.clone(),
        Meta::NameValue(pair) => {
            let name = attr.path().to_token_stream();
            errors.push(&pair.value, format!("options stand in parentheses: `#[{name}(..)]`"));
            TokenStream::new()
        }
    }
}

/// `path::to::Thing` with one word only, and no arguments.
pub(crate) fn path_ends_with(path: &Path, word: &str) -> bool {
    path.segments.last().is_some_and(|segment| segment.ident == word)
}
