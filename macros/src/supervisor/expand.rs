//! The tree's stub, and the specification by which the runtime starts, restarts and stops the children.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Generics, Type, parse_quote};

use super::model::{Child, Flags, Model, Shutdown};
use crate::names::{self, local, param, private, private_at};
use crate::tokens;

/// Everything but the struct.
pub(super) fn expand(model: &Model) -> TokenStream {
    let stub = stub(model);
    let tree = tree(model);
    let starts = starts(model);
    quote!(#stub #tree #starts)
}

/// The generics of every generated item: a tree is shared with its children's processes.
fn generics(model: &Model) -> Generics {
    let private = private();
    let bounds = quote!(::core::marker::Send + ::core::marker::Sync + 'static);
    let mut generics = tokens::bounded(&model.generics, &bounds);
    if is_generic(model) {
        let clause = generics.make_where_clause();
        for child in model.children.iter().filter(|child| child.cfgs.is_empty()) {
            let ty = &child.ty;
            clause.predicates.push(parse_quote!(#ty: #private::Actor));
        }
    }
    generics
}

fn is_generic(model: &Model) -> bool {
    model.generics.type_params().next().is_some()
}

/// The stub type of a child's actor.
fn reference(ty: &Type) -> TokenStream {
    let private = private_at(ty.span());
    quote_spanned!(ty.span()=> #private::Ref<#ty>)
}

fn stub(model: &Model) -> TokenStream {
    let private = private();
    let Model { cfgs, vis, ident, stub, .. } = model;
    let name = stub.unraw().to_string();
    let generics = generics(model);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let intro = format!(" The running [`{}`]: a stub for each child.", ident.unraw());
    let marker = is_generic(model).then(|| {
        let types = model.generics.type_params().map(|param| &param.ident);
        quote!(__marker: ::core::marker::PhantomData<fn() -> (#(#types,)*)>,)
    });
    let marker_value = is_generic(model).then(|| quote!(__marker: ::core::marker::PhantomData,));
    let fields = model.children.iter().map(|Child { cfgs, name, ty, .. }| {
        let reference = reference(ty);
        quote!(#(#cfgs)* #name: #reference)
    });
    let clones = model
        .children
        .iter()
        .map(|Child { cfgs, name, .. }| quote!(#(#cfgs)* #name: ::core::clone::Clone::clone(&self.#name)));
    let out = local("out");
    let shown = model.children.iter().map(|Child { cfgs, name, .. }| {
        let text = name.unraw().to_string();
        quote!(#(#cfgs)* #out.field(#text, &self.#name);)
    });
    let methods = model.children.iter().map(|child| accessor(model, child));
    let f = param("f");
    quote! {
        #(#cfgs)*
        #[doc = #intro]
        #[allow(dead_code, private_interfaces, unreachable_pub)]
        #vis struct #stub #generics #where_clause {
            __supervisor: #private::SupervisorRef,
            #(#fields,)*
            #marker
        }

        #(#cfgs)*
        #[allow(dead_code, private_interfaces, unreachable_pub)]
        impl #impl_generics #stub #ty_generics #where_clause {
            #(#methods)*
        }

        #(#cfgs)*
        #[automatically_derived]
        impl #impl_generics ::core::clone::Clone for #stub #ty_generics #where_clause {
            fn clone(&self) -> Self {
                Self {
                    __supervisor: ::core::clone::Clone::clone(&self.__supervisor),
                    #(#clones,)*
                    #marker_value
                }
            }
        }

        #(#cfgs)*
        #[automatically_derived]
        impl #impl_generics ::core::fmt::Debug for #stub #ty_generics #where_clause {
            fn fmt(&self, #f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                let mut #out = ::core::fmt::Formatter::debug_struct(#f, #name);
                #(#shown)*
                #out.finish()
            }
        }

        #(#cfgs)*
        #[automatically_derived]
        impl #impl_generics #private::TreeStub for #stub #ty_generics #where_clause {
            fn supervisor(&self) -> &#private::SupervisorRef {
                &self.__supervisor
            }
        }
    }
}

/// The method that gives a child's stub.
fn accessor(model: &Model, child: &Child) -> TokenStream {
    let vis = &model.vis;
    let Child { cfgs, docs, name, ty, .. } = child;
    let reference = reference(ty);
    let prose = if tokens::has_prose(docs) {
        quote! {
            #(#docs)*
            ///
            /// The stub follows the child across restarts.
        }
    } else {
        let prose = format!(" The child `{}`, followed across restarts.", name.unraw());
        quote!(#(#docs)* #[doc = #prose])
    };
    quote! {
        #(#cfgs)*
        #prose
        #vis fn #name(&self) -> #reference {
            ::core::clone::Clone::clone(&self.#name)
        }
    }
}

fn tree(model: &Model) -> TokenStream {
    let private = private();
    let Model { cfgs, ident, stub, flags, .. } = model;
    let generics = generics(model);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let flags = flag_fields(flags);
    let (this, children) = (local("this"), local("children"));
    let planted = model.children.iter().map(|child| plant(child, &this, &children));
    let marker = is_generic(model).then(|| quote!(__marker: ::core::marker::PhantomData,));
    // A tree without children starts nothing that could need `this`.
    let unused = model.children.iter().all(|child| !child.cfgs.is_empty()).then(|| quote!(let _ = #this;));
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        #[allow(clippy::needless_update)]
        impl #impl_generics #private::Tree for #ident #ty_generics #where_clause {
            type Ref = #stub #ty_generics;
            const FLAGS: #private::Flags = #private::Flags {
                #(#flags,)*
                ..#private::Flags::DEFAULT
            };
            fn plant(#this: &::std::sync::Arc<Self>, #children: &mut #private::Children) -> Self::Ref {
                #unused
                #stub {
                    __supervisor: #private::Children::supervisor(#children),
                    #(#planted,)*
                    #marker
                }
            }
        }
    }
}

fn flag_fields(flags: &Flags) -> Vec<TokenStream> {
    let private = private();
    let mut fields = Vec::new();
    if let Some(strategy) = flags.strategy {
        let strategy = Ident::new(strategy, Span::call_site());
        fields.push(quote!(strategy: #private::Strategy::#strategy));
    }
    if let Some(intensity) = &flags.intensity {
        fields.push(quote!(intensity: #intensity));
    }
    if let Some(period) = flags.period {
        let period = period.tokens();
        fields.push(quote!(period: #period));
    }
    fields
}

fn plant(child: &Child, this: &Ident, children: &Ident) -> TokenStream {
    let private = private();
    let Child { cfgs, name, ty, restart, shutdown, .. } = child;
    let start = names::start(name);
    let text = name.unraw().to_string();
    let restart = restart.map(|restart| {
        let restart = Ident::new(restart, Span::call_site());
        quote!(restart: #private::Restart::#restart,)
    });
    let shutdown = shutdown.as_ref().map(|shutdown| {
        let shutdown = match shutdown {
            Shutdown::Kill => quote!(Kill),
            Shutdown::Forever => quote!(Forever),
            Shutdown::After(time) => {
                let time = time.tokens();
                quote!(After(#time))
            }
        };
        quote!(shutdown: #private::Shutdown::#shutdown,)
    });
    let child = quote_spanned!(ty.span()=> #private::Children::child::<#ty>);
    let tree = local("tree");
    quote! {
        #(#cfgs)*
        #name: {
            let #tree = ::core::clone::Clone::clone(#this);
            #child(
                #children,
                #private::ChildOptions { name: #text, #restart #shutdown ..#private::ChildOptions::DEFAULT },
                move || Self::#start(&#tree),
            )
        }
    }
}

/// The functions that make the children, where `self` is the tree.
fn starts(model: &Model) -> TokenStream {
    let Model { cfgs, ident, .. } = model;
    let generics = generics(model);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let functions = model.children.iter().map(|child| {
        let Child { cfgs, name, ty, start, .. } = child;
        let function = names::start(name);
        let body = match start {
            Some(start) => quote!(#start),
            None => quote_spanned!(ty.span()=> <#ty as ::core::default::Default>::default()),
        };
        quote! {
            #(#cfgs)*
            #[doc(hidden)]
            fn #function(&self) -> #ty {
                #body
            }
        }
    });
    quote! {
        #(#cfgs)*
        #[allow(clippy::unused_self)]
        impl #impl_generics #ident #ty_generics #where_clause {
            #(#functions)*
        }
    }
}
