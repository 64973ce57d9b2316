//! The rules that need the whole enum.
//!
//! What breaks one is told once, and put right in the model, so that rustc has nothing to add.

use std::collections::HashMap;

use proc_macro2::Ident;
use quote::format_ident;

use super::model::{Kind, Model};
use crate::diag::Errors;
use crate::syntax::generics;
use crate::syntax::text::source_text;

/// Adds a message for every rule that the protocol breaks.
pub(crate) fn check(model: &mut Model, errors: &mut Errors) {
    if model.variants.is_empty() {
        errors.push(
            &model.ident,
            format!("a protocol without variants: nothing could be said to a process that speaks `{}`", model.ident),
        );
    }
    one_method_a_variant(model, errors);
    one_variant_a_source(model, errors);
}

// Variants under a `#[cfg]` are left to rustc, here and below: two of them may exclude each other.

fn one_method_a_variant(model: &mut Model, errors: &mut Errors) {
    let mut methods: HashMap<String, Ident> = HashMap::new();
    for variant in model.variants.iter_mut().filter(|variant| variant.cfgs.is_empty()) {
        if matches!(variant.kind, Kind::From { .. }) {
            continue;
        }
        let first = methods.insert(variant.method.to_string(), variant.ident.clone());
        if let Some(first) = first.filter(|first| *first != variant.ident) {
            let (second, method) = (&variant.ident, &variant.method);
            errors
                .push(second, format!("`{first}` and `{second}` would share the stub's method `{method}`: rename one"));
            variant.method = format_ident!("{method}_");
        }
    }
}

fn one_variant_a_source(model: &mut Model, errors: &mut Errors) {
    let mut sources: HashMap<String, Ident> = HashMap::new();
    for variant in model.variants.iter_mut().filter(|variant| variant.cfgs.is_empty()) {
        let Kind::From { attr, source, .. } = &mut variant.kind else { continue };
        let Some(ty) = source else { continue };
        let written = source_text(&*ty);
        let first = sources.insert(written.clone(), variant.ident.clone());
        if generics::is_type_param(ty, &model.generics) {
            let enum_ = &model.ident;
            errors.push(attr, format!("`#[from]` needs a type of its own: `{written}` may be `{enum_}` itself"));
            *source = None;
        } else if let Some(first) = first {
            errors.push(attr, format!("`#[from]` twice for `{written}`: `{first}` takes it already"));
            *source = None;
        }
    }
}
