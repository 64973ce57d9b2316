//! Generic parameters and bounds of generated items.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{GenericParam, Generics, PathArguments, PathSegment, Type, TypePath, parse_quote};

use super::text::source_text;
use crate::diag::Errors;
use crate::names::private;

/// Says once that a process outlives every borrow, if there are lifetimes.
pub(crate) fn reject_lifetimes(what: &str, generics: &Generics, errors: &mut Errors) -> bool {
    let first = generics.lifetimes().next();
    if let Some(lifetime) = first {
        errors.push(
            lifetime,
            format!("{what} cannot borrow: it outlives every lifetime; own the data, or share it by `Arc`"),
        );
    }
    first.is_some()
}

/// The generics without what was refused.
pub(crate) fn without_lifetimes(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    if generics.lifetimes().next().is_some() {
        generics.where_clause = None;
        generics.params =
            generics.params.into_iter().filter(|param| !matches!(param, GenericParam::Lifetime(_))).collect();
    }
    generics
}

/// The generics with these bounds on every type parameter.
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

/// What a message's type parameters must be able to do: to be sent, and to travel unless local.
pub(crate) fn message_bounds(local: bool) -> TokenStream {
    let private = private();
    let mut bounds = quote!(::core::marker::Send + 'static);
    if !local {
        bounds.extend(quote!(+ #private::Serialize + #private::DeserializeOwned));
    }
    bounds
}

/// The generics of an impl that goes on as if these messages may move: whether they do is the protocol's own to tell.
pub(crate) fn assuming_send(generics: &Generics, message: &TokenStream) -> Generics {
    let (mut generics, private) = (generics.clone(), private());
    generics.make_where_clause().predicates.push(parse_quote!(for<'m> #message: #private::Passes<'m>));
    generics
}

/// The generics with a parameter in front, for `impl<'de, T>`.
pub(crate) fn with_param(generics: &Generics, param: GenericParam) -> Generics {
    let mut generics = generics.clone();
    generics.params.insert(0, param);
    generics
}

/// `: Type` where a type is a parameter by itself: `T`.
pub(crate) fn is_type_param(ty: &Type, generics: &Generics) -> bool {
    let Type::Path(TypePath { qself: None, path, .. }) = ty else { return false };
    path.get_ident().is_some_and(|ident| generics.type_params().any(|param| param.ident == *ident))
}

/// `<T, U>` as arguments, each parameter by its name, with a leading `::` never needed.
pub(crate) fn param_names(generics: &Generics) -> Vec<&Ident> {
    generics
        .params
        .iter()
        .filter_map(|param| match param {
            GenericParam::Type(param) => Some(&param.ident),
            GenericParam::Const(param) => Some(&param.ident),
            GenericParam::Lifetime(_) => None,
        })
        .collect()
}

/// Whether the arguments of the self type are the parameters of its impl, in order.
pub(crate) fn arguments_match_params(segment: &PathSegment, generics: &Generics) -> bool {
    let params = param_names(generics);
    match &segment.arguments {
        PathArguments::None => params.is_empty(),
        PathArguments::AngleBracketed(arguments) => {
            arguments.args.len() == params.len()
                && arguments
                    .args
                    .iter()
                    .zip(params)
                    .all(|(argument, param)| source_text(argument) == source_text(param))
        }
        PathArguments::Parenthesized(_) => false,
    }
}
