//! The arms of a block that is not finished, as an editor has it while its user types.
//!
//! An editor inserts a word at the cursor and expands the macro, to find the completions for that word. The word may be
//! a pattern without a body, or the end of a body without a comma. The arms around it must be expanded as usual: the
//! types of the bindings and of the message come from them.

use proc_macro2::{Group, TokenStream, TokenTree};
use syn::parse::ParseStream;
use syn::{Arm, Attribute, Expr, ExprMatch, Pat, Token, braced, parse_quote};

/// Removes each `.` and `::` without a word behind it, also in groups. An editor completes at such a place, and needs the
/// type in front of it.
pub(super) fn without_open_paths(tokens: TokenStream) -> TokenStream {
    let mut tokens = tokens.into_iter().peekable();
    let mut kept: Vec<TokenTree> = Vec::new();
    while let Some(token) = tokens.next() {
        let is_last = tokens.peek().is_none_or(|next| is_punct(next, ",;="));
        match token {
            TokenTree::Punct(point) if is_last && point.as_char() == '.' => {
                // A `..` needs nothing behind it.
                if kept.last().is_some_and(|before| is_punct(before, ".")) {
                    kept.push(point.into());
                }
            }
            TokenTree::Punct(colon) if is_last && colon.as_char() == ':' => match kept.last() {
                Some(before) if is_punct(before, ":") => drop(kept.pop()),
                _ => kept.push(colon.into()),
            },
            TokenTree::Group(group) => {
                let mut whole = Group::new(group.delimiter(), without_open_paths(group.stream()));
                whole.set_span(group.span());
                kept.push(whole.into());
            }
            token => kept.push(token),
        }
    }
    kept.into_iter().collect()
}

fn is_punct(token: &TokenTree, chars: &str) -> bool {
    matches!(token, TokenTree::Punct(punct) if chars.contains(punct.as_char()))
}

/// Parses a `match`, and leaves out what does not have the form of an arm. An arm without a body never ends.
pub(super) fn recover(input: ParseStream<'_>) -> syn::Result<ExprMatch> {
    let content;
    let (attrs, match_token) = (Vec::new(), input.parse()?);
    let expr = Box::new(Expr::parse_without_eager_brace(input)?);
    let brace_token = braced!(content in input);
    let mut arms = Vec::new();
    while !content.is_empty() {
        let before = content.cursor();
        if let Ok(arm) = content.fork().parse::<Arm>() {
            content.parse::<Arm>()?;
            arms.push(arm);
            continue;
        }
        match unfinished(&content) {
            Ok(arm) => arms.push(arm),
            Err(_) => skip_to_comma(&content)?,
        }
        if content.cursor() == before {
            break;
        }
    }
    Ok(ExprMatch { attrs, match_token, expr, brace_token, arms })
}

/// Parses an arm whose body or comma may be missing.
fn unfinished(input: ParseStream<'_>) -> syn::Result<Arm> {
    let attrs = input.call(Attribute::parse_outer)?;
    let pat = Pat::parse_multi_with_leading_vert(input)?;
    let pat = match input.parse::<Option<Token![if]>>()? {
        Some(if_token) => {
            Pat::Guard(syn::PatGuard { attrs: Vec::new(), pat: Box::new(pat), if_token, guard: input.parse()? })
        }
        None => pat,
    };
    let fat_arrow_token: Option<Token![=>]> = input.parse()?;
    let body = fat_arrow_token.and_then(|_| {
        let ahead = input.fork();
        Expr::parse_without_eager_brace(&ahead).ok()?;
        Expr::parse_without_eager_brace(input).ok()
    });
    let comma = input.parse()?;
    Ok(Arm {
        attrs,
        pat,
        fat_arrow_token: fat_arrow_token.unwrap_or_default(),
        body: Box::new(body.unwrap_or_else(|| parse_quote!(::core::unreachable!()))),
        comma,
    })
}

fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() {
        if input.parse::<Option<Token![,]>>()?.is_some() {
            break;
        }
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;
    use syn::parse::Parser;

    use super::*;

    /// Checks which arms are found in the block.
    fn check(arms: &str, expected: &[&str]) {
        let tokens: TokenStream = format!("match cx {{ {arms} }}").parse().unwrap();
        let block = recover.parse2(without_open_paths(tokens)).unwrap();
        let found: Vec<String> = block.arms.iter().map(|arm| arm.to_token_stream().to_string()).collect();
        let expected: Vec<String> =
            expected.iter().map(|arm| arm.parse::<TokenStream>().unwrap().to_string()).collect();
        assert_eq!(found, expected, "{arms}");
    }

    const LAST: &str = "Mail::Letter(text) => post(text),";

    #[test]
    fn finished_arms_stay() {
        check(&format!("Mail::Stop => break, {LAST}"), &["Mail::Stop => break,", LAST]);
    }

    #[test]
    fn a_pattern_without_a_body() {
        check(&format!("{LAST} Mail::word"), &[LAST, "Mail::word => ::core::unreachable!()"]);
        check(&format!("Mail::word {LAST}"), &["Mail::word => ::core::unreachable!()", LAST]);
        check(
            &format!("Mail::Letter {{ text, .. }} =>, {LAST}"),
            &["Mail::Letter { text, .. } => ::core::unreachable!(),", LAST],
        );
    }

    #[test]
    fn a_body_without_a_comma() {
        check(&format!("Mail::Letter(text) => text.word {LAST}"), &["Mail::Letter(text) => text.word", LAST]);
        check(
            &format!("Mail::Letter(text) if text.word {LAST}"),
            &["Mail::Letter(text) if text.word => ::core::unreachable!()", LAST],
        );
    }

    #[test]
    fn a_body_that_ends_in_the_middle_of_a_path() {
        let whole = "Mail::Letter(text) => { post(text); text }";
        check(&format!("Mail::Letter(text) => text., {LAST}"), &["Mail::Letter(text) => text,", LAST]);
        check(&format!("Mail::Letter(text) => {{ post(text.); text. }} {LAST}"), &[whole, LAST]);
        check(&format!("Mail:: => Mail::, {LAST}"), &["Mail => Mail,", LAST]);
        check("Mail::Letter { text, .. } => (0..),", &["Mail::Letter { text, .. } => (0..),"]);
    }

    #[test]
    fn other_tokens_are_left_out() {
        check(
            &format!("Mail::Letter(text) + 1 => text, {LAST}"),
            &["Mail::Letter(text) => ::core::unreachable!()", LAST],
        );
        check("+ - *", &[]);
    }
}
