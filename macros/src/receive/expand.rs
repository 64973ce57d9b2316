//! Two phases, since a guard must see a message that stays where it is, and a body must own it.
//!
//! Phase 1 takes the next message that the block may want and tests it: each arm's guard ends in `false` after noting
//! the arm's number, so that no arm ever moves out of the message. Without a hit the message goes back to its
//! place. Phase 2 is one `match` on the number and the message, and moves; the bodies stand there, once
//! each, outside of any generated loop. No borrow of the context is held across a test.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, Lifetime, Pat};

use super::guard::Guard;
use super::model::{After, Arm, Model};
use crate::diag::Errors;
use crate::names::{local, private, private_at};

/// The block, with its errors in front.
pub(super) fn expand(model: &Model, errors: &Errors) -> TokenStream {
    let (after, hit, message) = (local("after"), local("hit"), local("message"));
    let deadline = deadline(model.after.as_ref());
    let want = want(model);
    let subject = &model.subject;
    let span = at(subject);
    let scan = call(subject, &quote_spanned!(span=> __scan::<__Want>), &quote!(#after));
    let next = call(subject, &quote_spanned!(span=> __next), &quote!());
    let next = quote_spanned!(span=> #next.await);
    let saved = call(subject, &quote_spanned!(span=> __saved), &quote!());
    let take = call(subject, &quote_spanned!(span=> __take), &quote!(&#message));
    let skip = call(subject, &quote_spanned!(span=> __skip), &quote!(#message));
    let found = Lifetime::new("'__found", Span::mixed_site());
    let numbered: Vec<Numbered<'_>> = number(&model.arms);
    let reach = reach(&model.arms, &message);
    let tests = numbered.iter().flat_map(|arm| arm.tests(&hit));
    let bodies = numbered.iter().map(Numbered::body);
    let late = model.after.as_ref().map(late);
    quote! {
        {
            #errors
            let #after: ::core::option::Option<::core::time::Duration> = #deadline;
            {
                #want
                #scan;
            }
            let (#hit, #message) = loop {
                // What is saved is not carried over the `.await`, else it would be moved into the future and out again.
                let #message = #found: {
                    if let ::core::option::Option::Some(#message) = #saved {
                        break #found ::core::option::Option::Some(#message);
                    }
                    #next
                };
                let ::core::option::Option::Some(#message) = #message else {
                    break (::core::option::Option::None, ::core::option::Option::None);
                };
                #reach
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

/// One of the functions of whatever is read. It asks nothing of the messages: where their type is written, it is asked.
fn call(subject: &Expr, function: &TokenStream, arguments: &TokenStream) -> TokenStream {
    let (span, on) = (at(subject), receiver(subject));
    let private = private_at(span);
    quote_spanned!(span=> #private::Receive::#function(#on, #arguments))
}

/// The context or mailbox. Method syntax finds a `&mut Context` as well as a `Mailbox` by value, and the trait is in
/// scope of nothing else. What is neither is told at the subject itself.
fn receiver(subject: &Expr) -> TokenStream {
    let (private, span) = (private(), at(subject));
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

/// The subject's place, for what the expansion does with it.
fn at(subject: &Expr) -> Span {
    Span::mixed_site().located_at(subject.span())
}

/// How long the block waits. A value that is no duration is told at the value, by the word before it.
fn deadline(after: Option<&After>) -> TokenStream {
    let Some(After { word, duration, .. }) = after else { return quote!(::core::option::Option::None) };
    let span = Span::mixed_site().located_at(*word);
    let (value, ty) = (local("duration"), quote_spanned!(span=> ::core::time::Duration));
    quote! {{
        let #value: #ty = #duration;
        ::core::option::Option::Some(#value)
    }}
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

/// The patterns once more, never run: an arm that an earlier one leaves nothing to is told by rustc's own
/// `unreachable_patterns`, as in any `match`. Both phases hide that from it, since each arm has a number there.
fn reach(arms: &[Arm], message: &Ident) -> Option<TokenStream> {
    let may_hide = |(index, arm): (usize, &Arm)| {
        arm.guard.is_none() && arms.iter().skip(index + 1).any(|later| arm.shares_a_variant(later))
    };
    arms.iter().enumerate().any(may_hide).then(|| {
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
        let guard = self.arm.guard.as_ref().map(|Guard { condition, binds }| {
            if *binds {
                quote!(&& #condition)
            } else {
                // What is no `bool` is told at the condition.
                let span = Span::mixed_site().located_at(condition.span());
                let condition = quote_spanned!(span=> (#condition));
                quote!(&& #condition)
            }
        });
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
