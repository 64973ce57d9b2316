//! The alternatives of a pattern.
//!
//! `match` tries a guard for each alternative of `A(x, _) | A(_, x) if x > 10`. The body's bindings are those of the
//! alternative for which the guard held. The first phase of a `receive!` must record which one that was, so each gets a
//! number. Nested `|` are multiplied out from the left, in the order in which `match` tries them.

use proc_macro2::Ident;
use syn::{Pat, Path};

/// The largest number of alternatives of an arm with a guard. Four nested `|` with eight patterns each would make 4,096
/// arms.
pub(super) const LIMIT: usize = 64;

/// Returns the alternatives, none of which contains a `|`, or `None` if they exceed the limit.
pub(super) fn alternatives(pattern: &Pat) -> Option<Vec<Pat>> {
    let found = match pattern {
        Pat::Or(or) => {
            let mut found = Vec::new();
            for case in &or.cases {
                found.extend(alternatives(case)?);
                if found.len() > LIMIT {
                    return None;
                }
            }
            found
        }
        Pat::Paren(paren) => match alternatives(&paren.pat)? {
            found if matches!(*paren.pat, Pat::Or(_)) => found.into_iter().map(parenthesize).collect(),
            _ => vec![pattern.clone()],
        },
        Pat::Ident(ident) => {
            let Some((at, inner)) = &ident.subpat else { return Some(vec![pattern.clone()]) };
            let with = |inner| {
                let mut ident = ident.clone();
                ident.subpat = Some((*at, Box::new(inner)));
                Pat::Ident(ident)
            };
            alternatives(inner)?.into_iter().map(with).collect()
        }
        Pat::Reference(reference) => {
            let with = |inner| {
                let mut reference = reference.clone();
                *reference.pat = inner;
                Pat::Reference(reference)
            };
            alternatives(&reference.pat)?.into_iter().map(with).collect()
        }
        Pat::Struct(structure) => {
            let with = |parts: Vec<Pat>| {
                let mut structure = structure.clone();
                for (field, part) in structure.fields.iter_mut().zip(parts) {
                    *field.pat = part;
                }
                Pat::Struct(structure)
            };
            product(structure.fields.iter().map(|field| &*field.pat))?.into_iter().map(with).collect()
        }
        Pat::TupleStruct(tuple) => {
            let with = |parts: Vec<Pat>| {
                let mut tuple = tuple.clone();
                tuple.elems.iter_mut().zip(parts).for_each(|(old, new)| *old = new);
                Pat::TupleStruct(tuple)
            };
            product(tuple.elems.iter())?.into_iter().map(with).collect()
        }
        Pat::Tuple(tuple) => {
            let with = |parts: Vec<Pat>| {
                let mut tuple = tuple.clone();
                tuple.elems.iter_mut().zip(parts).for_each(|(old, new)| *old = new);
                Pat::Tuple(tuple)
            };
            product(tuple.elems.iter())?.into_iter().map(with).collect()
        }
        Pat::Slice(slice) => {
            let with = |parts: Vec<Pat>| {
                let mut slice = slice.clone();
                slice.elems.iter_mut().zip(parts).for_each(|(old, new)| *old = new);
                Pat::Slice(slice)
            };
            product(slice.elems.iter())?.into_iter().map(with).collect()
        }
        other => vec![other.clone()],
    };
    (found.len() <= LIMIT).then_some(found)
}

/// Restores the parentheses of a range, which needs them after `&` or `@`. No other pattern does.
fn parenthesize(pattern: Pat) -> Pat {
    match pattern {
        Pat::Range(_) => Pat::Paren(syn::PatParen {
            attrs: Vec::new(),
            paren_token: syn::token::Paren::default(),
            pat: Box::new(pattern),
        }),
        other => other,
    }
}

/// Returns all combinations of the parts' alternatives.
fn product<'a>(parts: impl Iterator<Item = &'a Pat>) -> Option<Vec<Vec<Pat>>> {
    let mut rows: Vec<Vec<Pat>> = vec![Vec::new()];
    for part in parts {
        let choices = alternatives(part)?;
        if rows.len() * choices.len() > LIMIT {
            return None;
        }
        rows = rows
            .iter()
            .flat_map(|row| choices.iter().map(move |choice| row.iter().chain([choice]).cloned().collect()))
            .collect();
    }
    Some(rows)
}

/// Returns the names of the variants that a pattern may match, or `None` if it may match any.
pub(super) fn variants(pattern: &Pat) -> Option<Vec<Ident>> {
    let last = |path: &Path| path.segments.last().map(|segment| vec![segment.ident.clone()]);
    match pattern {
        Pat::Struct(structure) => last(&structure.path),
        Pat::TupleStruct(tuple) => last(&tuple.path),
        Pat::Path(path) => last(&path.path),
        Pat::Paren(paren) => variants(&paren.pat),
        Pat::Or(or) => or.cases.iter().try_fold(Vec::new(), |mut names, case| {
            names.extend(variants(case)?);
            Some(names)
        }),
        Pat::Ident(ident) => match &ident.subpat {
            Some((_, inner)) => variants(inner),
            // An imported variant or a binding. A binding cannot have the name of a variant: rustc rejects it.
            None if ident.by_ref.is_none() && ident.mutability.is_none() => Some(vec![ident.ident.clone()]),
            None => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;
    use syn::parse::Parser;

    use super::*;
    use crate::syntax::text::source_text;

    fn parse(tokens: proc_macro2::TokenStream) -> Pat {
        Pat::parse_multi_with_leading_vert.parse2(tokens).unwrap()
    }

    #[test]
    fn alternatives_multiply_out_from_the_left() {
        let check = |tokens, expected: &[&str]| {
            let found = alternatives(&parse(tokens)).unwrap();
            assert_eq!(found.iter().map(source_text).collect::<Vec<_>>(), expected);
        };
        check(quote!(Pair(x, _) | Pair(_, x)), &["Pair(x, _)", "Pair(_, x)"]);
        check(quote!(P(A | B, C | D)), &["P(A, C)", "P(A, D)", "P(B, C)", "P(B, D)"]);
        check(quote!(m @ (A | B)), &["m@A", "m@B"]);
        check(quote!(S { x: Some(1 | 2), .. }), &["S{x: Some(1), ..}", "S{x: Some(2), ..}"]);
        check(quote!(P((1..=3 | 5))), &["P((1..=3))", "P(5)"]);
        check(quote!([A | B, ..]), &["[A, ..]", "[B, ..]"]);
    }

    #[test]
    fn too_many_alternatives() {
        let pattern = parse(quote!(P(A | B, A | B, A | B, A | B, A | B, A | B, A | B)));
        assert!(alternatives(&pattern).is_none());
    }

    #[test]
    fn variants_of_a_pattern() {
        let check = |tokens, expected: Option<&[&str]>| {
            let found = variants(&parse(tokens));
            let found = found.map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!(
                found.as_deref(),
                expected.map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>()).as_deref()
            );
        };
        check(quote!(Mail::Post { .. }), Some(&["Post"]));
        check(quote!(m @ (Mail::<u8>::Post(_) | Tick)), Some(&["Post", "Tick"]));
        check(quote!(_), None);
        check(quote!(mut message), None);
        check(quote!(Mail::Post { .. } | _), None);
    }
}
