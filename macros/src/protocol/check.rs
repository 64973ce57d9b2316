//! The rules that need the whole enum.
//!
//! A broken rule gives one error, and the model is corrected so that rustc does not report a second one.

use std::collections::HashMap;

use proc_macro2::Ident;
use quote::format_ident;
use syn::ItemEnum;

use super::model::{MessageKind, Model};
use crate::diag::Errors;
use crate::syntax::generics;
use crate::syntax::text::source_text;
use crate::{names, sibling_items};

/// Adds an error for every rule that the protocol breaks.
pub(crate) fn check(model: &mut Model, errors: &mut Errors) {
    if model.variants.is_empty() {
        errors.push_help(&model.ident, "a protocol needs at least one variant", "add a variant for each message");
    }
    check_methods(model, errors);
    check_sources(model, errors);
}

/// The name of the stub is free.
pub(super) fn check_name(model: &mut Model, item: &ItemEnum, errors: &mut Errors) {
    let Some(taken) = sibling_items::name_beside_enum(item, &model.stub) else { return };
    errors.push_help(
        &model.ident,
        format!("`{taken}`, the name of this protocol's stub, is taken by another type"),
        "rename that type or the protocol; the stub of a protocol `P` is `PRef`",
    );
    model.stub = names::hidden(&model.stub);
}

// Both rules leave variants with `#[cfg]` to rustc: two such variants may exclude each other.

/// Two variants cannot have stub methods of one name.
fn check_methods(model: &mut Model, errors: &mut Errors) {
    let mut methods: HashMap<String, Ident> = HashMap::new();
    for variant in model.variants.iter_mut().filter(|variant| variant.cfgs.is_empty()) {
        if matches!(variant.kind, MessageKind::From { .. }) {
            continue;
        }
        let first = methods.insert(variant.method.to_string(), variant.ident.clone());
        if let Some(first) = first.filter(|first| *first != variant.ident) {
            let (second, method) = (&variant.ident, &variant.method);
            errors.push_help(
                second,
                format!("the variants `{first}` and `{second}` both define the stub's method `{method}`"),
                "rename one of them",
            );
            variant.method = format_ident!("{method}_");
        }
    }
}

/// Each `#[from]` variant needs a type of its own.
fn check_sources(model: &mut Model, errors: &mut Errors) {
    let mut sources: HashMap<String, Ident> = HashMap::new();
    for variant in model.variants.iter_mut().filter(|variant| variant.cfgs.is_empty()) {
        let MessageKind::From { attr, source, .. } = &mut variant.kind else { continue };
        let Some(ty) = source else { continue };
        let written = source_text(&*ty);
        let first = sources.insert(written.clone(), variant.ident.clone());
        if generics::is_type_param(ty, &model.generics) {
            errors.push_help(
                attr,
                format!("`#[from]` cannot be used for the type parameter `{written}`"),
                format!("use a concrete type; `From<{written}>` would overlap with `From<{}>`", model.ident),
            );
            *source = None;
        } else if let Some(first) = first {
            errors.push_help(
                attr,
                format!("duplicate `#[from]` for `{written}`"),
                format!("remove this variant; `{first}` has the same type"),
            );
            *source = None;
        }
    }
}
