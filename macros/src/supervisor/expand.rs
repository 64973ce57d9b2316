//! The tree's stub, and the specification by which the runtime starts, restarts and stops the children.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Generics, parse_quote};

use super::model::{Child, Kind, Model, SupervisorOptions};
use crate::names::{self, local, param, private, private_at};
use crate::syntax::{attr, generics, types};

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
    let mut generics = generics::with_bounds(&model.generics, &bounds);
    if is_generic(model) {
        let clause = generics.make_where_clause();
        for child in model.children.iter().filter(|child| child.cfgs.is_empty()) {
            let ty = &child.ty;
            let kind = kind(child);
            clause.predicates.push(parse_quote!(#ty: #private::#kind));
        }
    }
    generics
}

fn is_generic(model: &Model) -> bool {
    model.generics.type_params().next().is_some()
}

/// The trait that has a child's functions. Each is called by its path, at the type: so what the compiler says of a
/// type that can be no child is the same everywhere, and said once.
fn kind(child: &Child) -> Ident {
    Ident::new(if child.kind == Kind::Supervisor { "Subtree" } else { "Child" }, Span::call_site())
}

fn function(child: &Child, name: &str) -> TokenStream {
    let (ty, kind) = (&child.ty, kind(child));
    let private = private_at(ty.span());
    let name = Ident::new(name, ty.span());
    quote_spanned!(ty.span()=> <#ty as #private::#kind>::#name)
}

/// The type through which a child is reached.
fn reference(child: &Child) -> TokenStream {
    let ty = &child.ty;
    let (first, last) = types::first_and_last_span(ty);
    let private = private_at(first);
    let close = quote_spanned!(last=> >);
    match child.kind {
        Kind::Worker => quote_spanned!(first=> #private::ChildStub<#ty #close),
        Kind::Supervisor => quote_spanned!(first=> #private::SubtreeStub<#ty #close),
        Kind::Dynamic => {
            let again = again(child);
            quote_spanned!(first=> #private::Dynamic<#ty, #private::#again #close)
        }
    }
}

/// Whether a dynamic child lives once or again.
fn again(child: &Child) -> Ident {
    let word = if child.restart == Some("Temporary") { "OneShot" } else { "Restartable" };
    Ident::new(word, Span::call_site())
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
        quote!(#[doc(hidden)] __marker: ::core::marker::PhantomData<fn() -> (#(#types,)*)>,)
    });
    let marker_value = is_generic(model).then(|| quote!(__marker: ::core::marker::PhantomData,));
    let fields = model.children.iter().map(|child| {
        let Child { cfgs, name, .. } = child;
        let kept = if child.kind == Kind::Dynamic { reference(child) } else { quote!(#private::StoredStub) };
        quote!(#(#cfgs)* #[doc(hidden)] #name: #kept)
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
            #[doc(hidden)]
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
    let Child { cfgs, docs, name, .. } = child;
    let reference = reference(child);
    let follows = match child.kind {
        Kind::Worker => " The stub follows the child across restarts.",
        Kind::Supervisor => " Its stubs follow their children across restarts, also its own.",
        Kind::Dynamic => " Starts children of this kind, and looks after them.",
    };
    let prose = if attr::has_doc_text(docs) {
        quote!(#(#docs)* #[doc = ""] #[doc = #follows])
    } else {
        let prose = format!(" The child `{}`, followed across restarts.", name.unraw());
        quote!(#(#docs)* #[doc = #prose])
    };
    let stub = if child.kind == Kind::Dynamic {
        quote!(::core::clone::Clone::clone(&self.#name))
    } else {
        let private = private();
        quote!(#private::StoredStub::get(&self.#name))
    };
    quote! {
        #(#cfgs)*
        #prose
        #vis fn #name(&self) -> #reference {
            #stub
        }
    }
}

fn tree(model: &Model) -> TokenStream {
    let private = private();
    let Model { cfgs, ident, stub, flags, .. } = model;
    let generics = generics(model);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let text = ident.unraw().to_string();
    let flags = flags_value(flags);
    let (this, children, cells) = (local("this"), local("children"), local("cells"));
    let stubs = model.children.iter().map(|child| child_stub(child, &cells));
    let planted = model.children.iter().map(|child| plant(child, &this, &children));
    let marker = is_generic(model).then(|| quote!(__marker: ::core::marker::PhantomData,));
    // A tree without children starts nothing that could need these.
    let unused = model.children.iter().all(|child| !child.cfgs.is_empty() || child.kind == Kind::Dynamic);
    let unused = unused.then(|| quote!(let _ = (#this, &mut *#children);));
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        #[allow(clippy::needless_update)]
        impl #impl_generics #private::Tree for #ident #ty_generics #where_clause {
            type Ref = #stub #ty_generics;
            const NAME: &'static str = #text;
            const OPTIONS: #private::SupervisorOptions = #flags;
            fn stubs(#cells: &#private::ChildCells) -> #stub #ty_generics {
                #stub {
                    __supervisor: #private::ChildCells::supervisor(#cells),
                    #(#stubs,)*
                    #marker
                }
            }
            fn add_children(#this: &::std::sync::Arc<Self>, #children: &mut #private::Children) {
                #unused
                #(#planted)*
            }
        }
    }
}

fn flags_value(flags: &SupervisorOptions) -> TokenStream {
    let private = private();
    let strategy = flags.strategy.map(|strategy| {
        let strategy = Ident::new(strategy, Span::call_site());
        quote!(strategy: #private::Strategy::#strategy,)
    });
    let intensity = flags.intensity.as_ref().map(|intensity| quote!(intensity: #intensity,));
    let period = flags.period.map(|period| {
        let period = period.tokens();
        quote!(period: #period,)
    });
    let auto_shutdown = flags.auto_shutdown.map(|auto_shutdown| {
        let auto_shutdown = Ident::new(auto_shutdown, Span::call_site());
        quote!(auto_shutdown: #private::AutoShutdown::#auto_shutdown,)
    });
    quote!(#private::SupervisorOptions { #strategy #intensity #period #auto_shutdown ..#private::SupervisorOptions::DEFAULT })
}

/// `#[child(..)]` as a value.
fn options_value(child: &Child) -> TokenStream {
    let private = private();
    let restart = child.restart.map(|restart| {
        let restart = Ident::new(restart, Span::call_site());
        quote!(restart: #private::Restart::#restart,)
    });
    let shutdown = child.shutdown.map(|shutdown| {
        let shutdown = shutdown.tokens();
        quote!(shutdown: #shutdown,)
    });
    let significant = child.significant.then(|| quote!(significant: true,));
    let backoff = child.backoff.map(|(min, max)| {
        let (min, max) = (min.tokens(), max.tokens());
        quote!(backoff: ::core::option::Option::Some(#private::Backoff { min: #min, max: #max }),)
    });
    let while_down = child.while_down.map(|while_down| {
        let while_down = Ident::new(while_down, Span::call_site());
        quote!(while_down: #private::WhileDown::#while_down,)
    });
    let default = if child.kind == Kind::Supervisor { quote!(SUPERVISOR) } else { quote!(DEFAULT) };
    quote! {
        #private::ChildOptions {
            #restart #shutdown #significant #backoff #while_down ..#private::ChildOptions::#default
        }
    }
}

/// The stub of a child, by its place.
fn child_stub(child: &Child, cells: &Ident) -> TokenStream {
    let private = private();
    let Child { cfgs, name, ty, kind, .. } = child;
    let text = name.unraw().to_string();
    let value = if *kind == Kind::Dynamic {
        let (again, options) = (again(child), options_value(child));
        quote!(#private::Dynamic::<#ty, #private::#again>::__new(#cells, #text, #options))
    } else {
        let stored_stub = function(child, "stored_stub");
        quote!(#stored_stub(#cells, #text))
    };
    quote!(#(#cfgs)* #name: #value)
}

/// The statement that plants a child.
fn plant(child: &Child, this: &Ident, children: &Ident) -> TokenStream {
    let Child { cfgs, name, kind, flags, .. } = child;
    let text = name.unraw().to_string();
    if *kind == Kind::Dynamic {
        let (plant, flags) = (function(child, "add_dynamic"), flags_value(flags));
        return quote!(#(#cfgs)* #plant(#children, #text, #flags););
    }
    let (start, options, plant) = (names::start(name), options_value(child), function(child, "add"));
    quote!(#(#cfgs)* #plant(#children, #text, #options, #this, Self::#start);)
}

/// The functions that make the children, where `self` is the tree.
fn starts(model: &Model) -> TokenStream {
    let Model { cfgs, ident, .. } = model;
    let generics = generics(model);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let functions = model.children.iter().filter(|child| child.kind != Kind::Dynamic).map(|child| {
        let Child { cfgs, name, ty, start, .. } = child;
        let function = names::start(name);
        let body = match start {
            Some(start) => quote!(#start),
            None => {
                let (private, made) = (private_at(ty.span()), Ident::new("__make", ty.span()));
                let kind = format_ident!("DefaultProbe{}", kind(child));
                quote_spanned! {ty.span()=>
                    #[allow(unused_imports)]
                    use #private::{#kind as _, DefaultProbeOther as _};
                    (&#private::DefaultProbe::<#ty>::NEW).#made()
                }
            }
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
