//! The arms of a block that is not finished, as an editor has it while its user types.
//!
//! An editor inserts a word at the cursor, and expands the macro with and without it. In the expansion without the word it
//! looks for the type in front of the cursor. So both expansions must have the same tokens up to the cursor:
//! - A pattern `Mail::` becomes `Mail(=>)`. rustc always reports that, also if `Mail` is a variant.
//! - A guard that ends in a `.` or a `::` loses it.
//! - A body that is not an expression stays as it is. rustc reports what is wrong with it, and editors complete it as they
//!   do outside of macros.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use quote::quote_spanned;
use syn::parse::{ParseStream, Parser};
use syn::{Arm, Attribute, Expr, ExprMatch, Pat, Token, braced, parse_quote};

/// The arms that were found.
pub(super) struct Recovered {
    pub(super) block: ExprMatch,
    /// rustc reports all that is wrong with them.
    pub(super) is_reported: bool,
}

/// Parses a `match`, and leaves out what does not have the form of an arm. An arm without a body never ends.
pub(super) fn recover(input: ParseStream<'_>) -> syn::Result<Recovered> {
    let content;
    let (attrs, match_token) = (Vec::new(), input.parse()?);
    let expr = Box::new(Expr::parse_without_eager_brace(input)?);
    let brace_token = braced!(content in input);
    let (mut arms, mut is_reported) = (Vec::new(), true);
    while !content.is_empty() {
        if let Ok(arm) = content.fork().parse::<Arm>() {
            content.parse::<Arm>()?;
            arms.push(arm);
            continue;
        }
        let head = take_head(&content)?;
        let arrow: Option<Token![=>]> = content.parse()?;
        let body = if arrow.is_some() { take_body(&content)? } else { TokenStream::new() };
        let (body, is_body_reported) = match syn::parse2(body.clone()) {
            _ if body.is_empty() => (parse_quote!(::core::unreachable!()), false),
            // The comma behind it is missing, or the head is wrong.
            Ok(body) => (body, false),
            Err(_) => (Expr::Verbatim(body), true),
        };
        let comma = content.parse()?;
        match parse_head.parse2(head) {
            Ok(Head { attrs, pat, fault }) => {
                is_reported &= match fault {
                    HeadFault::None => is_body_reported,
                    HeadFault::OpenPattern => true,
                    HeadFault::OpenGuard => false,
                };
                arms.push(Arm { attrs, pat, fat_arrow_token: arrow.unwrap_or_default(), body: Box::new(body), comma });
            }
            Err(_) => is_reported = false,
        }
    }
    Ok(Recovered { block: ExprMatch { attrs, match_token, expr, brace_token, arms }, is_reported })
}

/// Takes the tokens in front of a `=>`, a comma or the end.
fn take_head(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let mut head = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![=>]) {
        if input.peek(Token![,]) || (!head.is_empty() && begins_arm(input)) {
            break;
        }
        head.extend([input.parse::<TokenTree>()?]);
    }
    Ok(head)
}

/// Takes the tokens of a body: a block, or all up to a comma, the next arm or the end.
fn take_body(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let mut body = TokenStream::new();
    if input.peek(syn::token::Brace) {
        body.extend([input.parse::<TokenTree>()?]);
        return Ok(body);
    }
    while !input.is_empty() && !input.peek(Token![,]) && (body.is_empty() || !begins_arm(input)) {
        body.extend([input.parse::<TokenTree>()?]);
    }
    Ok(body)
}

/// Returns whether the next tokens are a path, an optional group and a `=>` or `if`, or an `after!(..) =>`.
fn begins_arm(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    let is_after = ahead.peek(syn::Ident) && ahead.peek2(Token![!]);
    let has_path = match is_after {
        true => ahead.parse::<syn::Macro>().is_ok(),
        false => ahead.call(syn::Path::parse_mod_style).is_ok_and(|path| path.segments.len() > 1),
    };
    if has_path && !is_after && (ahead.peek(syn::token::Brace) || ahead.peek(syn::token::Paren)) {
        let _ = ahead.parse::<TokenTree>();
    }
    has_path && (ahead.peek(Token![=>]) || ahead.peek(Token![if]))
}

/// The part of an arm in front of its `=>`.
struct Head {
    attrs: Vec<Attribute>,
    pat: Pat,
    fault: HeadFault,
}

enum HeadFault {
    None,
    /// The pattern ended in `::`.
    OpenPattern,
    /// The guard ended in `.` or `::`.
    OpenGuard,
}

