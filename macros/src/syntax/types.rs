//! Types, recognised by the last segment of their path: a macro cannot resolve names.

use proc_macro2::Span;
use quote::ToTokens;
use syn::{GenericArgument, PathArguments, PathSegment, Type};

/// Returns the last segment of a type's path: `Reply<u8>` of `greenroom::Reply<u8>`.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        _ => None,
    }
}

/// Returns true if the last segment of the type's path is `word`.
pub(crate) fn is_named(ty: &Type, word: &str) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == word)
}

/// Returns `T` of `Thing<T>`.
pub(crate) fn only_argument(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    match (arguments.args.first(), arguments.args.len()) {
        (Some(GenericArgument::Type(argument)), 1) => Some(argument),
        _ => None,
    }
}

/// Returns `T` of `Reply<T>`.
pub(crate) fn reply_type(ty: &Type) -> Option<&Type> {
    only_argument(last_segment(ty).filter(|segment| segment.ident == "Reply")?)
}

/// Returns true for the messages that the runtime itself sends.
pub(crate) fn is_system_message(ty: &Type) -> bool {
    ["Down", "ExitSignal", "NodeEvent"].iter().any(|word| is_named(ty, word))
}

/// Returns `T` of `&T`, and any other type as it is.
pub(crate) fn without_reference(ty: &Type) -> &Type {
    match ty {
        Type::Reference(reference) => &reference.elem,
        owned => owned,
    }
}

/// Returns the spans of the first and the last token. Generated tokens that begin at the one and end at the other make
/// rustc underline the whole type.
pub(crate) fn first_and_last_span(tokens: impl ToTokens) -> (Span, Span) {
    let mut spans = tokens.to_token_stream().into_iter().map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}
