//! `Self` in a type, replaced by the type that it stands for.

use proc_macro2::{Group, Spacing, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::Parse;
use syn::{Generics, Type};

/// Puts the type itself where `Self` stands, since `Self` is another type in the generated enum.
pub(crate) fn replace_self(ty: &mut Type, actor: &Type) {
    replace_self_in(ty, actor);
}

/// The same for bounds.
pub(crate) fn replace_self_in_generics(generics: &mut Generics, actor: &Type) {
    let mut bounds = generics.where_clause.take();
    replace_self_in(generics, actor);
    replace_self_in(&mut bounds, actor);
    generics.where_clause = bounds;
}

fn replace_self_in<T: ToTokens + Parse>(node: &mut T, actor: &Type) {
    // What was read stays readable with one type in place of another.
    if let Ok(replaced) = syn::parse2(without_self(node.to_token_stream(), actor)) {
        *node = replaced;
    }
}

fn without_self(tokens: TokenStream, actor: &Type) -> TokenStream {
    let mut out = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) if word == "Self" => match tokens.peek() {
                // `Self::Item`, but not `Self: Clone`.
                Some(TokenTree::Punct(colon)) if colon.as_char() == ':' && colon.spacing() == Spacing::Joint => {
                    out.extend(quote!(<#actor>));
                }
                _ => actor.to_tokens(&mut out),
            },
            TokenTree::Group(group) => {
                let mut inside = Group::new(group.delimiter(), without_self(group.stream(), actor));
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
    fn self_becomes_the_actor() {
        let actor: Type = parse_quote!(Counter<T>);
        let mut ty: Type = parse_quote!(Vec<(Self, Self::Item)>);
        replace_self(&mut ty, &actor);
        assert_eq!(source_text(ty), "Vec<(Counter<T>, <Counter<T>>::Item)>");
    }
}
