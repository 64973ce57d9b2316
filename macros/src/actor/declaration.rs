//! `#[actor]` on a struct or an enum: `impl DeclaredActor` with the options, and `impl Actor` if `protocol = ..` is among
//! them. Without it the actor's `#[actor]` impl defines the protocol and generates `impl Actor`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, Generics, Type, parse_quote};

use super::options::{ActorOptions, Name};
use crate::diag::Errors;
use crate::names::{private, private_at};
use crate::syntax::{attr, generics};

/// The struct or the enum.
pub(super) struct Declaration<'a> {
    pub(super) ident: &'a Ident,
    pub(super) generics: &'a Generics,
    pub(super) attrs: &'a [Attribute],
}

/// Adds an error for every option that cannot be combined with the others or with the type, and removes `sys` in that
/// case. Returns false if the type cannot be an actor.
pub(super) fn check(declaration: &Declaration<'_>, options: &mut ActorOptions, errors: &mut Errors) -> bool {
    if let (Some((word, _)), None) = (&options.overflow, &options.mailbox) {
        errors.push_help(word, "`overflow` needs a bounded mailbox", "add `mailbox = 1024`");
    }
    if let (Some((word, _)), None) = (&options.otherwise, &options.upgrade) {
        errors.push_help(
            word,
            "`otherwise` needs the option `upgrade`",
            "write `upgrade` before it: a state that is not handed over restarts its process, or refuses the upgrade",
        );
    }
    if let Some(word) = options.sys.take_if(|_| options.protocol.is_some()) {
        errors.push_help(
            &word,
            "`sys` cannot be combined with `protocol`",
            "remove `sys`, or replace `protocol` by an `#[actor]` impl: only servers made from methods have it",
        );
    }
    if declaration.generics.type_params().next().is_some()
        && let Some(word) = options.sys.take()
    {
        errors.push_help(
            &word,
            "`sys` cannot be used on a generic actor",
            "remove `sys`; it needs `Debug`, which the type parameters may lack",
        );
    }
    !generics::reject_lifetimes("an actor", declaration.generics, errors)
}

