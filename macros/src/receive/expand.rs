//! Two phases, since a guard must see a message that stays where it is, and a body must own it.
//!
//! Phase 1 takes the next message that the block may want and tests it: each arm's guard ends in `false` after noting
//! the arm's number, so that no arm ever moves out of the message. Without a hit the message goes back to its
//! place. Phase 2 is one `match` on the number and the message, and moves; the bodies stand there, once
//! each, outside of any generated loop. No borrow of the context is held across a test.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::{Expr, Pat};

use super::guard::Guard;
use super::model::{After, Arm, Model};
use crate::diag::Errors;
use crate::names::{local, private};

/// The block, with its errors in front.
pub(super) fn expand(model: &Model, errors: &Errors) -> TokenStream {
    let (after, hit, message) = (local("after"), local("hit"), local("message"));
    let deadline = deadline(model.after.as_ref());
    let want = want(model);
    let scan = on(&model.subject, &want, &quote!(__scan::<__Want>(#after)));
    let next = on(&model.subject, &quote!(), &quote!(__next().await));
    let take = on(&model.subject, &quote!(), &quote!(__take(&#message)));
    let skip = on(&model.subject, &quote!(), &quote!(__skip(#message)));
    let numbered: Vec<Numbered<'_>> = number(&model.arms);
    let tests = numbered.iter().flat_map(|arm| arm.tests(&hit));
    let bodies = numbered.iter().map(Numbered::body);
    let late = model.after.as_ref().map(late);
    quote! {
        {
            #errors
            let #after: ::core::option::Option<::core::time::Duration> = #deadline;
            #scan;
            let (#hit, #message) = loop {
                let #message = #next;
                let ::core::option::Option::Some(#message) = #message else {
                    break (::core::option::Option::None, ::core::option::Option::None);
                };
                #[allow(unused_mut)]
                let mut #hit: ::core::option::Option<usize> = ::core::option::Option::None;
                match #message {
                    #(#tests)*
                    _ => {}
                }
                if ::core::option::Option::is_some(&#hit) {
                    #take;
                    break (#hit, ::core::option::Option::Some(#message));
                }
                #skip;
            };
            match (#hit, #message) {
                #(#bodies)*
                #late
                _ => ::core::unreachable!(),
            }
        }
    }
}

/// A call on the context, with the trait in scope of nothing else. Method syntax takes a `&mut Context` as
/// well as a `Mailbox` by value.
fn on(subject: &Expr, items: &TokenStream, call: &TokenStream) -> TokenStream {
    let private = private();
    let subject = match subject {
        Expr::Path(_) | Expr::Field(_) | Expr::Paren(_) => quote!(#subject),
        other => quote!((#other)),
    };
    quote!({
        use #private::Receive as _;
        #items
        #subject.#call
    })
}

fn deadline(after: Option<&After>) -> TokenStream {
    match after {
        None => quote!(::core::option::Option::None),
        Some(After { duration, .. }) => quote!(::core::option::Option::Some(#duration)),
    }
}

/// The type by which the runtime knows, at compile time, which variants the block may match.
fn want(model: &Model) -> TokenStream {
    let private = private();
    let everything = model.arms.iter().any(|arm| arm.wanted.is_none());
    let names = if everything {
        quote!(::core::option::Option::None)
    } else {
        let names = model.arms.iter().flat_map(|arm| {
            let cfgs = &arm.cfgs;
            arm.wanted.iter().flatten().map(move |name| {
                let name = name.unraw().to_string();
                quote!(#(#cfgs)* #name)
            })
        });
        quote!(::core::option::Option::Some(&[#(#names),*]))
    };
    quote! {
        struct __Want;
        #[automatically_derived]
        impl #private::Want for __Want {
            const NAMES: ::core::option::Option<&'static [&'static str]> = #names;
        }
    }
}

/// An arm with the number of each of its alternatives.
struct Numbered<'a> {
    arm: &'a Arm,
    alternatives: Vec<(Literal, &'a Pat)>,
}

fn number(arms: &[Arm]) -> Vec<Numbered<'_>> {
    let mut numbers = (0..).map(Literal::usize_suffixed);
    arms.iter().map(|arm| Numbered { arm, alternatives: numbers.by_ref().zip(&arm.patterns).collect() }).collect()
}

impl Numbered<'_> {
    /// Phase 1: notes the number of the first alternative that matches, and moves nothing.
    fn tests(&self, hit: &Ident) -> impl Iterator<Item = TokenStream> {
        let cfgs = &self.arm.cfgs;
        let guard = self.arm.guard.as_ref().map(
            |Guard { condition, binds }| {
                if *binds { quote!(&& #condition) } else { quote!(&& (#condition)) }
            },
        );
        self.alternatives.iter().map(move |(number, pattern)| {
            quote! {
                #(#cfgs)*
                #[allow(unused_variables, unused_mut)]
                #pattern if ::core::option::Option::is_none(&#hit) #guard && {
                    #hit = ::core::option::Option::Some(#number);
                    false
                } => ::core::unreachable!(),
            }
        })
    }

    /// Phase 2: moves the message into the bindings of the alternative that was hit.
    fn body(&self) -> TokenStream {
        let Arm { cfgs, attrs, guard, guarded, body, .. } = self.arm;
        let patterns = self.alternatives.iter().map(
            |(number, pattern)| quote!((::core::option::Option::Some(#number), ::core::option::Option::Some(#pattern))),
        );
        let again = match guard {
            Some(Guard { condition, binds: true }) => Some(quote!(if #condition)),
            // What only the guard reads has been read.
            Some(_) if !guarded.is_empty() => Some(quote!(if { #(let _ = &#guarded;)* true })),
            _ => None,
        };
        quote!(#(#cfgs)* #(#attrs)* #(#patterns)|* #again => #body,)
    }
}

fn late(After { attrs, body, .. }: &After) -> TokenStream {
    quote!(#(#attrs)* (::core::option::Option::None, ::core::option::Option::None) => #body,)
}
