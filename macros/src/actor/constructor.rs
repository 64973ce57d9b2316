//! A function with `#[init]`, which makes the actor in its process.
//!
//! The function of that name returns its arguments as an `Init`, from which the process is started. The body moves to a
//! hidden function.

use proc_macro2::Ident;
use quote::format_ident;
use syn::ext::IdentExt;
use syn::{Attribute, FnArg, ImplItemFn, Pat, ReturnType, Type, Visibility, parse_quote};

use super::params::{Owner, check_value};
use crate::diag::Errors;
use crate::names;
use crate::syntax::types::without_reference;
use crate::syntax::{attr, self_type, types};

/// A function with `#[init]`.
pub(super) struct Constructor {
    pub(super) cfgs: Vec<Attribute>,
    /// The attributes of the function that returns the arguments.
    pub(super) attrs: Vec<Attribute>,
    pub(super) vis: Visibility,
    pub(super) name: Ident,
    /// The function with the body.
    pub(super) body: Ident,
    pub(super) is_async: bool,
    pub(super) params: Vec<Param>,
    pub(super) output: Type,
}

/// A parameter of a constructor.
pub(super) enum Param {
    Context,
    Argument { name: Ident, ty: Type },
}

impl Constructor {
    /// Returns whether the method has `#[init]` and no `self`.
    pub(super) fn is_one(method: &ImplItemFn) -> bool {
        method.sig.receiver().is_none() && method.attrs.iter().any(|attr| attr::is(attr, "init"))
    }

    /// Parses the function, and leaves its body in a hidden one. Returns `None` after an error.
    pub(super) fn parse(method: &mut ImplItemFn, owner: Owner<'_>, errors: &mut Errors) -> Option<Constructor> {
        let before = errors.count();
        if let Some(attribute) = attr::take_one(&mut method.attrs, "init", errors) {
            attr::expect_no_arguments(&attribute, errors);
        }
        let sig = &method.sig;
        let mut output = match &sig.output {
            ReturnType::Type(_, ty) => (**ty).clone(),
            ReturnType::Default => {
                errors.push_help(
                    &sig.ident,
                    "an `#[init]` function without `self` makes the actor, and has to return it",
                    "write `-> Self` or `-> Result<Self, Exit>`, or add `&mut self` to change an actor that exists",
                );
                return None;
            }
        };
        if let Some(generic) = sig.generics.params.first() {
            errors.push_help(
                generic,
                "an `#[init]` function cannot be generic",
                "move the parameter to the impl, or use a concrete type",
            );
        }
        if let syn::Safety::Unsafe(token) = &sig.safety {
            errors.push(token, "an `#[init]` function cannot be `unsafe`: the process calls it");
        }
        let params: Vec<Param> = sig
            .inputs
            .iter()
            .enumerate()
            .filter_map(|(index, input)| match input {
                FnArg::Typed(typed) => parse_param(index, typed, owner, errors),
                FnArg::Receiver(_) => None,
            })
            .collect();
        if errors.count() > before {
            return None;
        }
        let (name, cfgs) = (sig.ident.clone(), attr::cfgs(&method.attrs));
        self_type::replace_self(&mut output, owner.self_ty);
        let constructor = Constructor {
            body: format_ident!("__init_{}", name.unraw(), span = name.span()),
            attrs: std::mem::replace(&mut method.attrs, cfgs.clone()),
            cfgs,
            vis: std::mem::replace(&mut method.vis, Visibility::Inherited),
            name,
            is_async: sig.asyncness.is_some(),
            params,
            output,
        };
        // Attributes such as `#[allow(..)]` apply to the body.
        let kept = constructor.attrs.iter().filter(|attr| !attr.path().is_ident("doc") && !attr.path().is_ident("cfg"));
        method.attrs.extend(kept.cloned());
        method.attrs.push(parse_quote!(#[doc(hidden)]));
        method.sig.ident = constructor.body.clone();
        Some(constructor)
    }

    /// Returns the names and types of the arguments.
    pub(super) fn arguments(&self) -> impl Iterator<Item = (&Ident, &Type)> {
        self.params.iter().filter_map(|param| match param {
            Param::Argument { name, ty } => Some((name, ty)),
            Param::Context => None,
        })
    }
}

fn parse_param(index: usize, typed: &syn::PatType, owner: Owner<'_>, errors: &mut Errors) -> Option<Param> {
    if types::is_named(without_reference(&typed.ty), "Context") {
        if !matches!(*typed.ty, Type::Reference(_)) {
            errors.push_help(&typed.ty, "the context is passed by reference", "write `cx: &mut Context<Self>`");
        }
        return Some(Param::Context);
    }
    if !check_value(&typed.ty, ("the argument of an `#[init]` function", "be"), true, errors) {
        return None;
    }
    let name = match &*typed.pat {
        Pat::Ident(pattern) => pattern.ident.clone(),
        _ => names::argument(index, 2),
    };
    let mut ty = (*typed.ty).clone();
    self_type::replace_self(&mut ty, owner.self_ty);
    Some(Param::Argument { name, ty })
}
