//! `#[greenroom::main]` and `#[greenroom::test]`: an `async fn` inside a plain one that brings a node.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Item, ItemFn, ReturnType};

use crate::diag::Errors;
use crate::fallback;
use crate::names::private;
use crate::syntax::duration::Shutdown;
use crate::syntax::{attr, options};

/// `#[greenroom::main]`.
pub(crate) fn main(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut shutdown = None;
    options::parse("#[greenroom::main]", attr, &["shutdown"], &mut errors, |name, input| {
        shutdown = Some(Shutdown::parse(name, input)?);
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
    let shutdown = shutdown.map_or_else(|| quote!(#private::SHUTDOWN), Shutdown::tokens);
    let Parts { attrs, vis, name, inner, call } = Parts::of(&function);
    quote! {
        #(#attrs)*
        #vis fn #name() -> ::std::process::ExitCode {
            #inner
            #private::main(#shutdown, #call)
        }
        #errors
    }
}

/// `#[greenroom::test]`.
pub(crate) fn test(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut real = false;
    options::parse("#[greenroom::test]", attr, &["clock"], &mut errors, |name, input| {
        real = options::choice(name, &[("real", true), ("paused", false)], input)?;
        Ok(())
    });
    let Some(mut function) = parse("test", item.clone(), &mut errors) else {
        return fallback::item(&item, &errors);
    };
    if let Some(again) = attr::take(&mut function.attrs, "test") {
        errors.push(again, "`#[greenroom::test]` makes the test already: leave `#[test]` out");
    }
    if !check("test", &function, &mut errors) {
        return fallback::function(&function, &errors);
    }
    let private = private();
    let clock = if real { quote!(Real) } else { quote!(Paused) };
    let Parts { attrs, vis, name, inner, call } = Parts::of(&function);
    quote! {
        #[::core::prelude::v1::test]
        #(#attrs)*
        #vis fn #name() {
            #inner
            #private::test(#private::TestClock::#clock, #call);
        }
        #errors
    }
}

fn parse(word: &str, item: TokenStream, errors: &mut Errors) -> Option<ItemFn> {
    match errors.keep(syn::parse2::<Item>(item))? {
        Item::Fn(function) => Some(function),
        other => {
            let first: TokenStream = quote!(#other).into_iter().take(1).collect();
            errors.push(first, format!("`#[greenroom::{word}]` stands on an `async fn`"));
            None
        }
    }
}

/// What the plain function is made of.
struct Parts<'a> {
    attrs: &'a [Attribute],
    vis: &'a syn::Visibility,
    name: &'a syn::Ident,
    /// The function as it was written, without what stands on the outer one.
    inner: TokenStream,
    /// Its call: a complaint about what it returns belongs to its type.
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

fn check(word: &str, function: &ItemFn, errors: &mut Errors) -> bool {
    let sig = &function.sig;
    let mut fine = true;
    if sig.asyncness.is_none() {
        errors.push(sig.fn_token, format!("`#[greenroom::{word}]` runs an `async fn`: write `async` here"));
        fine = false;
    }
    if let Some(input) = sig.inputs.first() {
        errors.push(input, format!("`#[greenroom::{word}]` calls the function without arguments"));
        fine = false;
    }
    if let Some(param) = sig.generics.params.first() {
        errors.push(param, format!("`#[greenroom::{word}]` calls the function itself: it cannot be generic"));
        fine = false;
    }
    fine
}
