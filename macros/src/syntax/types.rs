//! Types: recognised by their last path segment.

use proc_macro2::Span;
use quote::ToTokens;
use syn::{GenericArgument, PathArguments, PathSegment, Type};

/// The last word of a type's path: `greenroom::Reply<u8>` → `Reply`.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        _ => None,
    }
}

/// Whether a type's last word is `word`.
pub(crate) fn is_named(ty: &Type, word: &str) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == word)
}

/// `Thing<T>` → `T`.
pub(crate) fn only_argument(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    match (arguments.args.first(), arguments.args.len()) {
        (Some(GenericArgument::Type(argument)), 1) => Some(argument),
        _ => None,
    }
}

/// `Reply<T>` → `T`.
pub(crate) fn reply_type(ty: &Type) -> Option<&Type> {
    only_argument(last_segment(ty).filter(|segment| segment.ident == "Reply")?)
}

/// Whether a type is one of the runtime's own messages.
pub(crate) fn is_system_message(ty: &Type) -> bool {
    ["Down", "ExitSignal", "NodeEvent"].iter().any(|word| is_named(ty, word))
}

/// Where something begins and where it ends: what lies between is pointed at as a whole.
pub(crate) fn first_and_last_span(tokens: impl ToTokens) -> (Span, Span) {
    let mut spans = tokens.to_token_stream().into_iter().map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}
