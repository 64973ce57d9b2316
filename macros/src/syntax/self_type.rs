//! Replacing `Self` in types and bounds that move into another item, where `Self` would be another type.

use proc_macro2::{Group, Spacing, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::Parse;
use syn::{Generics, Type};

/// Replaces `Self` in a type.
pub(crate) fn replace_self(ty: &mut Type, self_ty: &Type) {
    replace_in(ty, self_ty);
}

/// Replaces `Self` in the bounds of generics.
pub(crate) fn replace_self_in_generics(generics: &mut Generics, self_ty: &Type) {
    let mut bounds = generics.where_clause.take();
    replace_in(generics, self_ty);
    replace_in(&mut bounds, self_ty);
    generics.where_clause = bounds;
}

fn replace_in<T: ToTokens + Parse>(node: &mut T, self_ty: &Type) {
    // Parsing cannot fail: one type has replaced another.
    if let Ok(replaced) = syn::parse2(without_self(node.to_token_stream(), self_ty)) {
        *node = replaced;
    }
}

fn without_self(tokens: TokenStream, self_ty: &Type) -> TokenStream {
    let mut out = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) if word == "Self" => match tokens.peek() {
                // `Self::Item`, but not `Self: Clone`.
                Some(TokenTree::Punct(colon)) if colon.as_char() == ':' && colon.spacing() == Spacing::Joint => {
                    out.extend(quote!(<#self_ty>));
                }
                _ => self_ty.to_tokens(&mut out),
            },
            TokenTree::Group(group) => {
                let mut inside = Group::new(group.delimiter(), without_self(group.stream(), self_ty));
                inside.set_span(group.span());
                out.extend([TokenTree::Group(inside)]);
            }
            token => out.extend([token]),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::super::text::source_text;
    use super::*;

    #[test]
    fn self_is_replaced_by_the_type() {
        let self_ty: Type = parse_quote!(Counter<T>);
        let mut ty: Type = parse_quote!(Vec<(Self, Self::Item)>);
        replace_self(&mut ty, &self_ty);
        assert_eq!(source_text(ty), "Vec<(Counter<T>, <Counter<T>>::Item)>");
    }
}
