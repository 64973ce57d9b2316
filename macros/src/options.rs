//! Options in parentheses, `name = value` or a bare switch, as all attributes of greenroom take them.

use std::collections::HashSet;
use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Expr, ExprLit, ExprPath, Lit, LitInt, LitStr, Token};

use crate::diag::{Errors, list};
use crate::names::private;

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
    parse_or_place(attribute, tokens, known, &[], errors, read);
}

/// The same where some words have their place elsewhere: nobody is told to write them here, but `read` says where.
pub(crate) fn parse_or_place(
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
            if let Err(error) = one(attribute, input, (known, elsewhere), &mut seen, &mut read) {
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

fn one(
    attribute: &str,
    input: ParseStream<'_>,
    (known, elsewhere): (&[&str], &[&str]),
    seen: &mut HashSet<String>,
    read: &mut impl FnMut(&Ident, ParseStream<'_>) -> syn::Result<()>,
) -> syn::Result<()> {
    let name = input.call(Ident::parse_any).map_err(|error| {
        syn::Error::new(error.span(), format!("expected an option of `{attribute}`: {}", options(known)))
    })?;
    let word = name.unraw().to_string();
    if ![known, elsewhere].concat().contains(&word.as_str()) {
        return Err(syn::Error::new(name.span(), format!("`{attribute}` has no option `{word}`: {}", options(known))));
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

fn options(known: &[&str]) -> String {
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
pub(crate) fn text(name: &Ident, example: &str, input: ParseStream<'_>) -> syn::Result<LitStr> {
    let value: Expr = value(name, example, input)?;
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text),
        other => Err(syn::Error::new_spanned(other, format!("`{name}` stands in quotes, as `{name} = {example}`"))),
    }
}

/// A switch: its name alone.
pub(crate) fn switch(name: &Ident, input: ParseStream<'_>) -> syn::Result<bool> {
    if input.peek(Token![=]) {
        return Err(syn::Error::new(name.span(), format!("`{name}` is a switch: write it alone, or leave it out")));
    }
    Ok(true)
}

/// `= word`, one of those given.
pub(crate) fn word<T: Copy>(name: &Ident, choices: &[(&str, T)], input: ParseStream<'_>) -> syn::Result<T> {
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

/// A span of time in quotes, as `"500ms"`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    pub(crate) duration: Duration,
    pub(crate) span: Span,
}

impl Time {
    /// As generated code writes it.
    pub(crate) fn tokens(self) -> TokenStream {
        let micros = u64::try_from(self.duration.as_micros()).unwrap_or(u64::MAX);
        if micros.is_multiple_of(1_000) {
            let millis = micros / 1_000;
            quote!(::core::time::Duration::from_millis(#millis))
        } else {
            quote!(::core::time::Duration::from_micros(#micros))
        }
    }
}

impl Parse for Time {
    fn parse(input: ParseStream<'_>) -> syn::Result<Time> {
        let expected = "expected a duration in quotes, as \"500ms\", \"5s\", \"1m\" or \"1h\"";
        let literal: LitStr = input.parse().map_err(|error| syn::Error::new(error.span(), expected))?;
        duration(&literal.value())
            .map(|duration| Time { duration, span: literal.span() })
            .map_err(|problem| syn::Error::new(literal.span(), format!("{problem}: {expected}")))
    }
}

/// One number and one unit: us, ms, s, m, h.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(format!("`{text}` does not start with a number"));
    }
    let micros: u64 = match unit.trim_start() {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "" => return Err(format!("`{text}` has no unit")),
        unit => return Err(format!("`{unit}` is no unit of time")),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(micros))
        .map(Duration::from_micros)
        .ok_or_else(|| format!("`{text}` is too long"))
}

/// How long something may take to stop: `= kill`, `= forever` or `= "5s"`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shutdown {
    Kill,
    Forever,
    After(Time),
}

impl Shutdown {
    pub(crate) fn parse(name: &Ident, input: ParseStream<'_>) -> syn::Result<Shutdown> {
        let found: Expr = value(name, "\"5s\"", input)?;
        let expected = format!("`{name}` is `kill`, `forever` or a duration in quotes, as \"5s\"");
        match &found {
            Expr::Path(ExprPath { path, .. }) if path.is_ident("kill") => Ok(Shutdown::Kill),
            Expr::Path(ExprPath { path, .. }) if path.is_ident("forever") => Ok(Shutdown::Forever),
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => match text.value().as_str() {
                word @ ("kill" | "forever") => {
                    Err(syn::Error::new(text.span(), format!("`{word}` stands without quotes: `{name} = {word}`")))
                }
                _ => syn::parse2(quote!(#text)).map(Shutdown::After),
            },
            _ => Err(syn::Error::new_spanned(found, expected)),
        }
    }

    /// As generated code writes it.
    pub(crate) fn tokens(self) -> TokenStream {
        let private = private();
        match self {
            Shutdown::Kill => quote!(#private::Shutdown::Kill),
            Shutdown::Forever => quote!(#private::Shutdown::Forever),
            Shutdown::After(time) => {
                let time = time.tokens();
                quote!(#private::Shutdown::After(#time))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(duration("2 m"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("1h"), Ok(Duration::from_secs(3600)));
        assert_eq!(duration("7us"), Ok(Duration::from_micros(7)));
        for wrong in ["", "s", "5", "5 parsecs", "1.5s", "-1s", "99999999999999999999h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    fn check(tokens: TokenStream, expected: &[&str]) {
        let mut errors = Errors::default();
        parse("#[t]", tokens, &["name", "quiet"], &mut errors, |name, input| {
            if name == "quiet" {
                switch(name, input).map(drop)
            } else {
                value::<LitStr>(name, "\"x\"", input).map(drop)
            }
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
