//! `#[greenroom::main]` and `#[greenroom::test]`: a plain function that starts a node and runs the user's `async fn` on
//! it.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Expr, Item, ItemFn, ReturnType};

use crate::diag::{self, Errors};
use crate::fallback;
use crate::names::{private, private_at};
use crate::syntax::duration::{DurationLit, Shutdown};
use crate::syntax::{attr, options};

/// Expands `#[greenroom::main]`.
pub(crate) fn main(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let (mut shutdown, mut node) = (None, None);
    options::parse("#[greenroom::main]", attr, &["shutdown", "node"], &mut errors, |name, input| {
        if name == "node" {
            node = Some(options::value::<Expr>(name, "Node::builder(\"shop@warehouse\")", input)?);
        } else {
            shutdown = Some(Shutdown::parse(name, input)?);
        }
        Ok(())
    });
    let Some(function) = parse("main", item.clone(), &mut errors) else {
        let item = fallback::item(&item, &errors);
        return quote!(#item fn main() {});
    };
    if !check("main", &function, &mut errors) {
        return fallback::function(&function, &errors);
    }
    let private = private();
    let node = match &node {
        Some(node) => {
            let built_node = {
                let private = private_at(node.span());
                quote_spanned!(node.span()=> #private::built_node)
            };
            quote!(async { #built_node(#node).await })
        }
        None => quote!(#private::node_from_environment()),
    };
    let shutdown = shutdown.map_or_else(|| quote!(#private::DEFAULT_SHUTDOWN), Shutdown::tokens);
    let Parts { attrs, vis, name, inner, call } = Parts::of(&function);
    quote! {
        #(#attrs)*
        #vis fn #name() -> ::std::process::ExitCode {
            #inner
            #private::main(#shutdown, #node, #call, |outcome| {
                #[allow(unused_imports)]
                use #private::{OtherOutcome as _, OutcomeOfBoxedError as _, OutcomeOfError as _};
                (&&&#private::MainOutcome(outcome)).with_causes()
            })
        }
        #errors
    }
}

/// Expands `#[greenroom::test]`.
pub(crate) fn test(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let (mut real, mut expect_crash, mut time_limit) = (false, false, None);
    let known = ["clock", "expect_crash", "time_limit"];
    options::parse("#[greenroom::test]", attr, &known, &mut errors, |name, input| {
        if name == "clock" {
            real = options::choice(name, &[("real", true), ("paused", false)], input)?;
        } else if name == "expect_crash" {
            expect_crash = options::flag(name, input)?;
        } else {
            time_limit = Some(options::value::<DurationLit>(name, "\"48h\"", input)?);
        }
        Ok(())
    });
    if let Some(limit) = time_limit.filter(|_| real) {
        let help = "remove it, or run the test on a paused clock";
        errors.add(diag::error(limit.span, "`time_limit` needs the paused clock", help));
    }
    let Some(mut function) = parse("test", item.clone(), &mut errors) else {
        return fallback::item(&item, &errors);
    };
    if let Some(plain) = attr::take(&mut function.attrs, "test") {
        errors.push_help(plain, "`#[test]` cannot be combined with `#[greenroom::test]`", "remove `#[test]`");
    }
    if !check("test", &function, &mut errors) {
        return fallback::function(&function, &errors);
    }
    let private = private();
    let clock = if real { quote!(Real) } else { quote!(Paused) };
    let time_limit = match time_limit.map(DurationLit::tokens) {
        Some(limit) => quote!(::core::option::Option::Some(#limit)),
        None => quote!(::core::option::Option::None),
    };
    let options = quote! {
        #private::TestOptions { clock: #private::TestClock::#clock, expect_crash: #expect_crash, time_limit: #time_limit }
    };
    let Parts { attrs, vis, name, inner, call } = Parts::of(&function);
    quote! {
        #[::core::prelude::v1::test]
        #(#attrs)*
        #vis fn #name() {
            #inner
            #private::test(#options, #call);
        }
        #errors
    }
}

fn parse(attribute: &str, item: TokenStream, errors: &mut Errors) -> Option<ItemFn> {
    match errors.record(syn::parse2::<Item>(item))? {
        Item::Fn(function) => Some(function),
        other => {
            errors.push(attr::first_token(&other), format!("`#[greenroom::{attribute}]` expects an `async fn`"));
            None
        }
    }
}

fn check(attribute: &str, function: &ItemFn, errors: &mut Errors) -> bool {
    let sig = &function.sig;
    let before = errors.count();
    if sig.asyncness.is_none() {
        errors.push_help(
            sig.fn_token,
            format!("`#[greenroom::{attribute}]` expects an `async fn`"),
            "add `async` before `fn`",
        );
    }
    if let Some(input) = sig.inputs.first() {
        errors.push(input, format!("a `#[greenroom::{attribute}]` function cannot have parameters"));
    }
    if let Some(param) = sig.generics.params.first() {
        errors.push(param, format!("a `#[greenroom::{attribute}]` function cannot be generic"));
    }
    errors.count() == before
}

/// The parts of the generated function.
struct Parts<'a> {
    attrs: &'a [Attribute],
    vis: &'a syn::Visibility,
    name: &'a syn::Ident,
    /// The user's function, without its attributes and visibility: those are on the generated one.
    inner: TokenStream,
    /// The call of the user's function, at the span of its return type: rustc reports an unsuitable type there.
    call: TokenStream,
}

impl Parts<'_> {
    fn of(function: &ItemFn) -> Parts<'_> {
        let ItemFn { attrs, vis, sig, block, .. } = function;
        let name = &sig.ident;
        let call = match &sig.output {
            ReturnType::Type(_, ty) => quote_spanned!(ty.span()=> #name()),
            ReturnType::Default => quote!(#name()),
        };
        Parts { attrs, vis, name, inner: quote!(#sig #block), call }
    }
}