fn parse_head(input: ParseStream<'_>) -> syn::Result<Head> {
    let mut tokens: Vec<TokenTree> = input.parse::<TokenStream>()?.into_iter().collect();
    let has_guard = tokens.iter().any(|token| matches!(token, TokenTree::Ident(word) if word == "if"));
    let last = tokens.last().map_or_else(Span::call_site, TokenTree::span);
    let is_open = remove_open_path(&mut tokens);
    if is_open && !has_guard {
        tokens.extend(quote_spanned!(last=> (=>)));
    }
    let fault = match is_open {
        false => HeadFault::None,
        true if has_guard => HeadFault::OpenGuard,
        true => HeadFault::OpenPattern,
    };
    let parse = |input: ParseStream<'_>| {
        let attrs = input.call(Attribute::parse_outer)?;
        if matches!(fault, HeadFault::OpenPattern) {
            return Ok(Head { attrs, pat: Pat::Verbatim(input.parse()?), fault });
        }
        let pat = Pat::parse_multi_with_leading_vert(input)?;
        let Some(if_token) = input.parse::<Option<Token![if]>>()? else { return Ok(Head { attrs, pat, fault }) };
        let guard = syn::PatGuard { attrs: Vec::new(), pat: Box::new(pat), if_token, guard: input.parse()? };
        Ok(Head { attrs, pat: Pat::Guard(guard), fault })
    };
    parse.parse2(tokens.into_iter().collect())
}

/// Removes a `.` or `::` at the end, also of a group in parentheses at the end. Returns whether there was one.
fn remove_open_path(tokens: &mut Vec<TokenTree>) -> bool {
    let ends_with =
        |tokens: &[TokenTree], char| matches!(tokens.last(), Some(TokenTree::Punct(punct)) if punct.as_char() == char);
    if let Some(TokenTree::Group(group)) = tokens.last_mut()
        && group.delimiter() == Delimiter::Parenthesis
    {
        let mut inner = group.stream().into_iter().collect();
        let is_open = remove_open_path(&mut inner);
        let mut whole = proc_macro2::Group::new(group.delimiter(), inner.into_iter().collect());
        whole.set_span(group.span());
        *group = whole;
        return is_open;
    }
    if ends_with(tokens, ':') {
        tokens.truncate(tokens.len().saturating_sub(2));
        return true;
    }
    // A `..` needs nothing behind it.
    let is_open = ends_with(tokens, '.') && !ends_with(&tokens[..tokens.len() - 1], '.');
    if is_open {
        tokens.pop();
    }
    is_open
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;

    use super::*;

    const LAST: &str = "Mail::Letter(text) => post(text),";

    /// Checks which arms are found in the block, and whether rustc reports all that is wrong with it.
    fn check(arms: &str, expected: &[&str], is_reported: bool) {
        let recovered = recover.parse_str(&format!("match cx {{ {arms} }}")).unwrap();
        let found: Vec<String> = recovered.block.arms.iter().map(|arm| arm.to_token_stream().to_string()).collect();
        let expected: Vec<String> =
            expected.iter().map(|arm| arm.parse::<TokenStream>().unwrap().to_string()).collect();
        assert_eq!((found, recovered.is_reported), (expected, is_reported), "{arms}");
    }

    #[test]
    fn finished_arms_stay() {
        check(&format!("Mail::Stop => break, {LAST}"), &["Mail::Stop => break,", LAST], true);
    }

    #[test]
    fn a_pattern_without_a_body() {
        check(&format!("{LAST} Mail::word"), &[LAST, "Mail::word => ::core::unreachable!()"], false);
        check(&format!("Mail::word {LAST}"), &["Mail::word => ::core::unreachable!()", LAST], false);
        let arms = ["Mail::Letter { text, .. } => ::core::unreachable!(),", LAST];
        check(&format!("Mail::Letter {{ text, .. }} =>, {LAST}"), &arms, false);
    }

    #[test]
    fn a_pattern_or_a_guard_that_ends_in_a_path() {
        check(&format!("Mail:: => 1, {LAST}"), &["Mail(=>) => 1,", LAST], true);
        check(&format!("{LAST} Mail::"), &[LAST, "Mail(=>) => ::core::unreachable!()"], true);
        let guarded = "Mail::Letter(text) if text => post(text),";
        check(&format!("Mail::Letter(text) if text. => post(text), {LAST}"), &[guarded, LAST], false);
        let nested = "Mail::Letter(text) if f(text) => post(text),";
        check(&format!("Mail::Letter(text) if f(text.) => post(text), {LAST}"), &[nested, LAST], false);
    }

    #[test]
    fn a_body_without_a_comma() {
        check(&format!("Mail::Letter(text) => text.word {LAST}"), &["Mail::Letter(text) => text.word", LAST], false);
        let after = "after!(SECOND) => 1";
        check(&format!("Mail::Letter(text) => text.word {after}"), &["Mail::Letter(text) => text.word", after], false);
    }

    #[test]
    fn a_body_that_is_not_an_expression_stays() {
        check(&format!("Mail::Letter(text) => text., {LAST}"), &["Mail::Letter(text) => text.,", LAST], true);
        check(&format!("Mail::Letter(text) => text. {LAST}"), &["Mail::Letter(text) => text.", LAST], true);
        check(
            &format!("Mail::Letter(text) => post(text.), {LAST}"),
            &["Mail::Letter(text) => post(text.),", LAST],
            true,
        );
        let block = "Mail::Letter(text) => { let n = text. ; post(n) }";
        check(&format!("{block} {LAST}"), &[block, LAST], true);
    }

    #[test]
    fn other_tokens_are_left_out() {
        check(&format!("Mail::Letter(text) + 1 => text, {LAST}"), &[LAST], false);
        check("+ - *", &[], false);
    }
}
