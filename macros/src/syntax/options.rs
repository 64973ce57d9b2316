//! Options in an attribute's parentheses: `name = value`, or a name alone.

use std::collections::HashSet;

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Expr, ExprLit, ExprPath, Lit, LitInt, Token};

use crate::diag::{self, Errors, one_of};

/// Parses `tokens` as the options of `attribute`. `known` lists the names, and `read` parses what follows a name.
///
/// After an error in one option, parsing continues with the next.
pub(crate) fn parse(
    attribute: &str,
    tokens: TokenStream,
    known: &[&str],
    errors: &mut Errors,
    read: impl FnMut(&Ident, ParseStream<'_>) -> syn::Result<()>,
) {
    parse_with_misplaced(attribute, tokens, known, &[], errors, read);
}

/// Parses options, some of which belong to another attribute. `read` reports those in `misplaced`; the messages about
/// other mistakes do not suggest them.
pub(crate) fn parse_with_misplaced(
    attribute: &str,
    tokens: TokenStream,
    known: &[&str],
    misplaced: &[&str],
    errors: &mut Errors,
    mut read: impl FnMut(&Ident, ParseStream<'_>) -> syn::Result<()>,
) {
    let mut found = Errors::default();
    let parser = |input: ParseStream<'_>| {
        let mut seen = HashSet::new();
        while !input.is_empty() {
            if let Err(error) = parse_one(attribute, input, (known, misplaced), &mut seen, &mut read) {
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
    errors.append(found);
}

fn parse_one(
    attribute: &str,
    input: ParseStream<'_>,
    (known, misplaced): (&[&str], &[&str]),
    seen: &mut HashSet<String>,
    read: &mut impl FnMut(&Ident, ParseStream<'_>) -> syn::Result<()>,
) -> syn::Result<()> {
    let name = input.call(Ident::parse_any).map_err(|error| {
        diag::error(error.span(), format!("expected the name of an option of `{attribute}`"), expected(known))
    })?;
    let word = name.unraw().to_string();
    if ![known, misplaced].concat().contains(&word.as_str()) {
        return Err(diag::error(name.span(), format!("unknown option `{word}` of `{attribute}`"), expected(known)));
    }
    if !seen.insert(word.clone()) {
        return Err(syn::Error::new(name.span(), format!("duplicate option `{word}`")));
    }
    read(&name, input)?;
    if !input.is_empty() && !input.peek(Token![,]) {
        return Err(input.error(format!("expected `,` after `{word}`")));
    }
    Ok(())
}

fn expected(known: &[&str]) -> String {
    if known.is_empty() { "it has no options".to_owned() } else { format!("expected {}", one_of(known)) }
}

fn skip_option(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

/// Parses `= value`.
pub(crate) fn value<T: Parse>(name: &Ident, example: &str, input: ParseStream<'_>) -> syn::Result<T> {
    let missing =
        || diag::error(name.span(), format!("`{name}` expects a value"), format!("write `{name} = {example}`"));
    if !input.peek(Token![=]) {
        return Err(missing());
    }
    input.parse::<Token![=]>()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(missing());
    }
    input.parse()
}

/// Parses `= 3`.
pub(crate) fn number(name: &Ident, example: &str, input: ParseStream<'_>) -> syn::Result<LitInt> {
    let value: Expr = value(name, example, input)?;
    let number = match &value {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) if number.suffix().is_empty() => {
            number.base10_parse::<u32>().is_ok().then(|| number.clone())
        }
        _ => None,
    };
    number.ok_or_else(|| {
        let message = format!("`{name}` expects a whole number below 2^32, such as `{name} = {example}`");
        syn::Error::new_spanned(value, message)
    })
}

/// Parses an option without a value.
pub(crate) fn flag(name: &Ident, input: ParseStream<'_>) -> syn::Result<bool> {
    if input.peek(Token![=]) {
        let help = format!("write `{name}` alone to switch it on, or leave it out");
        return Err(diag::error(name.span(), format!("`{name}` takes no value"), help));
    }
    Ok(true)
}

/// Parses `= word`, where the word is one of `choices`.
pub(crate) fn choice<T: Copy>(name: &Ident, choices: &[(&str, T)], input: ParseStream<'_>) -> syn::Result<T> {
    let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
    let found: Expr = value(name, words.first().copied().unwrap_or("_"), input)?;
    let expected = one_of(&words);
    let Expr::Path(ExprPath { path, .. }) = &found else {
        return Err(syn::Error::new_spanned(found, format!("`{name}` expects {expected}, without quotes")));
    };
    choices
        .iter()
        .find(|(word, _)| path.is_ident(word))
        .map(|(_, choice)| *choice)
        .ok_or_else(|| syn::Error::new_spanned(path, format!("`{name}` expects {expected}")))
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn check(tokens: TokenStream, expected: &[&str]) {
        let mut errors = Errors::default();
        parse("#[t]", tokens, &["name", "quiet"], &mut errors, |name, input| {
            if name == "quiet" {
                flag(name, input).map(drop)
            } else {
                value::<syn::LitStr>(name, "\"x\"", input).map(drop)
            }
        });
        assert_eq!(errors.messages(), expected);
    }

    #[test]
    fn each_wrong_option_is_reported() {
        check(quote!(name = "a", quiet), &[]);
        check(
            quote!(nmae = 3 + f(1, 2), name = "a"),
            &["unknown option `nmae` of `#[t]`\n= help: expected `name` or `quiet`"],
        );
        check(quote!(name), &["`name` expects a value\n= help: write `name = \"x\"`"]);
        check(quote!(quiet, quiet), &["duplicate option `quiet`"]);
        check(
            quote!(quiet = true, name = "a" "b"),
            &[
                "`quiet` takes no value\n= help: write `quiet` alone to switch it on, or leave it out",
                "expected `,` after `name`",
            ],
        );
    }
}