/// Generates everything but the struct.
pub(super) fn expand(declaration: &Declaration<'_>, options: &ActorOptions) -> TokenStream {
    let private = private();
    let Declaration { ident, attrs, .. } = declaration;
    let cfgs = attr::cfgs(attrs);
    let declared = with_portable_state(declaration, options);
    let (impl_generics, ty_generics, where_clause) = declared.split_for_impl();
    let kind = ident.unraw().to_string();
    let (name, name_of_actor) = match &options.name {
        Some(Name::Literal(name)) => (Some(quote!(name: ::core::option::Option::Some(#name),)), None),
        Some(Name::OfActor(name)) => (None, Some(name_of_actor(name))),
        None => (None, None),
    };
    let trap_exit = options.trap_exit.then(|| quote!(trap_exit: true,));
    let mailbox = options.mailbox.as_ref().map(|capacity| quote!(mailbox: ::core::option::Option::Some(#capacity),));
    let overflow = options.overflow.as_ref().map(|(word, policy)| {
        let policy = Ident::new(policy, word.span());
        quote!(overflow: #private::Overflow::#policy,)
    });
    let sys = options.sys.as_ref().map(|_| quote!(sys: true,));
    let portability = options.upgrade.as_ref().map(|_| {
        let otherwise = options.otherwise.as_ref().map_or("Restart", |(_, choice)| choice);
        let otherwise = Ident::new(otherwise, Span::call_site());
        quote! {
            portability: ::core::option::Option::Some(
                #private::Portability::of::<Self>(#private::Otherwise::#otherwise),
            ),
        }
    });
    let state = options.sys.as_ref().map(|word| {
        let private = private_at(word.span());
        let state = quote_spanned!(word.span()=> <Self as #private::DebugState>::STATE);
        quote!(const STATE: ::core::option::Option<#private::StateFn<Self>> = ::core::option::Option::Some(#state);)
    });
    let cast = match (&options.mailbox, &options.overflow) {
        (None, _) => quote!(Cast),
        (Some(_), Some((_, policy))) if matches!(*policy, "DropNewest" | "DropOldest") => quote!(Cast),
        (Some(_), _) => quote!(BoundedCast),
    };
    let given = if options.protocol.is_some() { quote!(#private::ProtocolGiven) } else { quote!(()) };
    let export = export(declaration);
    let actor = options.protocol.as_ref().map(|protocol| actor(protocol, options, declaration));
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        #[allow(clippy::needless_update)]
        #[doc(hidden)]
        impl #impl_generics #private::DeclaredActor for #ident #ty_generics #where_clause {
            type ProtocolGiven = #given;
            type Cast = #private::#cast;
            const OPTIONS: #private::Options = #private::Options {
                kind: #kind,
                #name
                #trap_exit
                #mailbox
                #overflow
                #sys
                #portability
                ..#private::Options::DEFAULT
            };
            #state
            #name_of_actor
        }
        #actor
        #export
    }
}

/// Returns the generics of an impl that needs the actor's state to be portable, if the actor has `upgrade`. Without type
/// parameters it is, or the struct has an error.
pub(super) fn with_portable_state(declaration: &Declaration<'_>, options: &ActorOptions) -> Generics {
    let Declaration { ident, generics, .. } = declaration;
    let mut declared: Generics = (*generics).clone();
    if options.upgrade.is_some() && generics.type_params().next().is_some() {
        let private = private();
        let (_, ty_generics, _) = generics.split_for_impl();
        declared.make_where_clause().predicates.push(parse_quote!(#ident #ty_generics: #private::StateType));
    }
    declared
}

/// Generates `impl Export`.
fn export(declaration: &Declaration<'_>) -> TokenStream {
    let private = private();
    let Declaration { ident, generics, attrs, .. } = declaration;
    let cfgs = attr::cfgs(attrs);
    let mut bounded = (*generics).clone();
    let (_, ty_generics, _) = generics.split_for_impl();
    if generics.type_params().next().is_some() {
        let clause = bounded.make_where_clause();
        clause
            .predicates
            .push(parse_quote!(#ident #ty_generics: #private::RemoteConstructor<Actor = #ident #ty_generics>));
    }
    let (impl_generics, _, where_clause) = bounded.split_for_impl();
    quote! {
        #private::if_net! {
            #(#cfgs)*
            #[automatically_derived]
            #[doc(hidden)]
            impl #impl_generics #private::Export for #ident #ty_generics #where_clause {
                fn __export<__E: #private::AddExport>(exports: &mut __E) {
                    #[allow(unused_imports)]
                    use #private::{NoConstructors as _, NotExported as _};
                    #private::ExportProbe::<Self>::new().__export(exports);
                    <Self>::__export_constructors(exports);
                }
            }
        }
    }
}

/// Generates the function that returns the name of a type with type parameters.
pub(super) fn type_name(kind: &Ident, generics: &Generics) -> Option<TokenStream> {
    let private = private();
    generics.type_params().next()?;
    let (kind, types) = (kind.unraw().to_string(), generics.type_params().map(|param| &param.ident));
    Some(quote! {
        fn __type_name() -> ::std::string::String {
            #private::generic_name(#kind, &[#(::core::any::type_name::<#types>()),*])
        }
    })
}

/// Generates the function that returns the name of one process.
fn name_of_actor(name: &Expr) -> TokenStream {
    let string = quote_spanned!(name.span()=> ::std::string::String);
    quote! {
        fn name(&self) -> ::core::option::Option<::std::string::String> {
            ::core::option::Option::Some(<#string as ::core::convert::From<_>>::from(#name))
        }
    }
}

fn actor(protocol: &Type, options: &ActorOptions, declaration: &Declaration<'_>) -> TokenStream {
    let private = private();
    let Declaration { ident, attrs, .. } = declaration;
    let cfgs = attr::cfgs(attrs);
    let declared = with_portable_state(declaration, options);
    let mut generics = generics::with_bounds(&declared, &quote!(::core::marker::Send + 'static));
    if generics.type_params().next().is_some() {
        // The bounds on the protocol's type parameters are known where it is defined, not here.
        let clause = generics.make_where_clause();
        clause.predicates.push(parse_quote!(#protocol: #private::Stubbed));
        if options.trap_exit {
            clause.predicates.push(parse_quote!(#protocol: #private::Receives<#private::ExitSignal>));
        }
    }
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let mut constant = quote!(<Self as #private::DeclaredActor>::OPTIONS);
    if options.trap_exit {
        let private = private_at(protocol.span());
        let traps_exit = quote_spanned!(protocol.span()=> #private::traps_exit::<#protocol>);
        constant = quote!(#traps_exit(#constant));
    }
    let protocol = quote_spanned!(protocol.span()=> type Protocol = #protocol;);
    let type_name = type_name(ident, declaration.generics);
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        impl #impl_generics #private::Actor for #ident #ty_generics #where_clause {
            #protocol
            #[doc(hidden)]
            const OPTIONS: #private::Options = #constant;
            #type_name
            fn __name(&self) -> ::core::option::Option<::std::string::String> {
                <Self as #private::DeclaredActor>::name(self)
            }
        }
    }
}
