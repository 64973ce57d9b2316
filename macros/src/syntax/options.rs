//! Options in parentheses, `name = value` or a bare switch, as all attributes of greenroom take them.

use std::collections::HashSet;

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Expr, ExprLit, ExprPath, Lit, LitInt, LitStr, Token};

use crate::diag::{Errors, list};

/// Reads `tokens` as options: `known` names them all, `read` takes what follows a name.
///
/// A mistake in one option leaves the others standing.
pub(crate) fn parse(
    attribute: &str,
    tokens: TokenStream,
    known: &[&str],
    errors: &mut Errors,
    read: impl FnMut(&Ident, ParseStream<'_>) -> syn::Result<()>,
) {
    parse_with_misplaced(attribute, tokens, known, &[], errors, read);
}

/// The same where some words have their place elsewhere: nobody is told to write them here, but `read` says where.
pub(crate) fn parse_with_misplaced(
    attribute: &str,
    tokens: TokenStream,
    known: &[&str],
    elsewhere: &[&str],
    errors: &mut Errors,
    mut read: impl FnMut(&Ident, ParseStream<'_>) -> syn::Result<()>,
) {
    let mut found = Errors::default();
    let parser = |input: ParseStream<'_>| {
        let mut seen = HashSet::new();
        while !input.is_empty() {
            if let Err(error) = parse_one(attribute, input, (known, elsewhere), &mut seen, &mut read) {
                found.add(error);
                skip_option(input)?;
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    };
    if let Err(error) = parser.parse2(tokens) {
        found.add(error);
    }
    errors.absorb(found);
}

fn parse_one(
    attribute: &str,
    input: ParseStream<'_>,
    (known, elsewhere): (&[&str], &[&str]),
    seen: &mut HashSet<String>,
    read: &mut impl FnMut(&Ident, ParseStream<'_>) -> syn::Result<()>,
) -> syn::Result<()> {
    let name = input.call(Ident::parse_any).map_err(|error| {
        syn::Error::new(error.span(), format!("expected an option of `{attribute}`: {}", expected(known)))
    })?;
    let word = name.unraw().to_string();
    if ![known, elsewhere].concat().contains(&word.as_str()) {
        return Err(syn::Error::new(name.span(), format!("`{attribute}` has no option `{word}`: {}", expected(known))));
    }
    if !seen.insert(word.clone()) {
        return Err(syn::Error::new(name.span(), format!("`{word}` is written twice")));
    }
    read(&name, input)?;
    if !input.is_empty() && !input.peek(Token![,]) {
        return Err(input.error(format!("expected `,` after `{word}`")));
    }
    Ok(())
}

fn expected(known: &[&str]) -> String {
    if known.is_empty() { "it takes none".to_owned() } else { format!("expected {}", list(known)) }
}

fn skip_option(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

/// `= value`.
pub(crate) fn value<T: Parse>(name: &Ident, example: &str, input: ParseStream<'_>) -> syn::Result<T> {
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(name.span(), format!("`{name}` needs a value: `{name} = {example}`")));
    }
    input.parse::<Token![=]>()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(syn::Error::new(name.span(), format!("`{name}` needs a value: `{name} = {example}`")));
    }
    input.parse()
}

/// `= 3`, a whole number.
pub(crate) fn number(name: &Ident, example: &str, input: ParseStream<'_>) -> syn::Result<LitInt> {
    let value: Expr = value(name, example, input)?;
    let whole = match &value {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) if number.suffix().is_empty() => {
            number.base10_parse::<u32>().is_ok().then(|| number.clone())
        }
        _ => None,
    };
    whole.ok_or_else(|| {
        syn::Error::new_spanned(value, format!("`{name}` is a whole number below 2^32, as `{name} = {example}`"))
    })
}

/// `= "text"`.
pub(crate) fn string(name: &Ident, example: &str, input: ParseStream<'_>) -> syn::Result<LitStr> {
    let value: Expr = value(name, example, input)?;
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text),
        other => Err(syn::Error::new_spanned(other, format!("`{name}` stands in quotes, as `{name} = {example}`"))),
    }
}

/// A switch: its name alone.
pub(crate) fn flag(name: &Ident, input: ParseStream<'_>) -> syn::Result<bool> {
    if input.peek(Token![=]) {
        return Err(syn::Error::new(name.span(), format!("`{name}` is a switch: write it alone, or leave it out")));
    }
    Ok(true)
}

/// `= word`, one of those given.
pub(crate) fn choice<T: Copy>(name: &Ident, choices: &[(&str, T)], input: ParseStream<'_>) -> syn::Result<T> {
    let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
    let found: Expr = value(name, words.first().copied().unwrap_or("_"), input)?;
    let Expr::Path(ExprPath { path, .. }) = &found else {
        return Err(syn::Error::new_spanned(found, format!("`{name}` is a word, without quotes: {}", list(&words))));
    };
    choices
        .iter()
        .find(|(word, _)| path.is_ident(word))
        .map(|(_, choice)| *choice)
        .ok_or_else(|| syn::Error::new_spanned(path, format!("`{name}` is {}", list(&words))))
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn check(tokens: TokenStream, expected: &[&str]) {
        let mut errors = Errors::default();
        parse("#[t]", tokens, &["name", "quiet"], &mut errors, |name, input| {
            if name == "quiet" { flag(name, input).map(drop) } else { value::<LitStr>(name, "\"x\"", input).map(drop) }
        });
        assert_eq!(errors.messages(), expected);
    }

    #[test]
    fn options_are_told_off_one_by_one() {
        check(quote!(name = "a", quiet), &[]);
        check(quote!(nmae = 3 + f(1, 2), name = "a"), &["`#[t]` has no option `nmae`: expected `name` or `quiet`"]);
        check(quote!(name), &["`name` needs a value: `name = \"x\"`"]);
        check(quote!(quiet, quiet), &["`quiet` is written twice"]);
        check(
            quote!(quiet = true, name = "a" "b"),
            &["`quiet` is a switch: write it alone, or leave it out", "expected `,` after `name`"],
        );
    }
}
