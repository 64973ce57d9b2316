//! `#[actor(upgrade)]` on a struct, and functions with `#[upgrade]` on an impl: the state of a process as bytes, and its
//! conversion from earlier forms.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Attribute, FnArg, ImplItemFn, ReturnType, Type};

use super::declaration::{Declaration, with_portable_state};
use super::options::ActorOptions;
use super::params::{Owner, check_value};
use crate::diag::Errors;
use crate::names::{local, private, private_at};
use crate::syntax::{attr, self_type};

/// A function with `#[upgrade]`.
pub(super) struct Upgrade {
    pub(super) cfgs: Vec<Attribute>,
    pub(super) name: Ident,
    /// The type of the earlier state.
    pub(super) old: Type,
    pub(super) output: Type,
}

impl Upgrade {
    /// Returns whether the function has `#[upgrade]`.
    pub(super) fn is_one(method: &ImplItemFn) -> bool {
        method.attrs.iter().any(|attr| attr::is(attr, "upgrade"))
    }

    /// Parses the function, and removes the attribute. Returns `None` after an error.
    pub(super) fn parse(method: &mut ImplItemFn, owner: Owner<'_>, errors: &mut Errors) -> Option<Upgrade> {
        let before = errors.count();
        if let Some(attribute) = attr::take_one(&mut method.attrs, "upgrade", errors) {
            attr::expect_no_arguments(&attribute, errors);
        }
        let sig = &method.sig;
        let help = "write `fn from_v1(old: RoomV1) -> Self`, or return a `Result<Self, Exit>`";
        if let Some(receiver) = sig.receiver() {
            errors.push_help(receiver, "an `#[upgrade]` function makes the actor, and has no `self`", help);
        }
        if let Some(token) = &sig.asyncness {
            errors.push_help(token, "an `#[upgrade]` function cannot be `async`", "remove `async`");
        }
        if let Some(generic) = sig.generics.params.first() {
            let help = "use the concrete type of the earlier state";
            errors.push_help(generic, "an `#[upgrade]` function cannot be generic", help);
        }
        if let syn::Safety::Unsafe(token) = &sig.safety {
            errors.push(token, "an `#[upgrade]` function cannot be `unsafe`: greenroom calls it");
        }
        let mut olds = sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(&*typed.ty),
            FnArg::Receiver(_) => None,
        });
        let old = olds.next().cloned();
        if old.is_none() && errors.count() == before {
            errors.push_help(&sig.ident, "an `#[upgrade]` function needs a parameter for the earlier state", help);
        }
        if let Some(second) = olds.next() {
            errors.push_help(second, "an `#[upgrade]` function has one parameter, the earlier state", help);
        }
        let ReturnType::Type(_, output) = &sig.output else {
            errors.push_help(&sig.ident, "an `#[upgrade]` function makes the actor, and has to return it", help);
            return None;
        };
        let (mut old, mut output) = (old?, (**output).clone());
        let is_value = check_value(&old, ("the parameter of an `#[upgrade]` function", "be"), false, errors);
        if !is_value || errors.count() > before {
            return None;
        }
        self_type::replace_self(&mut old, owner.self_ty);
        self_type::replace_self(&mut output, owner.self_ty);
        Some(Upgrade { cfgs: attr::cfgs(&method.attrs), name: sig.ident.clone(), old, output })
    }
}

/// Generates `impl Portable` for the struct.
pub(super) fn declare(declaration: &Declaration<'_>, options: &ActorOptions, word: &Ident) -> TokenStream {
    let Declaration { ident, generics, attrs, .. } = declaration;
    let (private, cfgs, kind) = (private(), attr::cfgs(attrs), ident.unraw().to_string());
    let old = local("old");
    let (_, ty_generics, _) = generics.split_for_impl();
    let declared = with_portable_state(declaration, options);
    let mut name = quote!(::std::string::String::from(#kind));
    if generics.type_params().next().is_some() {
        let types = generics.type_params().map(|param| &param.ident);
        name = quote!(#private::generic_name(#kind, &[#(::core::any::type_name::<#types>()),*]));
    }
    let (impl_generics, _, where_clause) = declared.split_for_impl();
    let portable = {
        let private = private_at(word.span());
        quote_spanned!(word.span()=> #private::Portable)
    };
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        impl #impl_generics #portable for #ident #ty_generics #where_clause {
            fn __name() -> ::std::string::String {
                #name
            }
            fn __upgrade(
                #old: &#private::OldState<'_>,
            ) -> ::core::option::Option<::core::result::Result<Self, #private::Exit>> {
                #[allow(unused_imports)]
                use #private::NoUpgrade as _;
                <#ident #ty_generics>::__upgrade_functions(#old)
            }
        }
    }
}
