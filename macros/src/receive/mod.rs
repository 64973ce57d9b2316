//! `receive!`: a `match` that waits for a message which matches.
//!
//! parse (an ordinary `match`) → model ([`arms`](model) and their [`alternatives`]) → check ([`guard`], `after!`)
//! → [`expand`]. A block with a mistake still expands without the part that was wrong, so that its bodies are
//! checked and completed as usual.

mod alternatives;
mod expand;
mod guard;
mod model;

use proc_macro2::TokenStream;
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
        return Err(input.error("`receive!` takes a `match`: `receive!(match cx { Mail::Post { body, .. } => body })`"));
    }
    let ahead = input.fork();
    ahead.parse::<syn::Token![match]>()?;
    if Expr::parse_without_eager_brace(&ahead).is_ok() && ahead.peek(syn::Token![,]) {
        return Err(ahead.error("no comma here: the arms stand in braces right after, as in any `match`"));
    }
    let block: ExprMatch = input.parse()?;
    if input.is_empty() { Ok(block) } else { Err(input.error("`receive!` takes one `match` and nothing after it")) }
}
