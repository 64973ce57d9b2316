//! `receive!`: a `match` that waits for a message which matches.
//!
//! The phases: parse an ordinary `match`, resolve it into a [`model`] of its arms and check their guards, expand. After
//! an error the block expands without the wrong part, so that rustc checks the other arms and editors complete them.

mod alternatives;
mod expand;
mod guard;
mod model;
mod recover;

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprMatch};

use self::recover::Recovered;
use crate::diag::{self, Errors};

/// The problem of an `after(duration)`.
const NO_EXCLAMATION_MARK: &str = "expected `after!(duration)`: the `!` is missing";

/// Expands the macro.
pub(crate) fn receive(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let block = match parse.parse2(input.clone()) {
        Ok(block) => block,
        Err(error) => {
            if let Some(known) = after_without_mark(input.clone()) {
                errors.add(known);
                return quote!({ #errors });
            }
            let recovered = recover::recover.parse2(input);
            if !recovered.as_ref().is_ok_and(|recovered| recovered.is_reported) {
                errors.add(error);
            }
            // Without a `match` there is nothing to expand, and without an arm nothing to complete.
            match recovered {
                Ok(Recovered { block, .. }) if !block.arms.is_empty() => block,
                _ => return quote!({ #errors }),
            }
        }
    };
    let model = model::Model::parse(block, &mut errors);
    expand::expand(&model, &errors)
}

fn parse(input: ParseStream<'_>) -> syn::Result<ExprMatch> {
    if !input.peek(syn::Token![match]) {
        let help = "write `receive!(match cx { Mail::Post { body, .. } => body })`";
        return Err(diag::error(input.span(), "`receive!` expects a `match`", help));
    }
    let ahead = input.fork();
    ahead.parse::<syn::Token![match]>()?;
    if Expr::parse_without_eager_brace(&ahead).is_ok() && ahead.peek(syn::Token![,]) {
        return Err(diag::error(
            ahead.span(),
            "expected `{`, found `,`",
            "remove the comma; the arms follow in braces",
        ));
    }
    let block: ExprMatch = input.parse()?;
    if input.is_empty() { Ok(block) } else { Err(input.error("unexpected tokens after the `match`")) }
}

/// Returns an error about an `after` without `!` among arms that cannot be parsed. It is the most likely mistake.
fn after_without_mark(input: TokenStream) -> Option<syn::Error> {
    let Some(TokenTree::Group(arms)) = input.into_iter().last() else { return None };
    let arms: Vec<TokenTree> = arms.stream().into_iter().collect();
    let mistake = |pair: &[TokenTree]| match pair {
        [TokenTree::Ident(word), TokenTree::Group(_)] if word == "after" => Some((word.span(), NO_EXCLAMATION_MARK)),
        [TokenTree::Ident(word), next] if word == "after" => {
            let is_other = matches!(next, TokenTree::Punct(punct) if matches!(punct.as_char(), '!' | '=' | '.' | ','));
            let problem = "expected `after!(duration)`: the `!` and the parentheses are missing";
            (!is_other).then(|| (word.span(), problem))
        }
        _ => None,
    };
    let (span, problem) = arms.windows(2).find_map(mistake)?;
    Some(diag::error(span, problem, "write `after!(Duration::from_secs(1)) => ..`"))
}
