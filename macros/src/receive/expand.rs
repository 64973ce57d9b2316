//! The expansion of a block has two phases: a guard must see a message that stays in the mailbox, and a body must own
//! it.
//!
//! - Phase 1 takes the next message that may match, and tests it. Each arm's guard records the arm's number and then
//!   evaluates to `false`, so that no arm moves out of the message. A message that matches no arm returns to its
//!   position in the mailbox.
//! - Phase 2 is one `match` on the number and the message, and moves. It contains each body once, outside of any
//!   generated loop.
//!
//! The context is not borrowed while a message is tested.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, Lifetime, Pat};

use super::guard::Guard;
use super::model::{After, Arm, Model};
use crate::diag::Errors;
use crate::names::{local, private, private_at};

/// Generates the block. The errors and the names of all variants are behind the arms: [`recover`](super::recover) has the
/// reason.
pub(super) fn expand(model: &Model, errors: &Errors) -> TokenStream {
    let (after, matched, message) = (local("after"), local("matched"), local("message"));
    let timeout = timeout(model);
    let wanted = wanted_variants(model);
    let subject = &model.subject;
    let span = subject_span(subject);
    let scan = call(subject, &quote_spanned!(span=> __scan::<__Want>), &quote!(#after));
    let next = call(subject, &quote_spanned!(span=> __next), &quote!());
    let next = quote_spanned!(span=> #next.await);
    let saved = call(subject, &quote_spanned!(span=> __saved), &quote!());
    let take = call(subject, &quote_spanned!(span=> __take), &quote!(&#message));
    let skip = call(subject, &quote_spanned!(span=> __skip), &quote!(#message));
    let found = Lifetime::new("'__found", Span::mixed_site());
    let numbered: Vec<Numbered<'_>> = number(&model.arms);
    let reachability = reachability_check(&model.arms, &message);
    let tests = numbered.iter().flat_map(|arm| arm.tests(&matched));
    let bodies = numbered.iter().map(Numbered::body);
    let timeout_arm = model.after.as_ref().map(timeout_arm);
    quote! {
        {
            let #after: ::core::option::Option<::core::time::Duration> = #timeout;
            #scan;
            let (#matched, #message) = loop {
                // A saved message is not held over the `.await`: it would be moved into the future and out of it.
                let #message = #found: {
                    if let ::core::option::Option::Some(#message) = #saved {
                        break #found ::core::option::Option::Some(#message);
                    }
                    #next
                };
                let ::core::option::Option::Some(#message) = #message else {
                    break (::core::option::Option::None, ::core::option::Option::None);
                };
                #reachability
                #[allow(unused_mut)]
                let mut #matched: ::core::option::Option<usize> = ::core::option::Option::None;
                match #message {
                    #(#tests)*
                    _ => {}
                }
                if ::core::option::Option::is_some(&#matched) {
                    #take;
                    break (#matched, ::core::option::Option::Some(#message));
                }
                #skip;
            };
            #wanted
            match (#matched, #message) {
                #(#bodies)*
                #timeout_arm
                _ => {
                    #errors
                    ::core::unreachable!()
                }
            }
        }
    }
}

/// Generates the call of a function of `Receive`. It has no bounds on the messages: those are checked where their type
/// is defined.
fn call(subject: &Expr, function: &TokenStream, arguments: &TokenStream) -> TokenStream {
    let (span, receiver) = (subject_span(subject), receiver(subject));
    let private = private_at(span);
    quote_spanned!(span=> #private::Receive::#function(#receiver, #arguments))
}

/// Generates the borrow of the context or mailbox. Method syntax accepts a `&mut Context` and a `Mailbox` by value, and
/// rustc reports another type at the subject itself. The trait is in scope in this block only.
fn receiver(subject: &Expr) -> TokenStream {
    let (private, span) = (private(), subject_span(subject));
    let method = Ident::new("__receiver", span);
    let subject = match subject {
        Expr::Path(_) | Expr::Field(_) | Expr::Paren(_) => quote!(#subject),
        other => quote!((#other)),
    };
    quote_spanned! {span=> {
        use #private::Receiver as _;
        #subject.#method()
    }}
}

/// Returns the span of the subject for generated code that uses it.
fn subject_span(subject: &Expr) -> Span {
    Span::mixed_site().located_at(subject.span())
}

/// Generates the timeout. rustc reports a value of another type at the value.
fn timeout(model: &Model) -> TokenStream {
    let Some(After { duration, .. }) = &model.after else { return quote!(::core::option::Option::None) };
    let span = Span::mixed_site().located_at(duration.span());
    let private = private_at(span);
    let remaining = quote_spanned!(span=> #private::AfterTime::remaining);
    let now = call(&model.subject, &quote_spanned!(subject_span(&model.subject)=> __now), &quote!());
    quote!(::core::option::Option::Some(#remaining(#duration, || #now)))
}

/// Generates the type that lists the variants that the block may match. The runtime reads it at compile time.
fn wanted_variants(model: &Model) -> TokenStream {
    let private = private();
    let everything = model.arms.iter().any(|arm| arm.variants.is_none());
    let names = if everything {
        quote!(::core::option::Option::None)
    } else {
        let names = model.arms.iter().flat_map(|arm| {
            let cfgs = &arm.cfgs;
            arm.variants.iter().flatten().map(move |name| {
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

/// Generates a `match` on the patterns that never runs. rustc's `unreachable_patterns` then warns of an arm that
/// earlier ones cover, as in any `match`. In both phases the numbers of the arms hide such arms from it.
fn reachability_check(arms: &[Arm], message: &Ident) -> Option<TokenStream> {
    let may_cover = |(index, arm): (usize, &Arm)| {
        arm.guard.is_none() && arms.iter().skip(index + 1).any(|later| arm.shares_a_variant(later))
    };
    arms.iter().enumerate().any(may_cover).then(|| {
        let patterns = arms.iter().map(|arm| {
            let Arm { cfgs, attrs, patterns, guard, .. } = arm;
            let guard = guard.as_ref().map(|_| quote!(if false));
            quote! {
                #(#cfgs)*
                #(#attrs)*
                #[allow(unused_variables, unused_mut)]
                #(#patterns)|* #guard => {}
            }
        });
        quote! {
            if false {
                match #message {
                    #(#patterns)*
                    #[allow(unreachable_patterns)]
                    _ => {}
                }
                ::core::unreachable!()
            }
        }
    })
}

/// An arm, and the number of each of its alternatives.
struct Numbered<'a> {
    arm: &'a Arm,
    alternatives: Vec<(Literal, &'a Pat)>,
}

fn number(arms: &[Arm]) -> Vec<Numbered<'_>> {
    let mut numbers = (0..).map(Literal::usize_suffixed);
    arms.iter().map(|arm| Numbered { arm, alternatives: numbers.by_ref().zip(&arm.patterns).collect() }).collect()
}

impl Numbered<'_> {
    /// Generates the arms of phase 1, which record the number of the first alternative that matches.
    fn tests(&self, matched: &Ident) -> impl Iterator<Item = TokenStream> {
        let cfgs = &self.arm.cfgs;
        let guard = self.arm.guard.as_ref().map(|Guard { condition, has_let }| {
            if *has_let {
                quote!(&& #condition)
            } else {
                // rustc reports a condition that is not a `bool` at this span.
                let span = Span::mixed_site().located_at(condition.span());
                let condition = quote_spanned!(span=> (#condition));
                quote!(&& #condition)
            }
        });
        self.alternatives.iter().map(move |(number, pattern)| {
            quote! {
                #(#cfgs)*
                #[allow(unused_variables, unused_mut)]
                #pattern if ::core::option::Option::is_none(&#matched) #guard && {
                    #matched = ::core::option::Option::Some(#number);
                    false
                } => ::core::unreachable!(),
            }
        })
    }

    /// Generates the arm of phase 2, which moves the message into the bindings of the alternative that matched.
    fn body(&self) -> TokenStream {
        let Arm { cfgs, attrs, guard, used_by_guard, body, .. } = self.arm;
        let patterns = self.alternatives.iter().map(
            |(number, pattern)| quote!((::core::option::Option::Some(#number), ::core::option::Option::Some(#pattern))),
        );
        let guard = match guard {
            Some(Guard { condition, has_let: true }) => Some(quote!(if #condition)),
            // Uses the bindings, so that rustc does not report those that only the guard has used.
            Some(_) if !used_by_guard.is_empty() => Some(quote!(if { #(let _ = &#used_by_guard;)* true })),
            _ => None,
        };
        quote!(#(#cfgs)* #(#attrs)* #(#patterns)|* #guard => #body,)
    }
}

fn timeout_arm(After { attrs, body, .. }: &After) -> TokenStream {
    quote!(#(#attrs)* (::core::option::Option::None, ::core::option::Option::None) => #body,)
}
