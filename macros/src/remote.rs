//! `#[remote]`: a function that other nodes can call. It stays as it is, and gets a module of its name with the type that
//! is exported and the function that calls it.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, FnArg, Item, ItemFn, Pat, ReturnType, Type, Visibility, parse_quote};

use crate::diag::Errors;
use crate::fallback;
use crate::names::{self, nth, param, private, private_at};
use crate::syntax::unsendable::Unsendable;
use crate::syntax::{attr, options, visibility};

/// The function.
struct Model {
    cfgs: Vec<Attribute>,
    docs: Vec<Attribute>,
    vis: Visibility,
    name: Ident,
    is_async: bool,
    params: Vec<(Ident, Type)>,
    output: Type,
}

/// Expands the attribute.
pub(crate) fn remote(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    options::parse("#[remote]", attribute, &[], &mut errors, |_, _| Ok(()));
    let function = match errors.record(syn::parse2::<Item>(item.clone())) {
        Some(Item::Fn(function)) => function,
        Some(other) => {
            errors.push_help(
                attr::first_token(&other),
                "`#[remote]` expects a function",
                "to let other nodes start an actor, export it: `Node::builder(..).export::<Render>()`",
            );
            return fallback::item(&item, &errors);
        }
        None => return fallback::item(&item, &errors),
    };
    let generated = Model::parse(&function, &mut errors).map(|model| model.expand());
    quote!(#function #generated #errors)
}

impl Model {
    /// Parses the function. Returns `None` after an error.
    fn parse(function: &ItemFn, errors: &mut Errors) -> Option<Model> {
        let (sig, before) = (&function.sig, errors.count());
        if let Some(receiver) = sig.receiver() {
            errors.push_help(
                receiver,
                "a `#[remote]` function cannot be a method",
                "move it out of the impl; to call a process on another node, send it a message",
            );
        }
        if let Some(generic) = sig.generics.params.first() {
            errors.push_help(generic, "a `#[remote]` function cannot be generic", "use a concrete type");
        }
        if let syn::Safety::Unsafe(token) = &sig.safety {
            errors.push(token, "a `#[remote]` function cannot be `unsafe`: other nodes call it");
        }
        let mut params = Vec::new();
        let count = sig.inputs.len();
        if let Some(many) = sig.inputs.iter().nth(12) {
            errors.push_help(many, "a `#[remote]` function has at most 12 parameters", "put them into a struct");
        }
        for (index, input) in sig.inputs.iter().enumerate() {
            let FnArg::Typed(typed) = input else { continue };
            let name = match &*typed.pat {
                Pat::Ident(pattern) => pattern.ident.clone(),
                _ => names::argument(index, count),
            };
            check(&typed.ty, "a parameter of a `#[remote]` function", errors);
            if let Some(conditional) = typed.attrs.iter().find(|attr| attr.path().is_ident("cfg")) {
                errors.push_help(
                    conditional,
                    "a parameter of a `#[remote]` function cannot depend on a feature",
                    "move the `#[cfg]` to the function: two programs with different features call each other",
                );
            }
            params.push((name, (*typed.ty).clone()));
        }
        let output = match &sig.output {
            ReturnType::Type(_, ty) => (**ty).clone(),
            ReturnType::Default => parse_quote!(()),
        };
        check(&output, "the answer of a `#[remote]` function", errors);
        (errors.count() == before).then(|| Model {
            cfgs: attr::cfgs(&function.attrs),
            docs: attr::docs(&function.attrs),
            vis: function.vis.clone(),
            name: sig.ident.clone(),
            is_async: sig.asyncness.is_some(),
            params,
            output,
        })
    }

    fn expand(&self) -> TokenStream {
        let Model { cfgs, docs, vis, name, params, output, .. } = self;
        let private = private();
        let text = name.unraw().to_string();
        let message = format!("{text}::on");
        // The module itself has the function's visibility.
        let inner_vis = if visibility::reach(vis) == 0 { quote!(pub(super)) } else { quote!(pub) };
        let (names, types): (Vec<_>, Vec<_>) = params.iter().map(|(name, ty)| (name, ty)).unzip();
        let node = param("node");
        let indexes: Vec<usize> = (0..names.len()).collect();
        let texts = names.iter().map(|name| name.unraw().to_string().trim_start_matches('_').to_owned());
        let bindings: Vec<Ident> = (0..params.len()).map(|index| nth("argument", index)).collect();
        let call = quote!(#name(#(#bindings),*));
        let future = if self.is_async { call } else { quote!(async move { #call }) };
        // At the span of the function's name rustc reports that the future is not `Send`.
        let send = quote_spanned!(name.span()=> ::core::marker::Send);
        // At the span of the return type rustc reports that it cannot be sent.
        let call_on = {
            let private = private_at(output.span());
            quote_spanned!(output.span()=> #private::call_on::<Remote, _>)
        };
        let args = {
            let span = types.first().map_or_else(|| name.span(), Spanned::span);
            quote_spanned!(span=> (#(#types,)*))
        };
        let param_types = indexes.iter().zip(&types).map(|(index, ty)| {
            quote! {
                #(#cfgs)*
                #[automatically_derived]
                #[allow(private_interfaces)]
                impl #private::RemoteParam<#index> for #name::Remote {
                    type Type = #ty;
                }
            }
        });
        let intro = format!(" Calls [`{text}`](fn@super::{text}) on other nodes.");
        let marker = format!(" The function [`{text}`](fn@super::{text}), to be exported.");
        let items = quote! {
            #(#cfgs)*
            #[doc = #intro]
            #vis mod #name {
                #[doc = #marker]
                #[derive(Clone, Copy, Debug)]
                #[allow(unreachable_pub)]
                #inner_vis struct Remote;

                #(#docs)*
                ///
                /// The function is called on the node.
                #[allow(unreachable_pub, private_interfaces, dead_code, clippy::too_many_arguments)]
                #[track_caller]
                #inner_vis fn on(
                    #node: impl ::core::convert::AsRef<str>,
                    #(#names: <Remote as #private::RemoteParam<#indexes>>::Type),*
                ) -> #private::RemoteCall<<Remote as #private::RemoteFunction>::Output> {
                    #call_on(::core::convert::AsRef::as_ref(&#node), (#(#names,)*))
                }
            }

            #(#param_types)*

            #(#cfgs)*
            #[automatically_derived]
            #[allow(private_interfaces, deprecated)]
            impl #private::RemoteFunction for #name::Remote {
                const NAME: &'static str = #text;
                const __CALL: &'static #private::CallName =
                    &#private::CallName { protocol: #text, message: #message };
                const __PARAMS: &'static [&'static str] = &[#(#texts),*];
                type Args = #args;
                type Output = #output;

                fn __call(
                    (#(#bindings,)*): (#(#types,)*),
                ) -> impl ::core::future::Future<Output = #output> + #send {
                    #future
                }
            }
        };
        quote!(#private::need_net! { "`#[remote]`" #items })
    }
}

/// Reports a type that cannot be sent to another node.
fn check(ty: &Type, owner: &str, errors: &mut Errors) {
    if let Type::ImplTrait(ty) = ty {
        errors.push_help(ty, format!("{owner} cannot be `impl Trait`"), "use a concrete type");
    } else if let Some(unsendable) = Unsendable::find(ty, false) {
        unsendable.report(owner, errors);
    }
}
