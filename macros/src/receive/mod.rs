//! `receive!`: a `match` that waits for a message which matches.
//!
//! parse (an ordinary `match`) → model ([`arms`](model) and their [`alternatives`]) → check ([`guard`], `after!`)
//! → [`expand`]. A block with a mistake still expands without the part that was wrong, so that its bodies are
//! checked and completed as usual.

mod alternatives;
mod expand;
mod guard;
mod model;

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprMatch};

use crate::diag::Errors;

/// The whole macro.
pub(crate) fn receive(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Some(block) = errors.keep(parse.parse2(input)) else {
        return quote!({ #errors });
    };
    let model = model::Model::read(block, &mut errors);
    expand::expand(&model, &errors)
}

fn parse(input: ParseStream<'_>) -> syn::Result<ExprMatch> {
    if !input.peek(syn::Token![match]) {
        let message = "`receive!` takes a `match`: `receive!(match cx { Mail::Post { body, .. } => body })`";
        return Err(syn::Error::new(input.span(), message));
    }
    let ahead = input.fork();
    ahead.parse::<syn::Token![match]>()?;
    if Expr::parse_without_eager_brace(&ahead).is_ok() && ahead.peek(syn::Token![,]) {
        return Err(ahead.error("no comma here: the arms stand in braces right after, as in any `match`"));
    }
    let arms = input.fork();
    let block: ExprMatch = input.parse().map_err(|error| bare_after(&arms).unwrap_or(error))?;
    if input.is_empty() { Ok(block) } else { Err(input.error("`receive!` takes one `match` and nothing after it")) }
}

/// Among arms that are none, an `after` without its mark: the likely reason.
fn bare_after(input: ParseStream<'_>) -> Option<syn::Error> {
    let mut tokens = Vec::new();
    while let Ok(token) = input.parse::<TokenTree>() {
        tokens.push(token);
    }
    let Some(TokenTree::Group(arms)) = tokens.pop() else { return None };
    let arms: Vec<TokenTree> = arms.stream().into_iter().collect();
    let bare = |pair: &[TokenTree]| match pair {
        [TokenTree::Ident(word), next] if word == "after" => {
            let mark = matches!(next, TokenTree::Punct(punct) if matches!(punct.as_char(), '!' | '=' | '.' | ','));
            (!mark).then(|| word.span())
        }
        _ => None,
    };
    let span = arms.windows(2).find_map(bare)?;
    Some(syn::Error::new(span, "`after!` is a macro: write `after!(Duration::from_secs(1)) => ..`"))
}
