//! Tokens as text.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

/// Returns the tokens as they are usually formatted: `Vec<String>`, not `Vec < String >`. Two spellings of one type
/// give one text.
pub(crate) fn source_text(tokens: impl ToTokens) -> String {
    let mut out = String::new();
    write(tokens.to_token_stream(), &mut out);
    out
}

fn write(tokens: TokenStream, out: &mut String) {
    let mut joint = false;
    for token in tokens {
        let word_before = out.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                out.push_str(open);
                write(group.stream(), out);
                if out.ends_with(',') {
                    out.pop();
                }
                out.push_str(close);
                joint = false;
            }
            TokenTree::Punct(punct) => {
                let (mark, second) = (punct.as_char(), joint);
                if !second && matches!(mark, '+' | '=' | '-') && !out.is_empty() {
                    out.push(' ');
                }
                out.push(mark);
                joint = punct.spacing() == Spacing::Joint && mark != '\'';
                let alone = !joint && !second && matches!(mark, ',' | ';' | ':' | '+' | '=');
                if alone || (second && out.ends_with("->")) {
                    out.push(' ');
                }
            }
            word => {
                if word_before {
                    out.push(' ');
                }
                out.push_str(&word.to_string());
                joint = false;
            }
        }
    }
    if out.ends_with(' ') {
        out.pop();
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn types_are_formatted_as_usual() {
        for (tokens, expected) in [
            (quote!(Vec<Option<String>>), "Vec<Option<String>>"),
            (quote!(HashMap<u8, std::sync::Arc<str>>), "HashMap<u8, std::sync::Arc<str>>"),
            (quote!([u8; 4]), "[u8; 4]"),
            (quote!((u8, &'static str,)), "(u8, &'static str)"),
            (quote!(Box<dyn Fn(u8) -> u8 + Send>), "Box<dyn Fn(u8) -> u8 + Send>"),
            (quote!(<T as Iterator>::Item), "<T as Iterator>::Item"),
            (quote!(priority: u8, body: Vec<u8>), "priority: u8, body: Vec<u8>"),
        ] {
            assert_eq!(source_text(tokens), expected);
        }
    }
}
