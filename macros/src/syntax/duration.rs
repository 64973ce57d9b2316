//! Durations in quotes, such as `"500ms"`, and the value of `shutdown`.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{Expr, ExprLit, ExprPath, Lit, LitStr};

use super::options::value;
use crate::diag;
use crate::names::private;

/// A duration, and the span of its literal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DurationLit {
    pub(crate) duration: Duration,
    pub(crate) span: Span,
}

const HELP: &str = "write a number and a unit in quotes, such as \"500ms\", \"5s\", \"1m\" or \"1h\"";

impl DurationLit {
    /// Returns the expression that makes the duration.
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

impl Parse for DurationLit {
    fn parse(input: ParseStream<'_>) -> syn::Result<DurationLit> {
        let literal: LitStr = input.parse().map_err(|error| diag::error(error.span(), "expected a duration", HELP))?;
        parse_duration(&literal.value())
            .map(|duration| DurationLit { duration, span: literal.span() })
            .map_err(|problem| diag::error(literal.span(), problem, HELP))
    }
}

/// Parses a number and a unit: `us`, `ms`, `s`, `m` or `h`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(format!("expected a duration, found `{text}`"));
    }
    let micros: u64 = match unit.trim_start() {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "" => return Err(format!("missing unit of the duration `{text}`")),
        unit => return Err(format!("unknown unit `{unit}` of the duration `{text}`")),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(micros))
        .map(Duration::from_micros)
        .ok_or_else(|| format!("the duration `{text}` is too long"))
}

/// The value of `shutdown`: `kill`, `forever` or a duration.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shutdown {
    Kill,
    Forever,
    After(DurationLit),
}

impl Shutdown {
    /// Parses `= kill`, `= forever` or `= "5s"`.
    pub(crate) fn parse(name: &Ident, input: ParseStream<'_>) -> syn::Result<Shutdown> {
        let found: Expr = value(name, "\"5s\"", input)?;
        match &found {
            Expr::Path(ExprPath { path, .. }) if path.is_ident("kill") => Ok(Shutdown::Kill),
            Expr::Path(ExprPath { path, .. }) if path.is_ident("forever") => Ok(Shutdown::Forever),
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => match text.value().as_str() {
                word @ ("kill" | "forever") => Err(diag::error(
                    text.span(),
                    format!("expected `{word}` without quotes"),
                    format!("write `{name} = {word}`"),
                )),
                _ => syn::parse2(quote!(#text)).map(Shutdown::After),
            },
            other => Err(syn::Error::new_spanned(
                other,
                format!("`{name}` expects `kill`, `forever` or a duration in quotes, such as \"5s\""),
            )),
        }
    }

    /// Returns the expression of the value.
    pub(crate) fn tokens(self) -> TokenStream {
        let private = private();
        match self {
            Shutdown::Kill => quote!(#private::Shutdown::Kill),
            Shutdown::Forever => quote!(#private::Shutdown::Forever),
            Shutdown::After(duration) => {
                let duration = duration.tokens();
                quote!(#private::Shutdown::After(#duration))
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
