//! Attributes: those that generated items repeat, and those that a macro reads and removes.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Expr, ExprLit, Item, Lit, Meta, Path};

use crate::diag::Errors;

/// Returns the `#[cfg(..)]` attributes. Every generated item repeats those of the item that it is derived from.
pub(crate) fn cfgs(attrs: &[Attribute]) -> Vec<Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect()
}

/// Returns the `#[allow(..)]` and `#[expect(..)]` attributes.
pub(crate) fn lint_levels(attrs: &[Attribute]) -> Vec<Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("allow") || attr.path().is_ident("expect")).cloned().collect()
}

/// Returns the predicates of several `#[cfg]` attributes as one: `all(a, b)`.
pub(crate) fn cfg_predicate(cfgs: &[Attribute]) -> TokenStream {
    let predicates = cfgs.iter().filter_map(|attr| match &attr.meta {
        Meta::List(list) => Some(&list.tokens),
        _ => None,
    });
    quote!(all(#(#predicates),*))
}

/// Returns the documentation and `#[deprecated]`. A generated function repeats them.
pub(crate) fn docs(attrs: &[Attribute]) -> Vec<Attribute> {
    let repeated = |attr: &&Attribute| attr.path().is_ident("doc") || attr.path().is_ident("deprecated");
    attrs.iter().filter(repeated).cloned().collect()
}

/// Returns true if any of the attributes is a line of documentation.
pub(crate) fn has_doc_text(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| doc_text(attr).is_some())
}

/// Returns the first paragraph of the documentation.
pub(crate) fn first_paragraph(attrs: &[Attribute]) -> Vec<&Attribute> {
    attrs
        .iter()
        .filter_map(|attr| Some((attr, doc_text(attr)?)))
        .skip_while(|(_, text)| text.trim().is_empty())
        .take_while(|(_, text)| !text.trim().is_empty())
        .map(|(attr, _)| attr)
        .collect()
}

fn doc_text(attr: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attr.meta else { return None };
    match &pair.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if attr.path().is_ident("doc") => Some(text.value()),
        _ => None,
    }
}

/// Returns whether an attribute of greenroom has this name: `#[cast]`, or `#[greenroom::cast]`.
pub(crate) fn is(attr: &Attribute, name: &str) -> bool {
    let segments = &attr.path().segments;
    attr.path().is_ident(name) || segments.len() == 2 && segments[0].ident == "greenroom" && segments[1].ident == name
}

/// Removes the first attribute with this name, and returns it.
pub(crate) fn take(attrs: &mut Vec<Attribute>, name: &str) -> Option<Attribute> {
    let index = attrs.iter().position(|attr| is(attr, name))?;
    Some(attrs.remove(index))
}

/// Removes the attribute with this name, and returns it. Reports it if it is written twice.
pub(crate) fn take_one(attrs: &mut Vec<Attribute>, name: &str, errors: &mut Errors) -> Option<Attribute> {
    let found = take(attrs, name)?;
    while let Some(duplicate) = take(attrs, name) {
        errors.push(duplicate, format!("duplicate attribute `#[{name}]`"));
    }
    Some(found)
}

/// Removes all `#[serde(..)]` attributes, and returns them.
pub(crate) fn take_serde(attrs: &mut Vec<Attribute>) -> Vec<Attribute> {
    let (serde, others) = attrs.drain(..).partition(|attr| attr.path().is_ident("serde"));
    *attrs = others;
    serde
}

/// Reports arguments of an attribute that takes none, such as `#[from]`.
pub(crate) fn expect_no_arguments(attr: &Attribute, errors: &mut Errors) {
    if !matches!(attr.meta, Meta::Path(_)) {
        let name = attr.path().to_token_stream();
        errors.push(&attr.meta, format!("`#[{name}]` takes no arguments"));
    }
}

/// Returns the tokens in the attribute's parentheses, or none if it has no parentheses.
pub(crate) fn arguments(attr: &Attribute, errors: &mut Errors) -> TokenStream {
    match &attr.meta {
        Meta::Path(_) => TokenStream::new(),
        Meta::List(list) => list.tokens.clone(),
        Meta::NameValue(pair) => {
            let name = attr.path().to_token_stream();
            errors.push_help(
                &pair.value,
                format!("expected the arguments of `#[{name}]` in parentheses"),
                format!("write `#[{name}(..)]`"),
            );
            TokenStream::new()
        }
    }
}

/// Returns true if the last segment of the path is `word`: an attribute is recognised by its short and its full name.
pub(crate) fn path_ends_with(path: &Path, word: &str) -> bool {
    path.segments.last().is_some_and(|segment| segment.ident == word)
}

/// Returns the first token of an item, where an error about its kind is reported.
pub(crate) fn first_token(item: &Item) -> TokenStream {
    quote!(#item).into_iter().take(1).collect()
}
