//! Generic parameters and bounds of generated items.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{GenericParam, Generics, PathArguments, PathSegment, Type, TypePath, parse_quote};

use super::text::source_text;
use crate::diag::Errors;
use crate::names::private;

/// Reports the first lifetime parameter, and returns true if there is one. A process can outlive every borrow.
pub(crate) fn reject_lifetimes(owner: &str, generics: &Generics, errors: &mut Errors) -> bool {
    let first = generics.lifetimes().next();
    if let Some(lifetime) = first {
        errors.push_help(
            lifetime,
            format!("{owner} cannot have a lifetime parameter"),
            "own the data, or share it in an `Arc`",
        );
    }
    first.is_some()
}

/// Returns the generics without lifetimes. The where clause may name them, so it is removed too.
pub(crate) fn without_lifetimes(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    if generics.lifetimes().next().is_some() {
        generics.where_clause = None;
        generics.params =
            generics.params.into_iter().filter(|param| !matches!(param, GenericParam::Lifetime(_))).collect();
    }
    generics
}

/// Returns the generics with the bounds on every type parameter.
pub(crate) fn with_bounds(generics: &Generics, bounds: &TokenStream) -> Generics {
    let mut generics = generics.clone();
    let params: Vec<Ident> = generics.type_params().map(|param| param.ident.clone()).collect();
    if !params.is_empty() {
        let clause = generics.make_where_clause();
        for param in params {
            clause.predicates.push(parse_quote!(#param: #bounds));
        }
    }
    generics
}

/// Returns the bounds on the type parameters of a message: serde's traits are among them unless the protocol is local.
pub(crate) fn message_bounds(local: bool) -> TokenStream {
    let private = private();
    let mut bounds = quote!(::core::marker::Send + 'static);
    if !local {
        bounds.extend(quote!(+ #private::Serialize + #private::DeserializeOwned));
    }
    bounds
}

/// Returns the generics with a bound that makes rustc assume `message: Send`. The impl of the protocol itself is the
/// only one that checks it, so that rustc reports a message that is not `Send` once.
pub(crate) fn assuming_send(generics: &Generics, message: &TokenStream) -> Generics {
    let (mut generics, private) = (generics.clone(), private());
    generics.make_where_clause().predicates.push(parse_quote!(for<'m> #message: #private::SendMessage<'m>));
    generics
}

/// Returns the generics with one more parameter in front, for `impl<'de, T>`.
pub(crate) fn with_param(generics: &Generics, param: GenericParam) -> Generics {
    let mut generics = generics.clone();
    generics.params.insert(0, param);
    generics
}

/// Returns true if the type is one of the type parameters.
pub(crate) fn is_type_param(ty: &Type, generics: &Generics) -> bool {
    let Type::Path(TypePath { qself: None, path, .. }) = ty else { return false };
    path.get_ident().is_some_and(|ident| generics.type_params().any(|param| param.ident == *ident))
}

/// Returns true if the arguments of an impl's self type are the parameters of the impl, in the same order.
pub(crate) fn arguments_match_params(segment: &PathSegment, generics: &Generics) -> bool {
    let params: Vec<&Ident> = generics.params.iter().filter_map(param_name).collect();
    match &segment.arguments {
        PathArguments::None => params.is_empty(),
        PathArguments::AngleBracketed(arguments) => {
            let arguments: Vec<String> = arguments.args.iter().map(source_text).collect();
            let params: Vec<String> = params.into_iter().map(source_text).collect();
            arguments == params
        }
        PathArguments::Parenthesized(_) => false,
    }
}

fn param_name(param: &GenericParam) -> Option<&Ident> {
    match param {
        GenericParam::Type(param) => Some(&param.ident),
        GenericParam::Const(param) => Some(&param.ident),
        GenericParam::Lifetime(_) => None,
    }
}
