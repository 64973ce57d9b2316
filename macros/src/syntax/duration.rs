//! Durations in quotes, as `"500ms"`, and how long a stop may take.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{Expr, ExprLit, ExprPath, Lit, LitStr};

use super::options::value;
use crate::names::private;

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
        parse_duration(&literal.value())
            .map(|duration| Time { duration, span: literal.span() })
            .map_err(|problem| syn::Error::new(literal.span(), format!("{problem}: {expected}")))
    }
}

/// One number and one unit: us, ms, s, m, h.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
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
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(parse_duration("2 m"), Ok(Duration::from_secs(120)));
        assert_eq!(parse_duration("1h"), Ok(Duration::from_secs(3600)));
        assert_eq!(parse_duration("7us"), Ok(Duration::from_micros(7)));
        for wrong in ["", "s", "5", "5 parsecs", "1.5s", "-1s", "99999999999999999999h"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }
}
